"""Stored templates and partials over HTTP: made, changed, published, looked at,
and used by emails and campaigns. No engine runs."""

import datetime
import json
import threading

import pytest

from kit.api import Api

NOBODY = "0193a0de-0000-4000-8000-000000000001"
MINIMAL = {"name": "Welcome", "html": "<p>Hi {{ name }}</p>"}
FULL = {**MINIMAL, "subject": "Hi {{ name }}", "from": "Acme <a@acme.example>",
        "reply_to": "r@acme.example"}


@pytest.fixture(scope="module", name="api")
def api_fixture():
    with Api() as api:
        yield api


def make(api, publish=False, **fields):
    answer = api.post("/templates", {**FULL, **fields})
    assert answer.status == 201, answer.raw
    assert set(answer.json) == {"object", "id"}
    name = answer.json["id"]
    if publish:
        assert api.post(f"/templates/{name}/publish").json == {
            "object": "template", "id": name}
    return name


def show(api, name, query=""):
    answer = api.get(f"/templates/{name}{query}")
    assert answer.status == 200, answer.raw
    return answer.json


def change(api, template, **fields):
    answer = api.call("PATCH", f"/templates/{template}", fields)
    assert answer.status == 200, answer.raw
    return answer.json


def refused(answer, status, *says, name="validation_error"):
    assert answer.status == status, answer.raw
    assert answer.json["name"] == name, answer.raw
    for word in says:
        assert word in answer.json["message"], answer.raw


def test_made_and_shown(api):
    variables = [{"key": "name", "type": "string", "fallback_value": "you"},
                 {"key": "n", "type": "number"}]
    found = show(api, make(api, alias="shown", variables=variables))
    assert show(api, "shown") == found
    for name, value in {
            **FULL, "object": "template", "alias": "shown", "status": "draft",
            "reply_to": ["r@acme.example"], "text": None, "version": 1,
            "has_unpublished_versions": True, "published_at": None}.items():
        assert found[name] == value, name
    assert [(v["key"], v["type"], v["fallback_value"])
            for v in found["variables"]] == [("name", "string", "you"),
                                             ("n", "number", None)]
    assert all(v["id"] and v["created_at"] for v in found["variables"])
    datetime.datetime.fromisoformat(found["created_at"])


@pytest.mark.parametrize("fields, says, name", [
    ({"name": None}, "`name`", "missing_required_field"),
    ({"html": ""}, "`html`", "missing_required_field"),
    ({"from": "nobody"}, "`from`", "invalid_from_address"),
    ({"reply_to": ["x"]}, "`reply_to`", "validation_error"),
    ({"alias": "a b"}, "`alias`", "validation_error"),
    ({"alias": NOBODY}, "`alias`", "validation_error"),
    ({"html": "{% if a %}"}, "html: line 1, column 1", "validation_error"),
    ({"html": "a\n  {{ a | nosuch }}"}, "html: line 2, column 10: there is no "
     "filter", "validation_error"),
    ({"subject": "{{ a"}, "subject: line 1", "validation_error"),
    ({"html": "{% render 'nosuch' %}"}, "no partial \"nosuch\"",
     "validation_error"),
    ({"variables": {}}, "`variables`", "validation_error"),
    ({"variables": [{"key": "1a", "type": "string"}]}, "item 0",
     "validation_error"),
    ({"variables": [{"key": "a", "type": "date"}]}, "type", "validation_error"),
    ({"variables": [{"key": "EMAIL", "type": "string"}]}, "reserved",
     "validation_error"),
    ({"variables": [{"key": "a", "type": "number", "fallback_value": "x"}]},
     "fallback_value", "validation_error"),
    ({"variables": 2 * [{"key": "a", "type": "string"}]}, "twice",
     "validation_error"),
    ({"variables": [{"key": f"a{i}", "type": "string"} for i in range(51)]},
     "50", "validation_error"),
    ({"subjct": "x"}, "subject", "validation_error"),
    ({"html": "x" * (2 * 1024 * 1024 + 1)}, "`html`", "validation_error"),
    ({"inline_css": "yes"}, "`inline_css`", "validation_error"),
])
def test_what_is_wrong_is_refused(api, fields, says, name):
    refused(api.post("/templates", {**MINIMAL, **fields}), 422, says, name=name)
    kept = make(api)
    before = show(api, kept)
    refused(api.call("PATCH", f"/templates/{kept}", fields), 422, says,
            name=name)
    assert show(api, kept) == before


