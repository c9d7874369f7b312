"""The checks of tools/ find what they are there to find, and only that."""

import pathlib
import subprocess
import textwrap

import pytest

TOOLS = pathlib.Path(__file__).parents[2] / "tools"


def check(tmp_path, tool, path, text):
    """Runs a check on a tree of one file; its output, "" if it passed."""
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))
    done = subprocess.run([TOOLS / tool, path], cwd=tmp_path,
                          capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize("path, include", [
    ("engine/base/a.c", "mail/address.h"),
    ("engine/mail/a.c", "queue/claim.h"),
    ("engine/mail/a.c", "loop/loop.h"),
    ("engine/queue/a.h", "engine/render/message.h"),
    ("engine/render/a.c", "settle/settle.h"),
    ("engine/settle/a.c", "engine/settle/../../api/json.h"),
    ("engine/pool/a.c", "api/json.h"),
    ("templates/lex.c", "queue/claim.h"),
    ("api/server.c", "smtp/session.h"),
    ("api/handlers/emails.c", "pool/pool.h"),
    ("api/server.c", "route/route.h"),
    ("cli/sink/sink.c", "smtp/session.h"),
    ("attic/a.c", "base/buf.h"),
])
def test_layers_refuses(tmp_path, path, include):
    said = check(tmp_path, "check-layers", path, f'#include "{include}"\n')
    assert path in said


@pytest.mark.parametrize("path, include", [
    ("engine/base/a.c", "base/buf.h"),
    ("engine/base/a.c", "stdio.h"),
    ("engine/queue/a.c", "engine/queue/claim.sql.h"),
    ("engine/render/a.c", "templates/parse.h"),
    ("engine/pool/a.c", "smtp/conn.h"),
    ("engine/pipeline.c", "settle/settle.h"),
    ("api/handlers/emails.c", "render/message.h"),
    ("api/handlers/emails.c", "api/json.h"),
    ("tests/smtp/test_reply.c", "smtp/reply.h"),
])
def test_layers_allows(tmp_path, path, include):
    text = f'#include "{include}"\n'
    assert check(tmp_path, "check-layers", path, text) == ""


def function_of(lines):
    return "int f(int a)\n{\n" + "    a++;\n" * (lines - 3) + "}\n"


def test_length_of_functions(tmp_path):
    assert check(tmp_path, "check-length", "api/a.c", function_of(60)) == ""
    said = check(tmp_path, "check-length", "api/a.c", function_of(61))
    assert "f() has 61 lines" in said


def test_length_sees_each_function_of_a_file(tmp_path):
    text = function_of(10) + "\n" + function_of(70) + "\n" + function_of(10)
    said = check(tmp_path, "check-length", "api/a.c", text)
    assert said.count("f() has") == 1 and "a.c:12: " in said


def test_length_of_files(tmp_path):
    assert check(tmp_path, "check-length", "api/a.h", "int a;\n" * 600) == ""
    assert "601" in check(tmp_path, "check-length", "api/a.h", "int a;\n" * 601)


def test_length_of_lines(tmp_path):
    wide = "int a" + "a" * 76 + ";\n"
    assert "a.c:1: 82 columns" in check(tmp_path, "check-length", "a.c", wide)
    row = f'    X(ROW, "{"a" * 90}")\n'
    assert check(tmp_path, "check-length", "a.c", row) == ""


@pytest.mark.parametrize("line", [
    "strcpy(to, from);", "x = atoi (s);", "return rand();", "sprintf(b, s);",
    "strtok(s, t);", "localtime(&t);", "strcat(a, b);", "gets(a);",
])
def test_poison_refuses(tmp_path, line):
    text = f"int f(void)\n{{\n    {line}\n}}\n"
    assert "a.c:3: " in check(tmp_path, "check-poison", "engine/a.c", text)


@pytest.mark.parametrize("line", [
    "/* strcpy(to, from) would do */", "// atoi(s)", 'log("gets(a)");',
    "snprintf(b, n, s);", "grand(x);", "localtime_r(&t, &tm);",
    "q->rand(x);", 'a = "\\"strcpy("; b = 1;',
])
def test_poison_allows(tmp_path, line):
    text = f"int f(void)\n{{\n    {line}\n}}\n"
    assert check(tmp_path, "check-poison", "engine/a.c", text) == ""


TABLE = 'ROUTE("GET", "/emails", f, 0)\nROUTE("GET", "/emails/{}", g, 0)\n'


@pytest.mark.parametrize("page, said", [
    ("## `GET /emails`\n## `GET /emails/{id}`\n", ""),
    ("## `GET /emails`\n", "no heading for GET /emails/{}"),
    ("## `GET /emails`\n## `GET /emails/{id}`\n## GET /mails\n",
     "GET /mails is no route"),
])
def test_routes(tmp_path, page, said):
    (tmp_path / "routes.def").write_text(TABLE)
    (tmp_path / "api.md").write_text(page)
    done = subprocess.run([TOOLS / "check-routes", "routes.def", "api.md"],
                          cwd=tmp_path, capture_output=True, text=True,
                          check=False)
    assert (done.returncode == 0) == (said == "")
    assert said in done.stdout
