"""The sink, driven from outside as a mail server is."""

import re
import signal
import smtplib
import socket
import subprocess
import time

import pytest

from kit import places
from kit.sink import Sink

MESSAGE = b"Subject: x\r\n\r\nHello\r\n.dot\r\n..\r\n"


def connect(sink):
    client = smtplib.SMTP("127.0.0.1", sink.port, "me.example", timeout=10)
    client.ehlo()
    return client


def send(sink, *recipients, sender="s@source.example"):
    """Reply code per recipient, or the code for the whole mail, or 0 if the
    connection was lost."""
    client = connect(sink)
    try:
        refused = client.sendmail(sender, recipients, MESSAGE)
        return [refused[r][0] if r in refused else 250 for r in recipients]
    except smtplib.SMTPRecipientsRefused as refused:
        return [refused.recipients[r][0] for r in recipients]
    except smtplib.SMTPServerDisconnected:
        return 0
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    finally:
        client.close()


def raw(sink):
    """A socket past the greeting, and a file to read replies from."""
    s = socket.create_connection(("127.0.0.1", sink.port), 10)
    replies = s.makefile("rb")
    assert replies.readline().startswith(b"220 ")
    return s, replies


def test_accepts_counts_and_keeps():
    with Sink(maildir=True) as sink:
        assert send(sink, "a@x.example", "b@x.example") == [250, 250]
        assert send(sink, "A@x.example", sender="") == [250]
        totals = sink.totals()
        assert (totals["mails"], totals["recipients"]) == (3, 2)
        assert totals["duplicates"] == 1
        assert totals["bytes"] == 3 * len(MESSAGE)
        assert totals["open"] == 0 and totals["connections"] == 2
        assert sink.copies() == {"a@x.example": 2, "b@x.example": 1}
        kept = sink.messages()
        assert [m.recipient for m in kept] == ["a@x.example", "b@x.example",
                                               "A@x.example"]
        assert kept[0].sender == "s@source.example" and kept[2].sender == ""
        assert {m.content for m in kept} == {MESSAGE}
        assert [line.deed for line in sink.lines()] == ["accepted"] * 3
        assert sink.lines()[0].bytes == len(MESSAGE)


def test_offers():
    with Sink() as sink:
        features = connect(sink).esmtp_features
        assert {"pipelining", "size", "8bitmime", "smtputf8",
                "enhancedstatuscodes"} <= set(features)
    with Sink("--no-pipelining", "--no-8bitmime", "--no-smtputf8", "--size",
              "1000", "--hostname", "mx.example") as sink:
        client = connect(sink)
        assert set(client.esmtp_features) == {"size", "enhancedstatuscodes"}
        assert client.esmtp_features["size"] == "1000"
        assert client.ehlo_resp.startswith(b"mx.example\n")
    with Sink("--no-ehlo") as sink:
        client = smtplib.SMTP("127.0.0.1", sink.port)
        assert client.ehlo()[0] == 500 and client.helo()[0] == 250


def test_refuses_and_defers_by_pattern():
    with Sink("--refuse", "*@gone.example:550 5.1.2 no such domain",
              "--defer", "busy@*", "--defer", "*@full.example@dot",
              "--refuse", "evil@*@mail:554 5.7.1 go away") as sink:
        assert send(sink, "a@gone.example", "busy@x.example",
                    "a@x.example") == [550, 450, 250]
        assert send(sink, "a@full.example") == 450
        assert send(sink, "a@x.example", sender="evil@y.example") == 554
        totals = sink.totals()
        assert (totals["mails"], totals["refused"], totals["deferred"]) == (
            1, 2, 2)
        assert sink.deeds("a@gone.example") == ["refused"]
        assert sink.deeds("a@full.example") == ["deferred"]


def test_share_is_the_same_each_time():
    recipients = [f"u{i}@x.example" for i in range(400)]
    seen = set()
    for _ in range(2):
        with Sink("--refuse", "*=25%") as sink:
            codes = send(sink, *recipients)
            seen.add(tuple(codes))
    assert len(seen) == 1
    assert 70 < codes.count(550) < 130


def test_times():
    with Sink("--defer", "*+2") as sink:
        assert [send(sink, "a@x.example")[0] for _ in range(3)] == [
            450, 450, 250]
        assert sink.deeds("a@x.example") == ["deferred", "deferred",
                                             "accepted"]


def test_greylists():
    with Sink("--greylist", "0.3,*@grey.example") as sink:
        assert send(sink, "a@grey.example", "a@x.example") == [451, 250]
        assert send(sink, "a@grey.example") == [451]
        time.sleep(0.35)
        assert send(sink, "a@grey.example") == [250]
        assert send(sink, "a@grey.example", sender="t@t.example") == [451]


@pytest.mark.parametrize("option, deed, mails", [
    ("--drop-before-dot", "dropped", 0),
    ("--drop-after-dot", "dropped_accepted", 1),
    ("--lose-after-dot", "dropped", 0)])