def test_no_two_have_an_alias(api):
    make(api, alias="taken")
    other = make(api)
    refused(api.post("/templates", {**MINIMAL, "alias": "taken"}), 409, "alias")
    refused(api.call("PATCH", f"/templates/{other}", {"alias": "taken"}), 409,
            "alias")
    assert show(api, other)["alias"] is None


def test_versions(api):
    """An edit after publishing begins another version, which nobody gets until
    it is published, too."""
    name = make(api, publish=True)
    first = show(api, name)
    assert first["status"] == "published" and first["published_at"]
    assert first["has_unpublished_versions"] is False
    change(api, name, subject="second")
    change(api, name, html="<p>2</p>")
    second = show(api, name)
    assert (second["version"], second["subject"], second["html"]) == \
        (2, "second", "<p>2</p>")
    assert second["has_unpublished_versions"] is True
    assert second["published_at"] == first["published_at"]
    assert second["current_version_id"] != first["current_version_id"]
    assert show(api, name, "?version=1")["subject"] == FULL["subject"]
    listed = api.get(f"/templates/{name}/versions").json
    assert [(v["version"], v["current"]) for v in listed["data"]] == \
        [(2, False), (1, True)] and listed["has_more"] is False
    page = api.get(f"/templates/{name}/versions?limit=1").json
    assert page["has_more"] is True
    assert [v["version"] for v in api.get(
        f"/templates/{name}/versions?after=2").json["data"]] == [1]
    api.post(f"/templates/{name}/publish")
    assert show(api, name)["has_unpublished_versions"] is False
    refused(api.get(f"/templates/{name}?version=3"), 404, name="not_found")
    refused(api.get(f"/templates/{name}?version=x"), 422, "version")


def test_edits_at_a_time_lose_nothing(api):
    name = make(api)
    fields = {"subject": "s", "name": "n", "html": "h", "text": "t",
              "from": "f@x.example"}
    threads = [threading.Thread(target=change, args=(api, name),
                                kwargs={field: value})
               for field, value in fields.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = show(api, name)
    assert {field: found[field] for field in fields} == fields


def test_listed_copied_and_deleted(api):
    ids = [make(api, name=f"page {i}") for i in range(4)][::-1]
    first = api.get("/templates?limit=2").json
    assert [t["id"] for t in first["data"]] == ids[:2] and first["has_more"]
    assert first["data"][0]["name"] == "page 3"
    assert "html" not in first["data"][0]
    assert [t["id"] for t in api.get(
        f"/templates?limit=2&after={ids[1]}").json["data"]] == ids[2:]
    back = api.get(f"/templates?limit=2&before={ids[3]}").json
    assert [t["id"] for t in back["data"]] == ids[1:3]
    copy = api.post(f"/templates/{ids[0]}/duplicate")
    assert copy.status == 200
    found = show(api, copy.json["id"])
    assert (found["name"], found["html"], found["status"]) == \
        ("page 3 (copy)", FULL["html"], "draft")
    assert api.call("DELETE", f"/templates/{ids[0]}").json == {
        "object": "template", "id": ids[0], "deleted": True}
    refused(api.get(f"/templates/{ids[0]}"), 404, name="not_found")
    assert show(api, found["id"]) == found


def test_nobody_elses(api):
    name = make(api, publish=True, alias="mine")
    api.call("PUT", "/partials/mine", {"source": "x"})
    api.command("projects", "create", "stranger")
    key = api.new_key("--project", "stranger")
    for path in (name, "mine", NOBODY):
        for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""),
                             ("POST", "/publish"), ("POST", "/duplicate"),
                             ("GET", "/versions"), ("POST", "/preview")):
            refused(api.call(method, f"/templates/{path}{rest}", {}, key=key),
                    404, name="not_found")
        refused(api.post(f"/templates/{path}/test", {"to": "x@y.example"},
                         key=key), 404, name="not_found")
        refused(api.post("/emails", {"to": "b@x.test", "template": {"id": path}},
                         key=key), 422, "no template")
    refused(api.get("/partials/mine", key=key), 404, name="not_found")
    refused(api.post("/templates", {**MINIMAL, "html": "{% render 'mine' %}"},
                     key=key), 422, "no partial")
    assert api.get("/templates", key=key).json["data"] == []
    key = api.new_key("--scope", "sending")
    refused(api.get("/templates", key=key), 401, name="restricted_api_key")


