"""The suppression list over HTTP: whom a project sends nothing to. No engine
runs."""

import csv
import datetime
import gzip
import io
import json

import pytest

from kit.api import Api

NOBODY = "0193a0de-0000-4000-8000-000000000001"


@pytest.fixture(scope="module", name="api")
def api_fixture():
    with Api() as api:
        yield api


@pytest.fixture(name="empty")
def empty_fixture(api):
    api.sql("DELETE FROM suppression")
    return api


def add(api, email, **fields):
    answer = api.post("/suppressions", {"email": email, **fields})
    assert answer.status == 201, answer.raw
    assert set(answer.json) == {"object", "id"}
    assert answer.json["object"] == "suppression"
    return answer.json["id"]


def listed(api, query=""):
    answer = api.get(f"/suppressions{query}")
    assert answer.status == 200, answer.raw
    return [entry["email"] for entry in answer.json["data"]]


def refused(answer, status, *says, name="validation_error"):
    assert answer.status == status, answer.raw
    assert answer.json["name"] == name, answer.raw
    for word in says:
        assert word in answer.json["message"], answer.raw


def test_added_shown_and_taken_off(empty):
    name = add(empty, "Steve <Steve@Example.COM>", note="asked by phone")
    found = empty.get(f"/suppressions/{name}").json
    created = datetime.datetime.fromisoformat(
        found.pop("created_at").replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc)
                - created).total_seconds()) < 60
    assert found == {
        "object": "suppression", "id": name, "email": "steve@example.com",
        "origin": "manual", "reason": "manual", "source_id": None,
        "note": "asked by phone", "expires_at": None}
    assert empty.get("/suppressions/STEVE%40example.com").json["id"] == name
    assert listed(empty) == ["steve@example.com"]
    gone = empty.call("DELETE", "/suppressions/steve@Example.com")
    assert gone.status == 200
    assert gone.json == {"object": "suppression", "id": name,
                         "email": "steve@example.com", "deleted": True}
    for answer in (empty.call("DELETE", f"/suppressions/{name}"),
                   empty.get(f"/suppressions/{name}"),
                   empty.get("/suppressions/steve@example.com"),
                   empty.get(f"/suppressions/{NOBODY}")):
        refused(answer, 404, name="not_found")
    assert listed(empty) == []


def test_adding_twice_is_adding_once(empty):
    first = add(empty, "a@x.example")
    assert add(empty, "A@x.example", note="again") == first
    assert empty.get(f"/suppressions/{first}").json["note"] is None
    empty.call("DELETE", f"/suppressions/{first}")
    again = add(empty, "a@x.example", note="anew")
    assert again != first
    assert empty.get(f"/suppressions/{again}").json["note"] == "anew"


def test_an_address_has_as_many_entries_as_reasons(empty):
    add(empty, "a@x.example", reason="unsubscribe")
    bounce = add(empty, "a@x.example", reason="bounce")
    assert listed(empty) == ["a@x.example"] * 2
    # An unsubscription may be overridden, so it weighs less.
    assert empty.get("/suppressions/a@x.example").json["id"] == bounce
    empty.call("DELETE", f"/suppressions/{bounce}")
    assert empty.get("/suppressions/a@x.example").json["reason"] == \
        "unsubscribe"
    add(empty, "a@x.example", reason="complaint")
    empty.call("DELETE", "/suppressions/a@x.example")
    assert listed(empty) == []


def test_an_entry_ends(empty):
    name = add(empty, "a@x.example", reason="soft_bounce",
               expires_at="in 2 hours")
    found = empty.get(f"/suppressions/{name}").json
    assert found["origin"] == "bounce" and found["expires_at"] > \
        found["created_at"]
    # It is made longer, never shorter.
    add(empty, "a@x.example", reason="soft_bounce", expires_at="in 1 hour")
    assert empty.get(f"/suppressions/{name}").json == found
    add(empty, "a@x.example", reason="soft_bounce", expires_at="in 3 hours")
    later = empty.get(f"/suppressions/{name}").json
    assert later["expires_at"] > found["expires_at"]
    empty.sql("UPDATE suppression SET expires = now() - interval '1 second'")
    refused(empty.get(f"/suppressions/{name}"), 404, name="not_found")
    assert listed(empty) == []
    anew = add(empty, "a@x.example", reason="soft_bounce")
    assert anew != name
    assert empty.get(f"/suppressions/{anew}").json["expires_at"] is None


