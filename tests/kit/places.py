"""Where things are: the tree, the build directory, free ports, room for
data."""

import functools
import os
import pathlib
import shutil
import socket
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PRESORT_BUILD", TOP / "build")).resolve()
PRESORT = BUILD / "presort"

MEMORY = "/dev/shm"
MEMORY_LEAST = 8 << 30


def _memory_left():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 0


@functools.cache
def quick_directory():
    """Where a story's database goes that need not meet a real disk, and the
    roots of servers: memory if there is plenty, as making and removing their
    thousands of files takes many times as long on a disk. It has to allow
    programs and devices. TMPDIR, if it is set, is the place for all."""
    if os.environ.get("TMPDIR") or not os.path.isdir(MEMORY):
        return tempfile.gettempdir()
    room = min(shutil.disk_usage(MEMORY).free, _memory_left())
    bars = os.statvfs(MEMORY).f_flag & (os.ST_NOEXEC | os.ST_NODEV)
    return (tempfile.gettempdir() if bars or room < MEMORY_LEAST
            else MEMORY)


def free_ports(n):
    """n ports of 127.0.0.1 that are free now. They are found all at once, so
    that none is handed out twice; and below the range that the kernel gives to
    outgoing connections, so that none of these takes one meanwhile."""
    sockets = []
    try:
        base = 10000 + int.from_bytes(os.urandom(2), "big") % 20000
        for port in range(base, base + 2000):
            if len(sockets) == n:
                break
            s = socket.socket()
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                s.close()
                continue
            sockets.append(s)
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()
