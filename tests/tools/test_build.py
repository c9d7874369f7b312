"""What the build makes of many files is made anew when one of them is new,
renamed or gone, and not otherwise; what makes no sense stops it."""

import pathlib
import re
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


def test_a_rule_that_its_reply_does_not_fire_stops_the_build(tmp_path):
    """As does one without a reply: of providers' rules each proves itself."""
    known = (ROOT / "engine/pace/providers.ini").read_text(encoding="utf-8")
    rules = tmp_path / "providers.ini"

    def embed(text):
        rules.write_text(text, encoding="utf-8")
        return subprocess.run(
            ["awk", "-f", ROOT / "tools/embed-providers.awk", rules],
            capture_output=True, text=True, check=False)
    assert embed(known).returncode == 0
    first = re.search("^proof = .*$", known, re.M)[0]
    refused = embed(known.replace(first, "proof = 250 2.0.0 fine", 1))
    assert refused.returncode != 0
    assert "does not match this reply" in refused.stderr
    refused = embed(known.replace(first + "\n", "", 1))
    assert refused.returncode != 0 and "not complete" in refused.stderr
