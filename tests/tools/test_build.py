"""What the build makes of many files is made anew when one of them is new,
renamed or gone, and not otherwise."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(name="tree")
def tree_fixture(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in ("tools", "migrations", "templates/starter"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize("made, folder, name, other", [
    ("build/gen/migrations.h", "migrations", "9998_one.sql", "9998_two.sql"),
    ("build/gen/starter_table.h", "templates/starter", "one.*", "two.*"),
])
def test_renamed_and_gone(tree, made, folder, name, other):
    def make():
        subprocess.run(["make", "-s", made], cwd=tree, check=True)
        return (tree / made).read_text(), (tree / made).stat().st_mtime_ns

    def files(pattern):
        return [tree / folder / pattern.replace("*", end)
                for end in (("html", "json") if "*" in pattern else ("",))]

    first, made_at = make()
    assert make() == (first, made_at)
    for file in files(name):
        file.write_text("{}")
    one, _ = make()
    assert '"one"' in one
    for old, new in zip(files(name), files(other)):
        old.rename(new)
    two, _ = make()
    assert '"two"' in two and '"one"' not in two
    for file in files(other):
        file.unlink()
    assert make()[0] == first
