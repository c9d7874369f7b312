"""Relays, routes and source addresses by the API: what is made there is what
mail follows, at once; what is wrong is refused by the name of its field; and
no answer holds a secret."""

import collections
import contextlib
import pathlib
import re
import tempfile

import pytest

from kit import places, process
from kit.api import Api
from kit.presort import Presort
from kit.sink import Sink
from test_sources import FIRST, SECOND, installation

PASSWORD = "hunter2-correct-horse"


def receipt(presort, to, sender="shop@source.example"):
    return presort.ask("POST", "/emails", {
        "from": sender, "to": [to], "subject": "Receipt",
        "text": "Thanks."})["id"]


def arrives(sink, address):
    process.wait_until(lambda: address in sink.copies(), 15, address)


def rules_read(presort):
    """{worker: how many rules it has read, each time}"""
    read = collections.defaultdict(list)
    for worker, rules in re.findall(r"(engine-\d) routes rules=(\d+)\n",
                                    presort.log()):
        read[worker].append(int(rules))
    return read


@contextlib.contextmanager
def followed(presort, rules):
    """What is done within is followed by both workers afterwards."""
    before = rules_read(presort)
    yield
    process.wait_until(
        lambda: all(len(now) > len(before[worker]) and now[-1] == rules
                    for worker, now in
                    [(w, rules_read(presort)[w]) for w in
                     ("engine-0", "engine-1")]), 15, "both workers to know")


@pytest.fixture(name="secrets", scope="module")
def fixture_secrets():
    """The setting relay_secret_dir, with one password in it."""
    with tempfile.TemporaryDirectory(prefix="relays-") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        (directory / "corp").write_text(PASSWORD + "\n", encoding="utf-8")
        yield directory


def test_going_live_is_one_call(secrets):
    """A newcomer's mail stays in the sandbox; a relay alone changes nothing,
    the default route does, and without it all is as before."""
    with Sink("--starttls", "--tls-required", "--auth",
              f"jo:{PASSWORD}") as corp, \
            Presort("sandbox", poll_interval_ms=200, relay_secret_dir=secrets,
                    sandbox_listen=f"127.0.0.1:{places.free_ports(1)[0]}"
                    ) as presort:
        def is_delivered(mail):
            process.wait_until(lambda: presort.ask(
                "GET", f"/emails/{mail}")["last_event"] == "delivered", 15,
                "the sandbox")

        nothing = presort.call("GET", "/routes/default")
        assert nothing.status == 404
        assert "on this machine sandbox" in nothing.body["message"]
        made = presort.ask("POST", "/relays", {
            "name": "corp", "servers": [f"127.0.0.1:{corp.port}*3"],
            "user": "jo", "password_file": str(secrets / "corp")})
        assert made == {
            "object": "relay", "name": "corp", "preset": None,
            "servers": [f"127.0.0.1:{corp.port}*3"], "tls": "required",
            "login": "auto", "user": "jo", "password_from": "file",
            "password_file": str(secrets / "corp"), "password_env": None,
            "limits": None, "routes": [], "why": None,
            "created_at": made["created_at"]}
        is_delivered(receipt(presort, "a@live.example"))

        with followed(presort, 1):
            route = presort.ask("PUT", "/routes/default", {"via": "corp"})
        assert route["via"] == "corp" and route["to"] is None
        receipt(presort, "b@live.example")
        arrives(corp, "b@live.example")
        assert presort.ask("GET", "/routes/default") == route
        assert presort.ask("GET", "/relays/corp")["routes"] == [route["id"]]

        with followed(presort, 1):
            again = presort.ask("PUT", "/routes/default", {"via": "sandbox"})
        assert [r["id"] for r in presort.ask("GET", "/routes")["data"]] == [
            again["id"]]
        is_delivered(receipt(presort, "c@live.example"))
        with followed(presort, 0):
            assert presort.ask("DELETE", "/routes/default")["deleted"]
        is_delivered(receipt(presort, "d@live.example"))
        assert set(corp.copies()) == {"b@live.example"}
        assert PASSWORD not in presort.log()


