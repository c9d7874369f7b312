"""The supervisor, driven from outside. API and engine are scripts here, which
say what they are told; the stories of mail use the real ones."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from kit import places, process
from kit.up import Up

SCRIPT = """#!/bin/sh
trap 'echo "$(basename "$0") $* ends" >&2; %s' TERM
trap 'echo "$(basename "$0") $* reloads" >&2' HUP
echo "$(basename "$0") $* listens" >&2
while :; do sleep 0.05; done
"""


def write_script(path, on_term):
    path.write_text(SCRIPT % on_term)
    path.chmod(0o755)


@pytest.fixture(scope="module", name="programs")
def fixture_programs():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="presort-bin-"))
    directory.chmod(0o755)
    shutil.copy(places.PRESORT, directory / "presort")
    for name in ("presort-api", "presort-engine", "presort-inbound"):
        write_script(directory / name, "exit 0")
    yield directory
    shutil.rmtree(directory)


def psql(up, statement):
    return subprocess.run(
        ["psql", "-XAtq", "-h", up.state / "run", "-U", "presort", "-c",
         statement, "presort"], capture_output=True, text=True, timeout=60,
        check=True).stdout.strip()


def wait_for_scripts(up, n):
    """Until each has set its traps."""
    process.wait_until(lambda: up.said().count(" listens") >= n, 20, "scripts")


def processes_of(up):
    """Every process that works in the state directory."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(up.state) in os.readlink(
                    entry / "cwd"):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def test_database_survives_and_nothing_is_left(programs):
    with Up(programs, workers=2) as up:
        assert (up.state.stat().st_mode & 0o777) == 0o700
        wait_for_scripts(up, 4)
        assert len(up.children()) == 6
        assert len(up.children("presort-engine")) == 2
        psql(up, "CREATE TABLE kept AS SELECT 7 AS x")
        key = up.key
        assert len(key) == 36 and key.startswith("re_")
        assert (up.state / "cli.key").stat().st_mode & 0o777 == 0o600
        assert up.stop() == 0
        assert not processes_of(up)
        said = up.said()
        for slot in "01":
            ended = said.index(f"presort-engine --slot {slot} ends")
            assert ended < said.index("presort-api  ends")
        assert said.count("initdb") == 1
        up.start()
        assert up.said().count("initdb") == 1
        assert psql(up, "SELECT x FROM kept") == "7"
        assert up.key == key


def test_not_twice_on_one_directory(programs):
    with Up(programs) as up:
        again = up.run("up")
        assert again.returncode == 1
        assert "already running" in again.stderr
        assert f"pid {up.process.pid}" in again.stderr
        assert up.process.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to see it dropped")
def test_children_are_unprivileged(programs):
    with Up(programs) as up:
        for pid in up.children():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            uids = status.split("Uid:")[1].splitlines()[0].split()
            assert "0" not in uids
            # but for port 25, which is given back once it is bound
            powers = int(status.split("CapEff:")[1].split()[0], 16)
            assert powers in (0, 1 << 10)
            assert pathlib.Path(f"/proc/{pid}").stat().st_uid != 0


def test_killed_children_come_back(programs):
    with Up(programs) as up:
        for name in ("presort-engine", "presort-inbound", "presort-api",
                     "postgres", "presort"):
            old = up.children(name)[0]
            process.kill(old)
            process.wait_until(
                lambda name=name, old=old: any(
                    pid != old for pid in up.children(name)),
                15, f"another {name}")
        process.wait_until(lambda: subprocess.run(
            ["psql", "-h", up.state / "run", "-U", "presort", "-c", "SELECT 1",
             "presort"], capture_output=True, check=False).returncode == 0,
            30, "the database again")
        assert "child=engine-0" in up.said() and "signal=9" in up.said()


def test_supervisor_killed_leaves_nobody_and_starts_again(programs):
    with Up(programs) as up:
        psql(up, "CREATE TABLE kept AS SELECT 7 AS x")
        up.kill()
        up.start()
        assert psql(up, "SELECT x FROM kept") == "7"
        assert len(up.children("presort-engine")) == 1
        up.kill()
        process.wait_until(lambda: not processes_of(up), 20, "all to end")


