"""A whole Presort for a story, started as an administrator starts it: `presort
up` on a state directory of its own, spoken to over HTTP. Its database is made
already, which `presort up` would do at its first start (test_up.py)."""

import csv
import io
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from . import places, postgres, process

READY_SECONDS = 60
STOP_SECONDS = 90

# Every mail of a campaign ends in one of these.
FINAL = ("delivered", "bounced", "expired", "suppressed", "cancelled",
         "in_doubt")


class Refused(Exception):
    """The answer was not 2xx."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer.status} {answer.body}")
        self.answer = answer


class Answer:
    def __init__(self, status, headers, text):
        self.status = status
        self.headers = headers
        self.body = json.loads(text) if text else None


class Presort:
    """with Presort(relay=sink.port, retry_first_seconds=1) as presort: ...

    relay is a port of 127.0.0.1, or what else the setting may say ("direct").
    The other settings go into the environment,
    as PRESORT_NAME. database_url: that of a kit.postgres; without it presort
    runs a PostgreSQL of its own. A key may be another machine's. on_disk: its
    files meet the disk also where there is memory for them, for stories of
    what is durable."""

    def __init__(self, relay, database_url=None, key=None, workers=2,
                 on_disk=False, **settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(
            prefix="presort-",
            dir=None if on_disk else places.quick_directory()))
        self.directory.chmod(0o755)
        self.state = self.directory / "state"
        self.log_path = self.directory / "log"
        # The workers' metrics take a port each from the last one on.
        api, metrics, *_ = places.free_ports(2 + workers)
        self.port = api
        self.key = key
        self.database_url = database_url
        names = {"state_dir": self.state, "workers": workers,
                 "relay": (f"127.0.0.1:{relay}" if isinstance(relay, int)
                           else relay),
                 "api_listen": f"127.0.0.1:{api}",
                 "engine_metrics_listen": f"127.0.0.1:{metrics}",
                 "hostname": "presort.example", **settings}
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("PRESORT_") and name != "DATABASE_URL"}
        self.environment = {
            **kept, **{f"PRESORT_{n.upper()}": str(v)
                       for n, v in names.items()}}
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        self.up = None

    def __enter__(self):
        try:
            if not self.database_url:
                postgres.prepare_state(self.state)
            self.start()
        except BaseException:
            self.__exit__(BaseException)
            raise
        return self

    def __exit__(self, failed, *_):
        try:
            if self.up:
                self.stop()
        finally:
            if failed:
                print(self.log()[-20000:])
            shutil.rmtree(self.directory, ignore_errors=True)

    # What an administrator does.

    def start(self):
        with open(self.log_path, "ab") as log:
            self.up = subprocess.Popen(
                [places.PRESORT, "up"], env=self.environment, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        process.wait_until(self._is_ready, READY_SECONDS, "presort up")
        if not self.key:
            self.key = self.command("keys", "create", "--name", "story"
                                    ).split()[-1]

    def _is_ready(self):
        if self.up.poll() is not None:
            raise RuntimeError(f"presort up ended:\n{self.log()}")
        try:
            return self.call("GET", "/readyz").status == 200
        except OSError:
            return False

    def stop(self):
        """SIGTERM: open work is finished, what is left is handed back."""
        up, self.up = self.up, None
        status = process.stop(up, STOP_SECONDS)
        if status != 0:
            raise RuntimeError(f"presort up left with {status}:\n{self.log()}")

    def kill(self):
        """The machine is lost: nobody has time to say goodbye, or to start
        somebody again."""
        process.kill_family(self.up)
        self.up = None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def command(self, *words):
        """What a presort command prints, with this one's settings."""
        run = subprocess.run([places.PRESORT, *words], env=self.environment,
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"presort {' '.join(words)}: {run.stderr}")
        return run.stdout

    def pids(self, name):
        """Processes of presort up: presort-api, presort-engine, postgres."""
        return process.children(self.up.pid, name)

    # What a web app does.

    def call(self, method, path, body=None, kind="application/json",
             headers=None):
        """The answer, whatever its status. body: bytes, or an object."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, method=method)
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        if body is not None:
            request.add_header("Content-Type", kind)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def ask(self, method, path, body=None, kind="application/json"):
        """The answer's body; Refused if it is not 2xx."""
        answer = self.call(method, path, body, kind)
        if answer.status // 100 != 2:
            raise Refused(f"{method} {path}", answer)
        return answer.body

    def new_campaign(self, recipients, **fields):
        """A campaign's id, its recipients uploaded: addresses, or (address,
        {variable: value})."""
        content = {"name": "story", "from": "Presort <news@source.example>",
                   "subject": "Hello {{ first_name }}",
                   "text": "Hello {{ first_name }},\nthis is a story.\n",
                   "html": "<p>Hello {{ first_name }}</p>\n", **fields}
        campaign = self.ask("POST", "/campaigns", content)["id"]
        rows = [(r, {}) if isinstance(r, str) else r for r in recipients]
        names = sorted({name for _, values in rows for name in values})
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(["email", *(names or ["first_name"])])
        for address, values in rows:
            table.writerow([address, *(values.get(n, "") for n in
                                       names or ["first_name"])])
        self.ask("POST", f"/campaigns/{campaign}/recipients",
                 text.getvalue().encode(), "text/csv")
        return campaign

    def send(self, campaign):
        return self.ask("POST", f"/campaigns/{campaign}/send", {})

    def campaign(self, campaign):
        return self.ask("GET", f"/campaigns/{campaign}")

    def totals(self, campaign):
        return self.campaign(campaign)["totals"]

    def wait_for(self, campaign, seconds, state="sent"):
        """The campaign, once it is in that state."""
        def there():
            try:
                found = self.campaign(campaign)
            except Refused as refused:
                if refused.answer.status == 503:
                    return None  # the database is away
                raise
            except OSError:
                return None  # so is the API, for a moment
            return found if found["state"] == state else None
        try:
            return process.wait_until(there, seconds, state, 0.1)
        except TimeoutError as error:
            raise AssertionError(
                f"{error}: {self.campaign(campaign)}") from error

    def wait_for_totals(self, campaign, seconds, enough):
        """The totals, once enough(totals)."""
        deadline = time.monotonic() + seconds
        while not enough(totals := self.totals(campaign)):
            assert time.monotonic() < deadline, f"still {totals}"
            time.sleep(0.05)
        return totals

    # What the database says.

    def sql(self, query):
        """Rows, as lists of text; null is ''."""
        where = self.database_url or (
            f"host={self.state}/run user=presort dbname=presort")
        run = subprocess.run(
            ["psql", "-X", "-A", "-t", "-q", "-F", "\t", "-v",
             "ON_ERROR_STOP=1", "-d", where, "-c", query],
            capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise RuntimeError(run.stderr)
        return [line.split("\t") for line in run.stdout.splitlines()]

    def check_totals(self, campaign):
        """The totals add up to the recipients, and they are what the outcomes
        say: of each mail exactly one is final. Returns the totals."""
        found = self.campaign(campaign)
        totals = found["totals"]
        ended = {name: totals.get(name, 0) for name in FINAL}
        assert sum(ended.values()) == found["recipients"], found
        mails = f"""mail m JOIN batch b ON b.id = m.batch
                    WHERE b.campaign = '{campaign}'"""
        assert self.sql(f"SELECT count(*) FROM {mails}") == [
            [str(found["recipients"])]]
        finals = self.sql(f"""
            SELECT n, count(*) FROM (
                SELECT (SELECT count(*) FROM outcome o WHERE o.final AND
                        (o.batch, o.seq) = (m.batch, m.seq)) AS n
                FROM {mails}) AS each GROUP BY n""")
        assert finals == [["1", str(found["recipients"])]], finals
        verdicts = self.sql(f"""
            SELECT o.verdict, count(*) FROM outcome o
            JOIN mail m USING (batch, seq) JOIN batch b ON b.id = m.batch
            WHERE b.campaign = '{campaign}' AND o.final GROUP BY 1""")
        assert {v: int(n) for v, n in verdicts} == {
            v: n for v, n in ended.items() if n}
        return totals