def test_partials(api):
    put = api.call("PUT", "/partials/mail%2Ffooter", {
        "source": "<p>Bye {{ name }}</p>"})
    assert (put.status, put.json) == (201, {"object": "partial",
                                            "name": "mail/footer"})
    assert api.call("PUT", "/partials/mail%2Ffooter", {
        "source": "<p>Bye, {{ name }}</p>"}).status == 200
    assert api.get("/partials/mail%2Ffooter").json["source"] == \
        "<p>Bye, {{ name }}</p>"
    api.call("PUT", "/partials/layout", {
        "source": "<main>{{ content }}</main>{% render 'mail/footer', "
                  "name: name %}"})
    assert [p["name"] for p in api.get("/partials").json["data"]] == \
        ["layout", "mail/footer", "mine"]
    for name, source, says in (
            ("a..b", "x", "name"), ("%2Fa", "x", "name"),
            ("a" * 101, "x", "name"), ("a", "{% if", "source: line 1"),
            ("a", "x" * (1024 * 1024 + 1), "source")):
        refused(api.call("PUT", f"/partials/{name}", {"source": source}), 422,
                says)
    refused(api.call("PUT", "/partials/a", {}), 422, "source",
            name="missing_required_field")
    name = make(api, html="{% capture content %}<h1>{{ name }} & co</h1>"
                "{% endcapture %}{% render 'layout', content: content, "
                "name: name %}")
    preview = api.post(f"/templates/{name}/preview",
                       {"variables": {"name": "<Ann>"}}).json
    assert preview["html"] == ("<main><h1>&lt;Ann&gt; & co</h1></main>"
                               "<p>Bye, &lt;Ann&gt;</p>")
    # What the partial writes is text there, not HTML.
    assert "<" not in preview["text"].replace("<Ann>", "")
    assert "Bye, <Ann>" in preview["text"]
    assert api.call("DELETE", "/partials/layout").json["deleted"] is True
    refused(api.call("DELETE", "/partials/layout"), 404, name="not_found")
    refused(api.post(f"/templates/{name}/preview"), 422, "layout")


def test_preview(api):
    name = make(api, publish=True, variables=[
        {"key": "city", "type": "string", "fallback_value": "Rome"}],
        html="<p>{{ name }} of {{ city }}, {{ order.total }}"
             " {{ a | default: 'b' }}{{{ c|d }}} {{ email }}</p>")
    answer = api.post(f"/templates/{name}/preview", {
        "variables": {"name": "A&B"}, "email": "a@b.example"}).json
    assert answer == {
        "object": "template_preview", "id": name, "version": 1,
        "subject": "Hi A&B",
        "html": "<p>A&amp;B of Rome,  bd a@b.example</p>",
        "text": "A&B of Rome,  bd a@b.example\n", "missing": ["order.total"]}
    refused(api.post(f"/templates/{name}/preview", {
        "variables": {}, "strict_variables": True}), 422, "`name`",
        "`order.total`")
    change(api, name, subject="draft")
    assert api.post(f"/templates/{name}/preview").json["subject"] == "draft"
    assert api.post(f"/templates/{name}/preview", {
        "version": 1}).json["subject"] == "Hi "
    refused(api.post(f"/templates/{name}/preview", {"variables": []}), 422,
            "variables")
    name = make(api, html="{{ a | divided_by: b }}")
    refused(api.post(f"/templates/{name}/preview", {
        "variables": {"a": 1, "b": 0}}), 422, "html: line 1", "divided by 0")


def content_of(api, email):
    return api.get(f"/emails/{email}").json


