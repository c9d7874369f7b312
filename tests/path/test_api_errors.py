"""What the API says to bad requests: each in JSON, by a known name, naming
what is wrong; nothing half-stored, nothing unbounded."""

import http.client
import json
import re
import socket
import time

import pytest

from kit import process
from kit.api import Api

EMAIL = {"from": "Acme <a@acme.test>", "to": ["b@x.test"], "subject": "hi",
         "html": "<p>x</p>"}
BODY_MAX = 300_000


@pytest.fixture(scope="module", name="api")
def api_fixture():
    with Api(api_body_max_bytes=BODY_MAX, api_idle_timeout_seconds=2) as api:
        yield api


def check(answer, status, name, *says):
    assert answer.status == status, answer.raw
    body = answer.json
    assert body["statusCode"] == status and body["name"] == name, body
    for word in says:
        assert word in body["message"], body


@pytest.fixture(autouse=True, name="nothing_stored")
def nothing_stored_fixture(api):
    before = api.sql("SELECT (SELECT count(*) FROM mail), "
                     "(SELECT count(*) FROM email), "
                     "(SELECT count(*) FROM batch)")
    yield
    assert before == api.sql("SELECT (SELECT count(*) FROM mail), "
                             "(SELECT count(*) FROM email), "
                             "(SELECT count(*) FROM batch)")


def test_who_is_asking(api):
    check(api.get("/emails", key=None), 401, "missing_api_key",
          "Authorization")
    check(api.get("/emails", key=None, headers={
        "Authorization": "Basic Zm9vOmJhcg=="}), 401, "missing_api_key")
    check(api.get("/emails", key="re_nobodyXX_abcdefghijklmnopqrstuvwx"), 403,
          "invalid_api_key")
    check(api.get("/emails", key="x" * 5000), 401, "missing_api_key")


def test_sending_keys_only_send(api):
    key = api.new_key("--scope", "sending")
    for method, path in (("GET", "/emails"), ("GET", "/api-keys"),
                         ("POST", "/api-keys"), ("GET", "/emails/x")):
        check(api.call(method, path, key=key), 401, "restricted_api_key")
    check(api.post("/emails", {}, key=key), 422, "missing_required_field")


def test_revoked_by_command_and_by_request(api):
    made = api.post("/api-keys", {"name": "k", "permission": "full_access"})
    assert made.status == 201
    token, name = made.json["token"], made.json["id"]
    assert re.fullmatch(r"re_\w{8}_\w{24}", token)
    assert api.get("/api-keys", key=token).status == 200
    listed = api.get("/api-keys").json["data"]
    assert name in {k["id"] for k in listed}
    assert token not in json.dumps(listed)
    gone = api.call("DELETE", f"/api-keys/{name}", {})
    assert gone.status == 200 and gone.json["deleted"] is True
    check(api.get("/api-keys", key=token), 403, "invalid_api_key")
    check(api.call("DELETE", f"/api-keys/{name}"), 404, "not_found")
    check(api.call("DELETE", "/api-keys/x"), 404, "not_found")

    key = api.new_key()
    assert api.get("/api-keys", key=key).status == 200
    api.command("keys", "revoke", key[:11])
    since = time.monotonic()
    process.wait_until(lambda: api.get("/api-keys", key=key).status == 403, 5,
                       "the key to be refused")
    assert time.monotonic() - since < 2


def test_a_key_is_shown_once_even_under_an_idempotency_key(api):
    headers = {"Idempotency-Key": "key/1"}
    first = api.post("/api-keys", {"name": "k"}, headers=headers).json
    again = api.post("/api-keys", {"name": "k"}, headers=headers).json
    assert again["id"] == first["id"] and again["token"] is None
    assert api.sql("SELECT count(*) FROM idempotency WHERE response LIKE "
                   f"'%{first['token']}%'") == [["0"]]


def test_key_requests(api):
    for body, says in (({}, "`name`"), ({"name": ""}, "`name`"),
                       ({"name": 7}, "`name`"), ({"name": "x" * 101}, "`name`"),
                       ({"name": "k", "permission": "root"}, "`permission`"),
                       ({"name": "k", "permision": "x"}, "`permission`"),
                       ({"name": "k", "scope": "sending"}, "`permission`"),
                       ({"name": "k\nforged"}, "one line"),
                       ({"name": "k", "rate_limit_per_second": 0}, "`rate_")):
        check(api.post("/api-keys", body), 422, "validation_error", says)


