"""A PostgreSQL of a story's own, behind a Unix socket, for DATABASE_URL: to be
shared by several machines, or to go away for a while."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from . import process

SETTINGS = ("listen_addresses=", "fsync=on", "max_connections=200",
            "shared_buffers=128MB", "max_wal_size=2GB", "jit=off")


def programs():
    """Where the newest initdb and postgres are."""
    found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max(found, key=lambda p: float(p.parts[-3])).parent


def _unprivileged():
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("no user postgres or nobody")


class Postgres:
    """with Postgres() as database: ... database.url"""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="database-"))
        self.data = self.directory / "data"
        self.url = f"postgresql:///presort?host={self.directory}&user=presort"
        self.server = None
        self.user = _unprivileged()

    def __enter__(self):
        try:
            self.directory.chmod(0o755)
            if self.user:
                os.chown(self.directory, self.user["user"], self.user["group"])
            self._run("initdb", "-D", self.data, "-U", "presort", "-A", "trust",
                      "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            self.start()
            self._run("createdb", "-h", self.directory, "-U", "presort",
                      "presort")
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
