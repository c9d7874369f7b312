"""`presort render`: files, partials, lines of JSON, errors with their place."""

import json
import subprocess

import pytest

from kit import places

NOW = 1704067318  # 2024-01-01T00:01:58Z


def run(*arguments, stdin=""):
    return subprocess.run([places.PRESORT, "render", *arguments], input=stdin,
                          capture_output=True, text=True, timeout=60,
                          check=False)


def answers(*jobs):
    lines = "".join(job if isinstance(job, str) else json.dumps(job) + "\n"
                    for job in jobs)
    ran = run("--ndjson", stdin=lines)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    (tmp_path / "mail.html").write_text(
        "{% render 'foot', n: name %}{{ name }}\n")
    (tmp_path / "foot.liquid").write_text("<i>{{ n }}</i>")
    (tmp_path / "data.json").write_text('{"name": "A&B"}')
    (tmp_path / "secret.liquid").write_text("secret")
    return tmp_path


def test_files(folder):
    common = ("--template", folder / "mail.html", "--data",
              folder / "data.json", "--partials", folder)
    assert run(*common).stdout == "<i>A&amp;B</i>A&amp;B\n"
    assert run(*common, "--text").stdout == "<i>A&B</i>A&B\n"


def test_errors_of_files(folder):
    mail = folder / "mail.html"
    missing = run("--template", mail)
    assert missing.returncode == 1
    assert 'line 1, column 1: there is no partial "foot"' in missing.stderr
    mail.write_text("a\n{{ b | upcse }}")
    assert "line 2, column 8: there is no filter \"upcse\"" in run(
        "--template", mail).stderr
    mail.write_text("{{ b }}")
    assert run("--template", mail).stdout == ""
    strict = run("--template", mail, "--strict")
    assert 'there is no variable "b"' in strict.stderr
    assert run("--template", folder / "none").returncode == 1
    assert run().returncode == 2


def test_no_partial_leads_out_of_the_folder(folder):
    inner = folder / "inner"
    inner.mkdir()
    mail = folder / "mail.html"
    for name in ("../secret", str(folder / "secret")):
        mail.write_text("{% include '" + name + "' %}")
        ran = run("--template", mail, "--partials", inner)
        assert ran.returncode == 1 and "secret" not in ran.stdout


def test_lines():
    assert answers(
        {"template": "{{ a }}", "data": {"a": "<"}, "escape": True},
        {"template": "{{ a }}", "data": {"a": "<"}},
        {"template": "{{ 'now' | date: '%F %R %Z' }}", "now": NOW,
         "tz": "Europe/Paris"},
        {"template": "{{ 'now' | date: '%F %R %Z' }}", "now": NOW},
        {"template": "{{ 'now' | date: '%F %R %Z' }}",
         "now": "2024-01-01T03:01:00+03:00", "strict": None},
        {"template": "{% include 'P' %}", "partials": {"p.liquid": "p{{ a }}"},
         "data": {"a": 1}},
        {"template": "{{ x }}"},
    ) == [{"output": "&lt;"}, {"output": "<"},
          {"output": "2024-01-01 01:01 CET"},
          {"output": "2024-01-01 00:01 UTC"},
          {"output": "2024-01-01 00:01 UTC"}, {"output": "p1"},
          {"output": ""}]


@pytest.mark.parametrize("name, value", [
    ("now", "soon"), ("now", []), ("now", 1e300), ("tz", 1),
    ("tz", "Nowhere"), ("tz", "/etc/passwd"), ("tz", "../../../dev/zero"), ("escape", "yes"),
    ("strict", 1), ("partials", [])])
def test_members_of_lines_that_are_wrong(name, value):
    [answer] = answers({"template": "x", name: value})
    assert answer["error"]["message"].startswith(f"{name}: expected ")


def test_long_numbers():
    line = ('{"template":"{{ a }} {{ b }}","data":{"a":123456789012345678901,'
            '"b":0.1234567890123456789}}')
    [answer] = answers(line + "\n")
    assert "error" not in answer, answer
    assert answer["output"].endswith(" 0.12345678901234568")


def test_errors_of_lines():
    bad, strict, partial, junk, number = answers(
        {"template": "a\n {{ | }}"},
        {"template": "{{ x.y }}", "strict": True},
        {"template": "{% render 'p' %}", "partials": {"p": "\n{{ 'a' | slice: nil }}"}},
        "nonsense\n", "[1]\n")
    assert bad["error"] == {"line": 2, "column": 5,
                            "message": 'expected a value, found "| }}"'}
    assert strict["error"] == {"line": 1, "column": 4,
                               "message": 'there is no variable "x.y"'}
    assert partial["error"]["partial"] == "p"
    assert (partial["error"]["line"], partial["error"]["column"]) == (2, 10)
    assert junk["error"]["line"] == 0
    assert number["error"]["message"] == "expected an object"


def test_reference_is_the_page():
    page = (places.TOP / "docs/reference/templates.md").read_text()
    assert page.endswith(run("--reference").stdout)