def test_mail_follows_what_is_changed():
    with Sink() as standard, Sink() as one, Sink() as two, \
            Presort(standard.port, poll_interval_ms=200) as presort:
        presort.command("projects", "create", "shop")
        for name, sink in ("one", one), ("two", two):
            presort.ask("POST", "/relays", {
                "name": name, "servers": f"127.0.0.1:{sink.port}"})
        with followed(presort, 3):
            late = presort.ask("POST", "/routes", {
                "to": "*.X.example", "via": "one"})
            early = presort.ask("POST", "/routes", {
                "from": "corp.example", "class": "transactional", "place": 50,
                "via": "two"})
            other = presort.ask("POST", "/routes", {
                "project": "shop", "place": 1, "via": "sandbox"})
        assert late["to"] == "*.x.example" and late["place"] == 100
        assert [r["id"] for r in presort.ask("GET", "/routes")["data"]] == [
            other["id"], early["id"], late["id"]]
        receipt(presort, "a@x.example")
        receipt(presort, "a@mx.x.example")
        receipt(presort, "b@mx.x.example", "jo@corp.example")
        arrives(standard, "a@x.example")
        arrives(one, "a@mx.x.example")
        arrives(two, "b@mx.x.example")

        # Only what the body names becomes another, null is any.
        with followed(presort, 3):
            changed = presort.ask("PATCH", f"/routes/{early['id']}", {
                "from": None, "via": "one", "id": early["id"]})
        assert changed == {**early, "from": None, "via": "one"}
        receipt(presort, "c@x.example")
        arrives(one, "c@x.example")
        # The relay's servers, while its name stays.
        presort.ask("PATCH", "/relays/one", {
            "servers": [f"127.0.0.1:{two.port}"], "limits": "connections=2"})
        relay = presort.ask("GET", "/relays/one")
        assert relay["limits"] == "connections=2"
        assert relay["routes"] == [early["id"], late["id"]]

        def at_two():
            receipt(presort, "d@x.example")
            return "d@x.example" in two.copies()
        process.wait_until(at_two, 20, "the other server", 0.5)

        refused = presort.call("DELETE", "/relays/one")
        assert refused.status == 409
        assert f"used by route {late['id']}, {early['id']}" in \
            refused.body["message"]  # in the order in which they were made
        with followed(presort, 0):
            for route in early, late, other:
                assert presort.ask("DELETE", f"/routes/{route['id']}") == {
                    "object": "route", "id": route["id"], "deleted": True}
        assert presort.ask("DELETE", "/relays/one")["deleted"]
        assert presort.ask("GET", "/limits")["data"] == []
        assert presort.ask("GET", "/routes")["data"] == []
        receipt(presort, "e@mx.x.example")
        arrives(standard, "e@mx.x.example")


