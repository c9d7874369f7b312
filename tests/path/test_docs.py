"""The commands of the README and of docs/, run as they are written: each has
to end well. What can't be run on one machine's loopback stands in NOT_HERE,
with the reason; a command that is new in the docs is run, or listed there."""

import os
import pathlib
import re
import subprocess
import tempfile
import textwrap

import pytest

from kit import places, process
from kit.presort import Presort
from kit.sink import Sink

DOCUMENTS = ["README.md", *sorted(
    str(path.relative_to(places.TOP))
    for path in (places.TOP / "docs").rglob("*.md"))]

# The first word of a block that is for a shell; other blocks are output.
SHELL = re.compile(
    r"(\$ )?((\w+=\S* )*(presort|build/presort|api|alias|as|bin|cd|cp|curl|"
    r"createdb|dropdb|echo|export|install|make|pg_dump|pg_restore|printf|psql|"
    r"systemctl|timeout|useradd|url|key|id)\b|\w+=)")

NOT_HERE = {
    "make demo": "test_command_line runs it",
    "make run": "Presort runs already",
    "make deps && make install": "changes the machine",
    "DATABASE_URL=postgresql://presort@db.example.com": "needs that machine",
    "timeout 9 bash -c '</dev/tcp/gmail": "asks a server outside",
    "install -d -m 755 /etc/presort": "changes the machine",
    "presort relay add gmail": "Gmail's servers would be looked up",
    'api $url/relays -d \'{"name":"gmail"': "Gmail's would be looked up",
    'api $url/routes -d \'{"to":"*.corp.example"': "needs the relay gmail",
    "api -X PUT $url/routes/default": "mail would leave",
    "presort sources add 192.0.2.10": "mail would leave by the last of them",
    "presort mailboxes add bounces": "a server outside would be asked",
    "presort domains verify": "no DNS is here",
    "presort sites\npresort sites example.com": "no mail waits there",
    "cd /var/lib/presort": "needs a second Presort that is stopped",
    "presort sink --listen 127.0.0.1:2525": "it serves until it is ended",
    "$ presort bounce mail.eml": "tests/bounce",
}


def blocks(document):
    """Each block of code, dedented: ```sh, or indented up to an empty line."""
    found, block, fence = [], [], None
    for line in [*(places.TOP / document).read_text().split("\n"), "", "end"]:
        if line.lstrip().startswith("```"):
            if fence == "sh":
                found.append("\n".join(block))
            fence = line.strip("` ") or "other" if fence is None else None
            block = []
        elif fence:
            block.append(line)
        elif line.startswith("    "):
            block.append(line)
        else:
            found.append("\n".join(block))
            block = []
    texts = (textwrap.dedent(text).strip() for text in found)
    return [text for text in texts if SHELL.match(text)]


def reason(block):
    return next((start for start in NOT_HERE if block.startswith(start)), None)


def test_each_exception_is_still_in_the_docs():
    used = {reason(block) for name in DOCUMENTS for block in blocks(name)}
    assert set(NOT_HERE) <= used, set(NOT_HERE) - used


def test_the_blocks_are_found():
    assert len(blocks("README.md")) >= 3
    assert len(blocks("docs/reference/api.md")) >= 15
    assert len(blocks("docs/templates.md")) >= 5


@pytest.fixture(name="world", scope="module")
def fixture_world():
    """A Presort, and a directory with the files that readers have."""
    with (Sink() as sink, tempfile.TemporaryDirectory() as directory,
          Presort(sink.port, hostname="mail.example.com",
                  dns_servers="127.0.0.1@1") as presort):
        here = pathlib.Path(directory)
        (here / "old-list.csv").write_text("email\nold@example.com\n")
        (here / "bounce.eml").write_text("From: a@b.example\n\nNothing.\n")
        presort.command("dkim", "create", "sealed.example")
        yield presort, sink, here


def script_of(document, presort, here):
    """With this Presort's places in place of the usual ones."""
    port = places.free_ports(1)[0]
    text = "\n\n".join(b for b in blocks(document) if not reason(b))
    for usual, ours in (
            ("http://127.0.0.1:8025", f"http://127.0.0.1:{presort.port}"),
            ("$(tools/state-dir state)", str(presort.state)),
            ("$(cat state/cli.key)", f"$(cat {presort.state}/cli.key)"),
            ("/var/lib/presort", str(presort.state)),
            ("127.0.0.1:2555", f"127.0.0.1:{port}"),
            ("/tmp/mail", str(here / "mail")),
            ("build/presort", "presort")):
        text = text.replace(usual, ours)
    return text


PRELUDE = """
set -eu -o pipefail
shopt -s expand_aliases
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
curl() { command curl -S --fail-with-body "$@"; echo; }
url=http://127.0.0.1:8025 key=$(cat state/cli.key)
json='Content-Type: application/json'
alias api='curl -s -H "Authorization: Bearer $key" -H "$json"'
id=$(presort campaign list | awk '/ draft /{print $1; exit}')
set -x
"""


@pytest.mark.parametrize("document", [
    name for name in DOCUMENTS if any(not reason(b) for b in blocks(name))])
def test_commands_run_as_they_are_written(world, document):
    presort, sink, here = world
    presort.ask("POST", "/campaigns", {
        "name": "A draft", "from": "a@market.example", "subject": "Hello",
        "text": "Hello"})
    prelude = PRELUDE.replace("http://127.0.0.1:8025",
                              f"http://127.0.0.1:{presort.port}")
    prelude = prelude.replace("state/cli.key", f"{presort.state}/cli.key")
    path = f"{places.BUILD}:{os.environ['PATH']}"
    before = sink.totals()["mails"]
    (here / "commands").write_text(
        prelude + script_of(document, presort, here))
    ran = subprocess.run(
        ["bash", "commands"], env={**presort.environment, "PATH": path},
        cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:]
    if document == "README.md":
        process.wait_until(
            lambda: sink.totals()["mails"] - before == 5, 30, "its mails")
    clean_up(presort)


def clean_up(presort):
    """What another document may say anew."""
    if "example.com" in presort.command("domains", "list"):
        presort.command("domains", "remove", "example.com")
    if "relay look" in presort.command("route", "list"):
        presort.command("route", "remove", "default")


def anchors(path):
    """As GitHub names them: words of headings, joined by dashes."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            for title in titles}


def test_links_lead_somewhere():
    checked = 0
    for name in DOCUMENTS:
        page = places.TOP / name
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"\w+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), (name, link)
            assert not anchor or anchor in anchors(target), (name, link)
            checked += 1
    assert checked > 50