def test_sent_as_a_test(api):
    name = make(api, publish=True)
    change(api, name, subject="Draft for {{ name }}")
    answer = api.post(f"/templates/{name}/test", {
        "to": ["me@acme.example"], "variables": {"name": "Ann"}})
    assert answer.status == 200, answer.raw
    found = content_of(api, answer.json["id"])
    assert (found["subject"], found["html"], found["from"], found["to"]) == (
        "Draft for Ann", "<p>Hi Ann</p>", FULL["from"], ["me@acme.example"])
    refused(api.post(f"/templates/{name}/test", {
        "variables": {"name": "Ann"}}), 422, "`to`",
            name="missing_required_field")
    refused(api.post(f"/templates/{name}/test", {"to": "me@acme.example"}), 422,
            "name")
    again = api.post(f"/templates/{name}/test", {
        "to": "me@acme.example", "variables": {"name": "Ann"}, "version": 1,
        "from": "x@y.example", "subject": "Look"}).json
    found = content_of(api, again["id"])
    assert (found["subject"], found["from"]) == ("Look", "x@y.example")


def test_emails(api):
    make(api, publish=True, alias="order", subject="Order {{ n }}",
         html="<p>{{ n }} {{{ greeting }}}: {{ items[0].name }}</p>",
         variables=[{"key": "n", "type": "number"},
                    {"key": "greeting", "type": "string",
                     "fallback_value": "thanks"}])
    email = {"to": "b@x.test", "template": {
        "id": "order", "variables": {"n": 7, "items": [{"name": "a<b"}]}}}
    answer = api.post("/emails", email)
    assert answer.status == 200, answer.raw
    found = content_of(api, answer.json["id"])
    assert (found["from"], found["subject"], found["html"], found["reply_to"]) \
        == (FULL["from"], "Order 7", "<p>7 thanks: a&lt;b</p>",
            ["r@acme.example"])
    answer = api.post("/emails", {
        **email, "from": "o@x.test", "subject": "mine", "reply_to": "q@x.test"})
    found = content_of(api, answer.json["id"])
    assert (found["from"], found["subject"], found["reply_to"]) == \
        ("o@x.test", "mine", ["q@x.test"])


@pytest.mark.parametrize("change_of, says", [
    ({"template": {"id": "strict"}}, "`n`"),
    ({"template": {"id": "strict", "variables": {"n": "x"}}}, "number"),
    ({"template": {"id": "strict", "variables": {"n": 1}}}, "\"other\""),
    ({"template": {"id": "strict", "variables": []}}, "variables"),
    ({"template": {"id": "nosuch"}}, "nosuch"),
    ({"template": {"id": "draft"}}, "not published"),
    ({"template": "strict"}, "`template`"),
    ({"template": {"id": "strict", "version": 9}}, "version"),
    ({"template": {"id": "strict"}, "html": "<p>x</p>"}, "not both"),
    ({"template": {"id": "strict"}, "text": "x"}, "not both"),
])
def test_emails_are_refused(api, change_of, says):
    if api.get("/templates/strict").status == 404:
        make(api, publish=True, alias="strict", html="{{ n }}{{ other }}",
             subject="s", variables=[{"key": "n", "type": "number"}])
        make(api, alias="draft", html="x", subject="x")
    before = api.sql("SELECT count(*) FROM email")
    refused(api.post("/emails", {"to": "b@x.test", **change_of}), 422, says)
    assert api.sql("SELECT count(*) FROM email") == before


def test_batches_of_emails(api):
    make(api, publish=True, alias="batch", subject="For {{ name }}")
    good = [{"to": "b@x.test", "template": {"id": "batch",
                                            "variables": {"name": f"N{i}"}}}
            for i in range(3)]
    plain = {"from": "a@x.test", "to": "b@x.test", "subject": "p", "text": "t"}
    answer = api.post("/emails/batch", [*good, plain])
    assert answer.status == 200, answer.raw
    assert [content_of(api, e["id"])["subject"] for e in answer.json["data"]] \
        == ["For N0", "For N1", "For N2", "p"]
    bad = {"to": "b@x.test", "template": {"id": "batch"}}
    refused(api.post("/emails/batch", [good[0], bad]), 422, "index 1", "name")
    answer = api.post("/emails/batch", [good[0], bad, plain],
                      headers={"x-batch-validation": "permissive"}).json
    assert len(answer["data"]) == 2
    assert [e["index"] for e in answer["errors"]] == [1]