def test_mail_leaves_from_the_pool_s_address():
    with installation(["127.0.1.1"]) as (presort, servers):
        made = presort.ask("POST", "/sources", {
            "address": FIRST, "ehlo": "Out1.example", "pool": "main"})
        assert made == {
            "object": "source", "address": FIRST, "ehlo": "out1.example",
            "pool": "main", "enabled": True, "warm_up": None,
            "warm_up_day": None, "blamed_by": [],
            "created_at": made["created_at"]}
        with followed(presort, 1):
            presort.ask("PUT", "/routes/default",
                        {"via": "r0", "pool": "main"})
        receipt(presort, "a@s.example")
        process.wait_until(lambda: servers.came, 15, "the mail")
        assert servers.came[0][1:3] == (FIRST, "out1.example")

        refused = presort.call("DELETE", f"/sources/{FIRST}")
        assert refused.status == 409
        assert "the last one of the pool main" in refused.body["message"]
        refused = presort.call("PATCH", f"/sources/{FIRST}", {"pool": "x"})
        assert refused.status == 422 and "`pool`" in refused.body["message"]
        presort.ask("POST", "/sources", {
            "address": SECOND, "ehlo": "out2.example", "pool": "main",
            "warm_up": "now"})
        second = presort.ask("GET", f"/sources/{SECOND}")
        assert second["warm_up_day"] == 1, second
        presort.ask("PATCH", f"/sources/{SECOND}", {"warm_up": None})
        paused = presort.ask("PATCH", f"/sources/{FIRST}", {"enabled": False})
        assert paused == {**made, "enabled": False}
        assert presort.command("sources", "list").splitlines() == [
            f"{FIRST}  out1.example  pool=main  paused  blamed by -",
            f"{SECOND}  out2.example  pool=main  warm  blamed by -"]

        def from_second():
            receipt(presort, "b@s.example")
            return SECOND in servers.sources()
        process.wait_until(from_second, 20, "the other address", 0.5)
        assert presort.ask("DELETE", f"/sources/{FIRST}") == {
            "object": "source", "address": FIRST, "deleted": True}
        assert [s["address"] for s in
                presort.ask("GET", "/sources")["data"]] == [SECOND]


# What is refused needs no engine.

@pytest.fixture(name="api", scope="module")
def fixture_api(secrets):
    with Api(relay_secret_dir=secrets) as api:
        api.command("relay", "add", "theirs", "b:25", "--user", "jo",
                    "--secret", f"command:echo {PASSWORD}")
        api.command("relay", "add", "outside", "b:25", "--user", "jo",
                    "--secret", "file:/etc/shadow")
        yield api
        assert PASSWORD not in api.said()


def refused(api, method, path, body, status, *words):
    answer = api.call(method, path, body)
    message = answer.json.get("message", "")
    assert answer.status == status, (path, body, answer.raw)
    for word in words:
        assert word in message, (path, body, message)
    assert PASSWORD not in message


RELAY = {"name": "r", "servers": "mail.example.com:25"}
LOGIN = {**RELAY, "user": "jo"}


