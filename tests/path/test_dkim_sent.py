"""Mail is signed on its way, by the keys that `presort dkim` made."""

import base64
import re
import subprocess
import threading

import dkim
import pytest

from kit import process
from kit.presort import Presort
from kit.sink import Sink

ZONE = re.compile(r'(\S+)\. IN TXT ((?:"[^"]*" ?)+)')


def records_of(printed):
    """{name: TXT} of zone file lines."""
    return {name: "".join(re.findall('"([^"]*)"', strings))
            for name, strings in ZONE.findall(printed)}


def verified(mail, records):
    """The (algorithm, domain, selector) of each signature; all are good."""
    found = []
    for index in range(mail.lower().count(b"dkim-signature:")):
        d = dkim.DKIM(mail)
        assert d.verify(idx=index, dnsfunc=lambda name, timeout=5: records[
            name.decode().rstrip(".")].encode())
        found.append(tuple(d.signature_fields[tag].decode()
                           for tag in (b"a", b"d", b"s")))
    return found


def outcome(presort, campaign):
    return presort.sql(f"""
        SELECT o.verdict, o.final, o.reach, o.step, o.reply FROM outcome o
        JOIN batch b ON b.id = o.batch WHERE b.campaign = '{campaign}'""")


def algorithms(signatures):
    return [algorithm for algorithm, _, _ in signatures]


@pytest.fixture(scope="module")
def places():
    with Sink(maildir=True) as sink, Presort(
            sink.port, retry_first_seconds=1) as presort:
        yield sink, presort


def deliver(sink, presort, count, **fields):
    """The mails of a new campaign."""
    before = len(sink.messages())
    campaign = presort.new_campaign(
        [f"r{before + i}@example.net" for i in range(count)], **fields)
    presort.send(campaign)
    presort.wait_for(campaign, 60)
    return [m.content for m in sink.messages()[before:]]


def until(sink, presort, sender, enough):
    """What the engines sign with follows the store within moments."""
    def there():
        mail, = deliver(sink, presort, 1, **{"from": sender})
        return mail if enough(mail) else None
    return process.wait_until(there, 20, "the keys' use", 0.1)


def test_a_campaign_is_signed(places):
    sink, presort = places
    plain = deliver(sink, presort, 1)
    assert b"dkim-signature" not in plain[0].lower()
    records = records_of(presort.command(
        "dkim", "create", "Source.example", "--algorithm", "both",
        "--selector", "s1"))
    assert set(records) == {"s1._domainkey.source.example",
                            "s1-ed25519._domainkey.source.example"}
    until(sink, presort, "news@source.example",
          lambda mail: b"DKIM-Signature" in mail)
    mails = deliver(sink, presort, 500)
    assert len(mails) == 500
    for mail in mails:
        assert verified(mail, records) == [
            ("rsa-sha256", "source.example", "s1"),
            ("ed25519-sha256", "source.example", "s1-ed25519")]
    # A domain below it is signed by it, one beside it is not.
    below, = deliver(sink, presort, 1, **{"from": "a@News.SOURCE.example"})
    assert len(verified(below, records)) == 2
    beside, = deliver(sink, presort, 1, **{"from": "a@opensource.example"})
    assert verified(beside, records) == []


def test_a_single_mail_is_signed(places):
    sink, presort = places
    records = records_of(presort.command(
        "dkim", "create", "app.example", "--algorithm", "ed25519"))
    until(sink, presort, "a@app.example", lambda m: b"DKIM-Signature" in m)
    before = len(sink.messages())
    presort.ask("POST", "/emails", {
        "from": "App <a@app.example>", "to": ["one@example.net"],
        "subject": "Grüße", "text": "..\n.\nHello \n\n\n"})
    process.wait_until(lambda: len(sink.messages()) > before, 20, "the mail")
    signatures = verified(sink.messages()[-1].content, records)
    assert algorithms(signatures) == ["ed25519-sha256"]


def test_keys_rotate(places):
    sink, presort = places
    sender = "a@rotate.example"
    old = records_of(presort.command("dkim", "create", "rotate.example"))
    until(sink, presort, sender, lambda m: b"DKIM-Signature" in m)
    following = records_of(presort.command("dkim", "rotate", "rotate.example"))
    assert len(following) == 1 and not set(following) & set(old)
    mail, = deliver(sink, presort, 1, **{"from": sender})
    assert len(verified(mail, old)) == 1
    said = presort.command("dkim", "rotate", "rotate.example")
    assert said.splitlines() == [f"retired {n}" for n in old] + [
        f"active {n}" for n in following]
    selector = next(iter(following)).split(".")[0].encode()
    mail = until(sink, presort, sender, lambda m: b"s=" + selector in m)
    assert len(verified(mail, following)) == 1
    # The old private key is gone, the new one is not readable.
    rows = presort.sql("""
        SELECT k.state, k.sealed IS NULL, position('PRIVATE' in
               encode(coalesce(k.sealed, ''), 'escape'))
        FROM dkim_key k JOIN domain d ON d.id = k.domain
        WHERE d.name = 'rotate.example' ORDER BY k.id""")
    assert rows == [["retired", "t", "0"], ["active", "f", "0"]]