def test_orphaned_postgres_is_stopped(programs):
    """One that did not hear of its supervisor's end."""
    with Up(programs) as up:
        postgres = up.children("postgres")[0]
        os.kill(postgres, signal.SIGSTOP)
        up.kill()
        time.sleep(0.2)
        os.kill(postgres, signal.SIGCONT)
        up.start()
        assert postgres not in up.children("postgres")
        assert psql(up, "SELECT 1") == "1"


def test_a_stale_pid_file_of_somebody_else(programs):
    with Up(programs) as up:
        up.stop()
        (up.state / "postgres/postmaster.pid").write_text(f"{os.getpid()}\n")
        up.start()
        assert psql(up, "SELECT 1") == "1"


def test_drain_has_a_limit(programs):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="presort-bin-"))
    directory.chmod(0o755)
    for name in ("presort", "presort-api", "presort-inbound"):
        shutil.copy(programs / name, directory)
    write_script(directory / "presort-engine", ":")
    try:
        with Up(directory, drain_seconds=1) as up:
            wait_for_scripts(up, 3)
            started = time.monotonic()
            assert up.stop() == 0
            assert 2.5 < time.monotonic() - started < 10
            assert "child_killed children=engine" in up.said()
            assert not processes_of(up)
        with Up(directory, drain_seconds=30) as up:
            wait_for_scripts(up, 3)
            started = time.monotonic()
            up.process.terminate()
            time.sleep(0.1)
            up.process.terminate()
            time.sleep(1)
            assert up.process.poll() is None
            up.process.terminate()
            assert up.process.wait(10) == 0
            assert time.monotonic() - started < 10
    finally:
        shutil.rmtree(directory)