@pytest.mark.parametrize("body, field, says", [
    ({"servers": "b:25"}, "name", "Missing"),
    ({**RELAY, "name": 7}, "name", "a text"),
    ({**RELAY, "name": "No Name"}, "name", "lower-case"),
    ({**RELAY, "name": "direct"}, "name", "something else"),
    ({"name": "r"}, "servers", "Missing"),
    ({**RELAY, "servers": 25}, "servers", "list of texts"),
    ({**RELAY, "servers": [25]}, "servers", "list of texts"),
    ({**RELAY, "servers": []}, "servers", "no server"),
    ({**RELAY, "servers": ["b:25", "host"]}, "servers", "host: no port"),
    ({**RELAY, "servers": ["b:25*0"]}, "servers", "weight"),
    ({**RELAY, "servers": ["b:25"] * 17}, "servers", "more than 16"),
    ({**RELAY, "servers": ["b" * 250 + ":25"] * 9}, "servers", "too long"),
    ({**RELAY, "servers": f"smtp://jo:{PASSWORD}@b"}, "servers", "password"),
    ({**RELAY, "preset": "gmail"}, "preset", "takes the place"),
    ({"name": "r", "preset": "gmial"}, "preset", "relay-presets"),
    ({**RELAY, "tls": "maybe"}, "tls", "verified"),
    ({**RELAY, "login": "ntlm"}, "login", "scram-sha-256"),
    ({**RELAY, "auth": "plain"}, "auth", "`login`"),
    ({**RELAY, "login": "plain"}, "user", "Missing"),
    (LOGIN, "password_file", "Missing"),
    ({**LOGIN, "user": "\u00e4", "password_env": "RELAY_X"}, "user", "ASCII"),
    ({**LOGIN, "password": PASSWORD}, "password", "`password_file`"),
    ({**LOGIN, "secret": f"file:{PASSWORD}"}, "secret", "`password_file`"),
    ({**LOGIN, "password_file": PASSWORD}, "password_file", "in /tmp/relays"),
    ({**LOGIN, "password_file": "/etc/shadow"}, "password_file", "in /tmp"),
    ({**LOGIN, "password_env": PASSWORD}, "password_env", "RELAY_"),
    ({**LOGIN, "password_env": "DATABASE_URL"}, "password_env", "RELAY_"),
    ({**LOGIN, "password_env": "RELAY_A=B"}, "password_env", "variable"),
    ({**LOGIN, "password_command": "true"}, "password_command", "command line"),
    ({**LOGIN, "password_env": "RELAY_X", "password_file": "/x"},
     "password_env", "does not go with"),
    ({**RELAY, "limits": "conections=5"}, "limits", "conections"),
    ({**RELAY, "limits": 5}, "limits", "a text"),
    ({**RELAY, "limit": "burst=1"}, "limit", "Did you mean `limits`"),
    ({**RELAY, "weighting": 1}, "weighting", "Unknown field"),
    ({**RELAY, "name": "x" * 64}, "name", "1 to 63"),
    ({**LOGIN, "user": "x" * 321, "password_env": "RELAY_X"}, "user", "320"),
    ({**LOGIN, "password_env": "RELAY_" + "X" * 5000}, "password_env", "bytes"),
    ({**RELAY, "servers": ["b:25"] * 20_000}, "servers", "too long"),
    ({**RELAY, "servers": [["b:25"]]}, "servers", "list of texts"),
    ({**RELAY, "limits": "connections=1 " * 500}, "limits", "limits"),
    ({**RELAY, "limits": "connections=-1"}, "limits", "connections"),
    ({**RELAY, "limits": "connections=nan"}, "limits", "connections"),
])
def test_a_wrong_relay_is_refused_by_its_field(api, body, field, says):
    refused(api, "POST", "/relays", body, 422, f"`{field}`", says)
    assert api.get("/relays/r").status == 404


ROUTE = {"via": "direct"}


@pytest.mark.parametrize("body, field, says", [
    ({}, "via", "Missing"),
    ({"via": 1}, "via", "a text"),
    ({"via": "nowhere"}, "via", "there is no relay nowhere"),
    ({"via": "No Relay"}, "via", "a relay's name"),
    ({**ROUTE, "fallback": "nowhere"}, "fallback", "there is no relay"),
    ({"via": "sandbox", "fallback": "theirs"}, "fallback", "direct only"),
    ({**ROUTE, "pool": "nowhere"}, "pool", "no source address"),
    ({"via": "sandbox", "pool": "main"}, "pool", "sandbox"),
    ({**ROUTE, "project": "nobody"}, "project", "no such project"),
    ({**ROUTE, "class": "all"}, "class", "transactional or"),
    ({**ROUTE, "from": "jo@a.example"}, "from", "neither a domain"),
    ({**ROUTE, "from": ""}, "from", "neither a domain"),
    ({**ROUTE, "to": "*"}, "to", "neither a domain"),
    ({**ROUTE, "to": ["a.example"]}, "to", "a text"),
    ({**ROUTE, "place": "1"}, "place", "a number"),
    ({**ROUTE, "place": 1.5}, "place", "a number"),
    ({**ROUTE, "place": 2 ** 40}, "place", "within"),
    ({**ROUTE, "falback": "theirs"}, "falback", "Did you mean `fallback`"),
    ({**ROUTE, "weighting": 1}, "weighting", "Unknown field"),
    ({**ROUTE, "x" * 5000: 1}, "x" * 100, "Unknown field"),
    ({**ROUTE, "place": -2 ** 63}, "place", "within"),
    ({**ROUTE, "place": 1e300}, "place", "a number"),
    ({**ROUTE, "place": True}, "place", "a number"),
    ({**ROUTE, "to": "a" * 5000 + ".example"}, "to", "longer"),
    ({**ROUTE, "to": "*.*.example"}, "to", "neither a domain"),
    ({"via": "x" * 64}, "via", "a relay's name"),
    ({**ROUTE, "project": "x" * 5000}, "project", "no such project"),
    ({**ROUTE, "pool": "x" * 64}, "pool", "a pool's name"),
])
def test_a_wrong_route_is_refused_by_its_field(api, body, field, says):
    refused(api, "POST", "/routes", body, 422, f"`{field}`", says)
    assert api.get("/routes").json["data"] == []


