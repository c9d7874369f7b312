"""What render/message writes, read back by Python's email package, by GMime
and by Perl's Email::MIME.

Thousands of mails with everything that is hard to carry: each part comes back
byte for byte (line ends apart), each header field as it was written, and no
byte on the wire breaks RFC 5321 or RFC 5322.
"""

import base64
import email
import email.policy
import hashlib
import json
import quopri
import random
import re
import subprocess
from datetime import datetime, timezone
from email._parseaddr import AddressList
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVER = "build/tests/kit/render_driver"
MAILS = 2000
READER = ROOT / "tests/path/mime_leaves.pl"
GMIME = "build/tests/kit/gmime_driver"

PIECES = [
    "Hello", "world,", "Grüße", "naïve", "Żółć", "你好世界", "こんにちは",
    "Привет", "😀", "👩‍👩‍👧‍👦", "e\u0301", "=", "==3D", "=?utf-8?Q?no?=", "?=",
    "_", ".", "..", "...", "From ", "From", ">From ", "\t", "  ", "a=b&c=d",
    "<b>", "\"quoted\"", "back\\slash", "x" * 74, "x" * 75, "x" * 76, "y" * 77,
    "z" * 500, "é" * 80, "😀" * 40, "--", "--=_", "-- ", "\u2028", "\u00a0",
    "\u0085", "a@b.c", "(c)", "100%", ";", ":",
]
BREAKS = ["\n", "\r\n", "\r", "\n\n", " \n", "\t\r\n", "\n.", "\n..\n", "\r\r\n"]
HEADER_PIECES = [p for p in PIECES if p not in ("\t", "\u2028", "\u0085")]
NAMES = [
    "", "Jo Doe", "Doe, Jo", "O'Neil", "Jo \"J\" Doe", "Zoë", "Zoë, \"Z\"",
    "山田 太郎", "Jo Q. Doe", "😀" * 20, "Ф" * 100, "n" * 200, "a\\b",
    "Dr. =?x?= No", "two  spaces", " edge ", "comma, and (comment)",
]

FILES = [
    ("a.pdf", None, "application/pdf"), ("noending", None, "application/octet-stream"),
    ("Rechnung März.pdf", None, "application/pdf"), ("請求書" * 20 + ".xlsx", None, None),
    ("😀.png", "image/png", "image/png"), ("q\"uo\\te'%.txt", None, "text/plain"),
    ("l" * 200 + ".csv", None, "text/csv"), ("\"" * 50, None, None),
    ("x.bin", "application/x-thing; a=\"b; c\"; name=other", "application/x-thing"),
]
INVITATION = "text/calendar; method=REQUEST"


def canonical(text):
    return re.sub("\r\n|\r|\n", "\r\n", text)


# What bodies are made of: anything, or what one encoding is best for.
ASCII_PIECES = ["Hello", "world,", "a=b", "<p>", "x" * 76, "y" * 300, "(c)",
                ".", "..", "&nbsp;", "--", "http://a.example/?q=1&b=%20"]
FAR_PIECES = ["你好世界", "こんにちは", "Привет", "שלום עולם", "مرحبا", "😀",
              "👩‍👩‍👧‍👦", "é" * 80, "Żółć", "한국어"]


def body(rng):
    of = rng.choice([PIECES, PIECES, ASCII_PIECES, FAR_PIECES])
    pieces = []
    for _ in range(rng.choice([0, 1, 3, 20, 100])):
        pieces.append(rng.choice(of))
        pieces.append(rng.choice(BREAKS if rng.random() < 0.4 else [" ", ""]))
    return "".join(pieces)


def header(rng):
    words = [rng.choice(HEADER_PIECES) for _ in range(rng.choice([1, 3, 12, 40]))]
    return " ".join(words).strip(" ")


def mailbox(rng, name, n):
    spec = rng.choice([f"user{n}@example.com", f"{'l' * 60}{n}@{'d' * 60}.example",
                       f"\"a b{n}\"@example.org", f"u{n}@[192.0.2.1]"])
    if not name:
        return spec, ("", spec)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{spec}>', (name, spec)


def mailboxes(rng, count):
    made = [mailbox(rng, rng.choice(NAMES), n) for n in range(count)]
    return [text for text, _ in made], [pair for _, pair in made]


