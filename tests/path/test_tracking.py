"""What recipients come to by the links of a mail: where they wanted to go,
counted; and out of the list, when they ask for it."""

import email
import email.policy
import http.client
import re
import time

from kit import process
from kit.places import free_ports
from kit.presort import Presort
from kit.sink import Sink

HTML = """\
<html><body>
<p>Hello {{ name }}, <a href="https://shop.example/?a=1&amp;b=2">shop</a>
<a href="{{ url }}">yours</a>
{% for p in products %}<a href="https://shop.example/p/{{ p }}?x={{ name }}">p
</a>{% endfor %}
<a href="https://left.example/" data-track="off">left alone</a>
<a href="mailto:x@shop.example">mail</a>
<a href="{{ unsubscribe_url }}">unsubscribe</a></p>
</body></html>
"""
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"


class Reader:
    """Somebody with a browser, and the mail that came."""

    def __init__(self, presort, message):
        self.presort = presort
        self.mail = email.message_from_bytes(message.content,
                                             policy=email.policy.default)
        self.html = self.mail.get_body(("html",)).get_content()
        self.links = [link.replace("&amp;", "&") for link in
                      re.findall(r'href="([^"]*)"', self.html)]

    def ask(self, url, method="GET", body=None, agent=BROWSER, kind=None):
        host = f"127.0.0.1:{self.presort.port}"
        assert url.startswith(f"http://{host}/"), url
        link = http.client.HTTPConnection(host, timeout=30)
        headers = {"User-Agent": agent} if agent else {}
        if kind:
            headers["Content-Type"] = kind
        link.request(method, url.removeprefix(f"http://{host}"), body, headers)
        answer = link.getresponse()
        answer.text = answer.read().decode(errors="replace")
        link.close()
        return answer


def start(sink, **settings):
    port = free_ports(1)[0]
    return Presort(relay=sink.port, api_listen=f"127.0.0.1:{port}",
                   public_url=f"http://127.0.0.1:{port}", **settings), port


def one_reader(presort, sink, **fields):
    campaign = presort.new_campaign(
        [("ann@a.example", {"name": "Ann & <Co>",
                            "url": "https://ann.example/?q=1&r='2'"})],
        html=HTML, text="Plain https://shop.example/", **fields)
    presort.send(campaign)
    presort.wait_for(campaign, 30)
    [message] = [m for m in sink.messages()
                 if m.recipient == "ann@a.example"][-1:]
    return campaign, Reader(presort, message)


def events(presort, campaign):
    return presort.campaign(campaign)["events"]


def check_shown(presort, campaign):
    """Who opened and clicked stands with the recipient, and in the email."""
    path = f"/campaigns/{campaign}/recipients"
    [ann] = presort.ask("GET", path)["data"]
    assert ann["last_at"] < ann["clicked_at"] < ann["opened_at"]
    assert ann["unsubscribed_at"] is None
    exported = presort.call("GET", f"{path}.ndjson", headers={
        "Accept": "application/x-ndjson"}).body
    assert exported == ann
    mail = presort.ask("GET", f"/emails/{ann['id']}")
    assert mail["last_event"] == "clicked"
    assert [(e["type"], e["link"], e["machine"]) for e in mail["events"]] == [
        ("clicked", 0, False), ("clicked", 1, False), ("clicked", 0, False),
        ("clicked", 0, True), ("opened", None, False),
        ("opened", None, False)]
    assert {e["email"] for e in mail["events"]} == {"ann@a.example"}
    assert mail["events"][0]["user_agent"] == BROWSER
    [listed] = presort.ask("GET", "/emails?to=ann@a.example")["data"]
    assert listed["last_event"] == "clicked" and "events" not in listed
    said = presort.command("campaign", "show", campaign)
    assert "opened                 1  (2 times)" in said
    assert "clicked                1  (3 times)  and 1 by machines" in said


def test_links_lead_where_they_did_and_are_counted():
    with Sink(maildir=True) as sink:
        presort, port = start(sink)
        presort.port = port
        with presort:
            campaign, ann = one_reader(presort, sink)
            public = f"http://127.0.0.1:{port}"
            tracked = [x for x in ann.links if x.startswith(public + "/c/")]
            assert len(tracked) == 2, ann.links
            assert "https://left.example/" in ann.links
            assert "mailto:x@shop.example" in ann.links
            assert "https://shop.example/" in ann.mail.get_body(
                ("plain",)).get_content()
            time.sleep(2.5)  # nobody reads faster than that
            led = [ann.ask(x) for x in tracked]
            assert [a.status for a in led] == [302, 302]
            assert [a.headers["Location"] for a in led] == [
                "https://shop.example/?a=1&b=2",
                "https://ann.example/?q=1&r='2'"]
            ann.ask(tracked[0])
            ann.ask(tracked[0], agent="Barracuda Sentinel")
            pixel = re.search(r'<img src="([^"]*/o/[^"]*)"', ann.html)[1]
            assert ann.ask(pixel).headers["Content-Type"] == "image/gif"
            ann.ask(pixel)
            process.wait_until(
                lambda: events(presort, campaign)["opened"]["total"] == 2, 10,
                "the events")
            assert events(presort, campaign) == {
                "opened": {"mails": 1, "total": 2, "machine": 0},
                "clicked": {"mails": 1, "total": 3, "machine": 1},
                "unsubscribed": {"mails": 0, "total": 0, "machine": 0}}
            check_shown(presort, campaign)
            links = presort.ask("GET", f"/campaigns/{campaign}/links")["data"]
            assert [(x["url"], x["total"]) for x in links] == [
                ("https://shop.example/?a=1&b=2", 2),
                ("https://ann.example/?q=1&r='2'", 1)]


