"""2xx means committed: whoever is killed, an id that was answered is there;
and an orderly stop answers what is open."""

import http.client
import signal
import threading
import time

from kit import process
from kit.api import Api
from kit.postgres import Postgres

EMAIL = {"from": "Acme <a@acme.test>", "subject": "hi", "text": "x"}
THREADS = 8


class Senders:
    """Threads that post until they are told to stop, and go on after errors."""

    def __init__(self, api):
        self.api = api
        self.answered, self.refused, self.cut = [], [], 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._send, args=[n])
                        for n in range(THREADS)]

    def _send(self, number):
        sent = 0
        while not self.over.is_set():
            sent += 1
            to = f"t{number}.{sent}@x.test"
            try:
                answer = self.api.post("/emails", {**EMAIL, "to": to})
            except (OSError, http.client.HTTPException):
                self.cut += 1
                time.sleep(0.02)
                continue
            if answer.status == 200:
                self.answered.append(to)
            else:
                self.refused.append(answer.status)
                time.sleep(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def wait_for_more(self, n=100):
        enough = len(self.answered) + n
        process.wait_until(lambda: len(self.answered) >= enough, 30,
                           f"{n} more answers")


def check_all_there(api, senders):
    stored = [row[0] for row in api.sql("SELECT recipient FROM mail")]
    assert len(stored) == len(set(stored))
    missing = set(senders.answered) - set(stored)
    assert not missing, missing
    # Whole emails only: each mail has its email and its batch.
    assert api.sql("SELECT count(*) FROM mail m JOIN email e ON "
                   "(e.batch, e.seq) = (m.batch, m.email) JOIN batch b ON "
                   "b.id = m.batch") == [[str(len(stored))]]
    assert api.sql("SELECT count(*) FROM batch b WHERE size <> (SELECT "
                   "count(*) FROM mail m WHERE m.batch = b.id)") == [["0"]]


def test_the_database_is_killed():
    with Postgres(on_disk=True) as database, Api(database) as api:
        with Senders(api) as senders:
            for _ in range(2):
                senders.wait_for_more()
                api.database.stop(signal.SIGQUIT)  # as a crash: no checkpoint
                time.sleep(0.3)
                api.database.start()
            senders.wait_for_more()
        assert set(senders.refused) <= {503}
        assert senders.cut == 0
        check_all_there(api, senders)


def test_the_api_is_killed():
    with Postgres(on_disk=True) as database, Api(database) as api:
        with Senders(api) as senders:
            for _ in range(3):
                senders.wait_for_more()
                process.kill(api.server.pid)
                api.server.wait()
                api.start()
            senders.wait_for_more()
        assert senders.cut > 0
        check_all_there(api, senders)


def test_stopped_in_order():
    """SIGTERM: what had come in is answered; the rest can't connect."""
    with Postgres(on_disk=True) as database, Api(database) as api:
        with Senders(api) as senders:
            senders.wait_for_more()
            since = time.monotonic()
            assert api.stop() == 0, api.said()
            assert time.monotonic() - since < 10
        assert not senders.refused or set(senders.refused) == {503}
        check_all_there(api, senders)
        stored = int(api.sql("SELECT count(*) FROM mail")[0][0])
        assert stored == len(senders.answered)
