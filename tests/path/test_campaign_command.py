"""`presort campaign` and `presort top` against an API that is a script: what
they ask for and how they take its answers. The stories use the real one."""

import gzip
import http.server
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from kit import places

ID = "0193a0de-0000-8000-8000-000000000001"
CSV = b"email,first_name\nada@x.example,Ada\nbob@x.example,Bob\n"


class Api:
    """Answers by (method, path); a list is answered in turn, its last one for
    good. An answer is an object, or a status and an object."""

    def __init__(self, answers):
        self.answers = answers
        self.requests = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                api.requests.append((self.command, self.path, self.headers,
                                     self.rfile.read(size)))
                status, body = api.next(self.command, self.path)
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def next(self, method, path):
        answer = self.answers.get((method, path), (404, {"message": "no such"}))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer if isinstance(answer, tuple) else (200, answer)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def command(self, *words, key="re_test"):
        environment = dict(
            os.environ, PRESORT_API_LISTEN=f"127.0.0.1:{self.port}",
            PRESORT_STATE_DIR="/nonexistent", http_proxy="http://127.0.0.1:1")
        environment.pop("PRESORT_API_KEY", None)
        if key:
            environment["PRESORT_API_KEY"] = key
        return [places.PRESORT, *words], environment

    def run(self, *words, **more):
        command, environment = self.command(*words, **more)
        return subprocess.run(command, env=environment, capture_output=True,
                              text=True, timeout=60, check=False)

    def asked(self):
        return [(method, path) for method, path, _, _ in self.requests]


def campaign(state, delivered=0, **more):
    return {"id": ID, "name": "news", "state": state, "recipients": 2,
            "totals": {"delivered": delivered, **more},
            "sites": [{"site": "x.example", "delivered": delivered, **more}],
            "started_at": "2026-01-01T00:00:00.500Z",
            "finished_at": "2026-01-01T00:00:02.500Z"}


def sending(*states):
    return {("POST", "/campaigns"): {"id": ID},
            ("POST", f"/campaigns/{ID}/recipients"):
                {"accepted": 2, "duplicates": 1, "rejected": 1,
                 "rejected_lines": [
                     {"line": 4, "reason": "no address", "value": "x"}]},
            ("POST", f"/campaigns/{ID}/send"): {"id": ID},
            ("DELETE", f"/campaigns/{ID}"): {"id": ID},
            ("GET", f"/campaigns/{ID}"): list(states)}


@pytest.fixture(name="files")
def fixture_files(tmp_path):
    (tmp_path / "a.html").write_text("<p>H\u00e9llo {{ first_name }}</p>")
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV))
    return tmp_path


def send_words(files, recipients="a.csv"):
    return ["campaign", "send", "--from", "N <n@x.example>", "--subject", "Hi",
            "--html", files / "a.html", "--recipients", files / recipients]


def test_send_and_watch(files):
    states = [campaign("sending", 1), (503, {"message": "away"}),
              campaign("sent", 1, bounced=1)]
    with Api(sending(*states)) as api:
        ran = api.run(*send_words(files), "--watch")
        assert ran.returncode == 0, ran.stderr
        assert "2 recipients taken, 1 duplicates folded, 1 lines" in ran.stdout
        assert "line 4: no address" in ran.stdout
        assert "100 %  2 of 2  1 failed" in ran.stdout
        assert "took        2.0 s, 0 mails/s" in ran.stdout
        assert api.asked()[:3] == [
            ("POST", "/campaigns"), ("POST", f"/campaigns/{ID}/recipients"),
            ("POST", f"/campaigns/{ID}/send")]
        made = json.loads(api.requests[0][3])
        assert made == {"name": "Hi", "from": "N <n@x.example>",
                        "subject": "Hi",
                        "html": "<p>H\u00e9llo {{ first_name }}</p>"}
        assert api.requests[0][2]["Authorization"] == "Bearer re_test"
        assert api.requests[1][2]["Content-Type"] == "text/csv"
        assert api.requests[1][3] == CSV
        assert json.loads(api.requests[2][3]) == {}


