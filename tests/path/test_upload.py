"""Recipients are uploaded: in every form, bad ones, and very many."""

import gzip
import http.client
import socket
import tempfile
import time

import pytest

from kit import process
from kit.api import Api

CONTENT = {"from": "Acme <a@acme.example>", "subject": "Hi {{ name }}",
           "text": "Hi {{ name }}"}
CSV = "email,name\njo@one.example,Jo\nbo@two.example,Bo\n"
NDJSON = ('{"email":"jo@one.example","variables":{"name":"Jo"}}\n'
          '{"email":"bo@two.example","name":"Bo"}\n')
UPLOAD_MAX = 300_000_000
IDLE_SECONDS = 2


@pytest.fixture(scope="module", name="api")
def api_fixture():
    with Api(api_idle_timeout_seconds=IDLE_SECONDS,
             api_upload_max_bytes=UPLOAD_MAX) as api:
        yield api


@pytest.fixture(name="campaign")
def campaign_fixture(api):
    return api.post("/campaigns", CONTENT).json["id"]


def upload(api, campaign, body, **headers):
    if isinstance(body, str):
        body = body.encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.post(f"/campaigns/{campaign}/recipients", body, headers=sent)


def stored(api, campaign):
    """What the database has of it, address by address."""
    return dict(api.sql(f"""
        SELECT m.recipient, m.variables FROM mail m JOIN batch b
        ON b.id = m.batch WHERE b.campaign = '{campaign}'"""))


def nothing_is_left(api, campaign):
    assert api.sql(f"""
        SELECT (SELECT count(*) FROM batch WHERE campaign = '{campaign}'),
            (SELECT count(*) FROM audience WHERE campaign = '{campaign}'),
            (SELECT count(*) FROM mail)""") == [
                ["0", "0", api.sql("""SELECT count(*) FROM mail m JOIN batch b
                                      ON b.id = m.batch""")[0][0]]]
    assert api.get(f"/campaigns/{campaign}").json["recipients"] == 0


@pytest.mark.parametrize("body, headers", [
    (CSV, {"Content_Type": "text/csv"}),
    (NDJSON, {"Content_Type": "application/x-ndjson"}),
    (CSV.replace(",", ";").replace("\n", "\r\n"), {"Content_Type": "text/csv"}),
    (CSV, {"Content_Type": "application/octet-stream"}),
    (NDJSON, {"Content_Type": "application/octet-stream"}),
    (gzip.compress(CSV.encode()), {"Content_Type": "text/csv",
                                   "Content_Encoding": "gzip"}),
    (gzip.compress(NDJSON.encode()), {"Content_Type": "application/gzip"}),
])
def test_every_form(api, campaign, body, headers):
    answer = upload(api, campaign, body, **headers)
    assert answer.status == 200, answer.raw
    assert {name: answer.json[name] for name in (
        "accepted", "duplicates", "rejected", "rejected_lines",
        "recipients")} == {"accepted": 2, "duplicates": 0, "rejected": 0,
                           "rejected_lines": [], "recipients": 2}
    assert stored(api, campaign) == {"jo@one.example": '{"name":"Jo"}',
                                     "bo@two.example": '{"name":"Bo"}'}


def test_duplicates_fold_without_case_across_uploads(api, campaign):
    twice = CSV + "JO@ONE.example,Joe\nBo@Two.Example,Bob\n"
    first = upload(api, campaign, twice, Content_Type="text/csv").json
    assert (first["accepted"], first["duplicates"]) == (2, 2)
    second = upload(api, campaign, "email\nbO@two.EXAMPLE\nx@y.example\n",
                    Content_Type="text/csv").json
    assert (second["accepted"], second["duplicates"]) == (1, 1)
    shown = api.get(f"/campaigns/{campaign}").json
    assert (shown["recipients"], shown["duplicates"]) == (3, 3)
    # The first one counts, as it was written.
    assert stored(api, campaign)["jo@one.example"] == '{"name":"Jo"}'