def test_who_crashes_while_it_is_to_leave_is_told(programs):
    """A worker that dies over its last mails has not handed them back."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="presort-bin-"))
    directory.chmod(0o755)
    for name in ("presort", "presort-api", "presort-inbound"):
        shutil.copy(programs / name, directory)
    write_script(directory / "presort-engine", "kill -SEGV $$")
    try:
        with Up(directory) as up:
            wait_for_scripts(up, 3)
            assert up.stop() == 1
            assert "error up child_crashed child=engine-0" in up.said()
            assert f" signal={signal.SIGSEGV.value}\n" in up.said()
    finally:
        shutil.rmtree(directory)


def test_reload(programs):
    config = pathlib.Path(tempfile.mkstemp(suffix=".conf")[1])
    try:
        config.write_text("drain_seconds = 5s\n")
        with Up(programs, config=config) as up:
            wait_for_scripts(up, 3)
            config.write_text("\ndrain_secnds = 6s\n")
            up.hang_up()
            process.wait_until(lambda: "reload_refused" in up.said(), 5, "no")
            assert (f"{config}:2: unknown setting \"drain_secnds\", did you "
                    "mean drain_seconds?") in up.said()
            copy = up.state / "run/presort.conf"
            assert copy.read_text() == "drain_seconds = 5s\n"
            assert "reloads" not in up.said()
            config.write_text("drain_seconds = 6s\nrelay_user = jo\n"
                              "api_threads = 9\n")
            up.hang_up()
            process.wait_until(lambda: "presort-api  reloads" in up.said(), 5,
                               "the API")
            process.wait_until(lambda: "--slot 0 reloads" in up.said(), 5,
                               "the engine")
            assert copy.read_text() == config.read_text()
            told = [line.split("restart_needed ")[1]
                    for line in up.said().splitlines()
                    if " restart_needed " in line]
            assert told == ["setting=api_threads", "setting=relay_user"]
    finally:
        config.unlink()


@pytest.mark.parametrize("text, says", [
    ("workers = some\n", ":1: workers = \"some\": a whole number"),
    ("# x\nrelays = a:25\n", ":2: unknown setting \"relays\", did you mean "
     "relay?"),
])
def test_bad_configuration(tmp_path, text, says):
    path = tmp_path / "presort.conf"
    path.write_text(text)
    for command in ("up", "migrate", "config"):
        ran = subprocess.run([places.PRESORT, "--config", path, command],
                             capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        assert f"{path}{says}" in ran.stderr


def test_refusals_before_anything_starts(programs):
    up = Up(programs)
    try:
        (up.state / "mine").write_text("precious")
        ran = up.run("up")
        assert ran.returncode == 1 and "it is not empty" in ran.stderr
        assert (up.state.stat().st_mode & 0o777) == 0o755
        (up.state / "mine").unlink()
        with socket.socket() as s:
            s.bind(("127.0.0.1", up.port))
            s.listen()
            ran = up.run("up")
        assert ran.returncode == 1
        assert (f"api_listen 127.0.0.1:{up.port}: Address already in use"
                in ran.stderr)
        assert not (up.state / "postgres").exists()
        (up.state / "postgres").mkdir()
        (up.state / "postgres/PG_VERSION").write_text("9\n")
        ran = up.run("up")
        assert ran.returncode == 1
        assert "was made by PostgreSQL 9" in ran.stderr
        assert "install postgresql-9, or move the data" in ran.stderr
    finally:
        shutil.rmtree(up.state)


@pytest.mark.parametrize("command", [
    "up", "campaign", "top", "bounce", "sink", "migrate", "config", "keys",
    "projects"])
def test_every_command_has_help(programs, command):
    ran = subprocess.run([programs / "presort", command, "--help"],
                         capture_output=True, text=True, timeout=10,
                         check=False)
    assert ran.returncode == 0 and not ran.stderr
    assert f"presort {command}" in ran.stdout


def test_own_database_and_migrations(programs):
    """One `up` keeps a database, another uses it as DATABASE_URL."""
    with Up(programs) as keeper:
        psql(keeper, "CREATE DATABASE other")
        url = f"postgres://presort@/other?host={keeper.state}/run"
        with Up(programs, database_url=url) as up:
            assert not (up.state / "postgres").exists()
            assert not up.children("postgres")
            assert "re_" in up.run("keys", "list").stdout
            status = up.run("migrate", "--status").stdout
            assert "applied" in status and "pending" not in status

        psql(keeper, "CREATE DATABASE twice")
        environment = dict(
            os.environ,
            DATABASE_URL=f"postgres://presort@/twice?host={keeper.state}/run")
        both = [subprocess.Popen([places.PRESORT, "migrate"], env=environment,
                                 stdout=subprocess.PIPE, text=True,
                                 stderr=subprocess.DEVNULL) for _ in range(2)]
        said = sorted(p.communicate(timeout=60)[0] for p in both)
        assert [p.returncode for p in both] == [0, 0]
        assert said[0].startswith("0 applied") and said[1][0] != "0"

        up = Up(programs, database_url=url.replace("other", "none"))
        up.process = subprocess.Popen(
            [programs / "presort", "up"], env=up.environment, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.5)
        assert up.process.poll() is None
        up.process.terminate()
        assert "database_unavailable" in up.process.communicate(timeout=10)[1]
        assert up.process.returncode == 0
        shutil.rmtree(up.state)


def test_newer_or_changed_database_is_refused(programs):
    with Up(programs) as up:
        psql(up, "INSERT INTO schema_migration VALUES (9999, 'future', 'x')")
        up.stop()
        ran = up.run("up")
        assert ran.returncode == 1
        assert "newer than this program" in ran.stderr


def test_keys_and_projects(programs):
    with Up(programs) as up:
        assert up.run("projects", "create", "shop").returncode == 0
        assert "already" in up.run("projects", "create", "shop").stderr
        made = up.run("keys", "create", "--project", "shop", "--scope",
                      "sending")
        key = made.stdout.strip()
        assert len(key) == 36 and made.returncode == 0
        listed = up.run("keys", "list", "--project", "shop").stdout
        assert key[:11] in listed and key not in listed
        stored = psql(up, "SELECT count(*) FROM api_key WHERE scope = 'sending'"
                      f" AND hash = sha256('{key}')")
        assert stored == "1"
        assert up.run("keys", "revoke", key[:11]).returncode == 0
        assert up.run("keys", "revoke", key[:11]).returncode == 1
        assert "revoked" in up.run("keys", "list").stdout
        assert up.run("keys", "create", "--project", "none").returncode == 1
        assert up.run("keys", "create", "--name", "a\nb").returncode == 2
        assert up.run("projects", "create", "a\x1b[2J").returncode == 2
        wrong = up.run("kyes")
        assert wrong.returncode == 2 and "`keys`" in wrong.stderr
