"""Transactional mail over the API: accepted, read, listed, moved, called off.
No engine runs: what the queue holds is looked at in the database."""

import concurrent.futures
import datetime
import time
import urllib.parse

import pytest

from kit import process
from kit.api import Api

EMAIL = {"from": "Acme <a@acme.test>", "to": ["b@x.test"], "subject": "hi",
         "html": "<p>x</p>"}


@pytest.fixture(scope="module", name="api")
def api_fixture():
    with Api() as api:
        yield api


def email(**more):
    return {**EMAIL, **more}


def send(api, **more):
    answer = api.post("/emails", email(**more))
    assert answer.status == 200, answer.raw
    assert list(answer.json) == ["id"]
    return answer.json["id"]


def count(api, table):
    return int(api.sql(f"SELECT count(*) FROM {table}")[0][0])


def test_one_email_to_several(api):
    name = send(api, to=["b@x.test", "Jo <C@x.test>"], cc="c@X.test",
                bcc=["d@x.test"], reply_to="r@x.test", text="x",
                headers={"X-A": "1"}, tags=[{"name": "a", "value": "b"}],
                metadata={"order": 7, "shop": "Zo\u00eb", "new": False})
    found = api.get(f"/emails/{name}").json
    assert found["object"] == "email" and found["id"] == name
    assert found["from"] == EMAIL["from"]
    assert found["to"] == ["b@x.test", "Jo <C@x.test>"]
    assert found["cc"] == ["c@X.test"] and found["bcc"] == ["d@x.test"]
    assert found["reply_to"] == ["r@x.test"]
    assert found["html"] == "<p>x</p>" and found["text"] == "x"
    assert found["tags"] == [{"name": "a", "value": "b"}]
    assert found["metadata"] == {"order": 7, "shop": "Zo\u00eb", "new": False}
    (listed,) = [e for e in api.get("/emails").json["data"]
                 if e["id"] == name]
    assert listed["metadata"] == found["metadata"]
    assert found["last_event"] == "queued" and found["scheduled_at"] is None
    assert [r["email"] for r in found["recipients"]] == \
        ["b@x.test", "C@x.test", "d@x.test"]
    # One row an envelope recipient, all of one email, in one batch.
    rows = api.sql("SELECT m.batch, m.email, m.recipient, b.site, b.state "
                   "FROM mail m JOIN batch b ON b.id = m.batch "
                   "WHERE m.recipient IN ('b@x.test', 'C@x.test', 'd@x.test')")
    assert len({row[0] for row in rows}) == 1 and len(rows) == 3
    assert {tuple(row[3:]) for row in rows} == {("other", "ready")}


def test_what_it_is_called_of_the_second_recipient(api):
    """Message-IDs name each recipient's mail; any of them finds the email."""
    send(api, to=["first@y.test", "second@y.test"])
    listed = api.get("/emails?to=second@y.test").json["data"][0]
    found = api.get(f"/emails/{listed['id']}").json
    assert [r["email"] for r in found["recipients"]] == \
        ["first@y.test", "second@y.test"]


def test_concurrent_requests_share_commits(api):
    before = count(api, "mail"), count(api, "batch")
    with concurrent.futures.ThreadPoolExecutor(24) as threads:
        names = list(threads.map(
            lambda i: send(api, to=f"many{i}@x.test"), range(240)))
    assert len(set(names)) == 240
    assert count(api, "mail") == before[0] + 240
    assert count(api, "batch") < before[1] + 240
    sizes = api.sql("SELECT b.id FROM batch b WHERE b.size <> (SELECT "
                    "count(*) FROM mail m WHERE m.batch = b.id)")
    assert sizes == []


def test_batch_strict_is_all_or_nothing(api):
    before = count(api, "mail")
    good = api.post("/emails/batch", [email(to=f"s{i}@x.test")
                                      for i in range(5)])
    assert good.status == 200 and len(good.json["data"]) == 5
    assert "errors" not in good.json
    assert count(api, "mail") == before + 5
    bad = api.post("/emails/batch", [email(), email(to="nobody"), email()])
    assert bad.status == 422
    assert "index 1" in bad.json["message"] and "`to`" in bad.json["message"]
    assert count(api, "mail") == before + 5


def test_batch_permissive_says_what_it_left_out(api):
    before = count(api, "mail")
    answer = api.post("/emails/batch",
                      [email(), email(to="nobody"), 7, email()],
                      headers={"x-batch-validation": "permissive"}).json
    assert len(answer["data"]) == 2
    assert [e["index"] for e in answer["errors"]] == [1, 2]
    assert "`to`" in answer["errors"][0]["message"]
    assert count(api, "mail") == before + 2
    none = api.post("/emails/batch", [email(to="nobody")],
                    headers={"x-batch-validation": "permissive"})
    assert none.status == 200 and none.json["data"] == []
    assert api.post("/emails/batch", [email()], headers={
        "x-batch-validation": "lenient"}).status == 422


