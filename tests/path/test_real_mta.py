"""A campaign through a real Postfix arrives byte for byte in a Maildir."""

import email
import email.policy
import os
import re

import pytest

from kit import process
from kit.postfix import Postfix
from kit.presort import Presort
from kit.tee import Tee

# What mail systems like to change: dots, From at a line's start, spaces at its
# end, a very long line, other scripts, no line end at the end.
TEXT = ("Hello {{ first_name }},\n.\n..two dots\n\nFrom here on\nspace at the "
        "end \ntab\t\n-- \n" + "long " * 400 + "\nĐà Nẵng, 東京, 😀\nend")
HTML = ("<!doctype html>\n<p>Hello {{ first_name }}</p>\n.\n<p>" + "x" * 3000
        + "</p>\n<p>Ünïcödé = 100%</p>\n")

# Postfix puts these on top, and nothing else.
ENVELOPE = re.compile(rb"Return-Path: <[^\n]*>\nX-Original-To: [^\n]*\n"
                      rb"Delivered-To: ([^\n]*)\nReceived: [^\n]*\n"
                      rb"(?:\t[^\n]*\n)+")


def parts(content):
    mail = email.message_from_bytes(content, policy=email.policy.default)
    return [part.get_content() for part in mail.iter_parts()]


@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix needs root")
def test_through_postfix():
    readers = [(f"u{i}@example{i % 5}.com", {"first_name": f"Žofie {i}"})
               for i in range(300)]
    with Postfix() as postfix, Tee(postfix.port) as tee, Presort(
            tee.port) as presort:
        campaign = presort.new_campaign(readers, text=TEXT, html=HTML)
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 300
        process.wait_until(lambda: len(postfix.messages()) == 300, 30,
                           "the Maildir's last mail")
        stored = {}
        for message in postfix.messages():
            envelope = ENVELOPE.match(message)
            stored[envelope[1].decode()] = message[envelope.end():]
        # Nothing was changed on the way: neither by us after the mail was
        # made, nor by Postfix, which would add or mend what is missing.
        sent = [m.replace(b"\r\n", b"\n") for m in tee.messages()]
        assert sorted(sent) == sorted(stored.values())
        # And it is what was to be said.
        for address, values in readers:
            name = values["first_name"]
            text, html = parts(stored[address])
            assert text.rstrip("\n") == TEXT.replace("{{ first_name }}", name)
            assert html.rstrip("\n") == HTML.replace("{{ first_name }}", name
                                                     ).rstrip("\n")
