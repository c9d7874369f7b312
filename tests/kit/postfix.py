"""A Postfix of Debian's package on a loopback port, delivering everything to a
Maildir. It runs in a chroot that is made for it, with users of its own there,
and is started as `master` itself: no shell, no script, nothing on the host.
Needs root."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import packages, places, process

POSTFIX, POSTDROP, KEEPER = 64901, 64902, 64903

MAIN = """\
compatibility_level = 3.6
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = /var/log/postfix.log
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_discard_ehlo_keywords = chunking
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = /mail
virtual_mailbox_limit = 0
virtual_uid_maps = static:{keeper}
virtual_gid_maps = static:{keeper}
virtual_minimum_uid = 1
{more}"""

# service, type, private, unprivileged, chroot, wake-up, processes, command
MASTER = """\
{address}:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
virtual unix - n n - - virtual
smtp unix - - n - - smtp
postlog unix-dgram n - n - 1 postlogd
"""

QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold",
          "incoming", "private", "saved", "trace")


class Postfix:
    """with Postfix() as postfix: ... postfix.port, postfix.messages()

    transports says what else is to be done with a domain's mail:
    {"gone.example": "error:5.1.1 nobody is here"}. settings are lines of
    main.cf; files are put into /etc/postfix. services are more places to
    listen at: {"name": ("127.0.0.2", port, {setting: value})}; the log has
    them as "postfix/name/smtpd"."""

    def __init__(self, transports=None, settings=None, files=(),
                 address="127.0.0.1", port=None, services=None):
        self.transports = transports or {}
        self.settings = settings or {}
        self.files = files
        self.services = services or {}
        self.root = pathlib.Path(tempfile.mkdtemp(
            prefix="postfix-", dir=places.quick_directory()))
        self.address = address
        self.port = port or places.free_ports(1)[0]
        self.master = None

    def __enter__(self):
        try:
            self._prepare()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.master:
            process.stop(self.master, 20)
        shutil.rmtree(self.root, ignore_errors=True)

    def _prepare(self):
        self.root.chmod(0o755)
        packages.make_root(packages.unpack("postfix"), self.root)
        with open(self.root / "etc/passwd", "a", encoding="ascii") as file:
            file.write(f"postfix:x:{POSTFIX}:{POSTFIX}::/:/bin/false\n"
                       f"keeper:x:{KEEPER}:{KEEPER}::/mail:/bin/false\n")
        with open(self.root / "etc/group", "a", encoding="ascii") as file:
            file.write(f"postfix:x:{POSTFIX}:\npostdrop:x:{POSTDROP}:\n"
                       f"keeper:x:{KEEPER}:\n")
        self._write_settings()
        self._make_directories()

    def _write_settings(self):
        etc = self.root / "etc/postfix"
        etc.mkdir(exist_ok=True)
        (etc / "main.cf").write_text(MAIN.format(
            keeper=KEEPER, more=self._transport_maps() + "".join(
                f"{name} = {value}\n"
                for name, value in self.settings.items())))
        for path in self.files:
            shutil.copy(path, etc)
        (etc / "master.cf").write_text(MASTER.format(
            address=self.address, port=self.port) + "".join(
                self._service(name, *what)
                for name, what in self.services.items()))
        # It waits until a file that was written just now is whole.
        for name in ("main.cf", "master.cf"):
            os.utime(etc / name, (0, 0))

    @staticmethod
    def _service(name, address, port, settings):
        options = {"syslog_name": f"postfix/{name}", **settings}
        return f"{address}:{port} inet n - n - - smtpd\n" + "".join(
            f"  -o {{ {option} = {value} }}\n"
            for option, value in options.items())

    def _transport_maps(self):
        if not self.transports:
            return ""
        pairs = ", ".join(f"{{{domain} = {what}}}"
                          for domain, what in self.transports.items())
        # Else what goes to error(8) is refused at RCPT, not bounced later.
        return (f"transport_maps = inline:{{{pairs}}}\n"
                "smtpd_reject_unlisted_recipient = no\n")

    def _make_directories(self):
        spool = self.root / "var/spool/postfix"
        for name in QUEUES:
            self._make(spool / name, POSTFIX, 0, 0o700)
        self._make(spool / "pid", 0, 0, 0o755)
        self._make(spool / "maildrop", POSTFIX, POSTDROP, 0o730)
        self._make(spool / "public", POSTFIX, POSTDROP, 0o710)
        self._make(self.root / "var/lib/postfix", POSTFIX, POSTFIX, 0o700)
        self._make(self.root / "var/log", 0, 0, 0o755)
        self._make(self.root / "mail", KEEPER, KEEPER, 0o755)

    @staticmethod
    def _make(directory, user, group, mode):
        directory.mkdir(parents=True, exist_ok=True)
        os.chown(directory, user, group)
        directory.chmod(mode)

    def _start(self):
        self.master = subprocess.Popen(
            ["chroot", self.root, "/usr/lib/postfix/sbin/master", "-d", "-c",
             "/etc/postfix"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait_until(self._answers, 20, "Postfix")
        except TimeoutError as error:
            raise RuntimeError(f"Postfix does not answer:\n{self.log()}"
                               ) from error

    def _answers(self):
        if self.master.poll() is not None:
            raise RuntimeError(f"Postfix ended:\n{self.log()}")
        return process.listens(self.port, self.address)

    def log(self):
        path = self.root / "var/log/postfix.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def log_of(self, service):
        """The lines of one of the services."""
        return "".join(line for line in self.log().splitlines(True)
                       if f" postfix/{service}/smtpd[" in line)

    def messages(self):
        """The messages delivered, as virtual(8) stores them: LF for CRLF, and
        Return-Path, X-Original-To, Delivered-To and Received on top."""
        new = self.root / "mail/inbox/new"
        if not new.exists():
            return []
        return [path.read_bytes() for path in sorted(new.iterdir())]