def test_ten_thousand_at_once(api):
    before = count(api, "mail")
    items = [email(to=f"bulk{i}@x.test") for i in range(10000)]
    answer = api.post("/emails/batch", items)
    assert answer.status == 200 and len(answer.json["data"]) == 10000
    assert count(api, "mail") == before + 10000
    assert api.sql("SELECT max(size) FROM batch") == [["1000"]]
    last = api.get(f"/emails/{answer.json['data'][9999]['id']}").json
    assert last["to"] == ["bulk9999@x.test"]
    assert api.post("/emails/batch", [*items, email()]).status == 422
    assert api.post("/emails/batch", []).status == 422
    assert count(api, "mail") == before + 10000


def test_scheduled_then_moved_then_cancelled(api):
    name = send(api, to=["when@x.test", "then@x.test"],
                scheduled_at="in 1 hour")
    found = api.get(f"/emails/{name}").json
    due = datetime.datetime.fromisoformat(
        found["scheduled_at"].replace("Z", "+00:00"))
    wait = due - datetime.datetime.now(datetime.timezone.utc)
    assert 3500 < wait.total_seconds() <= 3600
    assert found["last_event"] == "scheduled"

    moved = api.call("PATCH", f"/emails/{name}",
                     {"scheduled_at": "2030-01-01T01:00:00+01:00"})
    assert moved.status == 200 and moved.json["object"] == "email"
    assert moved.json["scheduled_at"] == "2030-01-01T00:00:00.000Z"
    assert api.sql("SELECT extract(epoch FROM expires - due)::int FROM batch b "
                   "JOIN mail m ON m.batch = b.id "
                   "WHERE m.recipient = 'when@x.test'") == [["86400"]]

    cancelled = api.post(f"/emails/{name}/cancel")
    assert cancelled.status == 200 and cancelled.json["id"] == name
    assert cancelled.json["last_event"] == "canceled"
    outcomes = api.sql("SELECT o.attempt, o.verdict, o.final FROM outcome o "
                       "JOIN mail m USING (batch, seq) "
                       "WHERE m.recipient IN ('when@x.test', 'then@x.test')")
    assert outcomes == [["1", "cancelled", "t"]] * 2

    for again in (api.post(f"/emails/{name}/cancel"),
                  api.call("PATCH", f"/emails/{name}",
                           {"scheduled_at": "in 1 hour"})):
        assert again.status == 422 and "still waiting" in again.json["message"]


def test_what_is_not_scheduled_stays(api):
    name = send(api)
    assert api.post(f"/emails/{name}/cancel").status == 422
    assert api.call("PATCH", f"/emails/{name}",
                    {"scheduled_at": "in 1 hour"}).status == 422
    assert api.get(f"/emails/{name}").json["last_event"] == "queued"
    # Nor a batch that others share, should a worker put it off.
    names = [e["id"] for e in api.post("/emails/batch",
                                       [email(), email()]).json["data"]]
    api.sql("UPDATE batch SET due = now() + interval '1 hour' "
            "WHERE id = (SELECT max(id) FROM batch)")
    assert api.post(f"/emails/{names[0]}/cancel").status == 422
    assert api.call("PATCH", f"/emails/{names[0]}",
                    {"scheduled_at": "in 2 hours"}).status == 422


def test_moved_to_now(api):
    name = send(api, to="soon@x.test", scheduled_at="in 1 day")
    past = datetime.datetime.now(datetime.timezone.utc) - \
        datetime.timedelta(seconds=5)
    moved = api.call("PATCH", f"/emails/{name}",
                     {"scheduled_at": past.isoformat()})
    assert moved.status == 200, moved.raw
    assert api.get(f"/emails/{name}").json["last_event"] == "queued"


def test_lists_newest_first_in_pages(api):
    names = [send(api, subject=f"page {i}") for i in range(5)]
    names.reverse()
    page = api.get("/emails?limit=3").json
    assert page["object"] == "list" and page["has_more"] is True
    assert [e["id"] for e in page["data"]] == names[:3]
    assert page["data"][0]["subject"] == "page 4"
    assert page["data"][0]["html"] is None
    page = api.get(f"/emails?limit=2&after={names[2]}").json
    assert [e["id"] for e in page["data"]] == names[3:]
    page = api.get(f"/emails?limit=2&before={names[3]}").json
    assert [e["id"] for e in page["data"]] == names[1:3]
    assert page["has_more"] is True
    page = api.get(f"/emails?limit=5&before={names[2]}").json
    assert [e["id"] for e in page["data"]] == names[:2]
    assert page["has_more"] is False
    assert len(api.get("/emails").json["data"]) == 20
    for wrong in ("limit=0", "limit=101", "limit=x", "limit=", "after=x",
                  f"after={names[0]}&before={names[1]}"):
        assert api.get(f"/emails?{wrong}").status == 422, wrong


