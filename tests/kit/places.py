"""Where things are: the tree, the build directory, free ports."""

import os
import pathlib
import socket

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PRESORT_BUILD", TOP / "build")).resolve()
PRESORT = BUILD / "presort"


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
