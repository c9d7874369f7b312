"""What some servers take for the end of a message (SMTP smuggling) never leaves,
neither by DATA nor by BDAT, wherever in a mail somebody puts it."""

import json
import re

from kit import places, process
from kit.presort import Presort, Refused
from kit.sink import Sink

import pytest

CORPUS = places.TOP.parent / "shared/corpora/smtp-smuggling/eod_sequences.jsonl"
SMUGGLED = "MAIL FROM:<evil@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nFake"


def sequences():
    if not CORPUS.exists():
        pytest.skip("no corpus here")
    with CORPUS.open(encoding="utf-8") as file:
        return [bytes.fromhex(json.loads(line)["hex"]).decode("latin-1")
                for line in file]


def mail(to, put, where):
    fields = {"from": "shop@source.example", "to": [to], "subject": "Hello",
              "text": "Hello.", "html": "<p>Hello.</p>"}
    fields[where] = f"Before{put}{SMUGGLED}{put}after"
    return fields


@pytest.mark.parametrize("options", ((), ("--chunking",)))
def test_no_end_but_ours(options):
    with Sink(*options, maildir=True) as sink, \
            Presort(relay=sink.port) as presort:
        sent = set()
        for i, put in enumerate(sequences()):
            for where in ("text", "html", "subject"):
                to = f"{where}{i}@x.example"
                try:
                    presort.ask("POST", "/emails", mail(to, put, where))
                    sent.add(to)
                except Refused as refused:
                    # Line breaks in a subject and NUL are told at the door.
                    assert where == "subject" or "\0" in put
                    assert 400 <= refused.answer.status < 500
        assert len(sent) >= 20
        process.wait_until(lambda: len(sink.copies()) == len(sent), 20,
                           "all mails")
        assert set(sink.copies()) == sent
        messages = sink.messages()
        assert len(messages) == len(sent)
        for message in messages:
            assert message.sender != "evil@x.example"
            assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", message.content)
            assert message.content.endswith(b"\r\n")
