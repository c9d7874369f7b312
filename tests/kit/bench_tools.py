"""Postfix's smtp-sink and smtp-source, for benchmarks."""

import contextlib
import os
import socket
import subprocess
import time

from . import packages, places


def _program(name):
    root = packages.unpack("postfix")
    return str(root / "usr/sbin" / name), packages.environment(root)


def _wait_for(port, process):
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError("smtp-sink does not listen")


@contextlib.contextmanager
def smtp_sink(*args, port=None, backlog=256):
    """Runs smtp-sink on a port of 127.0.0.1; gives the port."""
    port = port or places.free_ports(1)[0]
    program, env = _program("smtp-sink")
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([program, *user, *args, f"127.0.0.1:{port}", str(backlog)],
                          env=env, stdin=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()


def smtp_source(port, mails, *args, sessions=10, size=4096):
    """Runs `smtp-source -s sessions -d -l size -m mails`; gives mails/s."""
    program, env = _program("smtp-source")
    start = time.monotonic()
    subprocess.run([program, "-s", str(sessions), "-d", "-l", str(size), "-m",
                    str(mails), *args, "-f", "a@source.example", "-t",
                    "b@sink.example", f"127.0.0.1:{port}"],
                   env=env, check=True, stdin=subprocess.DEVNULL)
    return mails / (time.monotonic() - start)
