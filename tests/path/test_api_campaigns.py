"""Campaigns over HTTP: made, changed, sent, stopped, sent again, looked at."""

import datetime
import json
import urllib.request

import pytest

from kit.api import Api
from kit.presort import Presort
from kit.sink import Sink

CONTENT = {"name": "News", "from": "Acme <a@acme.example>",
           "subject": "Hi {{ name }}", "html": "<p>Hi {{ name }}</p>",
           "text": "Hi {{ name }}"}
NOBODY = "0193a0de-0000-4000-8000-000000000001"
SOON = {"retry_first_seconds": 600, "poll_interval_ms": 100}


@pytest.fixture(scope="module", name="api")
def api_fixture():
    """Without an engine: what is sent stays where it is."""
    with Api() as api:
        yield api


def new(api, recipients=0, **fields):
    campaign = api.post("/campaigns", {**CONTENT, **fields}).json["id"]
    if recipients:
        body = "email,name\n" + "".join(
            f"u{i}@d{i % 3}.example,N{i}\n" for i in range(recipients))
        api.post(f"/campaigns/{campaign}/recipients", body.encode(),
                 headers={"Content-Type": "text/csv"})
    return campaign


def show(api, campaign):
    answer = api.get(f"/campaigns/{campaign}")
    assert answer.status == 200, answer.raw
    return answer.json


def act(api, campaign, verb, body=None):
    return api.post(f"/campaigns/{campaign}/{verb}", body)


def refused(answer, status, name="validation_error", *says):
    assert answer.status == status, answer.raw
    assert answer.json["statusCode"] == status
    assert answer.json["name"] == name, answer.raw
    for word in says:
        assert word in answer.json["message"], answer.raw


def batches(api, campaign):
    """[state, how many batches] of it, in order."""
    return api.sql(f"""SELECT state, count(*) FROM batch
                       WHERE campaign = '{campaign}' GROUP BY 1 ORDER BY 1""")


def test_made_and_shown(api):
    answer = api.post("/campaigns", {
        **CONTENT, "reply_to": "r@acme.example", "headers": {"X-A": "1"},
        "tags": [{"name": "kind", "value": "news"}], "weight": 3,
        "metadata": {"team": "north", "n": 2},
        "expire_seconds": 600})
    assert answer.status == 201
    found = show(api, answer.json["id"])
    assert found == answer.json
    for name, value in {
            **CONTENT, "object": "campaign", "state": "draft", "weight": 3,
            "reply_to": ["r@acme.example"], "headers": {"X-A": "1"},
            "tags": [{"name": "kind", "value": "news"}], "recipients": 0,
            "metadata": {"team": "north", "n": 2},
            "expire_seconds": 600, "sites": [], "rate": 0, "resend_of": None,
            "eta_seconds": None, "started_at": None}.items():
        assert found[name] == value, name
    datetime.datetime.fromisoformat(found["created_at"])
    path = f"/campaigns/{found['id']}"
    assert api.call("PATCH", path, {"name": "b"}).json["metadata"] == {
        "team": "north", "n": 2}
    assert api.call("PATCH", path, {"metadata": None}).json["metadata"] == {}


@pytest.mark.parametrize("change, name, says", [
    ({"from": None}, "missing_required_field", "from"),
    ({"html": "", "text": None}, "missing_required_field", "html"),
    ({"from": "nobody"}, "invalid_from_address", "from"),
    ({"subject": "a\r\nBcc: x@y.example"}, "validation_error", "subject"),
    ({"headers": {"X-A": "1\nB: 2"}}, "validation_error", "X-A"),
    ({"html": "{{ a"}, "validation_error", "html: line 1"),
    ({"weight": "3"}, "validation_error", "weight"),
    ({"metadata": {"team": []}}, "validation_error", "`team`"),
    ({"metadata": {f"n{i}": i for i in range(51)}}, "validation_error",
     "`metadata`"),
    ({"repy_to": "x@y.example"}, "validation_error", "reply_to"),
    ({"scheduled_at": "in 1 hour"}, "validation_error", "/send"),
    ({"name": "March\x1b[2J"}, "validation_error", "`name`"),
    ({"name": "March\r\nBcc: x@y.example"}, "validation_error", "`name`"),
])
def test_what_could_not_be_sent_is_refused(api, change, name, says):
    refused(api.post("/campaigns", {**CONTENT, **change}), 422, name, says)
    campaign = new(api)
    before = show(api, campaign)
    refused(api.call("PATCH", f"/campaigns/{campaign}", change), 422, name,
            says)
    assert show(api, campaign) == before