def test_an_email_is_sent_once(api):
    """Under one idempotency key, also where the template changed meanwhile."""
    name = make(api, publish=True, alias="once", html="<p>1</p>", subject="s")
    email = {"to": "b@x.test", "template": {"id": "once"}}
    key = {"Idempotency-Key": "once/1"}
    first = api.post("/emails", email, headers=key).json["id"]
    change(api, name, html="<p>2</p>")
    api.post(f"/templates/{name}/publish")
    assert api.post("/emails", email, headers=key).json["id"] == first
    assert content_of(api, first)["html"] == "<p>1</p>"
    assert content_of(api, api.post("/emails", email).json["id"])["html"] == \
        "<p>2</p>"


# Campaigns.

def campaign(api, recipients=(), **fields):
    answer = api.post("/campaigns", {"name": "c", **fields})
    assert answer.status == 201, answer.raw
    if recipients:
        body = "".join(json.dumps(r) + "\n" for r in recipients)
        upload = api.post(
            f"/campaigns/{answer.json['id']}/recipients", body.encode(),
            headers={"Content-Type": "application/x-ndjson"})
        assert upload.json["accepted"] == len(recipients), upload.raw
    return answer.json


ANN = {"email": "ann@x.test", "name": "Ann"}
BOB = {"email": "bob@x.test"}


def stored(api, name, *columns):
    return api.sql(f"SELECT {', '.join(columns)} FROM campaign "
                   f"WHERE id = '{name}'")[0]


def test_a_campaign_is_sent_with_what_is_published(api):
    name = make(api, publish=True, alias="news", variables=[
        {"key": "name", "type": "string", "fallback_value": "friend"}])
    api.call("PUT", "/partials/news-foot", {"source": "foot 1"})
    change(api, name, html="<p>2 {{ name }}</p>{% render 'news-foot' %}")
    made = campaign(api, [ANN, BOB], template="news")
    assert (made["html"], made["from"], made["subject"]) == (
        FULL["html"], FULL["from"], FULL["subject"])
    assert made["template"] == {
        "id": name, "version": 1, "pinned": False,
        "fields": ["from", "subject", "html", "reply_to", "inline_css"]}
    pinned = campaign(api, [ANN], template={"id": name, "version": 1},
                      subject="Mine")
    api.post(f"/templates/{name}/publish")
    sent = api.post(f"/campaigns/{made['id']}/send")
    assert sent.status == 200, sent.raw
    assert sent.json["template"]["version"] == 2
    assert sent.json["html"].startswith("<p>2")
    assert json.loads(stored(api, made["id"], "partials")[0]) == {
        "news-foot": "foot 1"}
    assert json.loads(stored(api, made["id"], "defaults")[0]) == {
        "name": "friend"}
    # What is under way does not change any more.
    change(api, name, html="<p>3</p>")
    api.post(f"/templates/{name}/publish")
    api.call("PUT", "/partials/news-foot", {"source": "foot 2"})
    assert api.get(f"/campaigns/{made['id']}").json["html"].startswith("<p>2")
    assert "foot 1" in stored(api, made["id"], "partials")[0]
    sent = api.post(f"/campaigns/{pinned['id']}/send").json
    assert (sent["template"]["version"], sent["subject"], sent["html"]) == \
        (1, "Mine", FULL["html"])
    again = api.post(f"/campaigns/{made['id']}/cancel")
    again = api.post(f"/campaigns/{made['id']}/resend",
                     {"outcomes": ["cancelled"]}).json
    assert again["html"].startswith("<p>2") and \
        again["template"]["version"] == 2


def test_a_campaigns_template_is_changed(api):
    name = make(api, publish=True, text="Hi")
    made = campaign(api, template=name, subject="Mine")

    def patch(**fields):
        return api.call("PATCH", f"/campaigns/{made['id']}", fields)

    refused(patch(html="<p>x</p>"), 422, "not both")
    answer = patch(subject="Yours")
    assert answer.json["subject"] == "Yours" and answer.json["text"] == "Hi"
    answer = patch(template=None)
    assert answer.json["template"] is None
    assert answer.json["html"] == FULL["html"]
    assert patch(html="<p>own</p>").json["html"] == "<p>own</p>"
    refused(api.post("/campaigns", {"template": "nosuch"}), 422, "nosuch")
    refused(api.post("/campaigns", {"template": name, "text": "x"}), 422,
            "not both")
    refused(api.post("/campaigns", {"template": make(api)}), 422,
            "not published")
    doomed = make(api, publish=True)
    made = campaign(api, [ANN], template=doomed)
    api.call("DELETE", f"/templates/{doomed}")
    refused(api.post(f"/campaigns/{made['id']}/send"), 422, "no template")