def test_a_whole_walk_sees_each_once(api):
    seen, after = [], ""
    total = int(api.sql("SELECT count(*) FROM email")[0][0])
    if total > 3000:
        api.sql("DELETE FROM email WHERE batch IN (SELECT id FROM batch "
                "WHERE size = 1000)")
        total = int(api.sql("SELECT count(*) FROM email")[0][0])
    while True:
        page = api.get(f"/emails?limit=100{after}").json
        seen += [e["id"] for e in page["data"]]
        if not page["has_more"]:
            break
        after = f"&after={seen[-1]}"
    assert len(seen) == len(set(seen)) == total


def test_everything_sent_to_one_address(api):
    names = [send(api, to=["Zoe@Z.test", "else@z.test"], subject=str(i))
             for i in range(4)]
    names.reverse()
    where = urllib.parse.quote("zoe@z.TEST")
    page = api.get(f"/emails?to={where}").json
    assert [e["id"] for e in page["data"]] == names
    assert [r["email"] for r in page["data"][0]["recipients"]] == \
        ["Zoe@Z.test"]
    page = api.get(f"/emails?to={where}&limit=3").json
    assert page["has_more"] is True
    page = api.get(f"/emails?to={where}&after={names[2]}").json
    assert [e["id"] for e in page["data"]] == names[3:]
    assert api.get("/emails?to=no-address").status == 422
    assert api.get("/emails?to=nobody@z.test").json["data"] == []


def test_what_became_of_it(api):
    name = send(api, to=["fate@x.test", "fine@x.test"])
    api.sql("""
        INSERT INTO outcome (batch, seq, attempt, at, verdict, final, reach,
                             code, enhanced, reply, mx)
        SELECT batch, seq, 1, '2026-11-23T05:41:00.5Z', 'deferred', false,
               'recipient', 451, '4.7.1', 'greylisted', 'mx.x.test:25'
          FROM mail WHERE recipient = 'fate@x.test'""")
    found = api.get(f"/emails/{name}").json
    assert found["last_event"] == "delivery_delayed"
    assert found["recipients"][0] == {
        "email": "fate@x.test", "outcome": "deferred", "final": False,
        "attempts": 1, "code": 451, "enhanced_status": "4.7.1",
        "reply": "greylisted", "mx": "mx.x.test:25",
        "category": None, "hard": False, "later": [],
        "at": "2026-11-23T05:41:00.500Z"}
    api.sql("""
        INSERT INTO outcome (batch, seq, attempt, at, verdict, final, code)
        SELECT batch, seq, 2, now(), 'bounced', true, 550
          FROM mail WHERE recipient = 'fate@x.test'""")
    found = api.get(f"/emails/{name}").json
    assert found["last_event"] == "bounced"
    assert found["recipients"][0]["attempts"] == 2
    assert found["recipients"][1]["outcome"] == "queued"


def test_ids_are_ours_or_not_found(api):
    name = send(api)
    forged = name[:-1] + ("0" if name[-1] != "0" else "1")
    for wrong in (forged, "x", "4ef9a417-02e9-4d39-ad75-9611e0fcc33c"):
        answer = api.get(f"/emails/{wrong}")
        assert (answer.status, answer.json["name"]) == (404, "not_found")
        assert api.post(f"/emails/{wrong}/cancel").status == 404
    assert api.get(f"/emails/{name.upper()}").status == 200


def test_projects_see_nothing_of_each_other(api):
    name = send(api, to="secret@x.test", scheduled_at="in 1 hour")
    api.command("projects", "create", "other")
    key = api.new_key("--project", "other")
    assert api.get(f"/emails/{name}", key=key).status == 404
    assert api.post(f"/emails/{name}/cancel", key=key).status == 404
    assert api.call("PATCH", f"/emails/{name}", {"scheduled_at": "in 1 min"},
                    key=key).status == 404
    assert api.get("/emails", key=key).json["data"] == []
    assert api.get("/emails?to=secret@x.test", key=key).json["data"] == []
    own = api.post("/emails", email(), key=key).json["id"]
    assert [e["id"] for e in api.get("/emails", key=key).json["data"]] == [own]
    assert api.get(f"/emails/{own}").status == 404
    assert api.get("/emails?limit=1").json["data"][0]["id"] != own


