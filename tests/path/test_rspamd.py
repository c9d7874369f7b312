"""What rspamd says of our mail: nothing that blames the software that made it.

The starter templates as a campaign, and transactional mails with all that MIME
has, sent through Presort to the sink; each passed through rspamd, offline."""

import base64
import json
import pathlib
import re
import time

import pytest

from kit.presort import Presort
from kit.rspamd import Rspamd
from kit.sink import Sink

STARTER = pathlib.Path(__file__).parents[2] / "templates/starter"
RECIPIENTS = 20

# Symbols with a score above 0 that are not ours to avoid, and why.
ALLOWED = {
    "R_PARTS_DIFFER": "text and HTML say the same in other words: links are "
                      "written out in the text",
    "MIME_BASE64_TEXT": "a tenth of a point for any text in base64, which is "
                        "right for text beyond the Latin alphabet",
    "ONCE_RECEIVED": "the sink writes no Received line of a second hop",
    "HTML_SHORT_LINK_IMG_1": "the author's: a short HTML with an image",
    "HTML_SHORT_LINK_IMG_2": "the author's: a short HTML with an image",
    "MANY_INVISIBLE_PARTS": "the author's: a preview text that is hidden",
    "R_MIXED_CHARSET": "the author's: letters with and without accents in a "
                       "short subject",
    "URI_COUNT_ODD": "the author's: an odd number of links; that a link stands "
                     "in the text and in the HTML counts once",
}