def test_an_imported_key_signs(places, tmp_path):
    sink, presort = places
    pem = tmp_path / "key.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", pem, "2048"],
                   check=True, capture_output=True)
    records = records_of(presort.command(
        "dkim", "import", "old.example", "--selector", "mine.2020", "--key",
        str(pem)))
    public = subprocess.run(
        ["openssl", "rsa", "-in", pem, "-pubout", "-outform", "DER"],
        check=True, capture_output=True).stdout
    assert records == {"mine.2020._domainkey.old.example":
                       "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()}
    mail = until(sink, presort, "a@old.example",
                 lambda m: b"DKIM-Signature" in m)
    assert verified(mail, records) == [("rsa-sha256", "old.example",
                                        "mine.2020")]


@pytest.mark.parametrize("words, why", [
    (["create", "source.example"], "has keys"),
    (["create", "x..example"], "no DNS name"),
    (["create", "x.example", "--project", "nobody"], "no project"),
    (["create", "x.example", "--algorithm", "rsa1024"], "rsa2048"),
    (["rotate", "unknown.example"], "has no unknown.example"),
    (["import", "x.example", "--selector", "s"], "--key"),
    (["import", "x.example", "--selector", "s", "--key", "/dev/null"],
     "no private key"),
    (["revoke"], "unknown"),
])
def test_refusals(places, words, why):
    _, presort = places
    with pytest.raises(RuntimeError, match=why):
        presort.command("dkim", *words)
    assert "x.example" not in presort.command("dkim", "list").split()


def test_a_key_that_can_not_be_unsealed_holds_the_mail(places):
    sink, presort = places
    presort.command("dkim", "create", "held.example", "--algorithm", "ed25519")
    until(sink, presort, "a@held.example", lambda m: b"DKIM-Signature" in m)
    presort.sql("""
        UPDATE dkim_key SET sealed = sealed || 'x'::bytea WHERE domain =
            (SELECT id FROM domain WHERE name = 'held.example')""")
    presort.stop()
    presort.start()
    campaign = presort.new_campaign(["held@example.net"],
                                    **{"from": "a@held.example"})
    presort.send(campaign)
    process.wait_until(lambda: outcome(presort, campaign), 20, "an outcome")
    verdict, final, reach, step, reply = outcome(presort, campaign)[0]
    assert (verdict, final, reach, step) == ("deferred", "f", "message", "sign")
    assert "held.example" in reply
    presort.sql("""
        UPDATE dkim_key SET sealed = substr(sealed, 1, length(sealed) - 1)
        WHERE domain = (SELECT id FROM domain WHERE name = 'held.example');
        NOTIFY presort_control, 'dkim'""")
    presort.wait_for(campaign, 60)
    assert presort.check_totals(campaign)["delivered"] == 1
    assert b"d=held.example" in sink.messages()[-1].content


def test_a_new_key_signs_the_next_mail():
    """No worker sends what was accepted after a key became active before it
    has read that key; here it can't for two seconds."""
    with Sink(maildir=True) as sink, Presort(
            sink.port, dkim_required=1) as presort:
        presort.command("dkim", "create", "new.example")
        presort.sql("UPDATE dkim_key SET state = 'next'")
        bounced = post(presort, "before")
        process.wait_until(lambda: presort.ask("GET", f"/emails/{bounced}")[
            "last_event"] == "bounced", 20, "a mail to bounce without a key")
        hold = threading.Thread(target=presort.sql, args=("""
            BEGIN; LOCK TABLE domain; SELECT pg_sleep(2); COMMIT""",))
        hold.start()
        process.wait_until(lambda: presort.sql("""
            SELECT count(*) FROM pg_locks WHERE granted AND
            mode = 'AccessExclusiveLock' AND
            relation = 'domain'::regclass""") == [["1"]], 10, "the lock")
        presort.sql("UPDATE dkim_key SET state = 'active'")
        mails = [post(presort, f"after{i}") for i in range(20)]
        assert not sink.copies()
        hold.join()
        process.wait_until(lambda: len(sink.copies()) == len(mails), 20,
                           "the mails")
        assert all(b"d=new.example" in m.content for m in sink.messages())


def post(presort, name):
    return presort.ask("POST", "/emails", {
        "from": "a@new.example", "to": [f"{name}@example.net"],
        "subject": "Receipt", "text": "x"})["id"]


def test_unsigned_mail_bounces_where_keys_are_required():
    with Sink() as sink, Presort(sink.port, dkim_required=1) as presort:
        campaign = presort.new_campaign(["one@example.net"])
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["bounced"] == 1
        verdict, final, reach, step, reply = outcome(presort, campaign)[0]
        assert (verdict, final, reach, step) == ("bounced", "t", "message",
                                                 "sign")
        assert "source.example has no DKIM key" in reply
        assert sink.totals() and not sink.copies()
