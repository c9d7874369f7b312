"""`presort up` for a story: on a state directory and ports of its own."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from . import places, process

START_SECONDS = 60


class Up:
    """with Up(relay="127.0.0.1:2525") as up: ... up.port, up.key

    Settings are those of the configuration, in lower case; `programs` is the
    directory of presort and its fellows; `database_url` an own database."""

    def __init__(self, programs=None, database_url=None, state=None,
                 **settings):
        self.programs = pathlib.Path(programs or places.BUILD)
        self.state = pathlib.Path(
            state or tempfile.mkdtemp(prefix="presort-up-",
                                      dir=places.quick_directory()))
        self.state.chmod(0o755)
        self.port, self.sink_port, metrics = places.free_ports(3)
        given = {"state_dir": self.state, "workers": 1,
                 "api_listen": f"127.0.0.1:{self.port}",
                 "sandbox_listen": f"127.0.0.1:{self.sink_port}",
                 "engine_metrics_listen": f"127.0.0.1:{metrics}", **settings}
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith("PRESORT_") and name != "DATABASE_URL"}
        self.environment |= {f"PRESORT_{name.upper()}": str(value)
                             for name, value in given.items()}
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        self.log = self.state.with_name(self.state.name + ".log")
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)
        self.log.unlink(missing_ok=True)

    def start(self):
        """Returns when the children have been started."""
        before = self.said().count("Presort is up")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "presort", "up"], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def is_up():
            if self.process.poll() is not None:
                raise RuntimeError(self.said())
            return self.said().count("Presort is up") > before
        process.wait_until(is_up, START_SECONDS, "presort up")

    def stop(self):
        """Returns the exit status, or None if it did not run."""
        if self.process:
            status = process.stop(self.process, 60)
            self.process = None
            return status
        return None

    def kill(self):
        """SIGKILL for the supervisor alone."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def said(self):
        return self.log.read_text("utf-8") if self.log.exists() else ""

    def children(self, name=None):
        return process.children(self.process.pid, name)

    @property
    def key(self):
        return (self.state / "cli.key").read_text("ascii").strip()

    def run(self, *arguments, **more):
        """Another presort command with the same settings."""
        return subprocess.run(
            [self.programs / "presort", *arguments], env=self.environment,
            capture_output=True, text=True, timeout=120, check=False, **more)

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)