def test_links_are_remembered_while_their_content_stays():
    """What was parsed for one click serves the next ones, of this campaign or
    email alone, until its row changes; and no longer than it is there."""
    with Sink(maildir=True) as sink:
        presort, port = start(sink)
        presort.port = port
        with presort:
            readers = []
            for where in ("one", "two"):
                campaign = presort.new_campaign(
                    [("ann@a.example", {})], tracking={"clicks": True},
                    html=f'<a href="https://{where}.example/">x</a>')
                presort.send(campaign)
                presort.wait_for(campaign, 30)
                readers.append((campaign, where))
            for where in ("three", "four"):
                mail = presort.ask("POST", "/emails", {
                    "from": "s@a.example", "to": ["ann@a.example"],
                    "subject": "s", "tracking": {"clicks": True},
                    "html": f'<a href="https://{where}.example/">x</a>'})
                process.wait_until(lambda m=mail["id"]: presort.ask(
                    "GET", f"/emails/{m}")["last_event"] == "delivered", 30,
                    "the email")
            links = [link for message in sink.messages()
                     for link in Reader(presort, message).links]
            ann = Reader(presort, sink.messages()[0])

            def led():
                return sorted(ann.ask(link).headers["Location"] or ""
                              for link in links)

            there = sorted(f"https://{where}.example/"
                           for where in ("one", "two", "three", "four"))
            assert led() == there
            assert led() == there
            presort.sql("UPDATE campaign SET html = replace(html, 'one.', "
                        f"'a.') WHERE id = '{readers[0][0]}'")
            there = sorted(x.replace("one.", "a.") for x in there)
            assert led() == there
            presort.sql(f"DELETE FROM campaign WHERE id = '{readers[0][0]}'")
            assert led() == [""] + there[1:]
            assert "https://a.example/" == there[0]


def test_nobody_can_make_up_a_link():
    """No open redirect: tokens changed, cut, used for another purpose or with
    another target lead nowhere."""
    with Sink(maildir=True) as sink:
        presort, port = start(sink)
        presort.port = port
        with presort:
            _, ann = one_reader(presort, sink)
            constant, written = [x for x in ann.links if "/c/" in x]
            token = constant.rpartition("/")[2]
            out = next(x for x in ann.links if "/u/" in x)
            public = f"http://127.0.0.1:{port}"
            evil = "aHR0cHM6Ly9ldmlsLmV4YW1wbGUv"  # https://evil.example/
            for url in (constant[:-1], constant + "A",
                        constant[:-1] + ("A" if token[-1] != "A" else "B"),
                        f"{public}/c/{token}/x",
                        written.partition("?")[0] + f"?u={evil}",
                        written.partition("?")[0], f"{public}/c/",
                        f"{public}/u/{token}", f"{public}/c/%00",
                        out.replace("/u/", "/c/")):
                answer = ann.ask(url)
                assert answer.status == 404, url
                assert "Location" not in answer.headers
            added = ann.ask(f"{constant}?u={evil}")
            assert added.headers["Location"] == "https://shop.example/?a=1&b=2"


def test_unsubscribing_by_one_click_and_by_hand():
    """RFC 8058. Looking at the page unsubscribes nobody; posting does, and is
    committed before it is answered."""
    with Sink(maildir=True) as sink:
        presort, port = start(sink)
        presort.port = port
        with presort:
            campaign, ann = one_reader(presort, sink)
            header = ann.mail["List-Unsubscribe"]
            assert ann.mail["List-Unsubscribe-Post"] == \
                "List-Unsubscribe=One-Click"
            assert "source.example" in ann.mail["List-Id"]
            assert ann.mail["Feedback-ID"].endswith(":presort")
            url = re.search(r"<(http[^>]*)>", header)[1]
            assert url in ann.links
            page = ann.ask(url)
            assert page.status == 200 and "ann@a.example" in page.text
            assert "mails of default will" in page.text
            assert "<form" in page.text
            ann.ask(url, "HEAD")
            assert presort.sql("SELECT count(*) FROM suppression") == [["0"]]
            answer = ann.ask(url, "POST", "List-Unsubscribe=One-Click",
                             agent=None,
                             kind="application/x-www-form-urlencoded")
            for pid in presort.pids("presort-api"):
                process.kill(pid)
            assert answer.status == 200
            assert presort.sql("""SELECT address, reason FROM suppression"""
                               ) == [["ann@a.example", "unsubscribe"]]
            process.wait_until(
                lambda: presort.call("GET", "/readyz").status == 200
                if process.listens(port) else False, 30, "the API")
            ann.ask(url, "POST", b"--x\r\nContent-Disposition: form-data; "
                    b'name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
                    kind="multipart/form-data; boundary=x")
            assert events(presort, campaign)["unsubscribed"] == {
                "mails": 1, "total": 1, "machine": 0}


