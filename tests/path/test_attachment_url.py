"""Attachments that are fetched from a URL, by transactional mail and by
campaigns; and what must not be fetched."""

import contextlib
import email
import email.policy
import http.server
import threading
import time

from kit import process
from kit.presort import Presort
from kit.sink import Sink

PDF = b"%PDF-1.4 \x00\x01\xfe\xff not really" * 20


class Files(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):
        Files.asked.append(self.path)
        if self.path.startswith("/slow"):
            time.sleep(3)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        found = self.path.startswith(("/report", "/big", "/slow"))
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/pdf; x=y")
        self.end_headers()
        if found:
            with contextlib.suppress(OSError):
                self.wfile.write(PDF * (5000 if "big" in self.path else 1))

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def files():
    Files.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def body(url, **more):
    return {"from": "a@source.example", "to": ["b@b.example"], "subject": "x",
            "text": "See the file.", "attachments": [{"path": url, **more}]}


def attached(message):
    mail = email.message_from_bytes(message.content,
                                    policy=email.policy.default)
    return [(part.get_filename(), part.get_content_type(),
             part.get_payload(decode=True)) for part in mail.iter_attachments()]


def test_a_url_becomes_an_attachment():
    with files() as base, Sink(maildir=True) as sink, \
            Presort(relay=sink.port, fetch_private=1) as presort:
        presort.ask("POST", "/emails", body(f"{base}/report%20one.pdf?x=1"))
        presort.ask("POST", "/emails", body(
            f"{base}/to//report.pdf", filename="März.pdf",
            content_type="application/x-pdf"))
        presort.ask("POST", "/emails/batch", [
            body(f"{base}/report.pdf"), body(f"{base}/report.pdf")])
        campaign = presort.new_campaign(
            ["c@c.example", "d@c.example"],
            attachments=[{"path": f"{base}/report.pdf"},
                         {"content": "aGVsbG8=", "filename": "hello.txt"}])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        process.wait_until(lambda: len(sink.messages()) == 6, 20, "mails")
        got = sorted(str(attached(m)[0][:2]) for m in sink.messages())
        assert got == sorted([
            "('report%20one.pdf', 'application/pdf')",
            "('März.pdf', 'application/x-pdf')",
            *["('report.pdf', 'application/pdf')"] * 4]), got
        for message in sink.messages():
            assert attached(message)[0][2] == PDF
        [both] = [m for m in sink.messages() if m.recipient == "c@c.example"]
        assert attached(both)[1] == ("hello.txt", "text/plain", b"hello")
        # One that is named again and again is fetched once.
        assert Files.asked.count("/report.pdf") == 2, Files.asked
        shown = presort.campaign(campaign)["attachments"]
        assert [(a["filename"], a["size"] > 0) for a in shown] == [
            ("report.pdf", True), ("hello.txt", True)]


def refused(presort, url, **more):
    answer = presort.call("POST", "/emails", body(url, **more))
    assert answer.status == 422, answer.body
    assert answer.body["name"] == "invalid_attachment"
    assert "attachments[0]" in answer.body["message"]
    return answer.body["message"]


def test_our_own_network_is_out_of_reach():
    with files() as base, Sink() as sink, Presort(relay=sink.port) as presort:
        port = base.rpartition(":")[2]
        for url in (f"{base}/report.pdf", f"http://localhost:{port}/report",
                    f"http://[::1]:{port}/", f"http://0.0.0.0:{port}/",
                    f"http://[::ffff:127.0.0.1]:{port}/", "http://10.0.0.1/",
                    "http://169.254.169.254/latest/meta-data/",
                    f"http://2130706433:{port}/", f"http://127.1:{port}/"):
            assert "public" in refused(presort, url), url
        for url in ("file:///etc/passwd", "gopher://a.example/", "", "x",
                    "ftp://a.example/x"):
            if url:
                assert "URL" in refused(presort, url)
        assert not Files.asked


def test_what_can_not_be_had_is_told():
    with files() as base, Sink() as sink, Presort(
            relay=sink.port, fetch_private=1, fetch_max_bytes=100000,
            fetch_timeout_seconds=1) as presort:
        assert "404" in refused(presort, f"{base}/absent")
        assert "100000" in refused(presort, f"{base}/big")
        assert "time" in refused(presort, f"{base}/slow").lower()
        loop = "/to/" * 5 + "/report"
        assert "redirect" in refused(presort, base + loop)
        assert "not both" in refused(presort, f"{base}/report", content="eA==")
        answer = presort.call("POST", "/campaigns", {
            "from": "a@b.example", "subject": "x", "text": "x",
            "attachments": [{"path": f"{base}/absent"}]})
        assert answer.status == 422