def test_rate_limit(api):
    token = api.post("/api-keys", {"name": "slow",
                                   "rate_limit_per_second": 3}).json["token"]
    answers = [api.get("/api-keys", key=token) for _ in range(6)]
    assert [a.status for a in answers[:3]] == [200] * 3
    assert answers[0].headers["ratelimit-limit"] == "3"
    assert answers[0].headers["ratelimit-remaining"] == "2"
    assert int(answers[0].headers["ratelimit-reset"]) >= 1
    refused = [a for a in answers if a.status != 200]
    assert len(refused) >= 2
    check(refused[0], 429, "rate_limit_exceeded", "3 requests per second")
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["ratelimit-remaining"] == "0"
    time.sleep(1.1)
    assert api.get("/api-keys", key=token).status == 200


def test_no_such_path_or_method(api):
    nowhere = api.get("/nothing")
    check(nowhere, 404, "not_found")
    assert nowhere.headers["ratelimit-limit"]
    check(api.get("/emails/a/b/c"), 404, "not_found")
    answer = api.call("PUT", "/emails")
    check(answer, 405, "method_not_allowed", "POST")
    assert "POST" in answer.headers["allow"]
    assert answer.headers["ratelimit-remaining"]
    check(api.get("/emails?to=%zz"), 400, "validation_error", "escape")
    check(api.get("/emails?to=%ff"), 400, "validation_error", "UTF-8")
    for path in ("/templates/%ff", "/relays/a%c3", "/suppressions/%ed%a0%80"):
        check(api.get(path), 404, "not_found")
    check(api.get("/emails?limt=5"), 422, "validation_error", "`limit`")
    check(api.get("/campaigns/x/recipients?outcom=bounced"), 422,
          "validation_error", "`outcome`")
    assert api.get("/emails?limit=5&cache=no").status == 200


def test_manners(api):
    """Slashes, bodies where none is due, and none where one is."""
    assert api.get("//emails").status == 200
    assert api.get("/emails/").status == 200
    assert api.get("/emails", body={}).status == 200
    check(api.post("/emails", b""), 422, "missing_required_field", "`from`")
    check(api.post("/emails/x/cancel", b""), 404, "not_found")
    hello = api.get("/", key=None)
    assert hello.status == 200 and hello.json
    head = api.call("HEAD", "/livez", key=None)
    assert head.status == 200 and head.raw == b""


@pytest.mark.parametrize("body, says", [
    (b"{", "line 1"), (b"{\"a\":1,\n}", "line 2"), (b"not json", "line 1"),
    (b"{} {}", "JSON"), (b"\xff\xfe", "JSON"),
    (b'{"to":1,"to":2}', "duplicate"), (b'{"subject":"\\ud800"}', "Unicode"),
])
def test_broken_json(api, body, says):
    check(api.post("/emails", body), 400, "validation_error", says)


def test_json_limits(api):
    check(api.post("/emails", b"[" * 100_000), 413, "validation_error",
          "nested")
    check(api.post("/emails", b'{"a":' * 33 + b"1" + b"}" * 33), 413,
          "validation_error", "nested", "32")


@pytest.mark.parametrize("change, name, says", [
    ({"from": None}, "missing_required_field", "`from`"),
    ({"from": "x"}, "invalid_from_address", "`from`"),
    ({"from": "a@b.test\r\nBcc: c@d.test"}, "invalid_from_address", "`from`"),
    ({"to": None}, "missing_required_field", "`to`"),
    ({"to": ["b@x.test\nX: y"]}, "validation_error", "`to`"),
    ({"to": [f"x{i}@x.test" for i in range(51)]}, "validation_error", "50"),
    ({"cc": [f"x{i}@x.test" for i in range(50)]}, "validation_error", "50"),
    ({"subject": None}, "missing_required_field", "`subject`"),
    ({"subject": "x" * 3000}, "validation_error", "2000"),
    ({"subject": "a\r\nBcc: c@d.test"}, "validation_error", "subject"),
    ({"html": None}, "missing_required_field", "`html`"),
    ({"html": 7}, "validation_error", "`html`"),
    ({"headers": {"Bcc": "c@d.test"}}, "validation_error", "Bcc"),
    ({"headers": {"X-A": "a\r\nb"}}, "validation_error", "X-A"),
    ({"tags": [{"name": "a b", "value": "c"}]}, "validation_error", "`tags`"),
    ({"scheduled_at": "whenever"}, "validation_error", "`scheduled_at`"),
    ({"replyTo": "r@x.test"}, "validation_error", "`reply_to`"),
    ({"shceduled_at": "in 1 min"}, "validation_error", "`scheduled_at`"),
    ({"attachments": [{"path": "https://x.test/a", "filename": "a"}]},
     "invalid_attachment", "attachments[0]: path"),
    ({"attachments": [{"content": "hi!", "filename": "a"}]},
     "invalid_attachment", "attachments[0]: content"),
    ({"template": {"id": "t"}}, "validation_error", "not both"),
])
def test_fields(api, change, name, says):
    check(api.post("/emails", {**EMAIL, **change}), 422, name, says)
    check(api.post("/emails/batch", [{**EMAIL}, {**EMAIL, **change}]), 422,
          name, says, "index 1")