PNG = base64.b64encode(bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082")).decode()
INVITATION = "\r\n".join([
    "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//EN",
    "METHOD:REQUEST", "BEGIN:VEVENT", "UID:1@news.example.com",
    "DTSTAMP:20261101T100000Z", "DTSTART:20261201T100000Z",
    "DTEND:20261201T110000Z", "SUMMARY:Meeting",
    "ORGANIZER:mailto:news@news.example.com",
    "ATTENDEE:mailto:bob@example.net", "END:VEVENT", "END:VCALENDAR", ""])
WORDS = ("<p>Hello Bob,</p><p>the market opens on Saturday at nine, as it does "
         "each week. We look forward to seeing you there.</p>"
         '<p><a href="https://news.example.com/market">What there will be</a></p>')
MAILS = [
    {"subject": "The market opens on Saturday", "html": WORDS},
    {"subject": "Text alone", "text": "Hello Bob,\n\nas you asked: nothing "
                                      "but text, in a few lines.\n"},
    {"subject": "Grüße aus Köln: Ihre Bestellung", "html":
     WORDS.replace("the market opens", "die Märkte in Köln öffnen")},
    {"subject": "市場は土曜日に開きます", "html":
     "<p>" + "こんにちは。市場は土曜日の九時に開きます。" * 20 + "</p>"},
    {"subject": "Рынок открывается в субботу", "html":
     "<p>" + "Здравствуйте! Рынок открывается в субботу. " * 20 + "</p>"},
    {"subject": "Your invoice", "html": WORDS, "attachments": [
        {"filename": "Rechnung März.pdf", "content": base64.b64encode(
            b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n").decode()},
        {"filename": "list.csv", "content": base64.b64encode(
            b"a,b\r\n1,2\r\n").decode()}]},
    {"subject": "With a logo", "html":
     WORDS + '<p><img src="cid:logo" alt="logo"></p>' + WORDS,
     "attachments": [{"filename": "logo.png", "content": PNG,
                      "content_id": "logo"}]},
    {"subject": "Invitation: meeting", "html": WORDS, "attachments": [
        {"filename": "invite.ics", "content_type":
         "text/calendar; method=REQUEST",
         "content": base64.b64encode(INVITATION.encode()).decode()}]},
    {"subject": "A long subject that goes on and on, so that it must be folded "
                "once and then once more before it ends", "html": WORDS,
     "reply_to": ["Help Desk <help@news.example.com>", "x@news.example.com"],
     "cc": ["Änne Müller <anne@example.net>"],
     "headers": {"X-Campaign": "spring", "X-Long": "word " * 60}},
]


def read(path):
    """.example is no top-level domain to rspamd: as text, no URL."""
    return re.sub(r"\.example\b(?!\.com)", ".example.com", path.read_text())


def starters():
    """Subject, HTML, text (None: to be made) and variables of each."""
    for html in sorted(STARTER.glob("*.html")):
        text = html.with_suffix(".txt")
        data = html.with_suffix(".json")
        yield pytest.param(html, text if text.exists() else None,
                           json.loads(read(data)) if data.exists() else
                           {}, id=html.stem)


@pytest.fixture(scope="module", name="place")
def place_fixture():
    with Sink(maildir=True) as sink, Rspamd() as rspamd, Presort(
            sink.port, hostname="mail.news.example.com") as presort:
        presort.ask("POST", "/domains", {"name": "news.example.com"})
        yield presort, sink, rspamd


def check(rspamd, mail):
    symbols = rspamd.symbols(mail, **{
        "From": "news@news.example.com", "Rcpt": "bob@example.net",
        "IP": "192.0.2.1", "Helo": "mail.news.example.com",
        "Hostname": "mail.news.example.com"})
    blamed = {name: (s["score"], s.get("description"), s.get("options"))
              for name, s in symbols.items()
              if s["score"] > 0 and name not in ALLOWED}
    assert not blamed, mail.decode()
    return symbols


@pytest.mark.parametrize("html, text, data", starters())
def test_starter_campaign(place, html, text, data):
    presort, sink, rspamd = place
    before = len(sink.messages())
    campaign = presort.ask("POST", "/campaigns", {
        "name": html.stem, "from": "The News <news@news.example.com>",
        "subject": "{{ first_name }}, news for you", "html": read(html),
        **({"text": read(text)} if text else {})})["id"]
    people = [{"email": f"user{n}@example.net", "variables": {
        **data, "first_name": ["Ann", "Zoë", "Łukasz", "美咲"][n % 4]}}
        for n in range(RECIPIENTS)]
    presort.ask("POST", f"/campaigns/{campaign}/recipients",
                "".join(json.dumps(p) + "\n" for p in people).encode(),
                "application/x-ndjson")
    presort.send(campaign)
    presort.wait_for(campaign, 60)
    assert presort.check_totals(campaign)["delivered"] == RECIPIENTS
    for message in sink.messages()[before:]:
        check(rspamd, message.content)


@pytest.mark.parametrize("number", range(len(MAILS)))
def test_transactional(place, number):
    presort, sink, rspamd = place
    before = len(sink.messages())
    mail = MAILS[number]
    presort.ask("POST", "/emails", {"from": "News <news@news.example.com>",
                                    "to": ["bob@example.net"], **mail})
    copies = 1 + len(mail.get("cc", []))
    for _ in range(200):
        if len(sink.messages()) >= before + copies:
            break
        time.sleep(0.05)
    symbols = check(rspamd, sink.messages()[-1].content)
    assert "MIME_GOOD" in symbols


def test_it_would_be_seen(place):
    """rspamd, as it is asked here, does blame what is badly made."""
    rspamd = place[2]
    for mail, symbol in [
            (b"From: a@news.example.com\r\nTo: b@example.net\r\nSubject: s\r\n"
             b"\r\nHello\r\n", "MISSING_MID"),
            (b"From: a@news.example.com\r\nTo: b@example.net\r\nSubject: s\r\n"
             b"Message-ID: <a@b.example>\r\nDate: yesterday\r\n\r\nHi\r\n",
             "INVALID_DATE"),
            ("From: a@news.example.com\r\nTo: b@example.net\r\nSubject: ü\r\n"
             "Message-ID: <a@b.example>\r\n\r\nHi\r\n".encode(),
             "SUBJECT_NEEDS_ENCODING")]:
        found = rspamd.symbols(mail, IP="192.0.2.1")
        assert found[symbol]["score"] > 0, found