def test_pages_and_filters(empty):
    names = {}
    for i, reason in enumerate(("manual", "bounce", "unsubscribe",
                                "soft_bounce", "complaint")):
        names[i] = add(empty, f"u{i}@x.example", reason=reason)
    def of(*numbers):
        return [f"u{i}@x.example" for i in numbers]
    assert listed(empty) == of(4, 3, 2, 1, 0)
    first = empty.get("/suppressions?limit=2").json
    assert first["object"] == "list" and first["has_more"] is True
    assert listed(empty, f"?limit=2&after={first['data'][1]['id']}") == \
        of(2, 1)
    assert listed(empty, f"?after={names[1]}") == of(0)
    assert empty.get(f"/suppressions?after={names[1]}").json["has_more"] \
        is False
    assert listed(empty, f"?limit=2&before={names[1]}") == of(3, 2)
    assert listed(empty, f"?before={names[3]}") == of(4)
    assert listed(empty, f"?after={NOBODY}") == []
    assert listed(empty, "?origin=bounce") == of(3, 1)
    assert listed(empty, "?origin=manual") == of(2, 0)
    assert listed(empty, "?reason=soft_bounce") == of(3)
    assert listed(empty, f"?reason=complaint&after={names[4]}") == []
    for query, word in (("?origin=x", "origin"), ("?reason=x", "reason"),
                        ("?limit=101", "limit"), ("?after=x", "after"),
                        ("?orgin=bounce", "origin")):
        refused(empty.get(f"/suppressions{query}"), 422, word)


def test_a_hundred_at_a_time(empty):
    emails = [f"u{i}@x.example" for i in range(100)]
    answer = empty.post("/suppressions/batch/add",
                        {"emails": [*emails[:99], "U0@x.example"],
                         "reason": "complaint"})
    assert answer.status == 201
    assert {e["email"] for e in answer.json["data"]} == set(emails[:99])
    assert all(e["object"] == "suppression" for e in answer.json["data"])
    ids = [e["id"] for e in answer.json["data"][:3]]
    answer = empty.post("/suppressions/batch/remove", {"ids": [*ids, NOBODY]})
    assert answer.status == 200
    assert {e["id"] for e in answer.json["data"]} == set(ids)
    assert all(e["deleted"] is True for e in answer.json["data"])
    answer = empty.post("/suppressions/batch/remove", {"emails": emails})
    assert len(answer.json["data"]) == 96
    assert listed(empty) == []


@pytest.mark.parametrize("path, body, says", [
    ("", {"email": "nobody"}, "email"),
    ("", {"email": 7}, "email"),
    ("", {"email": "a@x.example", "reason": "whim"}, "reason"),
    ("", {"email": "a@x.example", "note": "two\nlines"}, "note"),
    ("", {"email": "a@x.example", "note": "x" * 501}, "note"),
    ("", {"email": "a@x.example", "expires_at": "yesterday"}, "expires_at"),
    ("", {"email": "a@x.example", "expires_at": "2020-01-01T00:00:00Z"},
     "past"),
    ("", {"email": "a@x.example", "expires_ad": "in 1 hour"}, "expires_at"),
    ("/batch/add", {}, "emails"),
    ("/batch/add", {"emails": []}, "emails"),
    ("/batch/add", {"emails": ["a@x.example"] * 101}, "emails"),
    ("/batch/add", {"emails": ["a@x.example", "b"]}, "emails[1]"),
    ("/batch/remove", {}, "one of them"),
    ("/batch/remove", {"emails": ["a@x.example"], "ids": [NOBODY]},
     "one of them"),
    ("/batch/remove", {"ids": ["x"]}, "ids[0]"),
])
def test_wrong_ones_are_refused(empty, path, body, says):
    refused(empty.post(f"/suppressions{path}", body), 422, says)
    assert listed(empty) == []


def test_missing_email(empty):
    refused(empty.post("/suppressions", {}), 422,
            name="missing_required_field")


def test_quotes_and_backslashes_in_addresses(empty):
    for address in ('"a\\"b,c{}"@x.example', '"a\\\\b"@x.example'):
        add(empty, address)
        assert listed(empty) == [address]
        empty.post("/suppressions/batch/remove", {"emails": [address]})
        assert listed(empty) == []


def test_projects_see_nothing_of_each_other(empty):
    empty.command("projects", "create", "other")
    key = empty.new_key("--project", "other")
    name = add(empty, "a@x.example")
    assert empty.get("/suppressions", key=key).json["data"] == []
    refused(empty.get(f"/suppressions/{name}", key=key), 404,
            name="not_found")
    refused(empty.call("DELETE", "/suppressions/a@x.example", key=key), 404,
            name="not_found")
    assert empty.post("/suppressions/batch/remove", {"ids": [name]}, key=key
                      ).json["data"] == []
    assert listed(empty, f"?after={name}") == []
    assert empty.get(f"/suppressions?before={name}", key=key).json["data"] \
        == []
    assert listed(empty) == ["a@x.example"]


def test_a_sending_key_may_not(empty):
    key = empty.new_key("--scope", "sending")
    assert empty.get("/suppressions", key=key).status == 401


