"""A relay that takes OAuth 2 tokens, which a token endpoint gives for a refresh
token: got in time, got anew when they are refused; while there is none, mail
waits, and says why. Nothing secret is told."""

import contextlib
import pathlib
import subprocess
import tempfile
import time

from kit import certificate, places, process
from kit.oauth import (CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TokenEndpoint,
                       TokenImap, TokenSmtp)
from kit.presort import Presort
from kit.sink import Sink

import pytest

SETTINGS = {"workers": 1, "poll_interval_ms": 100,
            "connection_idle_seconds": 1, "retry_jitter_percent": 0,
            "transactional_retry_first_seconds": 1,
            "transactional_retry_most_seconds": 1}


@contextlib.contextmanager
def story(expires_in=3600, https=False, **settings):
    """presort, an endpoint, and a relay that takes its tokens."""
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="oauth-"))
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        own = certificate.make(directory, "localhost")
        (directory / "refresh").write_text(REFRESH_TOKEN + "\n")
        (directory / "client").write_text(CLIENT_SECRET + "\n")
        endpoint = stack.enter_context(
            TokenEndpoint(own if https else None, expires_in))
        smtp = stack.enter_context(TokenSmtp(own, endpoint))
        sink = stack.enter_context(Sink())
        presort = stack.enter_context(
            Presort(sink.port, tls_ca_file=own, **{**SETTINGS, **settings}))
        presort.directory_of_secrets = directory
        yield presort, endpoint, smtp
        told = presort.log() + str(presort.sql(
            "SELECT reply FROM outcome")) + presort.command("relay", "list")
        for secret in (REFRESH_TOKEN, CLIENT_SECRET, *endpoint.given,
                       *endpoint.more.values()):
            assert secret not in told
        assert presort.sql("SELECT count(*) FROM outcome WHERE verdict = "
                           "'bounced'") == [["0"]]


ALL = ("default", "tokens")
SOME = ("add", "--to", "one.example", "--via", "tokens")


def add_relay(presort, endpoint, smtp, *more, route=ALL):
    directory = presort.directory_of_secrets
    presort.command(
        "relay", "add", "tokens", f"smtps://localhost:{smtp.port}", "--tls",
        "verified", "--user", "jo", "--token-url", endpoint.url, "--client-id",
        CLIENT_ID, "--client-secret", f"file:{directory / 'client'}",
        "--refresh-token", f"file:{directory / 'refresh'}", *more)
    presort.command("route", *route)
    process.wait_until(lambda: "rules=1" in presort.log(), 10,
                       "the worker to know")


def receipt(presort, to):
    presort.ask("POST", "/emails", {
        "from": "shop@source.example", "to": [to], "subject": "Receipt",
        "text": "Thanks.\n"})


def arrives(smtp, address, seconds=15):
    process.wait_until(lambda: address in smtp.mails, seconds, address)


def reason(presort):
    """The last word on a mail that is deferred."""
    rows = presort.sql("SELECT step, reply FROM outcome WHERE verdict = "
                       "'deferred' ORDER BY at DESC LIMIT 1")
    return " ".join(rows[0]) if rows else ""


def wait_for_reason(presort, text, seconds=30):
    process.wait_until(lambda: text in reason(presort), seconds, text)
    assert reason(presort).startswith("login relay tokens: "), reason(presort)


def test_a_token_is_got_and_kept():
    with story(https=True) as (presort, endpoint, smtp):
        endpoint.more = {"refresh_token": "1//another"}
        add_relay(presort, endpoint, smtp, "--scope", "mail send")
        receipt(presort, "a@one.example")
        arrives(smtp, "a@one.example")
        process.wait_until(lambda: len(smtp.mails) == 1, 5, "one mail")
        assert endpoint.asked == [{
            "grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN,
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
            "scope": "mail send"}]
        assert smtp.logins == [(endpoint.given[0], True)]
        # What is revoked is refused once, and had anew by the newest token.
        endpoint.revoke()
        time.sleep(2.5)  # until the connection is closed
        receipt(presort, "b@one.example")
        arrives(smtp, "b@one.example")
        assert [good for _, good in smtp.logins] == [True, False, True]
        assert len(endpoint.asked) == 2
        assert endpoint.asked[1]["refresh_token"] == "1//another"
        assert "relay_token_refused relay=tokens" in presort.log()


def test_a_token_is_had_anew_in_time():
    with story(expires_in=4) as (presort, endpoint, smtp):
        add_relay(presort, endpoint, smtp)
        process.wait_until(lambda: len(endpoint.asked) >= 4, 20,
                           "some tokens")
        for i in range(8):
            receipt(presort, f"a{i}@one.example")
            arrives(smtp, f"a{i}@one.example")
            time.sleep(1.2)  # until the connection is closed
        assert len(smtp.logins) > 4 and all(good for _, good in smtp.logins)
        assert len({token for token, _ in smtp.logins}) > 1
        assert reason(presort) == ""