def test_gzip_goes_as_it_is(files):
    with Api(sending()) as api:
        ran = api.run(*send_words(files, "a.csv.gz"), "--at", "in 2 hours")
        assert ran.returncode == 0 and "is scheduled" in ran.stdout
        assert api.requests[1][2]["Content-Encoding"] == "gzip"
        assert gzip.decompress(api.requests[1][3]) == CSV
        assert json.loads(api.requests[2][3]) == {"scheduled_at": "in 2 hours"}


def test_a_refused_upload_leaves_no_draft(files):
    answers = sending()
    answers[("POST", f"/campaigns/{ID}/recipients")] = (
        422, {"message": "line 1: no column email"})
    with Api(answers) as api:
        ran = api.run(*send_words(files))
        assert ran.returncode == 1
        assert ran.stderr == "presort: line 1: no column email\n"
        assert api.asked()[-1] == ("DELETE", f"/campaigns/{ID}")


def test_ctrl_c_leaves_the_campaign_alone(files):
    with Api(sending(campaign("sending"))) as api:
        command, environment = api.command(*send_words(files), "--watch")
        ran = subprocess.Popen(command, env=environment, text=True,
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
        while ("GET", f"/campaigns/{ID}") not in api.asked():
            time.sleep(0.02)
        ran.send_signal(signal.SIGINT)
        assert "the campaign goes on" in ran.communicate(timeout=10)[1]
        assert ran.returncode == 1
        assert not any(path.endswith("/cancel") for _, path in api.asked())


def test_errors_before_anything_is_asked(files):
    with Api({}) as api:
        for words, says in (
                (send_words(files)[:-2], "--recipients"),
                ([*send_words(files), "--html", "/nonexistent"],
                 "/nonexistent: No such file"),
                (send_words(files, "none.csv"), "none.csv: No such file"),
                (["campaign", "show", "../emails"], "no campaign's id"),
                (["campaign", "shwo", ID], "did you mean `campaign show`?")):
            ran = api.run(*words)
            assert ran.returncode != 0 and says in ran.stderr
        ran = api.run("campaign", "list", key=None)
        assert ran.returncode == 1
        assert "no API key: /nonexistent/cli.key" in ran.stderr
        assert not api.requests


def test_verbs():
    answers = {("POST", f"/campaigns/{ID}/{verb}"): {"id": ID}
               for verb in ("pause", "resume", "cancel")}
    answers[("GET", "/campaigns?limit=100")] = {
        "data": [{"id": ID, "name": "news", "state": "sending",
                  "recipients": 12345}]}
    with Api(answers) as api:
        for verb in ("pause", "resume", "cancel"):
            assert api.run("campaign", verb, ID).returncode == 0
        assert "12,345  news" in api.run("campaign", "list").stdout
        ran = api.run("campaign", "show", ID)
        assert ran.returncode == 1 and ran.stderr == "presort: no such\n"
    command, environment = api.command("campaign", "list")
    ran = subprocess.run(command, env=environment, capture_output=True,
                         text=True, timeout=60, check=False)
    assert ran.returncode == 1 and "is `presort up` running?" in ran.stderr


def test_top():
    answers = {
        ("GET", "/campaigns?limit=100"): {
            "data": [{"id": ID, "name": "news", "state": "sending"},
                     {"id": "old", "name": "old", "state": "sent"}]},
        ("GET", f"/campaigns/{ID}"): [
            campaign("sending", 0) | {"recipients": 10000},
            campaign("sending", 3000) | {"recipients": 10000}]}
    with Api(answers) as api:
        lines = api.run("top", "--once").stdout.splitlines()
        name, rate, delivered, failed, left, state = lines[1].split()
        assert (name, delivered, failed, left, state) == (
            "news", "3,000", "0", "7,000", "sending")
        assert 2000 < int(rate.replace(",", "")) <= 3000
        assert lines[2].split()[0] == "x.example"
        assert "old" not in "".join(lines)