def test_changed_while_nothing_has_left(api):
    campaign = new(api, 3)
    answer = api.call("PATCH", f"/campaigns/{campaign}",
                      {"subject": "Other", "html": None, "weight": 5})
    assert answer.status == 200, answer.raw
    found = show(api, campaign)
    assert (found["subject"], found["html"], found["weight"], found["text"],
            found["name"]) == ("Other", None, 5, CONTENT["text"], "News")
    act(api, campaign, "send")
    refused(api.call("PATCH", f"/campaigns/{campaign}", {"subject": "x"}), 409,
            "validation_error", "is sending")


def test_listed_in_pages(api):
    ids = [new(api, name=f"page {i}") for i in range(5)][::-1]
    first = api.get("/campaigns?limit=2").json
    assert [c["id"] for c in first["data"]] == ids[:2] and first["has_more"]
    assert "html" not in first["data"][0]
    second = api.get(f"/campaigns?limit=3&after={ids[1]}").json
    assert [c["id"] for c in second["data"]] == ids[2:]
    back = api.get(f"/campaigns?limit=2&before={ids[3]}").json
    assert [c["id"] for c in back["data"]] == ids[1:3] and back["has_more"]
    refused(api.get("/campaigns?limit=0"), 422, "validation_error", "limit")
    refused(api.get("/campaigns?limit=101"), 422)
    refused(api.get("/campaigns?after=x"), 422)
    refused(api.get(f"/campaigns?after={ids[0]}&before={ids[1]}"), 422)


def test_nobody_elses(api):
    campaign = new(api, 3)
    api.command("projects", "create", "other")
    key = api.new_key("--project", "other")
    for method, path in (
            ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/send"),
            ("POST", "/recipients"), ("GET", "/recipients"),
            ("GET", "/recipients.ndjson"), ("POST", "/cancel"),
            ("POST", "/pause"), ("POST", "/resume")):
        refused(api.call(method, f"/campaigns/{campaign}{path}", {}, key=key),
                404, "not_found")
    refused(api.post(f"/campaigns/{campaign}/resend", {
        "outcomes": ["bounced"]}, key=key), 404, "not_found")
    assert api.get("/campaigns", key=key).json["data"] == []
    for campaign in (NOBODY, "x", "%00"):
        assert api.get(f"/campaigns/{campaign}").status in (404, 400)
    key = api.new_key("--scope", "sending")
    refused(api.get("/campaigns", key=key), 401, "restricted_api_key")


def test_sent_at_once(api):
    campaign = new(api, 10, expire_seconds=600)
    answer = act(api, campaign, "send")
    assert answer.status == 200 and answer.json["state"] == "sending"
    assert answer.json["started_at"] and not answer.json["scheduled_at"]
    assert answer.json["totals"]["pending"] == 10
    assert api.sql(f"""
        SELECT state, due <= now(), expires - due FROM batch
        WHERE campaign = '{campaign}'""") == [["ready", "t", "00:10:00"]]
    refused(act(api, campaign, "send"), 409, "validation_error", "is sending")


def test_not_sent_without_recipients(api):
    campaign = new(api)
    refused(act(api, campaign, "send"), 422, "validation_error",
            "no recipients")
    assert show(api, campaign)["state"] == "draft"


def test_scheduled_and_scheduled_again(api):
    campaign = new(api, 10)
    refused(act(api, campaign, "send", {"scheduled_at": "soon"}), 422,
            "validation_error", "scheduled_at")
    refused(act(api, campaign, "send", {"scheduled_at": "2020-01-01T00:00:00Z"
                                        }), 422)
    refused(act(api, campaign, "send", {"schedule_at": "in 1 hour"}), 422,
            "validation_error", "scheduled_at")
    for hours in (1, 2):
        answer = act(api, campaign, "send",
                     {"scheduled_at": f"in {hours} hours"}).json
        assert answer["state"] == "scheduled" and not answer["started_at"]
        at = datetime.datetime.fromisoformat(answer["scheduled_at"])
        wait = at - datetime.datetime.now(datetime.timezone.utc)
        assert abs(wait.total_seconds() - hours * 3600) < 30
        assert api.sql(f"""
            SELECT count(*) FROM batch b JOIN campaign c ON c.id = b.campaign
            WHERE c.id = '{campaign}' AND b.state = 'ready'
              AND abs(extract(epoch FROM b.due - c.scheduled_at)) < 0.001
              AND b.expires - b.due = interval '72 hours'""") == [["1"]]
    refused(act(api, campaign, "pause"), 409, "validation_error",
            "is scheduled")
    # What is due is being sent, whether anybody has noticed or not.
    api.sql(f"""UPDATE campaign SET scheduled_at = now() - interval '1 s'
                WHERE id = '{campaign}'""")
    found = show(api, campaign)
    assert found["state"] == "sending"
    assert found["started_at"] == found["scheduled_at"]
    refused(act(api, campaign, "send", {"scheduled_at": "in 1 hour"}), 409)
    assert act(api, campaign, "pause").json["state"] == "paused"


