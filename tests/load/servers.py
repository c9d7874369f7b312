"""The SMTP servers that mail is sent to: Postfix's smtp-sink and smtp-source,
unpacked from Debian's package (never installed), and our own sink."""

import contextlib
import glob
import os
import subprocess

import service

UNPACKED = os.path.join(service.BUILD, "servers", "postfix")


def unpack():
    if os.path.exists(UNPACKED + "/usr/sbin/smtp-sink"):
        return
    os.makedirs(UNPACKED, exist_ok=True)
    subprocess.run(["apt-get", "download", "-qq", "postfix"], cwd=UNPACKED,
                   check=True, stderr=subprocess.DEVNULL)
    package = glob.glob(UNPACKED + "/postfix_*.deb")[0]
    subprocess.run(["dpkg", "-x", package, UNPACKED], check=True)


def tool(name):
    unpack()
    return f"{UNPACKED}/usr/sbin/{name}"


def environment():
    return dict(os.environ, LD_LIBRARY_PATH=UNPACKED + "/usr/lib/postfix")


@contextlib.contextmanager
def smtp_sink(port):
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with service.process(tool("smtp-sink"), *user, f"127.0.0.1:{port}", "1000",
                         env=environment()):
        service.wait_port(port)
        yield


@contextlib.contextmanager
def presort_sink(port, *options):
    with service.process(os.path.join(service.BUILD, "presort"), "sink",
                         "--listen", f"127.0.0.1:{port}", *options):
        service.wait_port(port)
        yield
