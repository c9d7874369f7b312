"""Mail is kept for retention_seconds after it is final; then the day that it
is of goes, as a whole, and no other day does."""

import datetime
import time

from kit import process
from kit.presort import Presort
from kit.sink import Sink

MAIL = {"from": "n@source.example", "to": "old@site.example", "subject": "s",
        "text": "t"}
TABLES = ("mail", "email", "outcome")


def day(ago):
    today = datetime.datetime.now(datetime.timezone.utc)
    return f"{today - datetime.timedelta(days=ago):%Y%m%d}"


def make_older(presort, ago, **changes):
    """The mail that there is, once more, as of so many days ago."""
    past = f"(now() - interval '{ago} days')"
    low = f"batch_id_at({past})"
    values = {"id": low, "finished": past, **changes}
    fields = ", ".join(f"'{name}', {value}" for name, value in values.items())
    made = ", ".join(
        f"rows_{table} AS (INSERT INTO {table} SELECT (jsonb_populate_record("
        f"t, jsonb_build_object('batch', {low}))).* FROM {table} t "
        f"WHERE batch = (SELECT max(batch) FROM {table}))"
        for table in TABLES)
    # In one transaction: maintenance drops an old day that is still empty.
    presort.sql(
        f"BEGIN; SELECT partition_ensure(({past} AT TIME ZONE 'UTC')::date); "
        f"WITH {made} INSERT INTO batch SELECT (jsonb_populate_record("
        f"b, jsonb_build_object({fields}))).* FROM batch b "
        "ORDER BY b.id DESC LIMIT 1; COMMIT")


def days_kept(presort, table):
    return [name[-8:] for name, in presort.sql(
        "SELECT c.relname FROM pg_inherits h JOIN pg_class c "
        f"ON c.oid = h.inhrelid WHERE h.inhparent = '{table}'::regclass")]


def test_days_that_are_over_go():
    with Sink() as sink, Presort(sink.port, workers=1,
                                 retention_seconds=3 * 86400) as presort:
        sent = presort.ask("POST", "/emails", MAIL)["id"]
        process.wait_until(
            lambda: presort.ask("GET", f"/emails/{sent}")["last_event"]
            == "delivered", 20, "the mail")
        # The first look after the store is over, the next is far away.
        process.wait_until(
            lambda: presort.sql("SELECT 1 FROM pg_locks WHERE granted AND "
                                "locktype = 'advisory'"), 20, "maintenance")
        time.sleep(2)
        # Of four old days one is over. The next was finished only lately, one
        # waits to be sent, and one is still within the time.
        for ago, changes in (
                (9, {}), (8, {"finished": "now() - interval '2 days'"}),
                (7, {"state": "'paused'", "finished": "null",
                     "expires": "now() + interval '1 day'"}),
                (2, {})):
            make_older(presort, ago, **changes)
        for table in TABLES:
            assert {day(9), day(8), day(7), day(2)} <= set(
                days_kept(presort, table))

        # A worker that starts looks after the store at once.
        process.kill(presort.pids("presort-engine")[0])
        process.wait_until(lambda: day(9) not in days_kept(presort, "mail"),
                           90, "the old day's end")
        for table in TABLES:
            kept = set(days_kept(presort, table))
            assert {day(8), day(7), day(2), day(0)} <= kept
            assert day(9) not in kept
        assert presort.ask("GET", f"/emails/{sent}")["last_event"] \
            == "delivered"