def file_of(rng, number):
    name, declared, kind = rng.choice(FILES)
    content = rng.randbytes(rng.choice([0, 1, 2, 3, 56, 57, 58, 5000]))
    item = {"filename": name, "content": base64.b64encode(content).decode()}
    if declared:
        item["content_type"] = declared
    if rng.random() < 0.4:
        item["content_id"] = f"image{number}@example.com"
    if rng.random() < 0.2:
        item["content_type"] = kind = INVITATION
    return item, (name, content, kind, item.get("content_id"))


def mail_of(rng, number):
    sender, sender_pair = mailbox(rng, rng.choice(NAMES), 0)
    to, to_pairs = mailboxes(rng, rng.choice([0, 0, 1, 3, 30]))
    cc, cc_pairs = mailboxes(rng, rng.choice([0, 0, 2]))
    reply_to, reply_pairs = mailboxes(rng, rng.choice([0, 1, 2]))
    kinds = rng.choice([("html",), ("text",), ("html", "text")])
    bodies = {kind: body(rng) for kind in kinds}
    values = {"X-Short": header(rng), "X-" + "Long-" * 14 + "Name": header(rng),
              "List-Unsubscribe": "<https://example.com/" + "u" * rng.choice(
                  [10, 70, 300]) + ">, <mailto:u@example.com>"}
    subject = header(rng)
    recipient = "someone@example.net"
    if not to:
        to_pairs = [("", recipient)]
    mail = {
        "from": sender, "to": to, "cc": cc, "reply_to": reply_to,
        "recipient": recipient, "headers": values, "subject": subject,
        "id": f"{number:08x}-0123-8123-8123-0123456789ab",
        "date_us": rng.randrange(0, 4102444800) * 1000000 + 7, **bodies,
    }
    files = [file_of(rng, n) for n in range(rng.choice([0, 0, 1, 2, 5]))]
    if kinds == ("html",):
        mail["text"] = ""
    mail["attachments"] = [item for item, _ in files]
    want = {
        "from": [sender_pair], "to": to_pairs, "cc": cc_pairs,
        "reply-to": reply_pairs, "subject": subject, "headers": dict(values),
        "bodies": bodies, "mail": mail, "files": [file for _, file in files],
    }
    if number % 2:
        move_into_variables(mail, bodies)
    if len(kinds) == 2 and not mail["text"]:
        del bodies["text"]  # beside HTML: none is wanted
    return mail, want


def move_into_variables(mail, bodies):
    """The same mail, its contents brought by variables. HTML is left as it
    is, for a variable would be escaped."""
    variables = {"s": mail["subject"], "h": [mail["headers"]["X-Short"]]}
    mail["subject"] = "{{ s }}"
    mail["headers"] = {**mail["headers"], "X-Short": "{{ h[0] }}"}
    if "text" in bodies:
        variables["t"] = {"body": bodies["text"]}
        mail["text"] = "{{ t.body }}"
    if "html" in bodies and "{{" not in bodies["html"]:
        mail["html"] = bodies["html"] + "{{ nothing }}"
    mail["variables"] = variables
    mail["templates"] = True


