"""Whoever is on the suppression list gets nothing, whenever he came onto it;
and every mail still ends in exactly one outcome."""

import csv
import gzip
import threading
import time

import pytest

from kit import process
from kit.presort import Presort
from kit.sink import Sink


def suppress(presort, *emails, **fields):
    presort.ask("POST", "/suppressions/batch/add",
                {"emails": list(emails), **fields})


def outcomes(presort, campaign):
    """{address: (outcome, reply)}"""
    found = presort.ask("GET", f"/campaigns/{campaign}/recipients?limit=100")
    return {r["recipient"]: (r["outcome"], r["reply"]) for r in found["data"]}


def test_before_the_upload_and_after_it():
    with Sink() as sink, Presort(relay=sink.port, poll_interval_ms=200) as \
            presort:
        suppress(presort, "Early@one.example", reason="bounce")
        people = [f"u{i}@one.example" for i in range(20)]
        campaign = presort.new_campaign(
            [*people, "early@One.example", "late@one.example",
             "gone@two.example", "back@two.example"])
        suppress(presort, "late@one.example", reason="complaint")
        suppress(presort, "gone@two.example", reason="unsubscribe")
        suppress(presort, "back@two.example")
        presort.ask("DELETE", "/suppressions/back@two.example")
        time.sleep(1)  # what is committed is known everywhere by then
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert totals["suppressed"] == 3 and totals["delivered"] == 21
        assert set(sink.copies()) == {*people, "back@two.example"}
        found = outcomes(presort, campaign)
        assert found["early@One.example"] == ("suppressed", "bounce")
        assert found["late@one.example"] == ("suppressed", "complaint")
        assert found["gone@two.example"] == ("suppressed", "unsubscribe")


