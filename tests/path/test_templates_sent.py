"""Stored templates and partials, from the API to the mail that arrives."""

import email
import email.policy
import json

from kit import process
from kit.presort import Presort
from kit.sink import Sink

TEMPLATE = {
    "name": "News", "alias": "news", "from": "Market <news@source.example>",
    "subject": "{{ first_name }}, news",
    "html": "{% capture content %}<h1>Hi {{ first_name }}</h1>{% endcapture %}"
            "{% render 'layout', content: content %}",
    "variables": [{"key": "first_name", "type": "string",
                   "fallback_value": "friend"}]}
PEOPLE = [{"email": "ann@example.com", "first_name": "A<nn"},
          {"email": "bob@example.com"}]


def put(presort, name, source):
    presort.ask("PUT", f"/partials/{name}", {"source": source})


def made(presort, people, **fields):
    name = presort.ask("POST", "/campaigns", {"name": "c", **fields})["id"]
    presort.ask("POST", f"/campaigns/{name}/recipients",
                "".join(json.dumps(p) + "\n" for p in people).encode(),
                "application/x-ndjson")
    return name


def parts(kept):
    mail = email.message_from_bytes(kept.content, policy=email.policy.default)
    text, html = (mail.get_body((kind,)).get_content().replace("\r\n", "\n")
                  for kind in ("plain", "html"))
    return mail["Subject"], text.strip(), html.strip()


def test_a_campaign_keeps_what_it_was_sent_with():
    """Layout, fallback and version are those of the moment it was sent, also
    for workers that read them later."""
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        put(presort, "layout", "<div>{{ content }}</div><p>1: {{ email }}</p>")
        presort.ask("POST", "/templates", TEMPLATE)
        presort.ask("POST", "/templates/news/publish")
        campaign = made(presort, PEOPLE, template="news")
        presort.ask("POST", f"/campaigns/{campaign}/send",
                    {"scheduled_at": "in 3 sec"})
        put(presort, "layout", "<p>2</p>")
        presort.ask("PATCH", "/templates/news", {"subject": "other"})
        presort.ask("POST", "/templates/news/publish")
        presort.wait_for(campaign, 30)
        found = {kept.recipient: parts(kept) for kept in sink.messages()}
        assert found == {
            "ann@example.com": (
                "A<nn, news", "Hi A<nn\n\n1: ann@example.com",
                "<div><h1>Hi A&lt;nn</h1></div><p>1: ann@example.com</p>"),
            "bob@example.com": (
                "friend, news", "Hi friend\n\n1: bob@example.com",
                "<div><h1>Hi friend</h1></div><p>1: bob@example.com</p>")}


def test_what_slips_through_the_check_is_not_sent_with_a_hole():
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        people = [{"email": f"r{i}@example.com", "code": i}
                  for i in range(1000)]
        people[789].pop("code")
        campaign = made(presort, people, strict_variables=True, subject="x",
                        text="{{ code }}", **{"from": "a@source.example"})
        presort.send(campaign)
        totals = presort.wait_for(campaign, 30)["totals"]
        assert (totals["delivered"], totals["bounced"]) == (999, 1)
        [lost] = presort.ask(
            "GET", f"/campaigns/{campaign}/recipients?outcome=bounced")["data"]
        assert lost["recipient"] == "r789@example.com"
        assert "there is no variable \"code\"" in lost["reply"]
        assert len(sink.copies()) == 999


def test_css_is_inlined():
    html = ("<style>p { color: {{ c }} } @media print { p { color: red } }"
            "</style>\n<p>Hi</p>")
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        presort.ask("POST", "/templates", {**TEMPLATE, "html": html,
                                           "inline_css": True})
        presort.ask("POST", "/templates/news/publish")
        assert presort.ask("POST", "/templates/news/preview", {
            "variables": {"c": "blue"}})["html"] == WANT
        campaign = made(presort, [{"email": "a@example.com", "c": "blue"}],
                        template="news")
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        presort.ask("POST", "/emails", {"to": "b@example.com", "template": {
            "id": "news", "variables": {"c": "blue"}}})
        own = {"from": "a@source.example", "subject": "Hi",
               "html": html.replace("{{ c }}", "blue")}
        presort.ask("POST", "/emails", {**own, "to": "c@example.com",
                                        "inline_css": True})
        presort.ask("POST", "/emails", {**own, "to": "d@example.com"})
        process.wait_until(lambda: len(sink.copies()) == 4, 10, "the emails")
        sent = {kept.recipient[0]: parts(kept)[2] for kept in sink.messages()}
        assert sent == {"a": WANT, "b": WANT, "c": WANT, "d": own["html"]}


WANT = ("<style>@media print { p { color: red } }</style>\n"
        "<p style=\"color: blue\">Hi</p>")
