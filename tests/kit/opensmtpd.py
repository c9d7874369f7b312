"""An OpenSMTPD of Debian's package on a loopback address, which keeps everything
in a Maildir. It runs in a chroot that is made for it. Without TLS: that of
version 6.8 fails here with any client. Needs root."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import packages, places, process

SMTPD, QUEUE, KEEPER = 64921, 64922, 64923

CONF = """\
table users {{ "@" = "keeper" }}
listen on {address} port {port} hostname {name}
action "in" maildir "/mail/inbox" virtual <users>
match from any for any action "in"
"""


class OpenSmtpd:
    """with OpenSmtpd(address, port, name) as smtpd: smtpd.messages()"""

    def __init__(self, address, port, name):
        self.address, self.port, self.name = address, port, name
        self.root = pathlib.Path(tempfile.mkdtemp(
            prefix="opensmtpd-", dir=places.quick_directory()))
        self.daemon = None

    def __enter__(self):
        try:
            self._prepare()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.daemon:
            process.stop(self.daemon, 20)
        shutil.rmtree(self.root, ignore_errors=True)

    def _prepare(self):
        self.root.chmod(0o755)
        packages.make_root(packages.unpack("opensmtpd", "dash"), self.root)
        users = (("opensmtpd", SMTPD, "/var/empty"),
                 ("opensmtpq", QUEUE, "/var/empty"),
                 ("keeper", KEEPER, "/mail"))
        with open(self.root / "etc/passwd", "a", encoding="ascii") as file:
            for name, number, home in users:
                file.write(f"{name}:x:{number}:{number}::{home}:/bin/sh\n")
        with open(self.root / "etc/group", "a", encoding="ascii") as file:
            for name, number, _ in users:
                file.write(f"{name}:x:{number}:\n")
        (self.root / "etc/shells").write_text("/bin/sh\n")
        (self.root / "etc/smtpd.conf").write_text(CONF.format(
            name=self.name, port=self.port, address=self.address))
        for path, owner, mode in (
                ("var/empty", 0, 0o755), ("var/run", 0, 0o755),
                ("var/lib/opensmtpd/empty", 0, 0o755),
                ("run/opensmtpd", 0, 0o755), ("var/spool", 0, 0o755),
                ("mail", KEEPER, 0o755), ("var/log", 0, 0o755)):
            directory = self.root / path
            directory.mkdir(parents=True, exist_ok=True)
            os.chown(directory, owner, owner)
            directory.chmod(mode)
        shell = self.root / "usr/bin/sh"
        if not shell.exists():
            shell.symlink_to("dash")

    def _start(self):
        self.daemon = subprocess.Popen(
            ["chroot", self.root, "/usr/sbin/smtpd", "-d", "-f",
             "/etc/smtpd.conf"],
            stdin=subprocess.DEVNULL, stdout=open(self.root / "log", "wb"),
            stderr=subprocess.STDOUT, start_new_session=True)
        try:
            process.wait_until(self._answers, 20, "OpenSMTPD")
        except TimeoutError as error:
            raise RuntimeError(f"OpenSMTPD does not answer:\n{self.log()}"
                               ) from error

    def _answers(self):
        if self.daemon.poll() is not None:
            raise RuntimeError(f"OpenSMTPD ended:\n{self.log()}")
        return process.listens(self.port, self.address)

    def log(self):
        return (self.root / "log").read_text(errors="replace")

    def messages(self):
        new = self.root / "mail/inbox/new"
        return [p.read_bytes() for p in sorted(new.iterdir())] \
            if new.exists() else []