def build(tmp_path, mails):
    subprocess.run(["make", "-s", DRIVER], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    lines = tmp_path / "mails.jsonl"
    lines.write_text("".join(json.dumps(m) + "\n" for m in mails))
    subprocess.run([ROOT / DRIVER, lines, tmp_path], check=True)


def undot(wire):
    return re.sub(rb"(?m)^\.", b"", wire)


def check_wire(wire):
    assert wire.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", wire), "bare CR or LF"
    assert wire.isascii() and b"\0" not in wire
    for line in wire.split(b"\r\n"):
        assert line != b".", "a line that ends the mail"
        assert not line.startswith(b".") or line.startswith(b"..")
        assert len(line) <= 998 + line.startswith(b".")
    head, _, rest = undot(wire).partition(b"\r\n\r\n")
    for line in rest.split(b"\r\n"):
        # A long content type can't be folded; what is 7bit is the author's.
        assert (len(line) <= 76 or line.startswith(b"Content-Type: ") or
                b"Transfer-Encoding: 7bit\r\n" in wire)
    for line in head.split(b"\r\n"):
        assert line.strip(), "a line of white space only"
        if b"=?utf-8?" in line:
            assert len(line) <= 78
        for word in re.findall(rb"=\?utf-8\?[BQ]\?\S*?\?=", line):
            assert len(word) <= 75
            email.header.decode_header(word.decode())[0][0].decode("utf-8")


def unfold_decode(value):
    """RFC 5322 unfolding, then RFC 2047 by the standard library."""
    value = re.sub("\r?\n(?=[ \t])", "", value)
    return str(email.header.make_header(email.header.decode_header(value)))


def pairs(message, name):
    lines = message.get_all(name, [])
    assert len(lines) <= 1
    if not lines:
        return []
    unfolded = re.sub("\r?\n(?=[ \t])", "", lines[0])
    # getaddresses() gives up on a domain literal in a list, and
    # the policy API keeps the space between encoded words: the parser itself.
    return [(str(email.header.make_header(email.header.decode_header(n))), a)
            for n, a in AddressList(unfolded).addresslist]


ENCODINGS = {"7bit": 0, "quoted-printable": 0, "base64": 0}


def check_encoding(part, text):
    """7bit where it may be; and what is chosen is not the longest."""
    encoding = part["content-transfer-encoding"]
    ENCODINGS[encoding] += 1
    lines = canonical(text).split("\r\n")
    plain = text.isascii() and all(
        len(line) <= 998 and line == line.rstrip(" \t") and
        not line.startswith(("From ", "--=_")) and "\x7f" not in line
        for line in lines) and not re.search(r"\r(?!\n)", text)
    assert (encoding == "7bit") == plain
    if encoding == "base64":
        raw = text.encode()
        assert len(base64.b64encode(raw)) <= len(quopri.encodestring(raw))


def check_part(part, kind, text, single):
    check_encoding(part, text)
    assert part.get_content_type() == ("text/html" if kind == "html"
                                       else "text/plain")
    assert part.get_content_charset() == "utf-8"
    got = part.get_payload(decode=True).decode("utf-8")
    want = canonical(text)
    # A mail ends with a line end, which a text of one part may not have.
    if (single and want and not want.endswith("\r\n") and
            part["content-transfer-encoding"] != "base64"):
        want += "\r\n"
    assert got == want


def check_mail(wire, want):
    check_wire(wire)
    message = email.message_from_bytes(undot(wire), policy=email.policy.compat32)
    assert not message.defects
    mail = want["mail"]
    for name in ("from", "to", "cc", "reply-to"):
        assert pairs(message, name) == want[name]
    assert unfold_decode(message["subject"]) == want["subject"]
    for name, value in want["headers"].items():
        assert unfold_decode(message[name]) == value
    assert message["message-id"] == f"<{mail['id']}@example.net>"
    assert message["mime-version"] == "1.0"
    date = email.utils.parsedate_to_datetime(message["date"])
    assert date == datetime.fromtimestamp(mail["date_us"] // 1000000, timezone.utc)
    assert message["date"] == email.utils.format_datetime(date)
    assert len({n.lower() for n in message.keys()}) == len(message.keys())
    check_tree(message, want["bodies"], want["files"])


def unwrap(part, kind, wrapped):
    """The parts of a multipart that is there only if it is needed."""
    if not wrapped:
        return [part]
    assert part.get_content_type() == f"multipart/{kind}"
    assert "=_" in part.get_boundary()
    return part.get_payload()


def check_tree(message, bodies, files):
    """mixed(alternative(text, related(html, images), invitation), files)"""
    forms = [f for f in files if f[2] == INVITATION]
    shown = [f for f in files if f[3] and f not in forms and "html" in bodies]
    behind = [f for f in files if f not in forms and f not in shown]
    first, *rest = unwrap(message, "mixed", behind)
    check_files(rest, behind)
    form_parts = unwrap(first, "alternative", len(bodies) + len(forms) > 1)
    single = message.get_content_maintype() != "multipart"
    check_files(form_parts[len(bodies):], forms)
    if "text" in bodies:
        check_part(form_parts[0], "text", bodies["text"], single)
    if "html" in bodies:
        html, *images = unwrap(form_parts[len(bodies) - 1], "related", shown)
        check_part(html, "html", bodies["html"], single)
        check_files(images, shown)


def check_files(parts, files):
    assert len(parts) == len(files)
    for part, (name, content, kind, content_id) in zip(parts, files):
        assert not part.defects
        assert part.get_payload(decode=True) == content
        if kind == INVITATION:
            assert part.get_content_type() == "text/calendar"
            assert part.get_param("method") == "REQUEST"
            assert part.get_param("charset") == "utf-8"
        else:
            assert not kind or part.get_content_type() == kind
            assert part.get_content_disposition() == (
                "inline" if content_id else "attachment")
            assert email.utils.collapse_rfc2231_value(
                part.get_param("filename", header="content-disposition")) == name
        assert part["content-id"] == (f"<{content_id}>" if content_id else None)


def test_mails_come_back_as_they_were_written(tmp_path):
    rng = random.Random(20261123)
    made = [mail_of(rng, number) for number in range(MAILS)]
    build(tmp_path, [mail for mail, _ in made])
    for number, (_, want) in enumerate(made):
        refusal = tmp_path / f"{number}.err"
        assert not refusal.exists(), refusal.read_text()
        check_mail((tmp_path / f"{number}.eml").read_bytes(), want)
    assert all(n > 100 for n in ENCODINGS.values()), ENCODINGS


def gmime(where, count):
    subprocess.run(["make", "-s", GMIME], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    return [ROOT / GMIME, where, str(count)]


def perl(where, count):
    return ["perl", READER, where, str(count)]


def digests_of(text, single):
    """A mail of one part ends with a line end, unless it is base64."""
    text = canonical(text)
    ended = [text + "\r\n"] if single and not text.endswith("\r\n") else []
    return {hashlib.md5(t.encode()).hexdigest() for t in [text, *ended]}


def check_leaves(leaves, want):
    """(type, MD5 of the decoded content, file name) of each leaf."""
    bodies, files = want["bodies"], want["files"]
    assert len(leaves) == len(bodies) + len(files)
    single = len(leaves) == 1
    for kind, text in bodies.items():
        mime = "text/html" if kind == "html" else "text/plain"
        assert any((mime, digest, "") in leaves
                   for digest in digests_of(text, single)), text
    for name, content, kind, _ in files:
        digest = hashlib.md5(content).hexdigest()
        if kind == INVITATION:
            assert ("text/calendar", digest) in {leaf[:2] for leaf in leaves}
        else:
            assert (digest, name) in {leaf[1:] for leaf in leaves}


@pytest.mark.parametrize("reader", [gmime, perl])
def test_others_read_the_same(tmp_path, reader):
    """Each body and file, the subject, and who wrote it."""
    rng = random.Random(7)
    made = [mail_of(rng, number) for number in range(MAILS)]
    build(tmp_path, [mail for mail, _ in made])
    run = subprocess.run(reader(tmp_path, MAILS), check=True,
                         capture_output=True, text=True)
    found = [[] for _ in made]
    heads = {}
    for line in run.stdout.splitlines():
        number, kind, digest, name = line.split("\t")
        text = bytes.fromhex(name).decode()
        if kind in ("subject", "from"):
            heads[int(number), kind] = text
        else:
            found[int(number)].append((kind, digest, text))
    for number, (leaves, (_, want)) in enumerate(zip(found, made)):
        check_leaves(leaves, want)
        # They fold white space; Python is asked for it exactly.
        assert heads[number, "subject"].split() == want["subject"].split()
        assert heads[number, "from"].split() == want["from"][0][0].split()


@pytest.mark.parametrize("hostile", [
    "x\r\nBcc: v@example.com", "x\nBcc: v@example.com", "x\rBcc: v@example.com",
    "x\r\n\r\nbody", "x\r\n .\r\n", "\u0000x", "x\u0085Bcc: v", "x\u2028Bcc: v",
    "\r\n", "\x0bx\x0c",
])
def test_no_variable_leaves_its_field(tmp_path, hostile):
    build(tmp_path, [{
        "from": "a@example.com", "recipient": "b@example.com", "text": "t",
        "subject": "{{ v }}", "headers": {"X-A": "a {{ v }} b"},
        "variables": {"v": hostile}, "templates": True, "date_us": 0,
        "id": "0" * 36,
    }])
    wire = (tmp_path / "0.eml").read_bytes()
    check_wire(wire)
    message = email.message_from_bytes(wire)
    assert message.keys() == ["From", "To", "Subject", "X-A", "Date",
                              "Message-ID", "MIME-Version", "Content-Type",
                              "Content-Transfer-Encoding"]
    for name in ("subject", "x-a"):
        assert not re.search("[\0-\x1f\x7f]", unfold_decode(message[name]))