@pytest.mark.parametrize("field, value", [
    ("to", "a.example"), ("from", "a.example"), ("class", "campaign"),
    ("project", "default"), ("place", 5)])
def test_the_default_route_has_no_conditions(api, field, value):
    refused(api, "PUT", "/routes/default", {**ROUTE, field: value}, 422,
            f"`{field}`", "all mail")
    assert api.get("/routes").json["data"] == []


SOURCE = {"address": "192.0.2.1", "ehlo": "out.example", "pool": "p"}


@pytest.mark.parametrize("body, field, says", [
    ({**SOURCE, "address": None}, "address", "Missing"),
    ({**SOURCE, "address": "out.example"}, "address", "no IP address"),
    ({**SOURCE, "address": "::"}, "address", "to send from"),
    ({**SOURCE, "ehlo": None}, "ehlo", "Missing"),
    ({**SOURCE, "ehlo": "a b"}, "ehlo", "host name"),
    ({**SOURCE, "pool": None}, "pool", "Missing"),
    ({**SOURCE, "pool": "The Pool"}, "pool", "lower-case"),
    ({**SOURCE, "warm_up": "soon"}, "warm_up", "YYYY-MM-DD"),
    ({**SOURCE, "warm_up": "2027-02-30"}, "warm_up", "YYYY-MM-DD"),
    ({**SOURCE, "enabled": "yes"}, "enabled", "true or false"),
    ({**SOURCE, "enabld": True}, "enabld", "Did you mean `enabled`"),
    ({**SOURCE, "weighting": 1}, "weighting", "Unknown field"),
    ({**SOURCE, "ehlo": "x" * 253}, "ehlo", "252 bytes"),
    ({**SOURCE, "pool": "x" * 64}, "pool", "1 to 63"),
    ({**SOURCE, "address": "192.0.2.1/24"}, "address", "no IP address"),
    ({**SOURCE, "warm_up": 5}, "warm_up", "a text"),
    ({**SOURCE, "warm_up": "-infinity"}, "warm_up", "YYYY-MM-DD"),
    ({**SOURCE, "warm_up": "10000-01-01"}, "warm_up", "YYYY-MM-DD"),
])
def test_a_wrong_source_is_refused_by_its_field(api, body, field, says):
    refused(api, "POST", "/sources", body, 422, f"`{field}`", says)
    assert api.get("/sources").json["data"] == []


@pytest.mark.parametrize("body, says", [
    (b'{"place": NaN}', "JSON"), (b'{"place": 1e999}', "JSON"),
    (b'{"place": 99999999999999999999}', "JSON"),
    (b'{"via": "direct", "via": "sandbox"}', "duplicate"),
    (b'{"via": "\xff"}', "byte 0xff"), (b'{"via": "a\\u0000b"}', "u0000"),
])
def test_what_is_no_json_is_refused(api, body, says):
    for method, path in (("POST", "/relays"), ("POST", "/routes"),
                         ("POST", "/sources"), ("PUT", "/routes/default"),
                         ("PATCH", "/relays/theirs")):
        refused(api, method, path, body, 400, says)


def test_a_list_is_no_object(api):
    for path in ("/relays", "/routes", "/sources"):
        refused(api, "POST", path, [], 422, "JSON object")
        refused(api, "POST", path, [{}] * 20_000, 422, "JSON object")