def test_whatever_the_spelling_of_the_domain():
    """U-labels, in any case of letters, and A-labels are one recipient."""
    wide, upper, coded = ("b\u00fccher.example", "B\u00dcCHER.example",
                          "xn--bcher-kva.example")
    with Sink() as sink, Presort(relay=sink.port, poll_interval_ms=200) as \
            presort:
        suppress(presort, f"a@{wide}", f"b@{coded}", f"c@{upper}")
        time.sleep(1)  # what is committed is known everywhere by then
        people = [f"{who}@{domain}" for who in "abc"
                  for domain in (wide, upper, coded)]
        campaign = presort.new_campaign([*people, f"d@{wide}"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert totals["suppressed"] == len(people)
        assert sink.copies() == {f"d@{coded}": 1}


def test_between_the_claim_and_the_sending():
    """The sink is slow: the mail is long claimed when its recipient is put on
    the list."""
    people = [f"u{i}@one.example" for i in range(60)]
    with Sink("--slow", "60") as sink, Presort(
            relay=sink.port, workers=1, site_connections_max=3,
            transactional_connections=1) as presort:
        known = [f"z{i}@one.example" for i in range(5)]
        suppress(presort, *known, reason="bounce")
        campaign = presort.new_campaign([*people, *known])
        time.sleep(0.5)
        presort.send(campaign)
        # Who was known is through at once, however slow the others are.
        totals = presort.wait_for_totals(campaign, 20,
                                         lambda t: t["suppressed"] >= 5)
        assert totals["delivered"] < 30, totals
        presort.wait_for_totals(campaign, 20, lambda t: t["delivered"] >= 1)
        assert presort.sql("SELECT DISTINCT state FROM batch WHERE class = 1"
                           ) == [["claimed"]]
        suppress(presort, *people[-30:], reason="complaint")
        presort.wait_for(campaign, 60)
        totals = presort.check_totals(campaign)
        late = set(people[-30:]) & set(sink.copies())
        assert totals["suppressed"] == 35 - len(late)
        assert totals["suppressed"] >= 25, totals


def test_transactional_mail():
    """It stops at everything but an unsubscription."""
    with Sink() as sink, Presort(relay=sink.port, poll_interval_ms=200) as \
            presort:
        suppress(presort, "left@one.example", reason="unsubscribe")
        suppress(presort, "dead@one.example", reason="bounce")
        time.sleep(0.5)
        sent = {to: presort.ask("POST", "/emails", {
            "from": "shop@source.example", "to": [to],
            "subject": "Receipt", "text": "Thanks."})["id"]
            for to in ("left@one.example", "dead@one.example")}
        def event(to):
            return presort.ask("GET", f"/emails/{sent[to]}")["last_event"]
        process.wait_until(
            lambda: event("left@one.example") == "delivered", 15, "delivery")
        process.wait_until(
            lambda: event("dead@one.example") == "suppressed", 15, "it")
        assert set(sink.copies()) == {"left@one.example"}


def test_transactional_mail_where_no_means_no():
    with Sink() as sink, Presort(relay=sink.port, unsubscribed_means_all=1
                                 ) as presort:
        suppress(presort, "left@one.example", reason="unsubscribe")
        time.sleep(0.5)
        sent = presort.ask("POST", "/emails", {
            "from": "shop@source.example", "to": ["left@one.example"],
            "subject": "Receipt", "text": "Thanks."})["id"]
        process.wait_until(
            lambda: presort.ask("GET", f"/emails/{sent}")["last_event"] ==
            "suppressed", 15, "it")
        assert not sink.copies()


def test_other_projects_write_on():
    with Sink() as sink, Presort(relay=sink.port) as presort:
        suppress(presort, "a@one.example", reason="complaint")
        presort.command("projects", "create", "other")
        presort.key = presort.command("keys", "create", "--project", "other"
                                      ).split()[-1]
        time.sleep(0.5)
        presort.ask("POST", "/emails", {
            "from": "shop@source.example", "to": ["a@one.example"],
            "subject": "Receipt", "text": "Thanks."})
        process.wait_until(lambda: "a@one.example" in sink.copies(), 15, "it")


def test_who_commits_last_is_not_missed():
    """One writer begins first and commits last. Known without a restart, and
    again after a kill: nothing is sent before the list was read."""
    with Sink() as sink, Presort(relay=sink.port, workers=1) as presort:
        slow = threading.Thread(target=presort.sql, args=["""
            BEGIN; SELECT suppress(1, 'slow@one.example', 'bounce');
            SELECT pg_sleep(3); COMMIT"""])
        slow.start()
        time.sleep(0.5)
        suppress(presort, "fast@one.example")
        time.sleep(1.5)  # the worker has seen the fast one
        slow.join()
        time.sleep(0.5)
        for round_ in ("once", "again"):
            campaign = presort.new_campaign(
                ["slow@one.example", "fast@one.example",
                 f"{round_}@one.example"])
            presort.send(campaign)
            presort.wait_for(campaign, 30)
            assert presort.check_totals(campaign)["suppressed"] == 2
            for pid in presort.pids("presort-engine"):
                process.kill(pid)
        assert set(sink.copies()) == {"once@one.example", "again@one.example"}


def test_the_command(tmp_path):
    with Sink() as sink, Presort(relay=sink.port) as presort:
        def run(*words):
            return presort.command("suppressions", *words)
        def refused(*words):
            with pytest.raises(RuntimeError) as failed:
                run(*words)
            return str(failed.value)
        assert run("add", "A@x.example", "b@x.example", "--reason",
                   "complaint", "--note", "by phone").splitlines() == [
            "suppressed a@x.example", "suppressed b@x.example"]
        line = run("list", "--reason", "complaint").splitlines()[0].split()
        assert line[1] in ("a@x.example", "b@x.example")
        assert line[2] == "complaint" and line[-2:] == ["by", "phone"]
        assert run("list", "--reason", "bounce") == ""
        assert run("remove", line[0]) == f"taken off: {line[1]}\n"
        assert "none of them" in refused("remove", "nobody@x.example")
        assert "not both" in refused("remove", line[0], "b@x.example")
        assert "an @ is missing" in refused("add", "nobody")
        assert "--reason is" in refused("add", "a@x.example", "--reason", "x")
        table = tmp_path / "list.csv"
        table.write_text("email,reason\nc@x.example,bounce\nbad,\n"
                         "d@x.example,whim\n")
        said = run("import", str(table))
        assert said.startswith("1 added, 0 known, 2 rejected\n")
        assert "line 3: email" in said and "line 4: reason" in said
        packed = tmp_path / "list.csv.gz"
        packed.write_bytes(gzip.compress(table.read_bytes()))
        assert run("import", str(packed), "--reason", "manual").startswith(
            "2 added, 0 known, 1 rejected\n")
        out = tmp_path / "out.csv"
        run("export", "--out", str(out))
        assert run("export") == out.read_text().replace("\r\n", "\n")
        with open(out, encoding="utf-8", newline="") as file:
            rows = {(r["email"], r["reason"]) for r in csv.DictReader(file)}
        assert ("c@x.example", "bounce") in rows and len(rows) == 4
        assert len(run("export", "--ndjson").splitlines()) == 4
        assert "out/of" in refused("export", "--out", "/out/of/reach")


def test_told_at_upload():
    """How many of an upload stand on the list by now, each slice of it; what
    they come to is decided when they are sent."""
    readers = [f"U{i}@Example.com" for i in range(2500)]
    with Sink() as sink, Presort(sink.port, slice_mails=1000
                                 ) as presort:
        def upload():
            campaign = presort.ask("POST", "/campaigns", {
                "name": "x", "from": "news@source.example", "subject": "x",
                "text": "x"})["id"]
            body = "\n".join(["email", *readers]).encode()
            return campaign, presort.ask(
                "POST", f"/campaigns/{campaign}/recipients", body, "text/csv")
        assert upload()[1]["suppressed"] == 0
        for first in range(0, 2500, 500):
            presort.ask("POST", "/suppressions", {
                "email": f"u{first}@example.com"})
        presort.ask("POST", "/suppressions", {"email": "other@example.com"})
        campaign, answer = upload()
        assert (answer["accepted"], answer["suppressed"]) == (2500, 5)
        presort.ask("DELETE", "/suppressions/u500@example.com")
        time.sleep(1)  # until it is known everywhere
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert (totals["suppressed"], totals["delivered"]) == (4, 2496)


def test_what_is_over_for_a_day_is_deleted():
    """Removed or expired yesterday or before; nothing that still counts, or
    that a worker may not have heard of."""
    with Sink() as sink, Presort(relay=sink.port, workers=1) as presort:
        suppress(presort, "stays@a.example", "removed@a.example",
                 "expired@a.example", "lately@a.example")
        presort.sql("""
            UPDATE suppression SET removed = now() - CASE address
                WHEN 'removed@a.example' THEN interval '25 hours'
                ELSE interval '1 hour' END
            WHERE address IN ('removed@a.example', 'lately@a.example')""")
        presort.sql("""
            UPDATE suppression SET expires = now() - interval '2 days'
            WHERE address = 'expired@a.example'""")
        presort.stop()
        presort.start()  # maintenance looks at once, then every minute

        def left():
            return [row[0] for row in presort.sql(
                "SELECT address FROM suppression ORDER BY address")]
        process.wait_until(lambda: len(left()) == 2, 30, "maintenance")
        assert left() == ["lately@a.example", "stays@a.example"]