def test_paused_and_resumed(api):
    campaign = new(api, 10)
    refused(act(api, campaign, "pause"), 409, "validation_error", "is draft")
    refused(act(api, campaign, "resume"), 409)
    act(api, campaign, "send")
    assert act(api, campaign, "pause").json["state"] == "paused"
    assert batches(api, campaign) == [["paused", "1"]]
    refused(act(api, campaign, "pause"), 409)
    assert act(api, campaign, "resume").json["state"] == "sending"
    assert batches(api, campaign) == [["ready", "1"]]


@pytest.mark.parametrize("before", ["send", "pause"])
def test_cancelled(api, before):
    """Every mail ends, those that a retry carries too; none ends twice."""
    campaign = new(api, 200)
    act(api, campaign, "send")
    mails = f"""SELECT m.batch, m.seq, b.site FROM mail m JOIN batch b
                ON b.id = m.batch WHERE b.campaign = '{campaign}'"""
    site = api.sql(f"SELECT site FROM ({mails}) m LIMIT 1")[0][0]
    # As workers leave it: one batch is done, two of its mails are carried.
    api.sql(f"""
        WITH first AS (SELECT * FROM ({mails}) m WHERE site = '{site}'
                       ORDER BY batch, seq),
        done AS (UPDATE batch SET state = 'done'
                 WHERE id = (SELECT min(batch) FROM first)),
        sent AS (INSERT INTO outcome (batch, seq, attempt, at, verdict, final)
                 SELECT batch, seq, 1, now(), CASE WHEN seq < 2 THEN 'deferred'
                     ELSE 'delivered' END::verdict, seq >= 2 FROM first),
        counted AS (INSERT INTO tally (campaign, site, worker, delivered,
                                       deferred)
                    SELECT '{campaign}', '{site}', 1, count(*) - 2, 2
                    FROM first)
        INSERT INTO batch (id, project, campaign, class, site, size, state,
                           due, expires, tries, carry_batch, carry_seq)
        SELECT next_batch_id(), 1, '{campaign}', 1, '{site}', 2, 'ready',
            now(), 'infinity', 1, array_agg(batch), array_agg(seq)
        FROM first WHERE seq < 2""")
    if before == "pause":
        act(api, campaign, "pause")
    answer = act(api, campaign, "cancel")
    assert answer.status == 200, answer.raw
    found = answer.json
    assert found["state"] == "cancelled" and found["finished_at"]
    totals = found["totals"]
    assert totals["delivered"] + totals["cancelled"] == 200
    assert totals["pending"] == 0 and totals["delivered"] > 50
    assert api.sql(f"""
        SELECT count(*), count(DISTINCT (o.batch, o.seq)), max(o.attempt)
        FROM outcome o JOIN ({mails}) m USING (batch, seq)
        WHERE o.final""") == [["200", "200", "2"]]
    assert api.sql(f"""SELECT count(*) FROM batch WHERE campaign = '{campaign}'
                       AND state NOT IN ('done', 'cancelled')""") == [["0"]]
    refused(act(api, campaign, "cancel"), 409, "validation_error",
            "is cancelled")
    refused(act(api, campaign, "resume"), 409)


def test_deleted(api):
    campaign, sent, other = new(api, 150), new(api, 3), new(api, 7)
    act(api, sent, "send")
    refused(api.call("DELETE", f"/campaigns/{sent}"), 409, "validation_error",
            "is sending")
    act(api, sent, "cancel")
    for gone in (campaign, sent):
        answer = api.call("DELETE", f"/campaigns/{gone}")
        assert answer.json == {"object": "campaign", "id": gone,
                               "deleted": True}
        refused(api.get(f"/campaigns/{gone}"), 404, "not_found")
        for table in ("batch", "audience", "tally"):
            assert api.sql(f"SELECT count(*) FROM {table} "
                           f"WHERE campaign = '{gone}'") == [["0"]]
    for table in ("mail", "outcome"):
        assert api.sql(f"""SELECT count(*) FROM {table} t WHERE NOT EXISTS (
            SELECT FROM batch b WHERE b.id = t.batch)""") == [["0"]]
    assert show(api, other)["recipients"] == 7


def pages(api, campaign, query):
    found, after = [], ""
    while True:
        page = api.get(f"/campaigns/{campaign}/recipients?{query}{after}").json
        found += page["data"]
        if not page["has_more"]:
            return found
        after = f"&after={page['data'][-1]['id']}"