def test_what_is_shown_may_come_back(api):
    """The whole of an answer is a body that changes nothing."""
    assert api.post("/relays", {**RELAY, "name": "echo"}).status == 201
    assert api.post("/sources", {**SOURCE, "address": "192.0.2.9",
                                 "pool": "echo"}).status == 201
    route = api.post("/routes", {"via": "echo", "to": "echo.example",
                                 "pool": "echo"}).json["id"]
    for path in ("/relays/echo", "/sources/192.0.2.9", f"/routes/{route}"):
        shown = api.get(path).json
        assert api.call("PATCH", path, shown).json == shown
    for path in (f"/routes/{route}", "/relays/echo", "/sources/192.0.2.9"):
        assert api.call("DELETE", path).status == 200


def test_what_is_there_is_not_made_twice_and_what_is_not_is_not_found(api):
    for path, body, named in [
            ("/relays", {**RELAY, "name": "twice"}, "twice"),
            ("/sources", {**SOURCE, "address": "2001:db8::1",
                          "warm_up": "2027-03-01", "enabled": False},
             "2001:db8::1")]:
        made = api.post(path, body)
        assert made.status == 201, made.raw
        refused(api, "POST", path, body, 409, named, "PATCH")
        assert api.get(f"{path}/{named}").json == made.json
        field = "name" if path == "/relays" else "address"
        refused(api, "PATCH", f"{path}/{named}", {field: "192.0.2.9"}, 422,
                f"`{field}`", "can't be changed")
        # What an answer shows may be sent back.
        again = api.call("PATCH", f"{path}/{named}", made.json)
        assert (again.status, again.json) == (200, made.json), again.raw
        assert api.call("DELETE", f"{path}/{named}").json["deleted"]
    assert made.json["warm_up"] == "2027-03-01" and not made.json["enabled"]
    once = [api.post("/routes", ROUTE, headers={"Idempotency-Key": "once"})
            for _ in range(2)]
    assert once[0].status == 201 and once[0].json == once[1].json
    assert api.call("DELETE", f"/routes/{once[0].json['id']}").status == 200
    for method in "GET", "PATCH", "DELETE":
        for path in ("/relays/x", "/routes/77", "/routes/x", "/sources/x",
                     "/sources/192.0.2.77", "/routes/default"):
            refused(api, method, path, {}, 404)
    assert api.call("PATCH", "/relays/theirs", []).status == 422
    assert api.call("PATCH", "/relays/theirs", b"{").status == 400


def test_a_preset_brings_servers_and_its_provider_s_limits(api):
    presets = {p["name"]: p for p in api.get("/relay-presets").json["data"]}
    gmail = presets["gmail"]
    assert gmail["limits"] == "connections=10 mails_per_day=500 burst=250"
    assert "mails_per_minute=30 " in presets["microsoft365"]["limits"]
    assert presets["brevo"]["limits"] is None
    assert gmail["servers"] == ["submission://smtp.gmail.com",
                                "smtps://smtp.gmail.com"]
    made = api.post("/relays", {"name": "g", "preset": "gmail",
                                "tls": "verified", "user": "jo@gmail.com",
                                "password_env": "RELAY_GMAIL"}).json
    assert made["preset"] == "gmail" and made["servers"] == gmail["servers"]
    assert made["limits"] == gmail["limits"]
    assert made["password_env"] == "RELAY_GMAIL" and made["tls"] == "verified"
    assert "gmail  tls=verified" in api.command("relay", "list")
    for limits, shown in [("mails_per_day=2000", "mails_per_day=2000"),
                          (None, None)]:
        api.call("PATCH", "/relays/g", {"limits": limits})
        assert api.get("/relays/g").json["limits"] == shown
    # No longer one, and no login.
    plain = api.call("PATCH", "/relays/g", {"servers": "b:25", "user": None})
    assert plain.status == 200, plain.raw
    assert {**plain.json, "created_at": 0} == {
        **made, "created_at": 0, "preset": None, "servers": ["b:25"],
        "limits": None, "login": "none", "user": None, "password_from": None,
        "password_env": None}
    back = api.call("PATCH", "/relays/g", {
        "preset": "gmail", "user": "jo", "password_env": "RELAY_G"}).json
    assert back["login"] == "auto" and back["preset"] == "gmail"
    assert api.call("DELETE", "/relays/g").status == 200