def test_what_the_functions_say(empty):
    """suppress() is what unsubscriptions and bounces are written by."""
    def suppress(*words):
        return empty.sql(f"SELECT is_new FROM suppress({', '.join(words)})")
    assert suppress("1", "'A@x.example'", "'bounce'", "77", "3") == [["t"]]
    assert suppress("1", "'a@X.example'", "'bounce'", "78", "4") == [["f"]]
    assert suppress("1", "'a@x.example'", "'complaint'") == [["t"]]
    assert empty.sql("SELECT reason, batch, seq FROM suppression ORDER BY 1"
                     ) == [["bounce", "77", "3"], ["complaint", "", ""]]
    found = empty.get("/suppressions?reason=bounce").json["data"][0]
    assert len(found["source_id"]) == 36


# Lists as a whole.

def load(api, text, query="", kind="text/csv", **options):
    return api.post(f"/suppressions/import{query}", text, headers={
        "Content-Type": kind}, **options)


def everything(api):
    answer = api.get("/suppressions.ndjson")
    assert answer.headers["content-type"] == "application/x-ndjson"
    return {(e["email"], e["reason"]): (e["note"], e["expires_at"])
            for e in map(json.loads, answer.raw.splitlines())}


def test_a_list_is_taken_in(empty):
    add(empty, "known@x.example")
    answer = load(empty, b"""email,reason,note,expires_at
A@x.example,bounce,"550 5.1.1, no ""such"" user",
known@x.example,,,
b@x.example,soft_bounce,,2999-01-01T00:00:00Z
bad,bounce,,
c@x.example,whim,,
d@x.example,,,2001-01-01T00:00:00Z
e@x.example,unsubscribe,,tomorrow
""")
    assert answer.status == 200, answer.raw
    said = answer.json
    rejected = said.pop("rejected_lines")
    assert said == {"object": "import", "added": 2, "known": 1,
                           "rejected": 4}
    assert [(r["line"], r["value"]) for r in rejected] == [
        (5, "bad"), (6, "c@x.example"), (7, "d@x.example"),
        (8, "e@x.example")]
    assert all(word in r["reason"] for r, word in zip(
        rejected, ("email", "reason", "expires_at", "expires_at")))
    assert everything(empty) == {
        ("a@x.example", "bounce"): ('550 5.1.1, no "such" user', None),
        ("known@x.example", "manual"): (None, None),
        ("b@x.example", "soft_bounce"): (None, "2999-01-01T00:00:00.000Z")}


def test_another_services_list(empty):
    """Whose column `reason` says something else."""
    answer = load(empty, gzip.compress(
        b'{"email":"a@x.example","reason":"550 no such user"}\n'
        b'{"email":"b@x.example","reason":"x","note":"ours"}\n'
        b'{"email":"a@X.example"}\n'), "?reason=bounce",
        "application/x-ndjson")
    assert answer.json["added"] == 2 and answer.json["known"] == 1
    assert everything(empty) == {
        ("a@x.example", "bounce"): ("550 no such user", None),
        ("b@x.example", "bounce"): ("ours", None)}


def test_what_goes_out_comes_in_again(empty):
    odd = '"a,b\\"c"@x.example'
    add(empty, odd, note='say "no", they\'d said', reason="complaint",
        expires_at="2999-01-01T00:00:00Z")
    add(empty, "plain@x.example")
    before = everything(empty)
    answer = empty.get("/suppressions.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.raw.decode())))
    assert [r["email"] for r in rows] == ["plain@x.example", odd]
    ndjson = empty.get("/suppressions.ndjson").raw
    for text, kind in ((answer.raw, "text/csv"),
                       (ndjson, "application/x-ndjson")):
        empty.sql("DELETE FROM suppression")
        assert load(empty, text, kind=kind).json["added"] == 2
        assert everything(empty) == before


def test_a_hundred_thousand_lines(empty):
    lines = "email\n" + "".join(f"u{i}@x.example\n" for i in range(100000))
    answer = load(empty, lines.encode(), "?reason=unsubscribe")
    assert answer.json["added"] == 100000, answer.raw
    assert len(everything(empty)) == 100000
    assert load(empty, lines.encode(), "?reason=unsubscribe"
                ).json["known"] == 100000
    empty.sql("ANALYZE suppression")
    assert len(listed(empty, "?limit=100")) == 100


@pytest.mark.parametrize("text, query, kind, status", [
    (b"email\na@x.example\n", "?reason=whim", "text/csv", 422),
    (b"name\nann\n", "", "text/csv", 422),
    (b"email\na@x.example\n", "", "image/png", 422),
    (b"", "", "text/csv", 422),
    (b"\x1f\x8bbroken", "", "text/csv", 422),
])
def test_what_is_no_list(empty, text, query, kind, status):
    assert load(empty, text, query, kind).status == status
    assert everything(empty) == {}
