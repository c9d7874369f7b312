"""A whole Presort for a benchmark, as an administrator would start it:
`presort up` on a state directory of its own, spoken to over HTTP."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from kit import places

from . import machine

START_SECONDS = 60
STOP_SECONDS = 60


def wait_port(port, seconds=START_SECONDS):
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


@contextlib.contextmanager
def process(*command, **more):
    """Runs the command for the time of a with block."""
    running = subprocess.Popen(command, **more)
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextlib.contextmanager
def presort_sink(port, *options):
    """Our own SMTP server, which counts and keeps times."""
    with process(places.PRESORT, "sink", "--listen", f"127.0.0.1:{port}",
                 *options, stdout=subprocess.DEVNULL):
        wait_port(port)
        yield


class Refused(Exception):
    """The API's answer was not 2xx."""


class Service:
    """relay_port is where mail goes; settings are added to the environment."""

    def __init__(self, relay_port, **settings):
        self.folder = tempfile.mkdtemp(prefix="presort-bench-")
        os.chmod(self.folder, 0o755)
        self.state = os.path.join(self.folder, "state")
        self.port, metrics = places.free_ports(2)
        self.environment = dict(
            os.environ,
            PRESORT_STATE_DIR=self.state,
            PRESORT_RELAY=f"127.0.0.1:{relay_port}",
            PRESORT_API_LISTEN=f"127.0.0.1:{self.port}",
            PRESORT_ENGINE_METRICS_LISTEN=f"127.0.0.1:{metrics}",
            PRESORT_API_RATE_LIMIT_PER_SECOND="1000000",
            **{f"PRESORT_{name.upper()}": str(value)
               for name, value in settings.items()})
        self.environment.pop("DATABASE_URL", None)
        self.key = None
        self.up = None
        self.log = None
        self.connection = None

    def __enter__(self):
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.up = subprocess.Popen([places.PRESORT, "up"],
                                   env=self.environment, stderr=self.log,
                                   stdout=self.log, stdin=subprocess.DEVNULL)
        try:
            self.wait_ready()
            with open(os.path.join(self.state, "cli.key"),
                      encoding="ascii") as file:
                self.key = file.read().strip()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.up.send_signal(signal.SIGTERM)
        try:
            self.up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.up.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.up.poll() is not None:
                break
            with contextlib.suppress(OSError, Refused):
                self.call("GET", "/readyz")
                return
            time.sleep(0.05)
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            raise RuntimeError("presort up is not ready:\n" + log.read()[-3000:])

    def call(self, method, path, body=None, kind="application/json"):
        """One request over a kept connection. body: an object for JSON, or a
        file with its kind."""
        if not self.connection:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=600)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if body is not None:
            headers["Content-Type"] = kind
        try:
            self.connection.request(method, path, body, headers,
                                    encode_chunked=False)
            answer = self.connection.getresponse()
            text = answer.read()
        except OSError:
            self.connection.close()
            self.connection = None
            raise
        if answer.status // 100 != 2:
            raise Refused(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def upload(self, campaign, path):
        """Sends a CSV; the answer's counts."""
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                    timeout=600)
            connection.request(
                "POST", f"/campaigns/{campaign}/recipients", file,
                {"Authorization": f"Bearer {self.key}",
                 "Content-Type": "text/csv", "Content-Length": str(size)})
            answer = connection.getresponse()
            text = answer.read()
        connection.close()
        if answer.status // 100 != 2:
            raise Refused(f"upload: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def new_campaign(self, name):
        here = os.path.dirname(__file__)
        with open(os.path.join(here, "news.html"), encoding="utf-8") as file:
            html = file.read()
        with open(os.path.join(here, "news.txt"), encoding="utf-8") as file:
            text = file.read()
        return self.call("POST", "/campaigns", {
            "name": name, "from": "The Market <letters@market.example>",
            "subject": "{{ first_name }}, the market opens on Saturday",
            "html": html, "text": text})["id"]

    def workers(self):
        """Process ids of the engine's workers."""
        return machine.named(machine.children(self.up.pid), "presort-engine")