def test_no_way_out_of_the_directory_of_secrets(api, secrets):
    for path in (secrets, f"{secrets}/", f"{secrets}/../x", f"{secrets}/a/..",
                 f"{secrets}x/a", f"{secrets}/./x", "x"):
        refused(api, "POST", "/relays",
                {**LOGIN, "password_file": str(path)}, 422, "`password_file`")


def test_what_the_command_line_alone_may_say_stays_as_it_is(api, secrets):
    """A secret named there goes to no other server, and a command is not
    shown."""
    shown = api.get("/relays/theirs")
    assert shown.json["password_from"] == "command"
    assert PASSWORD.encode() not in shown.raw + api.get("/relays").raw
    for name in "theirs", "outside":
        for field, value in [("servers", "evil.example:25"), ("tls", "none"),
                             ("preset", "gmail"), ("login", "plain"),
                             ("user", "eve")]:
            refused(api, "PATCH", f"/relays/{name}", {field: value}, 422,
                    f"`{field}`", "command line")
        kept = api.call("PATCH", f"/relays/{name}", {"limits": "burst=5"})
        assert kept.status == 200 and kept.json["limits"] == "burst=5"
    assert api.sql("SELECT servers, secret FROM relay ORDER BY name") == [
        ["b:25", "file:/etc/shadow"], ["b:25", f"command:echo {PASSWORD}"]]
    # In place of it, a file that may be named.
    changed = api.call("PATCH", "/relays/outside", {
        "servers": "c:25", "password_file": str(secrets / "corp")})
    assert changed.json["servers"] == ["c:25"], changed.raw
    refused(api, "PATCH", "/relays/outside", {"password_file": None}, 422,
            "Missing `password_file`")


def test_only_the_operator_may(api):
    api.command("projects", "create", "shop")
    shop = api.new_key("--project", "shop")
    sending = api.new_key("--scope", "sending")
    for method, path in [
            ("GET", "/relays"), ("POST", "/relays"), ("GET", "/relays/theirs"),
            ("PATCH", "/relays/theirs"), ("DELETE", "/relays/theirs"),
            ("GET", "/routes"), ("POST", "/routes"), ("PUT", "/routes/default"),
            ("GET", "/routes/default"), ("PATCH", "/routes/1"),
            ("DELETE", "/routes/default"), ("GET", "/sources"),
            ("POST", "/sources"), ("GET", "/sources/127.0.0.1"),
            ("PATCH", "/sources/127.0.0.1"), ("DELETE", "/sources/127.0.0.1")]:
        for key, status, name in [(shop, 403, "invalid_access"),
                                  (sending, 401, "restricted_api_key"),
                                  (None, 401, "missing_api_key")]:
            answer = api.call(method, path, {"via": "direct"}, key=key)
            assert (answer.status, answer.json["name"]) == (status, name), path
    assert api.get("/routes").json["data"] == []


def test_there_are_no_more_than_workers_read(api):
    api.sql("INSERT INTO source (address, ehlo, pool) SELECT "
            "'198.51.100.' || n, 'o.example', 'full' "
            "FROM generate_series(1, 32) n")
    refused(api, "POST", "/sources", {**SOURCE, "pool": "full"}, 422, "`pool`",
            "32 addresses")
    api.sql("DELETE FROM source")
    api.sql("INSERT INTO route (via) SELECT 'direct' "
            "FROM generate_series(1, 1000)")
    refused(api, "POST", "/routes", ROUTE, 422, "1000 routes")
    api.sql("DELETE FROM route")