def test_batches_are_presorted(api, campaign):
    rows = [f"u{i}@{d}" for i in range(60) for d in (
        "gmail.com", "GoogleMail.com", "big.example", f"tail{i}.example")]
    upload(api, campaign, "email\n" + "\n".join(rows), Content_Type="text/csv")
    assert api.sql(f"""SELECT site, size, state, class FROM batch
                       WHERE campaign = '{campaign}' ORDER BY id""") == [
        ["big.example", "60", "draft", "1"], ["google", "120", "draft", "1"],
        ["other", "60", "draft", "1"]]


def test_rejected_lines_are_named(api, campaign):
    body = CSV + "no address,x\nq@r.example\n\xe4@b.example,\n,\n"
    answer = upload(api, campaign, body.encode("latin-1"),
                    Content_Type="text/csv").json
    assert (answer["accepted"], answer["rejected"]) == (2, 4)
    lines = {line["line"]: line for line in answer["rejected_lines"]}
    assert set(lines) == {4, 5, 6, 7}
    assert lines[4]["value"] == "no address"
    assert "email: character 3" in lines[4]["reason"]
    assert lines[5]["reason"] == "1 field where the first line names 2"
    assert lines[6]["reason"] == "is not UTF-8"
    assert lines[7]["reason"] == "email: the address is empty"


def test_a_thousand_rejected_lines_are_shown_and_all_counted(api, campaign):
    answer = upload(api, campaign, "email\n" + "bad\n" * 2500,
                    Content_Type="text/csv").json
    assert (answer["accepted"], answer["rejected"]) == (0, 2500)
    assert len(answer["rejected_lines"]) == 1000
    assert answer["rejected_lines"][-1]["line"] == 1001


@pytest.mark.parametrize("body, headers, status, says", [
    ("name,mail\nJo,jo@one.example\n", {}, 422, "no column is named email"),
    ("", {}, 422, "the upload is empty"),
    ("email,a,a\n", {}, 422, "columns 2 and 3 are both named 'a'"),
    ('[{"email":"jo@one.example"}]', {"Content_Type": "application/json"}, 422,
     "one object a line"),
    ("email\n", {"Content_Type": "image/png"}, 422, "Content-Type"),
    ("email\n", {"Content_Encoding": "br"}, 422, "Content-Encoding"),
    ("email\njo@one.example\n", {"Content_Encoding": "gzip"}, 422,
     "gzip stream is damaged"),
    (CSV.encode("utf-16"), {}, 422, "UTF-16"),
])
def test_bad_bodies(api, campaign, body, headers, status, says):
    answer = upload(api, campaign, body,
                    **{"Content_Type": "text/csv", **headers})
    assert answer.status == status, answer.raw
    assert answer.json["statusCode"] == status
    assert answer.json["name"] == "validation_error"
    assert says in answer.json["message"]
    nothing_is_left(api, campaign)


def many(lines):
    return ("email,name\n" + "".join(
        f"u{i}@d{i % 40}.example,Number {i}\n" for i in range(lines))).encode()


