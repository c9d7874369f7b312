"""A PostgreSQL of a story's own, behind a Unix socket, for DATABASE_URL: to be
shared by several machines, or to go away for a while. And the data directory
that stories begin with: making one takes longer than most stories."""

import atexit
import functools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from . import places, process

SETTINGS = ("listen_addresses=", "fsync=on", "max_connections=200",
            "shared_buffers=128MB", "max_wal_size=2GB", "jit=off")


def programs():
    """Where the newest initdb and postgres are."""
    found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max(found, key=lambda p: float(p.parts[-3])).parent


def _unprivileged():
    """PostgreSQL refuses to run as root. As whom `presort up` would run it."""
    if os.geteuid() != 0:
        return {}
    for name in ("presort", "postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("no user presort, postgres or nobody")


@functools.cache
def _template():
    """A data directory, made once a run: what initdb and `presort migrate`
    leave, with a database presort for a user presort."""
    made = Postgres(empty=True)
    atexit.register(made.__exit__)
    made.__enter__()
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("PRESORT_")}
    subprocess.run([places.PRESORT, "migrate"], check=True,
                   env={**kept, "DATABASE_URL": made.url}, capture_output=True)
    made.stop()
    return made.data


def copy_template(data):
    """To data, which does not exist yet."""
    subprocess.run(["cp", "-a", "--reflink=auto", _template(), data],
                   check=True)


def prepare_state(state):
    """A state directory such as an earlier `presort up` left it, but without
    its key: initdb and the migrations are done."""
    state.mkdir()
    (state / "lock").touch()
    copy_template(state / "postgres")
    user = _unprivileged()
    if user:
        os.chown(state, user["user"], user["group"])


class Postgres:
    """with Postgres() as database: ... database.url

    The tables are there, unless it is to be empty. on_disk: also where there
    is memory for it."""

    def __init__(self, empty=False, on_disk=False):
        self.empty = empty
        self.directory = pathlib.Path(tempfile.mkdtemp(
            prefix="database-",
            dir=None if on_disk else places.quick_directory()))
        self.data = self.directory / "data"
        self.url = f"postgresql:///presort?host={self.directory}&user=presort"
        self.server = None
        self.user = _unprivileged()

    def __enter__(self):
        try:
            self.directory.chmod(0o755)
            if self.user:
                os.chown(self.directory, self.user["user"], self.user["group"])
            if self.empty:
                self._make()
            else:
                copy_template(self.data)
                self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.server:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, name, *args):
        subprocess.run([programs() / name, *args], check=True,
                       cwd=self.directory, capture_output=True, **self.user)

    def _make(self):
        self._run("initdb", "-D", self.data, "-U", "presort", "-A", "trust",
                  "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()
        self._run("createdb", "-h", self.directory, "-U", "presort", "presort")

    def _ready(self):
        run = subprocess.run([programs() / "pg_isready", "-q", "-h",
                              self.directory])
        return run.returncode == 0

    def start(self):
        settings = [word for s in (*SETTINGS,
                                   f"unix_socket_directories={self.directory}")
                    for word in ("-c", s)]
        with open(self.directory / "log", "ab") as log:
            self.server = subprocess.Popen(
                [programs() / "postgres", "-D", self.data, *settings],
                cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, **self.user)
        process.wait_until(self._ready, 30, "PostgreSQL")

    def stop(self, number=signal.SIGINT):
        """SIGINT ends the sessions at once and shuts down in order."""
        self.server.send_signal(number)
        self.server.wait(30)
        self.server = None