def test_recipients_in_pages(api):
    campaign = new(api, 250)
    everyone = {f"u{i}@d{i % 3}.example" for i in range(250)}
    found = pages(api, campaign, "limit=99")
    assert len(found) == 250
    assert {row["recipient"] for row in found} == everyone
    assert found[0]["outcome"] == "pending" and found[0]["attempts"] == 0
    assert found[0]["last_at"] is None
    assert len(pages(api, campaign, "outcome=pending&limit=100")) == 250
    assert pages(api, campaign, "outcome=deferred") == []
    assert pages(api, campaign, "outcome=delivered") == []
    act(api, campaign, "send")
    act(api, campaign, "cancel")
    assert len(pages(api, campaign, "outcome=cancelled&limit=50")) == 250
    assert pages(api, campaign, "outcome=pending") == []
    for query in ("outcome=lost", "limit=101", "after=x", f"after={NOBODY}",
                  f"before={found[0]['id']}"):
        refused(api.get(f"/campaigns/{campaign}/recipients?{query}"), 422)


def test_done_once_by_its_key(api):
    def made(**fields):
        return api.post("/campaigns", {**CONTENT, **fields},
                        headers={"Idempotency-Key": "one campaign"})
    first = made()
    assert made().raw == first.raw
    refused(made(name="other"), 409, "invalid_idempotent_request")
    campaign = new(api, 5)
    for verb in ("send", "cancel"):
        answers = [api.post(f"/campaigns/{campaign}/{verb}", {},
                            headers={"Idempotency-Key": f"{verb} once"})
                   for _ in range(2)]
        assert answers[0].status == 200, answers[0].raw
        assert answers[0].raw == answers[1].raw


def export(presort, campaign, path=".ndjson", **headers):
    request = urllib.request.Request(
        f"http://127.0.0.1:{presort.port}/campaigns/{campaign}/recipients"
        f"{path}", headers={"Authorization": f"Bearer {presort.key}",
                            **headers})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer]


def test_what_became_of_everybody_and_once_more():
    readers = [f"u{i}@example.com" for i in range(300)]
    with Sink("--refuse", "u10@*:552 5.2.2 over quota",
              "--refuse", "u1?@*:550 5.1.1 no such user", "--defer",
              "u2?@*:451 4.7.1 later") as sink, Presort(
                  sink.port, **SOON) as presort:
        campaign = presort.new_campaign(
            [(r, {"first_name": f"N of {r}"}) for r in readers])
        presort.send(campaign)
        totals = presort.wait_for_totals(
            campaign, 30, lambda t: t["pending"] == 10)
        assert (totals["delivered"], totals["bounced"]) == (280, 10)
        site, = presort.campaign(campaign)["sites"]
        assert (site["site"], site["delivered"], site["bounced"]) == (
            "example.com", 280, 10)
        rows = {row["recipient"]: row for row in export(presort, campaign)}
        assert set(rows) == set(readers)
        assert rows == {row["recipient"]: row for row in export(
            presort, campaign, "", Accept="application/x-ndjson")}
        bounced = rows["u11@example.com"]
        assert (bounced["outcome"], bounced["code"],
                bounced["enhanced_status"], bounced["attempts"]) == (
                    "bounced", 550, "5.1.1", 1)
        assert "no such user" in bounced["reply"]
        assert bounced["mx"] == f"127.0.0.1:{sink.port}"
        assert bounced["first_at"] == bounced["last_at"]
        assert rows["u25@example.com"]["outcome"] == "deferred"
        waiting = export(presort, campaign, ".ndjson?outcome=deferred")
        assert len(waiting) == 10
        assert waiting == export(presort, campaign, ".ndjson?outcome=pending")
        refused_again(presort, campaign)
        presort.ask("POST", f"/campaigns/{campaign}/cancel", {})
        sink.stop()


def refused_again(presort, campaign):
    """Sent again to those who bounced: a campaign of its own. It goes to
    whoever is not on the list by now."""
    path = f"/campaigns/{campaign}/resend"
    for body in ({}, {"outcomes": []}, {"outcomes": ["pending"]},
                 {"outcomes": "bounced"}, {"outcome": ["bounced"]},
                 {"outcomes": ["expired"]}):
        assert presort.call("POST", path, body).status == 422
    again = presort.ask("POST", path, {"outcomes": ["bounced", "expired"]})
    assert again["resend_of"] == campaign and again["recipients"] == 10
    assert again["id"] != campaign and again["subject"].startswith("Hello")
    presort.wait_for(again["id"], 30)
    totals = presort.check_totals(again["id"])
    assert (totals["suppressed"], totals["bounced"]) == (9, 1)
    names = presort.sql(f"""
        SELECT m.recipient, m.variables ->> 'first_name' FROM mail m
        JOIN batch b ON b.id = m.batch WHERE b.campaign = '{again["id"]}'""")
    assert sorted(names) == [[f"u1{i}@example.com", f"N of u1{i}@example.com"]
                             for i in range(10)]
