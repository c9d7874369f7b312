"""Requests that get in each other's way: each is answered by what is so then,
none by an error of ours, and what is stored fits together."""

import concurrent.futures
import contextlib
import re
import subprocess
import threading

import pytest

from kit import process
from kit.api import Api

ROUNDS = 12


@pytest.fixture(name="api", scope="module")
def fixture_api():
    with Api() as api:
        yield api
        assert "request_failed" not in api.said()


def at_once(*calls):
    """The answers of calls that begin together."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait()
        return call()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def check(answer, allowed, says=""):
    assert answer.status in allowed, answer.raw
    if answer.status >= 400:
        assert re.search(says, answer.json["message"]), answer.raw


@contextlib.contextmanager
def elsewhere(api, statement):
    """Another program's transaction: open within, committed by commit()."""
    psql = subprocess.Popen(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", api.database.url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(words):
        psql.stdin.write(words + "\n\\echo said\n")
        psql.stdin.flush()
        assert psql.stdout.readline() == "said\n"

    try:
        say(f"BEGIN;\n{statement};")
        yield lambda: say("COMMIT;")
    finally:
        psql.stdin.close()
        assert psql.wait(30) == 0


def in_the_way(api, statement, call):
    """The answer to a call that waits for the other program's commit."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool, \
            elsewhere(api, statement) as commit:
        answer = pool.submit(call)
        process.wait_until(lambda: api.sql(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND application_name = 'presort-api'") != [], 30, "the request")
        commit()
        return answer.result(60)


RELAY = {"servers": "b.example:25"}
ADD_ROUTE = ("INSERT INTO route (via, relay, fallback) "
             "VALUES ('{}', {}, {})")


@pytest.mark.parametrize("statement, method, path, body, status, says", [
    ("DELETE FROM relay WHERE name = 'r'", "POST", "/routes", {"via": "r"},
     409, "`via`"),
    ("DELETE FROM relay WHERE name = 'r'", "PUT", "/routes/default",
     {"via": "r"}, 409, "`via`"),
    ("DELETE FROM relay WHERE name = 'r'", "POST", "/routes",
     {"via": "direct", "fallback": "r"}, 409, "`fallback`"),
    (ADD_ROUTE.format("relay", "'r'", "NULL"), "DELETE", "/relays/r", None,
     409, "into use"),
    (ADD_ROUTE.format("direct", "NULL", "'r'"), "DELETE", "/relays/r", None,
     409, "into use"),
    ("DELETE FROM project WHERE name = 'shop'", "POST", "/routes",
     {"via": "direct", "project": "shop"}, 409, "`project`"),
    ("INSERT INTO relay (name, servers) VALUES ('new', 'b:25')", "POST",
     "/relays", {**RELAY, "name": "new"}, 409, "new is there already"),
    ("DELETE FROM relay WHERE name = 'r'", "PATCH", "/relays/r",
     {"tls": "none"}, 404, "Relay not found"),
    ("DELETE FROM relay WHERE name = 'r'", "DELETE", "/relays/r", None, 404,
     "Relay not found"),
    ("DELETE FROM source WHERE address = '192.0.2.1'", "PATCH",
     "/sources/192.0.2.1", {"enabled": False}, 404, "Source not found"),
    ("DELETE FROM route WHERE recipient = 'there.example'", "PATCH",
     "/routes/{there}", {"via": "sandbox"}, 404, "Route not found"),
    ("INSERT INTO template (project, alias) VALUES (1, 'taken')", "POST",
     "/templates", {"name": "t", "html": "x", "alias": "taken"}, 409,
     "`alias`"),
    ("DELETE FROM template", "PATCH", "/templates/{template}", {"html": "y"},
     404, "Template not found"),
    ("DELETE FROM template", "POST", "/templates/{template}/publish", None,
     404, "Template not found"),
    ("INSERT INTO domain (project, name) VALUES (1, 'taken.example')", "POST",
     "/domains", {"name": "taken.example"}, 403, "already"),
    ("DELETE FROM domain", "POST", "/domains/{domain}/verify", None, 404,
     "not found"),
    ("DELETE FROM domain", "DELETE", "/domains/{domain}", None, 404,
     "not found"),
    ("DELETE FROM api_key WHERE name = 'going'", "DELETE", "/api-keys/{key}",
     None, 404, "not found"),
    ("DELETE FROM partial", "DELETE", "/partials/p", None, 404, "not found"),
])
def test_another_program_was_faster(api, statement, method, path, body, status,
                                    says):
    api.sql("INSERT INTO relay (name, servers) VALUES ('r', 'b:25');"
            "INSERT INTO project (name) VALUES ('shop');"
            "INSERT INTO source (address, ehlo, pool) "
            "VALUES ('192.0.2.1', 'a.example', 'p');"
            "INSERT INTO partial VALUES (1, 'p', 'x')")
    there = {
        "there": api.post("/routes", {"via": "direct",
                                      "to": "there.example"}).json["id"],
        "template": api.post("/templates", {"name": "t",
                                            "html": "x"}).json["id"],
        "domain": api.sql("INSERT INTO domain (project, name) "
                          "VALUES (1, 'd.example') RETURNING uid")[0][0],
        "key": api.post("/api-keys", {"name": "going"}).json["id"]}
    try:
        answer = in_the_way(api, statement, lambda: api.call(
            method, path.format(**there), body))
        check(answer, {status}, says)
        assert answer.status == status
    finally:
        api.sql("DELETE FROM route; DELETE FROM relay; DELETE FROM source; "
                "DELETE FROM template; DELETE FROM domain; "
                "DELETE FROM partial; DELETE FROM project WHERE id > 1; "
                "DELETE FROM api_key WHERE name = 'going'")


def test_a_relay_goes_while_a_route_comes(api):
    """One of the two wins, and the other hears why."""
    for turn in range(ROUNDS):
        name = f"relay{turn}"
        assert api.post("/relays", {**RELAY, "name": name}).status == 201
        added, gone = at_once(
            lambda n=name: api.post("/routes", {"via": n}),
            lambda n=name: api.call("DELETE", f"/relays/{n}"))
        check(added, {201, 422}, f"`via` field: there is no relay {name}")
        check(gone, {200, 409}, "is used by route")
        assert (added.status == 201) != (gone.status == 200)


def test_the_last_address_of_a_pool_goes_while_a_route_comes(api):
    for turn in range(ROUNDS):
        pool, address = f"pool{turn}", f"192.0.2.{turn + 10}"
        assert api.post("/sources", {"address": address, "pool": pool,
                                     "ehlo": "a.example"}).status == 201
        added, gone = at_once(
            lambda p=pool: api.post("/routes", {"via": "direct", "pool": p}),
            lambda a=address: api.call("DELETE", f"/sources/{a}"))
        check(added, {201, 422}, "`pool`")
        check(gone, {200, 409}, "is the last one of the pool")
        assert (added.status == 201) != (gone.status == 200)


def test_there_is_one_default_route_whoever_sets_it(api):
    api.sql("DELETE FROM route")
    for answer in at_once(*[
            lambda via=via: api.call("PUT", "/routes/default", {"via": via})
            for via in ("direct", "sandbox") * 6]):
        check(answer, {200})
    assert len(api.get("/routes").json["data"]) == 1


def test_the_same_one_is_made_once(api):
    for path, body, status in (
            ("/relays", {**RELAY, "name": "once"}, 201),
            ("/sources", {"address": "192.0.2.99", "ehlo": "a.example",
                          "pool": "once"}, 201),
            ("/templates", {"name": "t", "html": "x", "alias": "once"}, 201)):
        answers = at_once(*[lambda p=path, b=body: api.post(p, b)] * 6)
        for answer in answers:
            check(answer, {status, 409}, "there already|`alias`")
        assert [a.status for a in answers].count(status) == 1


def test_changed_while_it_goes(api):
    """Of each thing that has a DELETE: changed, used and deleted at once."""
    def made(path, body, **more):
        return api.post(path, body, **more).json["id"]

    for turn in range(ROUNDS):
        alias = f"alias{turn}"
        template = made("/templates", {"name": "t", "html": "x",
                                       "subject": "s", "alias": alias})
        check(api.post(f"/templates/{template}/publish"), {200})
        campaign = made("/campaigns", {
            "name": "c", "from": "a@b.example", "subject": "s", "html": "x"})
        sets = [
            (f"/templates/{template}", {"name": "new"}, [
                lambda t=template: api.post(f"/templates/{t}/publish"),
                lambda t=template: api.post(f"/templates/{t}/duplicate"),
                lambda t=template: api.post(f"/templates/{t}/preview", {}),
                lambda t=template: api.post("/campaigns", {
                    "name": "c", "from": "a@b.example",
                    "template": {"id": t}}),
                lambda t=template: api.post("/emails", {
                    "from": "a@b.example", "to": ["c@d.example"],
                    "template": {"id": t}})]),
            (f"/campaigns/{campaign}", {"name": "new"}, [
                lambda c=campaign: api.post(
                    f"/campaigns/{c}/recipients",
                    b'{"email": "a@b.example"}\n' * 3,
                    headers={"Content-Type": "application/x-ndjson"}),
                lambda c=campaign: api.post(f"/campaigns/{c}/check"),
                lambda c=campaign: api.post(f"/campaigns/{c}/send"),
                lambda c=campaign: api.post(f"/campaigns/{c}/cancel")])]
        for path, change, others in sets:
            for answer in at_once(
                    lambda p=path: api.call("DELETE", p),
                    lambda p=path, c=change: api.call("PATCH", p, c),
                    *others):
                check(answer, {200, 201, 202, 404, 409, 422})
    left = api.sql("SELECT count(*) FROM batch WHERE campaign IS NOT NULL AND "
                   "campaign NOT IN (SELECT id FROM campaign)")
    assert left == [["0"]], "mails of a campaign that is gone"


def test_lists_of_the_same_addresses_in_any_order(api):
    addresses = [f"r{i}@x.example" for i in range(100)]
    for turn in range(ROUNDS):
        body = {"emails": addresses if turn % 2 else addresses[::-1]}
        for answer in at_once(
                lambda: api.post("/suppressions/batch/add",
                                 {"emails": addresses}),
                lambda: api.post("/suppressions/batch/add",
                                 {"emails": addresses[::-1]}),
                lambda b=body: api.post("/suppressions/batch/remove", b),
                lambda: api.post("/suppressions/import",
                                 "\n".join(["email"] + addresses).encode(),
                                 headers={"Content-Type": "text/csv"})):
            check(answer, {200, 201})