def test_drops(option, deed, mails):
    with Sink(option, "drop@*+1", maildir=True) as sink:
        assert send(sink, "drop@x.example") == 0
        assert sink.deeds("drop@x.example") == [deed]
        assert sink.totals()["mails"] == mails
        assert len(sink.messages()) == mails
        assert send(sink, "drop@x.example") == [250]
        assert sink.totals().get("duplicates") == mails


def test_421_after_some_mails():
    with Sink("--421-after", "2") as sink:
        client = connect(sink)
        for _ in range(2):
            assert client.sendmail("s@x", ["a@x"], MESSAGE) == {}
        assert client.mail("s@x")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_421_reply_ends_the_connection():
    with Sink("--defer", "*:421 4.3.2 shutting down") as sink:
        client = connect(sink)
        client.mail("s@x")
        assert client.rcpt("a@x")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_slow():
    with Sink("--slow", "100") as sink:
        start = time.monotonic()
        s, replies = raw(sink)
        s.sendall(b"HELO me\r\nNOOP\r\n")
        assert replies.readline().startswith(b"250 ")
        assert replies.readline().startswith(b"250 ")
        assert 0.3 <= time.monotonic() - start < 2
        s.close()


def test_limit_of_connections():
    with Sink("--max-connections", "2") as sink:
        kept = [raw(sink) for _ in range(2)]
        with pytest.raises(smtplib.SMTPConnectError) as error:
            connect(sink)
        assert error.value.smtp_code == 421
        kept[0][0].shutdown(socket.SHUT_RDWR)
        kept[0][1].close()
        kept[0][0].close()
        time.sleep(0.1)
        connect(sink).quit()
        totals = sink.totals()
        assert totals["max_connections"] == 3
        assert totals["max_connections_a_minute"] == 4


def test_silent_client_is_answered_421():
    with Sink("--timeout", "1") as sink:
        s, replies = raw(sink)
        s.sendall(b"NOOP\r\nNOO")
        assert replies.readline().startswith(b"250 ")
        assert replies.readline().startswith(b"421 ")
        assert replies.readline() == b""
        s.close()


def test_pipelining_that_was_not_offered():
    with Sink("--no-pipelining") as sink:
        s, replies = raw(sink)
        s.sendall(b"NOOP\r\nNOOP\r\n")
        assert replies.readline().startswith(b"250 ")
        assert replies.readline().startswith(b"421 4.5.0 ")
        s.close()


def test_message_too_big():
    with Sink("--size", "100") as sink:
        client = smtplib.SMTP("127.0.0.1", sink.port)
        client.helo()
        client.mail("s@x")
        client.rcpt("a@x")
        assert client.data(b"x" * 99)[0] == 552
        assert client.sendmail("s@x", ["a@x"], b"x" * 90) == {}


def test_client_that_reads_no_replies():
    """Its input is left alone once the socket takes no more, and the others
    are served."""
    with Sink() as sink:
        s, _ = raw(sink)
        s.setblocking(False)
        sent = 0
        with pytest.raises(BlockingIOError):
            for _ in range(10000):
                sent += s.send(b"NOOP\r\n" * 1000)
        assert send(sink, "a@x.example") == [250]
        s.close()


def test_hostile_lines():
    with Sink() as sink:
        s, replies = raw(sink)
        s.sendall(b"x" * 1_000_000 + b"\r\nNOOP\r\n")
        assert replies.readline().startswith(b"500 5.5.6 ")
        assert replies.readline().startswith(b"250 ")
        s.sendall(b"\0\xff\r\n" * 19)
        for _ in range(19):
            assert re.match(rb"500 |421 ", replies.readline())
        assert replies.readline().startswith(b"421 ")
        s.close()
        assert send(sink, "a@x.example") == [250]


def test_totals_on_a_signal_and_stop():
    sink = Sink()
    sink.start()
    send(sink, "a@x.example")
    sink.process.send_signal(signal.SIGUSR1)
    assert '"mails": 1' in sink.process.stdout.readline()
    s, replies = raw(sink)
    process = sink.process
    process.send_signal(signal.SIGTERM)
    assert replies.readline().startswith(b"421 4.3.2 ")
    assert process.wait(5) == 0
    s.close()
    process.stdout.close()


@pytest.mark.parametrize("options, words", [
    (["--refuse", "*:450 x"], "--refuse *:450 x: the reply is a code"),
    (["--size", "0"], "--size 0: a number from 1"),
    (["--listen", "example.com:25"], "--listen: example.com is not an IP"),
    (["--listen", "127.0.0.1"], "--listen: "),
    (["--nonsense"], "--nonsense: unknown option"),
    (["--listn", "x"], "--listn: unknown option, did you mean --listen?"),
    (["--size"], "--size: a value is missing"),
    (["extra"], "extra: an option is expected"),
    (["--maildir", "/proc/nowhere"], "--maildir /proc/nowhere: "),
    (["--log", "/nowhere/log"], "--log /nowhere/log: No such file")])
def test_bad_options(options, words):
    run = subprocess.run(
        [places.PRESORT, "sink", "--listen", "127.0.0.1:0", *options],
        capture_output=True, text=True, timeout=10)
    started = "nowhere" in options[-1]
    assert run.returncode == (1 if started else 2)
    assert f"presort{' sink' if started else ''}: {words}" in run.stderr
