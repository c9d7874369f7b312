"""The starter templates: rendered strictly, both parts, by every way to use
them; stored, sent and fetched by the command line."""

import email
import email.policy
import html.parser
import json
import pathlib
import re
import subprocess

import pytest

from kit import places, process
from kit.presort import Presort
from kit.sink import Sink

STARTERS = places.TOP / "templates" / "starter"
NAMES = sorted(p.stem for p in STARTERS.glob("*.json"))


@pytest.fixture(scope="module", name="service")
def service_fixture():
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        yield sink, presort


def run(*words, **options):
    return subprocess.run([places.PRESORT, *words], capture_output=True,
                          text=True, **options)


def sample(name):
    return json.loads((STARTERS / f"{name}.json").read_text())


def rendered(name, *more):
    ran = run("render", "--strict", "--template", STARTERS / f"{name}.html",
              "--data", STARTERS / f"{name}.json", *more)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_there_are_six_and_they_are_listed():
    assert NAMES == ["confirm-address", "newsletter", "password-reset",
                     "product-update", "receipt", "welcome"]
    listed = run("templates", "starter").stdout.splitlines()
    assert sorted(line.split()[0] for line in listed) == NAMES
    assert all(len(line.split()) > 3 for line in listed)


class Outline(html.parser.HTMLParser):
    """What a screen reader and an old mail program go by."""

    VOID = {"meta", "img", "br", "link", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.wrong = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.mark.parametrize("name", NAMES)
def test_well_made(name):
    text = rendered(name)
    outline = Outline(text)
    assert not outline.wrong and not outline.open
    assert outline.all("html")[0]["lang"] == "en"
    assert len(outline.all("h1")) == 1 and outline.all("title")
    assert all(img.get("alt") for img in outline.all("img"))
    for table in outline.all("table"):  # a table of data has headings
        assert table.get("role") == "presentation" or name == "receipt"
    assert {m.get("name") for m in outline.all("meta")} >= {
        "viewport", "color-scheme", "supported-color-schemes"}
    assert "@media (prefers-color-scheme: dark)" in text
    assert "max-width:600px" in text and "<!--[if mso]>" in text
    assert all(a["href"].startswith(("https://", "mailto:"))
               for a in outline.all("a"))
    assert "{{" not in text and "{%" not in text
    assert len(text) < 100_000  # Gmail cuts at 102 KB


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_html_is_text(name):
    data = sample(name)
    data["brand"]["name"] = "<b>&Co"
    line = json.dumps({"template": (STARTERS / f"{name}.html").read_text(),
                       "data": data, "escape": True, "strict": True})
    ran = run("render", "--ndjson", input=line + "\n")
    output = json.loads(ran.stdout)["output"]
    assert "&lt;b&gt;&amp;Co" in output and "<b>&Co" not in output


@pytest.mark.parametrize("name", NAMES)
def test_what_may_be_left_out(name):
    """Only the brand's name and address, and what a button needs."""
    data = {key: value for key, value in sample(name).items()
            if key.endswith("_url") or key in ("email", "brand", "order",
                                               "issue", "release")}
    data["brand"] = {"name": "N", "url": "https://n.example",
                     "support_email": "s@n.example"}
    for key in ("steps", "stories", "features"):
        if key in sample(name):
            data[key] = []
    line = json.dumps({"template": (STARTERS / f"{name}.html").read_text(),
                       "data": data, "escape": True, "strict": True})
    answer = json.loads(run("render", "--ndjson", input=line + "\n").stdout)
    assert not Outline(answer["output"]).wrong, answer


# What the text part is to say, in this order.
TEXTS = {
    "confirm-address": ["Fern & Fable", "Is this your address?",
                        "ada@example.com", "48 hours",
                        "https://fern.example/confirm?t=3nF0kq9VxT7"],
    "newsletter": ["Issue 42", "What to do before the frost", "Hello Ada.",
                   "Lift your dahlias", "https://fern.example/dahlias",
                   "A soup of what is left", "Seed swap", "Unsubscribe",
                   "https://fern.example/unsubscribe?u=ada"],
    "password-reset": ["A new password", "Hello Ada",
                       "https://fern.example/reset", "30 minutes",
                       "Firefox on Linux", "27 November 2026, 09:14 UTC"],
    "product-update": ["Autumn release", "Your garden, on one page",
                       "Drag a bed", "https://fern.example/new#beds",
                       "- The calendar opens", "Unsubscribe"],
    "receipt": ["Thank you, Ada.", "FF-20417", "Broad beans", "£5.80",
                "Waxed twine", "£10.50", "Total", "£33.82",
                "7 Harbour Way", "Visa"],
    "welcome": ["Welcome, Ada.", "1", "Tell us what you grow", "2", "3",
                "Get started", "https://fern.example/start"],
}


@pytest.mark.parametrize("name", NAMES)
def test_pushed_and_sent(service, name):
    sink, presort = service
    presort.command("templates", "push", name, "--starter", name, "--from",
                    "Fern <hi@fern.example>", "--publish")
    data = sample(name)
    preview = presort.ask("POST", f"/templates/{name}/preview", {
        "variables": data, "strict_variables": True})
    assert preview["html"] == rendered(name)
    assert preview["subject"] and "&amp;" not in preview["subject"]
    before = len(sink.copies())
    (path := pathlib.Path(presort.directory) / "data.json").write_text(
        json.dumps({k: v for k, v in data.items() if k != "brand"}))
    presort.command("templates", "test", name, "--to", f"{name}@example.com",
                    "--data", str(path))
    process.wait_until(lambda: len(sink.copies()) > before, 20, "the test")
    [kept] = [m for m in sink.messages()
              if m.recipient == f"{name}@example.com"]
    mail = email.message_from_bytes(kept.content, policy=email.policy.default)
    assert mail["Subject"] == preview["subject"]
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    print(text)
    at = 0
    for word in TEXTS[name]:
        assert word in text[at:], (word, text)
        at = text.index(word, at) + len(word)
    assert "<" not in text and "{" not in text and "\n\n\n" not in text
    # The preheader is for lists of mails, not for readers.
    hidden = re.search(r'mso-hide:all">([^<]*)<', preview["html"]).group(1)
    assert hidden not in text


def test_by_the_command_line(service, tmp_path):
    presort = service[1]
    page = tmp_path / "a.html"
    page.write_text("<title>Hi {{ n }} &amp; co</title><p>{% render 'a/b' %}")
    (tmp_path / "b").write_text("part")
    presort.command("templates", "partial", "a/b", str(tmp_path / "b"))
    presort.command("templates", "push", "mine", "--html", str(page))
    found = presort.ask("GET", "/templates/mine")
    assert (found["subject"], found["name"], found["status"]) == \
        ("Hi {{ n }} & co", "mine", "draft")
    page.write_text("<p>2</p>")
    presort.command("templates", "push", "mine", "--html", str(page),
                    "--subject", "S", "--inline-css", "--publish")
    found = presort.ask("GET", "/templates/mine")
    assert (found["subject"], found["html"], found["inline_css"],
            found["status"]) == ("S", "<p>2</p>", True, "published")
    assert presort.command("templates", "pull", "mine") == "<p>2</p>"
    assert re.search(r"mine +published +", presort.command("templates", "list"))
    (tmp_path / "f.json").write_text(json.dumps({
        "a": "x", "b": 1.5, "c": True, "d": {"e": 1}, "f": [1], "g": None,
        "email": "no@x.test"}))
    presort.command("templates", "push", "mine", "--fallbacks",
                    str(tmp_path / "f.json"), "--html", str(page))
    assert [(v["key"], v["type"], v["fallback_value"]) for v in
            presort.ask("GET", "/templates/mine")["variables"]] == [
                ("a", "string", "x"), ("b", "number", 1.5),
                ("c", "boolean", True), ("d", "object", {"e": 1}),
                ("f", "list", [1])]
    presort.command("templates", "delete", "mine")
    ran = run("templates", "pull", "mine", env=presort.environment)
    assert ran.returncode == 1 and "Template not found" in ran.stderr


@pytest.mark.parametrize("words, says", [
    (["starter", "nosuch"], "no starter nosuch"),
    (["lst"], "list"),
    (["push"], "usage"),
    (["push", "x"], "usage"),
    (["test", "x"], "usage"),
])
def test_mistakes(words, says):
    ran = run("templates", *words)
    assert ran.returncode != 0 and says in ran.stderr


def test_printed():
    for name in NAMES:
        assert run("templates", "starter", name).stdout == \
            (STARTERS / f"{name}.html").read_text()
        assert run("templates", "starter", name, "--sample").stdout == \
            (STARTERS / f"{name}.json").read_text()


def test_a_campaign_from_a_starter(service, tmp_path):
    """Checked before it is sent: a recipient whose data are not whole stops
    it, by name."""
    sink, presort = service
    presort.command("templates", "push", "shout", "--starter", "welcome",
                    "--from", "Fern <hi@fern.example>", "--publish")
    people = [{"email": f"p{i}@shout.example", **sample("welcome")}
              for i in range(20)]
    for person in people:
        person.pop("brand")
    file = tmp_path / "people.ndjson"

    def send():
        file.write_text("".join(json.dumps(p) + "\n" for p in people))
        return run("campaign", "send", "--template", "shout", "--recipients",
                   str(file), "--strict", "--watch", env=presort.environment)

    kept = people[7].pop("action_url")
    ran = send()
    assert ran.returncode == 1
    assert "`action_url` (1 of 20, one is p7@shout.example)" in ran.stderr
    draft = re.search(r"campaign ([0-9a-f-]{36})", ran.stderr).group(1)
    ran = run("campaign", "check", draft, env=presort.environment)
    assert ran.returncode == 1
    assert "action_url: 1 lack it, as p7@shout.example" in ran.stdout
    people[7]["action_url"] = kept
    ran = send()
    assert ran.returncode == 0, ran.stderr
    got = [m for m in sink.messages() if "@shout.example" in m.recipient]
    assert len(got) == 20
    mail = email.message_from_bytes(got[0].content,
                                    policy=email.policy.default)
    assert mail["Subject"] == "Welcome to Fern & Fable"
    assert "Fern & Fable" in mail.get_body(("plain",)).get_content()