def test_tracking_is_the_senders_choice():
    with Sink(maildir=True) as sink:
        presort, port = start(sink)
        presort.port = port
        with presort:
            _, ann = one_reader(presort, sink,
                                tracking={"clicks": False, "opens": False})
            assert "https://shop.example/?a=1&b=2" in ann.links
            assert "/o/" not in ann.html and ann.mail["List-Unsubscribe"]
            presort.ask("POST", "/emails", {
                "from": "a@source.example", "to": ["bo@b.example"],
                "subject": "x", "html": '<a href="https://b.example/">b</a>'})
            presort.ask("POST", "/emails", {
                "from": "a@source.example", "to": ["cy@b.example"],
                "subject": "x", "html": '<a href="https://c.example/">b</a>',
                "tracking": {"clicks": True}})
            process.wait_until(lambda: len(sink.copies()) == 3, 20, "mails")
            mails = {m.recipient: Reader(presort, m) for m in sink.messages()}
            assert mails["bo@b.example"].links == ["https://b.example/"]
            [link] = mails["cy@b.example"].links
            assert mails["cy@b.example"].mail["List-Unsubscribe"] is None
            assert mails["cy@b.example"].ask(link).headers["Location"] == \
                "https://c.example/"


def test_without_a_public_url_nothing_is_tracked():
    with Sink(maildir=True) as sink, Presort(relay=sink.port) as presort:
        campaign, ann = one_reader(presort, sink)
        assert "https://shop.example/?a=1&b=2" in ann.links
        assert ann.mail["List-Unsubscribe"] is None
        answer = presort.call("POST", "/campaigns", {
            "from": "a@b.example", "subject": "x", "text": "x",
            "tracking": {"opens": True}})
        assert answer.status == 422 and "public_url" in answer.body["message"]
        assert "\x01" not in ann.html


def test_machines_are_told_apart():
    """Scanners are quick, follow everything, or say who they are."""
    html = ("<body>" + "".join(f'<a href="https://s.example/{n}">x</a>'
                               for n in range(4)) + "</body>")
    with Sink(maildir=True) as sink:
        presort, port = start(sink)
        presort.port = port
        with presort:
            campaign = presort.new_campaign(["ann@a.example"], html=html)
            presort.send(campaign)
            process.wait_until(lambda: sink.messages(), 20, "the mail")
            ann = Reader(presort, sink.messages()[0])
            pixel = re.search(r'<img src="([^"]*/o/[^"]*)"', ann.html)[1]
            def machines(kind, n):
                process.wait_until(lambda: sum(
                    events(presort, campaign)[kind][k]
                    for k in ("total", "machine")) == n, 10, "events")
                return events(presort, campaign)[kind]["machine"]
            # At once, with a browser's name.
            ann.ask(ann.links[0])
            ann.ask(pixel)
            assert machines("clicked", 1) == 1
            assert machines("opened", 1) == 1
            time.sleep(2.5)
            # Apple fetches all that comes, Gmail what is looked at.
            ann.ask(pixel, agent="Mozilla/5.0")
            ann.ask(pixel, agent="Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko "
                    "Firefox/11.0 (via ggpht.com GoogleImageProxy)")
            assert machines("opened", 3) == 2
            # Three links in two seconds, though not in one write.
            for link in ann.links[:3]:
                ann.ask(link)
                time.sleep(0.4)
            assert machines("clicked", 4) == 2
            time.sleep(2.5)
            ann.ask(ann.links[3])
            assert machines("clicked", 5) == 2
            # Somebody wants to fill the table.
            for _ in range(260):
                ann.ask(pixel)
            time.sleep(1)
            assert 190 < events(presort, campaign)["opened"]["total"] < 260


def test_urls_as_browsers_send_them():
    """Blanks and line breaks of the author's reach no header field."""
    html = ('<body><a href="https://s.example/a b\r\n/c?\u00fc=1#x ">x</a>'
            '<a href="https://s.example/?q={{ q | url_encode }}&amp;r=1">y</a>'
            '<a href="https://s.example/{{ q }}">z</a></body>')
    with Sink(maildir=True) as sink:
        presort, port = start(sink)
        presort.port = port
        with presort:
            campaign = presort.new_campaign(
                [("ann@a.example", {"q": "a & b/\u00fc"})], html=html)
            presort.send(campaign)
            process.wait_until(lambda: sink.messages(), 20, "the mail")
            ann = Reader(presort, sink.messages()[0])
            led = [ann.ask(link).headers["Location"] for link in ann.links[:2]]
            assert led == ["https://s.example/a%20b/c?%C3%BC=1#x",
                           "https://s.example/?q=a+%26+b%2F%C3%BC&r=1"]
            # What is no URL as it stands is left as it is.
            assert ann.links[2] == "https://s.example/a & b/\u00fc"
