"""presort bounce, from outside."""

import json
import subprocess

from kit import places

TOKEN = "01234567-0123-8123-8123-0123456789ab"
MAIL = f"""From: MAILER-DAEMON@mx.example.net
To: b+{TOKEN}@bounce.example.com
Subject: failure notice

I wasn't able to deliver your message.

<jo@example.org>:
Remote host said: 550 5.1.1 no such user
"""


def bounce(*arguments, given=None):
    return subprocess.run([places.PRESORT, "bounce", *map(str, arguments)],
                          input=given, capture_output=True, timeout=30)


def test_one_line_a_file_in_order(tmp_path):
    first, second = tmp_path / "b.eml", tmp_path / "a.eml"
    first.write_text(MAIL)
    second.write_text("From: jo@example.org\nSubject: Lunch?\n\nFree?\n")
    done = bounce("--ndjson", first, "-", second, given=MAIL.encode())
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [x["file"] for x in lines] == [str(first), "-", str(second)]
    assert [x["kind"] for x in lines] == ["bounce", "bounce", "other"]
    recipient = lines[1]["recipients"][0]
    assert {k: recipient[k] for k in ("address", "category", "hard", "status",
                                      "code", "token")} == {
        "address": "jo@example.org", "category": "invalid_recipient",
        "hard": True, "status": "5.1.1", "code": 550, "token": TOKEN}
    assert "no such user" in recipient["diagnostic"]
    assert lines[2]["recipients"] == []


def test_for_people(tmp_path):
    (tmp_path / "mail").write_text(MAIL)
    done = bounce(tmp_path / "mail")
    assert b"jo@example.org: hard failed, invalid_recipient" in done.stdout
    assert TOKEN.encode() in done.stdout


def test_unreadable_files_are_told_and_keep_their_place(tmp_path):
    (tmp_path / "mail").write_text(MAIL)
    done = bounce("--ndjson", tmp_path / "none", tmp_path, tmp_path / "mail")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert ["error" in x for x in lines] == [True, True, False]
    assert str(tmp_path / "none").encode() in done.stderr


def test_usage():
    assert bounce().returncode == 2
    assert bounce("--no-such").returncode == 2
    assert bounce("--help").returncode == 0


def test_hostile_bytes_print_as_json(tmp_path):
    (tmp_path / "mail").write_bytes(
        b"From: MAILER-DAEMON@x\nContent-Type: message/delivery-status\n\n"
        b"Final-Recipient: rfc822;jo@example.org\nAction: failed\n"
        b"Diagnostic-Code: smtp; 550 \xff\x00\x1b\"\\ \xe2\x28\n")
    done = bounce("--ndjson", tmp_path / "mail")
    diagnostic = json.loads(done.stdout)["recipients"][0]["diagnostic"]
    assert diagnostic.startswith("550 ?")
