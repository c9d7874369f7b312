"""Processes that a story starts, looks at and kills: by their ids only."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time


def wait_until(true, seconds, what, every=0.05):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)


def _parent_and_name(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None, None
    name, _, rest = text.partition("(")[2].rpartition(")")
    return int(rest.split()[1]), name


def _program(pid):
    try:
        line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    return os.path.basename(line.partition(b"\0")[0]).decode("utf-8", "replace")


def children(parent, name=None):
    """Ids of the running children of a process, by name if one is given. The
    kernel cuts a name at 15 bytes; that of a program run by its descriptor is
    a number, and its command line tells the name."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        above, called = _parent_and_name(int(entry))
        if above == parent and (name is None or called == name[:15]
                                or _program(entry) == name):
            found.append(int(entry))
    return found


def _state(pid):
    """R, S, T (stopped), Z (not waited for) and so on; None: there is none."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[0]


def is_alive(pid):
    return _state(pid) not in ("Z", None)


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def freeze(pid):
    """SIGSTOP, and wait until it has stopped: a signal takes a moment."""
    kill(pid, signal.SIGSTOP)
    wait_until(lambda: _state(pid) in ("T", "Z", None), 5, "stopping", 0.0005)


def kill_family(process):
    """SIGKILL for a process and its children, before it starts others."""
    freeze(process.pid)
    for pid in children(process.pid):
        kill(pid)
    process.kill()
    process.wait()


def stop(process, seconds=60):
    """SIGTERM, and SIGKILL if it does not leave; returns the exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def listens(port, address="127.0.0.1"):
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def connections_to(pid, port):
    """How many TCP connections of a process to a port of 127.0.0.1 are
    open."""
    inodes = set()
    for entry in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = entry.split()
        if words[2] == f"0100007F:{port:04X}" and words[3] == "01":
            inodes.add(f"socket:[{words[9]}]")
    count = 0
    with contextlib.suppress(OSError):
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                count += os.readlink(fd) in inodes
    return count


def cpu_seconds(pid):
    """What it has used of processors, in user and system mode."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
