"""A campaign goes in over HTTP and comes out over SMTP."""

import email
import email.policy

from kit import process
from kit.presort import Presort
from kit.sink import Sink

DOMAINS = ("gmail.com", "outlook.com", "example.com", "example.net", "gmx.de")


def readers(n):
    return [(f"reader{i}@{DOMAINS[i % len(DOMAINS)]}",
             {"first_name": f"Füsun <{i}>"}) for i in range(n)]


def test_campaign_is_delivered():
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        audience = readers(2000)
        twice = [(a.upper(), v) for a, v in audience[:100]]
        campaign = presort.new_campaign(audience + twice)
        assert presort.campaign(campaign)["state"] == "draft"
        presort.send(campaign)
        found = presort.wait_for(campaign, 60)
        assert found["recipients"] == 2000 and found["started_at"]
        totals = presort.check_totals(campaign)
        assert totals["delivered"] == 2000
        # Each got one, and it is theirs.
        assert sink.copies() == {address: 1 for address, _ in audience}
        names = {address: values["first_name"] for address, values in audience}
        ids = set()
        for kept in sink.messages():
            check_message(kept, names[kept.recipient])
            ids.add(email.message_from_bytes(kept.content)["Message-ID"])
        assert len(ids) == 2000


def said(part):
    return part.get_content().replace("\r\n", "\n")


def check_message(kept, name):
    lines = kept.content.split(b"\r\n")
    assert b"\n" not in b"".join(lines) and b"\r" not in b"".join(lines)
    assert max(map(len, lines)) <= 998
    mail = email.message_from_bytes(kept.content, policy=email.policy.default)
    assert mail["Subject"] == f"Hello {name}"
    assert mail["To"] == kept.recipient
    assert mail["From"] == "Presort <news@source.example>"
    assert mail["Date"].datetime and mail["MIME-Version"] == "1.0"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert said(text) == f"Hello {name},\nthis is a story.\n"
    escaped = name.replace("<", "&lt;").replace(">", "&gt;")
    assert said(html) == f"<p>Hello {escaped}</p>\n"


def test_single_mail_is_delivered():
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        mail = presort.ask("POST", "/emails", {
            "from": "Shop <shop@source.example>", "to": ["a@example.com"],
            "subject": "Your order", "text": "It is on its way.\n"})["id"]

        def delivered():
            return presort.ask("GET", f"/emails/{mail}")["last_event"] == (
                "delivered")
        process.wait_until(delivered, 10, "the mail's delivery")
        [kept] = sink.messages()
        assert (kept.sender, kept.recipient) == ("shop@source.example",
                                                 "a@example.com")
        content = email.message_from_bytes(kept.content,
                                           policy=email.policy.default)
        assert content["Subject"] == "Your order"
        assert said(content.get_body()) == "It is on its way.\n"


def test_eight_bits_where_they_arrive():
    """Text beyond ASCII goes as 8bit to a server that offers 8BITMIME; not to
    one that does not, or that refuses what it offered; and not where a signature
    would break on a later hop. In a campaign, and where the text is the same
    for all."""
    text = "Gr\u00fc\u00dfe an {{ email }}\n"
    for options, encoding in (
            ((), "8bit"), (["--no-8bitmime"], QP),
            (["--false-8bitmime"], QP)):
        with Sink(*options, maildir=True) as sink, Presort(
                sink.port) as presort:
            presort.command("dkim", "create", "signed.example")
            for sender in "plain", "signed":
                campaign = presort.new_campaign(
                    [f"{sender}@example.com"], text=text, html=None,
                    **{"from": f"a@{sender}.example"})
                presort.send(campaign)
                presort.ask("POST", "/emails", {
                    "from": f"a@{sender}.example",
                    "to": [f"{sender}@example.com"], "subject": "x",
                    "text": text})
            process.wait_until(lambda: sum(sink.copies().values()) == 4, 20,
                               "all mails")
            for kept in sink.messages():
                mail = email.message_from_bytes(kept.content,
                                                policy=email.policy.default)
                assert said(mail).startswith("Gr\u00fc\u00dfe an ")
                assert mail["Content-Transfer-Encoding"] == (
                    QP if kept.recipient.startswith("signed") else encoding)


QP = "quoted-printable"


def test_programs_mail_says_that_it_is_one():
    """Auto-Submitted (RFC 3834): on transactional mail that answers nobody,
    as its author says where he says it; never on a campaign's."""
    own = [({}, "auto-generated"), ({"In-Reply-To": "<1@a.example>"}, None),
           ({"references": "<1@a.example>"}, None),
           ({"Auto-Submitted": "no"}, "no")]
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        for i, (headers, _) in enumerate(own):
            presort.ask("POST", "/emails", {
                "from": "shop@source.example", "to": [f"a{i}@example.com"],
                "subject": "Your order", "text": "x", "headers": headers})
        campaign = presort.new_campaign(["b@example.com"])
        presort.send(campaign)
        process.wait_until(lambda: len(sink.copies()) == len(own) + 1, 20,
                           "all mails")
        said_by = {kept.recipient: email.message_from_bytes(
            kept.content)["Auto-Submitted"] for kept in sink.messages()}
        assert said_by == {"b@example.com": None} | {
            f"a{i}@example.com": value for i, (_, value) in enumerate(own)}


def test_service_survives_a_restart_with_mail_waiting():
    """Stopped and started again, everything goes on where it was."""
    with Sink("--slow", "2") as sink:
        with Presort(sink.port, site_connections_max=8) as presort:
            campaign = presort.new_campaign(readers(3000))
            presort.send(campaign)
            presort.wait_for_totals(campaign, 30,
                                    lambda t: t["delivered"] > 200)
            presort.stop()
            assert 200 < sink.totals()["mails"] < 3000
            presort.start()
            presort.wait_for(campaign, 60)
            assert presort.check_totals(campaign)["delivered"] == 3000
        assert set(sink.copies().values()) == {1}
        assert len(sink.copies()) == 3000


def test_preview_text_is_hidden_in_the_html():
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        campaign = presort.new_campaign([("one@example.net",
                                          {"first_name": "A & B"})],
                                        preheader="For {{ first_name }} <only>",
                                        text=None)
        shown = presort.campaign(campaign)
        assert shown["preheader"] == "For {{ first_name }} <only>"
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        presort.ask("POST", "/emails", {
            "from": "a@source.example", "to": "two@example.net",
            "subject": "s", "html": "<p>Hi</p>", "preheader": "x < y"})
        process.wait_until(lambda: len(sink.messages()) == 2, 30, "both mails")
        first, second = (m.content for m in sink.messages())
        assert b">For A &amp; B &lt;only&gt;</div><p>" in first
        text = first.split(b"text/html")[0]
        assert b"only" not in text and b"Hello A & B" in text
        assert b">x &lt; y</div><p>Hi</p>" in second