def test_half_a_gzip_stores_nothing(api, campaign):
    packed = gzip.compress(many(150_000))
    answer = upload(api, campaign, packed[:len(packed) * 9 // 10],
                    Content_Type="text/csv")
    assert answer.status == 422
    assert "ends in the middle" in answer.json["message"]
    nothing_is_left(api, campaign)
    # The whole one, into the same campaign.
    assert upload(api, campaign, packed, Content_Type="text/csv"
                  ).json["accepted"] == 150_000


def test_a_bomb_is_refused(api, campaign):
    bomb = gzip.compress(b"email\n" + b"\0" * 200_000_000, 9)
    answer = upload(api, campaign, bomb, Content_Type="text/csv")
    assert answer.status == 413
    assert "200 times" in answer.json["message"]
    nothing_is_left(api, campaign)


def begin(api, campaign, body, length):
    """A connection on which some of an upload was sent."""
    client = socket.create_connection(("127.0.0.1", api.port))
    client.sendall(
        f"POST /campaigns/{campaign}/recipients HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {api.key}\r\nContent-Type: text/csv\r\n"
        f"Content-Length: {length}\r\n\r\n".encode())
    client.sendall(body)
    return client


def is_held(api, campaign):
    """Is an upload into it past its first slice?"""
    return not api.sql(f"SELECT 1 FROM campaign WHERE id = '{campaign}' "
                       "FOR UPDATE SKIP LOCKED")


def test_a_client_that_hangs_up_stores_nothing(api, campaign):
    body = many(120_000)
    client = begin(api, campaign, body, len(body) + 1000)
    process.wait_until(lambda: is_held(api, campaign), 20, "the first slice")
    client.close()
    process.wait_until(lambda: not is_held(api, campaign), 20, "the rollback")
    nothing_is_left(api, campaign)


def test_a_silent_client_stores_nothing(api, campaign):
    body = many(120_000)
    with begin(api, campaign, body, len(body) + 1000):
        process.wait_until(lambda: is_held(api, campaign), 20, "a slice")
        process.wait_until(lambda: not is_held(api, campaign),
                           10 * IDLE_SECONDS, "the limit")
        nothing_is_left(api, campaign)


def test_one_upload_at_a_time(api, campaign):
    body = many(120_000)
    with begin(api, campaign, body, len(body) + 20):
        process.wait_until(lambda: is_held(api, campaign), 20, "a slice")
        second = upload(api, campaign, CSV, Content_Type="text/csv")
        assert second.status == 409 and "Retry" in second.json["message"]
        sent = api.post(f"/campaigns/{campaign}/send", {})
        assert sent.status == 409


def test_a_database_that_goes_away_stores_nothing(api, campaign):
    body = many(120_000)
    rest = b"x@y.example,x\n" * 1000
    with begin(api, campaign, body, len(body) + len(rest)) as client:
        process.wait_until(lambda: is_held(api, campaign), 20, "a slice")
        api.sql("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE application_name = 'presort-api'""")
        client.sendall(rest)
        answer = client.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b"Retry-After:" in answer
    nothing_is_left(api, campaign)


def test_only_drafts_take_recipients(api, campaign):
    upload(api, campaign, CSV, Content_Type="text/csv")
    api.post(f"/campaigns/{campaign}/send", {"scheduled_at": "in 1 hour"})
    answer = upload(api, campaign, "email\nx@y.example\n",
                    Content_Type="text/csv")
    assert answer.status == 409 and "is scheduled" in answer.json["message"]
    other = api.post("/campaigns/0193a0de-0000-4000-8000-000000000001"
                     "/recipients", CSV.encode())
    assert other.status == 404


def test_the_same_upload_twice_by_its_key(api, campaign):
    answers = [upload(api, campaign, CSV, Content_Type="text/csv",
                      Idempotency_Key=f"upload {campaign}") for _ in range(2)]
    assert answers[0].raw == answers[1].raw
    assert answers[0].json["accepted"] == 2
    other = upload(api, campaign, "email\nx@y.example\n",
                   Content_Type="text/csv",
                   Idempotency_Key=f"upload {campaign}")
    assert other.status == 409
    assert other.json["name"] == "invalid_idempotent_request"
    assert len(stored(api, campaign)) == 2


def resident_kb(pid, what):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status
                    if line.startswith(what))


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")


def test_a_million_lines_in_constant_memory(api, campaign):
    with tempfile.TemporaryFile() as file:
        file.write(b"email,name\n")
        for start in range(0, 1_000_000, 50_000):
            file.write("".join(
                f"u{i}@d{i % 400}.example,Number {i}\n"
                for i in range(start, start + 50_000)).encode())
        size = file.tell()
        file.seek(0)
        before = resident_kb(api.server.pid, "VmRSS")
        forget_peak(api.server.pid)
        client = http.client.HTTPConnection("127.0.0.1", api.port, timeout=300)
        began = time.monotonic()
        client.request("POST", f"/campaigns/{campaign}/recipients", file, {
            "Authorization": f"Bearer {api.key}", "Content-Type": "text/csv",
            "Content-Length": str(size)})
        answer = client.getresponse()
        assert answer.status == 200, answer.read()
        assert b'"accepted":1000000' in answer.read()
        print(f"{1e6 / (time.monotonic() - began):.0f} lines/s")
        client.close()
    assert resident_kb(api.server.pid, "VmHWM") - before < 48 * 1024