def test_checked_before_it_is_sent(api):
    people = [ANN, BOB, {"email": "cid@x.test", "name": "Cid", "n": 0}]
    fields = {"from": "a@x.test", "subject": "{{ name }}",
              "html": "{{ name }}{{ city | default: 'x' }}"}
    made = campaign(api, people, strict_variables=True, **fields)
    assert made["strict_variables"] is True
    check = api.post(f"/campaigns/{made['id']}/check")
    assert check.status == 200, check.raw
    assert check.json == {
        "object": "campaign_check", "campaign_id": made["id"],
        "recipients": 3, "checked": 3, "ok": False, "failed": 0, "error": None,
        "missing": [{"variable": "name", "recipients": 1,
                     "examples": ["bob@x.test"]}]}
    refused(api.post(f"/campaigns/{made['id']}/send"), 422, "`name`",
            "1 of 3", "bob@x.test")
    assert api.get(f"/campaigns/{made['id']}").json["state"] == "draft"
    api.call("PATCH", f"/campaigns/{made['id']}", {
        "subject": "{{ name | default: 'you' }}", "html": "x"})
    assert api.post(f"/campaigns/{made['id']}/send").status == 200
    # Without strict_variables a hole is a hole, and nothing to stop for.
    loose = campaign(api, people, **fields)
    assert api.post(f"/campaigns/{loose['id']}/send").status == 200
    # What nobody can be sent, is not begun.
    fields["html"] = "{{ 1 | divided_by: n }}"
    nobody = campaign(api, people[2:], **fields)
    refused(api.post(f"/campaigns/{nobody['id']}/send"), 422, "cid@x.test",
            "divided by 0")
    some = campaign(api, people, **{**fields, "html":
                                    "{{ 1 | divided_by: n | plus: name }}"})
    found = api.post(f"/campaigns/{some['id']}/check", {"sample": 2}).json
    assert found["checked"] == 2 and found["ok"] is False
    refused(api.post(f"/campaigns/{some['id']}/check", {"sample": 0}), 422,
            "sample")
    refused(api.post(f"/campaigns/{NOBODY}/check"), 404, name="not_found")


def test_checked_over_a_spread_of_many(api):
    """Of 200 batches each has the same right to be looked at."""
    people = [{"email": f"u{i}@d{i}.test", **({} if i == 150 else {"v": 1})}
              for i in range(200)]
    made = campaign(api, people, **{"from": "a@x.test", "subject": "{{ v }}",
                                    "text": "x"})
    found = api.post(f"/campaigns/{made['id']}/check").json
    assert found["checked"] == 200
    assert found["missing"][0]["examples"] == ["u150@d150.test"]


def test_unsubscribe_links_are_there_where_they_can_be(api):
    """Of the public address, in previews, tests and checks; without one, what
    a campaign would lack is told."""
    html = "<a href='{{ unsubscribe_url }}'>x</a>{{{RESEND_UNSUBSCRIBE_URL}}}"
    people = [{"email": "a@x.test"}]
    with Api(api.database, public_url="https://m.example") as public:
        url = "https://m.example/u/sample"
        name = make(public, html=html, subject="s", publish=True)
        preview = public.post(f"/templates/{name}/preview",
                              {"strict_variables": True})
        assert preview.json["html"] == f"<a href='{url}'>x</a>{url}"
        sent = public.post(f"/templates/{name}/test", {"to": "me@x.test"})
        assert content_of(public, sent.json["id"])["html"] == \
            preview.json["html"]
        made = campaign(public, people, template=name)
        assert public.post(f"/campaigns/{made['id']}/check").json["ok"] is True
    name = make(api, html=html, subject="s", publish=True)
    assert api.post(f"/templates/{name}/preview").json["missing"] == \
        ["unsubscribe_url", "RESEND_UNSUBSCRIBE_URL"]
    made = campaign(api, people, template=name)
    assert api.post(f"/campaigns/{made['id']}/check").json["ok"] is False
