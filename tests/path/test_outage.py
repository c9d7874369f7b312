"""PostgreSQL is away for 20 seconds, which is longer than a lease. Nothing is
lost, nothing is sent twice, and nobody has to do anything."""

import time

from kit.postgres import Postgres
from kit.presort import Presort
from kit.sink import Sink

AWAY_SECONDS = 20
READERS = [f"u{i}@site{i % 20}.example" for i in range(8000)]
MAIL = {"from": "shop@source.example", "to": "a@example.com",
        "subject": "Your order", "text": "It is on its way.\n"}


def check_unavailable(answer):
    assert answer.status == 503, answer.body
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.body["statusCode"] == 503 and answer.body["name"]


def test_database_away():
    with Postgres(on_disk=True) as database, Sink(
            "--slow", "4") as sink, Presort(
            sink.port, database.url, on_disk=True, lease_seconds=5) as presort:
        campaign = presort.new_campaign(READERS)
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 500)
        workers = presort.pids("presort-engine")

        database.stop()
        back = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < back:
            check_unavailable(presort.call("POST", "/emails", MAIL))
            check_unavailable(presort.call("GET", f"/campaigns/{campaign}"))
            assert presort.call("GET", "/readyz").status == 503
            assert presort.call("GET", "/livez").status == 200
            time.sleep(1)
        # They finished what they held, and claimed no more.
        there = sink.totals()["mails"]
        assert there < len(READERS)
        database.start()

        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == len(READERS)
        assert sink.totals()["duplicates"] == 0
        assert presort.pids("presort-engine") == workers
        presort.ask("POST", "/emails", MAIL)