def test_a_relay_that_is_removed_asks_for_no_more():
    """At once, not from the next start on; and made again, it asks again."""
    with story(expires_in=4) as (presort, endpoint, smtp):
        add_relay(presort, endpoint, smtp)
        process.wait_until(lambda: len(endpoint.asked) >= 2, 20, "tokens")
        receipt(presort, "a@one.example")
        arrives(smtp, "a@one.example")
        presort.command("route", "default", "sandbox")
        presort.command("relay", "remove", "tokens")
        time.sleep(2)  # a question may be under way
        before = len(endpoint.asked)
        time.sleep(6)
        assert len(endpoint.asked) == before
        add_relay(presort, endpoint, smtp)
        process.wait_until(lambda: len(endpoint.asked) >= before + 2, 20,
                           "tokens")
        receipt(presort, "b@one.example")
        arrives(smtp, "b@one.example")
        assert all(good for _, good in smtp.logins)


def test_without_a_token_mail_waits():
    with story() as (presort, endpoint, smtp):
        endpoint.says(400, error="invalid_grant", error_description="no")
        add_relay(presort, endpoint, smtp)
        receipt(presort, "a@one.example")
        wait_for_reason(presort, "the token endpoint: HTTP status 400, "
                        "invalid_grant")
        # It says our secret in its error, and then nothing of sense.
        endpoint.says(400, error=REFRESH_TOKEN)
        wait_for_reason(presort, "400, an error without a proper name")
        assert smtp.logins == []
        tried = subprocess.run(
            [places.PRESORT, "route", "test", "a@one.example", "--from",
             "shop@source.example"], env=presort.environment,
            capture_output=True, text=True, check=False)
        assert tried.returncode == 1
        assert ("the token endpoint: HTTP status 400, an error without a "
                "proper name: mail would wait") in tried.stdout
        endpoint.asked.pop()
        asked = len(endpoint.asked)
        assert asked <= 4, "it backs off"
        endpoint.answer = None
        arrives(smtp, "a@one.example", 60)
        assert smtp.logins == [(endpoint.given[0], True)]


@pytest.mark.parametrize("answer, why", [
    ((302, b"", {"Location": "/token?elsewhere"}), "HTTP status 302"),
    ((200, b"x" * 40000, {}), "more than 32768 bytes"),
    ((200, b'{"access_token": "a b", "token_type": "Bearer"}', {}),
     "access_token: printable ASCII"),
])
def test_what_it_says_is_not_taken_on_trust(answer, why):
    with story() as (presort, endpoint, smtp):
        endpoint.answer = answer
        add_relay(presort, endpoint, smtp)
        receipt(presort, "a@one.example")
        wait_for_reason(presort, why)
        assert smtp.logins == []
        assert all(form["refresh_token"] == REFRESH_TOKEN
                   for form in endpoint.asked)


def test_a_silent_endpoint_holds_up_nobody_else():
    with story() as (presort, endpoint, smtp):
        endpoint.go.clear()
        add_relay(presort, endpoint, smtp, route=SOME)
        receipt(presort, "a@one.example")
        process.wait_until(lambda: endpoint.asked, 10, "the question")
        campaign = presort.new_campaign(
            [f"r{i}@two.example" for i in range(2000)])
        presort.send(campaign)
        presort.wait_for(campaign, 20)
        assert len(endpoint.asked) == 1 and smtp.mails == []
        wait_for_reason(presort, "the token endpoint: Timeout was reached", 40)
        endpoint.go.set()
        arrives(smtp, "a@one.example", 30)


def test_an_endpoint_whose_certificate_is_not_right_is_told_nothing():
    with story(https=True) as (presort, endpoint, smtp):
        endpoint.url = endpoint.url.replace("localhost", "127.0.0.1")
        add_relay(presort, endpoint, smtp)
        receipt(presort, "a@one.example")
        wait_for_reason(presort, "the token endpoint: SSL peer certificate")
        assert endpoint.asked == []


