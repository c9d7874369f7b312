"""presort-api alone, on a PostgreSQL of its own: what is accepted stays in the
queue, because nobody sends it."""

import http.client
import json
import os
import re
import subprocess
import tempfile

from . import places, process
from .postgres import Postgres

READY_SECONDS = 30


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value
                        for name, value in response.getheaders()}
        self.raw = response.read()

    @property
    def json(self):
        assert self.headers["content-type"] == "application/json", self.headers
        return json.loads(self.raw)


class Api:
    """with Api(api_body_max_bytes=4096) as api: api.post("/emails", {...})

    Settings go into the environment. database: a running Postgres that others
    use too; without it there is one of its own."""

    def __init__(self, database=None, **settings):
        self.database = database or Postgres()
        self.own = database is None
        self.port = places.free_ports(1)[0]
        self.log = tempfile.TemporaryFile("w+b")
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("PRESORT_")}
        self.environment = {
            **kept, "DATABASE_URL": self.database.url,
            "PRESORT_API_LISTEN": f"127.0.0.1:{self.port}",
            **{f"PRESORT_{n.upper()}": str(v) for n, v in settings.items()}}
        self.server = self.key = None

    def __enter__(self):
        if self.own:
            self.database.__enter__()
        try:
            self.command("migrate")
            self.key = self.new_key()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if self.server:
                assert self.stop() == 0, self.said()
        finally:
            if self.own:
                self.database.__exit__()

    def start(self):
        self.server = subprocess.Popen(
            [places.BUILD / "presort-api"], env=self.environment,
            stdin=subprocess.DEVNULL, stderr=self.log)
        process.wait_until(self._ready, READY_SECONDS, "presort-api")

    def stop(self):
        server, self.server = self.server, None
        return process.stop(server, 60)

    def _ready(self):
        if self.server.poll() is not None:
            raise RuntimeError(f"presort-api ended:\n{self.said()}")
        try:
            return self.get("/readyz", key=None).status == 200
        except OSError:
            return False

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def command(self, *words):
        run = subprocess.run([places.PRESORT, *words], env=self.environment,
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"presort {' '.join(words)}: {run.stderr}")
        return run.stdout

    def new_key(self, *options):
        out = self.command("keys", "create", "--name", "story", *options)
        return re.search(r"re_\w{8}_\w{24}", out).group()

    def sql(self, query):
        """Rows, as lists of texts."""
        run = subprocess.run(
            ["psql", "-X", "-A", "-t", "-q", "-F", "\t", "-v",
             "ON_ERROR_STOP=1", "-d", self.database.url, "-c", query],
            capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(run.stderr)
        return [line.split("\t") for line in run.stdout.splitlines()]

    def call(self, method, path, body=None, headers=None, key="own"):
        """body: an object, or bytes sent as they are. key=None: no key."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key:
            sent["Authorization"] = \
                f"Bearer {self.key if key == 'own' else key}"
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            client.request(method, path, body, sent)
            return Answer(client.getresponse())
        finally:
            client.close()

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)
