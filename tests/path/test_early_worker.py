"""A worker may be started before the database has its tables, on a machine of
its own: it waits for them."""

import os
import signal
import subprocess

from kit import places, process
from kit.postgres import Postgres


def worker_ids(database):
    run = subprocess.run(
        ["psql", "-XAtq", "-d", database.url, "-c", "SELECT id FROM worker"],
        capture_output=True, text=True, check=False)
    return run.stdout.split()


def test_it_registers_once_the_tables_are_there(tmp_path):
    [metrics] = places.free_ports(1)
    log = tmp_path / "log"
    with Postgres(empty=True) as database:
        environment = {
            **{name: value for name, value in os.environ.items()
               if not name.startswith("PRESORT_")},
            "DATABASE_URL": database.url,
            "PRESORT_STATE_DIR": str(tmp_path / "state"),
            "PRESORT_LEASE_SECONDS": "3",
            "PRESORT_ENGINE_METRICS_LISTEN": f"127.0.0.1:{metrics}"}
        with log.open("wb") as out:
            worker = subprocess.Popen([places.BUILD / "presort-engine"],
                                      env=environment, stderr=out)
        try:
            process.wait_until(lambda: b"register_failed" in log.read_bytes(),
                               20, "a try without tables")
            assert worker.poll() is None
            subprocess.run([places.PRESORT, "migrate"], env=environment,
                           check=True, capture_output=True)
            process.wait_until(lambda: worker_ids(database) == ["1"], 20,
                               "the worker's number")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(20) == 0
        finally:
            process.stop(worker)