def test_an_endpoint_that_is_down_and_a_token_that_ends():
    with story(expires_in=3) as (presort, endpoint, smtp):
        add_relay(presort, endpoint, smtp, route=SOME)
        receipt(presort, "a@one.example")
        arrives(smtp, "a@one.example")
        endpoint.answer = (503, b"<html>", {"Content-Type": "text/html"})
        process.wait_until(lambda: "HTTP status 503" in presort.log(), 15,
                           "it to be noticed")
        process.wait_until(lambda: not endpoint.takes(endpoint.given[-1]), 10,
                           "the end of the token")
        logins = len(smtp.logins)
        for i in range(5):
            receipt(presort, f"b{i}@one.example")
        wait_for_reason(presort, "the token endpoint: HTTP status 503")
        assert len(smtp.logins) == logins, "an old token is not said"
        endpoint.answer = None
        for i in range(5):
            arrives(smtp, f"b{i}@one.example", 60)


def test_refused_for_good_it_backs_off():
    with story() as (presort, endpoint, smtp):
        add_relay(presort, endpoint, smtp)
        smtp.endpoint = TokenEndpoint()  # whose tokens nobody has
        receipt(presort, "a@one.example")
        wait_for_reason(presort, "the server refuses the token")
        assert [good for _, good in smtp.logins] == [False, False]
        assert len(endpoint.asked) == 2
        smtp.endpoint = endpoint
        arrives(smtp, "a@one.example", 60)


def test_what_is_added_is_checked():
    with story() as (presort, endpoint, smtp):
        login = ["relay", "add", "x", "smtps://localhost:1", "--user", "jo"]
        tokens = ["--client-id", "c", "--refresh-token", "file:/r"]
        url = ["--token-url", endpoint.url]
        for words, why in (
                (["--token-url", "http://idp.example/token", *tokens],
                 "--token-url: http:// is for this machine"),
                (["--token-url", "ftp://idp.example/", *tokens],
                 "--token-url: https://"),
                ([*url, "--client-id", "c"], "--refresh-token: it is missing"),
                ([*url, "--refresh-token", "file:/r"], "--client-id: it is missing"),
                ([*url, "--client-id", "c", "--refresh-token", "hunter2"],
                 "--refresh-token: it says where"),
                ([*url, *tokens, "--client-secret", "hunter2"],
                 "--client-secret: it says where"),
                ([*url, *tokens, "--secret", "file:/x"], "--secret: there is none with"),
                ([*url, *tokens, "--login", "plain"], "--login: xoauth2 is"),
                (["--secret", "file:/x", *tokens], "--client-id: it goes with")):
            with pytest.raises(RuntimeError) as failed:
                presort.command(*login, *words)
            said = str(failed.value).split(": ", 1)[1]
            assert why in said, said
            assert "hunter2" not in said
        presort.command(*login, *url, *tokens)
        assert "login=xoauth2  user=jo  secret=tokens of http://127" in (
            presort.command("relay", "list"))


def test_a_mailbox_gets_its_tokens_there_too():
    """One token serves many logins; a refused one is replaced, and so is the
    refresh token, where the endpoint gives another; the reason of a failure is
    on record."""
    with story(https=True, inbound_poll_seconds=1) as (presort, endpoint, _):
        directory = presort.directory_of_secrets
        own = directory / "localhost.pem"
        endpoint.more = {"refresh_token": "1//another"}

        def error():
            return presort.sql("SELECT error FROM mailbox")[0][0]

        with TokenImap(own, endpoint) as imap:
            presort.command(
                "mailboxes", "add", "box", "--url",
                f"imaps://localhost:{imap.port}", "--user", "jo", "--ca-file",
                own, "--token-url", endpoint.url, "--client-id", CLIENT_ID,
                "--client-secret", f"file:{directory / 'client'}",
                "--refresh-token", f"file:{directory / 'refresh'}")
            process.wait_until(lambda: len(imap.logins) >= 3, 20, "logins")
            assert set(imap.logins) == {(endpoint.given[0], True)}
            assert [f["refresh_token"] for f in endpoint.asked] == [
                REFRESH_TOKEN]
            endpoint.revoke()
            process.wait_until(lambda: len(endpoint.asked) == 2 and error() ==
                               "", 30, "another token")
            assert imap.logins.count((endpoint.given[0], False)) == 1
            assert imap.logins[-1] == (endpoint.given[1], True)
            assert endpoint.asked[1]["refresh_token"] == "1//another"
            endpoint.says(400, error="invalid_grant")
            endpoint.revoke()
            process.wait_until(
                lambda: error() == "the token endpoint: HTTP status 400, "
                "invalid_grant", 30, "the reason")
            with pytest.raises(RuntimeError, match="invalid_grant"):
                presort.command("mailboxes", "test", "box")
            assert "tokens of https://localhost" in presort.command(
                "mailboxes", "list")
            # Refused, the one that was given is given up for ours again.
            process.wait_until(lambda: endpoint.asked[-1]["refresh_token"] ==
                               REFRESH_TOKEN, 30, "the first refresh token")