def test_idempotency(api):
    before = count(api, "mail")
    headers = {"Idempotency-Key": "welcome/1"}
    first = api.post("/emails", email(), headers=headers)
    again = api.post("/emails", email(), headers=headers)
    assert first.status == again.status == 200
    assert first.raw == again.raw
    assert again.headers["idempotent-replayed"] == "true"
    other = api.post("/emails", email(subject="new"), headers=headers)
    assert (other.status, other.json["name"]) == \
        (409, "invalid_idempotent_request")
    assert count(api, "mail") == before + 1
    # Another path is another request; another project, another key.
    assert api.post("/emails/batch", [email()], headers=headers).status == 409
    api.command("projects", "create", "idempotent")
    key = api.new_key("--project", "idempotent")
    assert api.post("/emails", email(), headers=headers, key=key).status == 200
    # What was refused may be mended under the same key.
    headers = {"Idempotency-Key": "welcome/2"}
    assert api.post("/emails", email(to="no"), headers=headers).status == 422
    assert api.post("/emails", email(), headers=headers).status == 200
    # A day later the key is free.
    api.sql("UPDATE idempotency SET created = now() - interval '25 hours'")
    fresh = api.post("/emails", email(), headers={
        "Idempotency-Key": "welcome/1"})
    assert fresh.status == 200 and fresh.raw != first.raw


def test_idempotency_of_a_batch(api):
    headers = {"Idempotency-Key": "batch/1"}
    items = [email(to=f"ib{i}@x.test") for i in range(3)]
    first = api.post("/emails/batch", items, headers=headers)
    before = count(api, "mail")
    again = api.post("/emails/batch", items, headers=headers)
    assert first.raw == again.raw and count(api, "mail") == before


def test_idempotency_at_the_same_time(api):
    """However many come at once, one is done; the others hear so, or hear its
    answer."""
    before = count(api, "mail")
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: api.post(
            "/emails", email(), headers={"Idempotency-Key": "race"}),
            range(64)))
    good = {a.raw for a in answers if a.status == 200}
    assert len(good) == 1 and count(api, "mail") == before + 1
    assert {(a.status, a.json["name"]) for a in answers if a.status != 200} \
        <= {(409, "concurrent_idempotent_requests")}


def test_idempotency_of_two_processes(api):
    """The unique row decides, and fails nobody else in the group."""
    with Api(api.database) as other:
        for i in range(20):
            headers = {"Idempotency-Key": f"two/{i}"}
            body = email(to=f"two{i}@x.test")
            with concurrent.futures.ThreadPoolExecutor(12) as threads:
                same = [threads.submit(a.post, "/emails", body,
                                       headers=headers, key=api.key)
                        for a in (api, other)]
                rest = [threads.submit(send, api, to=f"rest{i}@x.test")
                        for _ in range(8)]
                answers = [s.result() for s in same]
                assert all(r.result() for r in rest)
            assert {a.status for a in answers} <= {200, 409}
            assert len({a.raw for a in answers if a.status == 200}) == 1
            assert api.sql("SELECT count(*) FROM mail WHERE recipient = "
                           f"'two{i}@x.test'") == [["1"]]


def test_database_away_then_back(api):
    api.database.stop()
    try:
        for call in (lambda: api.post("/emails", email()),
                     lambda: api.get("/emails"),
                     lambda: api.get("/readyz", key=None)):
            answer = call()
            assert answer.status == 503, answer.raw
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json["statusCode"] == 503
        assert api.get("/livez", key=None).status == 200
    finally:
        api.database.start()
    process.wait_until(lambda: api.get("/readyz", key=None).status == 200, 10,
                       "the API to reconnect")
    process.wait_until(lambda: api.post("/emails", email()).status == 200, 10,
                       "mail to be accepted again")
    time.sleep(0.6)  # each thread waits a little before it connects again
    for _ in range(20):
        assert api.get("/emails?limit=1").status == 200


def test_a_restart_between_two_requests_is_not_noticed():
    with Api(api_threads=1) as api:
        name = send(api)
        assert api.get(f"/emails/{name}").status == 200
        api.database.stop()
        api.database.start()
        assert api.get(f"/emails/{name}").status == 200
        send(api)


def test_partitions_are_made_where_none_is(api):
    """As after a week in which no engine ran."""
    day = time.strftime("%Y%m%d", time.gmtime())
    for table in ("email", "mail", "outcome"):
        api.sql(f"DROP TABLE {table}_{day}")
    name = send(api, to="late@x.test")
    assert api.get(f"/emails/{name}").status == 200