def test_idempotency_keys(api):
    for key in ("", "x" * 257, "caf\xe9"):
        check(api.post("/emails", EMAIL, headers={"Idempotency-Key": key}),
              400, "invalid_idempotency_key", "256")


def test_too_large(api):
    big = json.dumps({**EMAIL, "html": "x" * BODY_MAX}).encode()
    check(api.post("/emails", big), 413, "validation_error", str(BODY_MAX))

    def chunks():
        for _ in range(40):
            yield b" " * 10_000
    client = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
    client.request("POST", "/emails", chunks(), encode_chunked=True, headers={
        "Authorization": f"Bearer {api.key}", "Transfer-Encoding": "chunked"})
    answer = client.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["statusCode"] == 413
    # And the connection is still good for the next request.
    client.request("GET", "/livez")
    assert client.getresponse().status == 200
    client.close()


def test_too_large_is_said_before_it_is_sent(api):
    with socket.create_connection(("127.0.0.1", api.port), 10) as s:
        s.sendall(b"POST /emails HTTP/1.1\r\nHost: x\r\nExpect: 100-continue"
                  b"\r\nContent-Length: 9999999999\r\nAuthorization: Bearer "
                  + api.key.encode() + b"\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 413 ")


def test_long_headers(api):
    check(api.get("/emails", headers={"X-Long": "x" * 20_000}), 431,
          "validation_error", "headers")


def talk(api, *pieces):
    """All that the server says until it closes."""
    with socket.create_connection(("127.0.0.1", api.port), 20) as s:
        said = b""
        for piece in pieces:
            s.sendall(piece)
        while True:
            got = s.recv(65536)
            if not got:
                return said
            said += got


def test_silent_clients_are_left(api):
    since = time.monotonic()
    assert talk(api, b"POST /emails HTTP/1.1\r\nHost: x\r\n") == b""
    assert talk(api, b"POST /emails HTTP/1.1\r\nHost: x\r\n"
                b"Content-Length: 100\r\nAuthorization: Bearer "
                + api.key.encode() + b"\r\n\r\n{\"from\":") == b""
    assert time.monotonic() - since < 15


def test_hang_ups_leave_nothing(api):
    for cut in (20, 60, 150, 220):
        request = (b"POST /emails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                   + api.key.encode() + b"\r\nContent-Length: 500\r\n\r\n"
                   + json.dumps(EMAIL).encode())
        with socket.create_connection(("127.0.0.1", api.port), 10) as s:
            s.sendall(request[:cut])
    assert api.get("/livez", key=None).status == 200


def test_metrics(api):
    text = api.get("/metrics", key=None)
    assert text.headers["content-type"].startswith("text/plain")
    lines = text.raw.decode().splitlines()
    assert any(line.startswith(
        'presort_api_requests_total{route="POST /emails",status="422"} ')
        for line in lines)
    for name in ("presort_api_pool_threads", "presort_api_body_bytes",
                 "presort_api_groups_total", "presort_api_connections"):
        assert f"# TYPE {name} " in text.raw.decode()
    process.wait_until(lambda: b"\npresort_api_body_bytes 0\n" in api.get(
        "/metrics", key=None).raw, 5, "the bodies' memory to be given back")
    assert api.key not in text.raw.decode()


def test_keys_are_not_logged(api):
    assert api.key not in api.said()
