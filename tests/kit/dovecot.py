"""A Dovecot of Debian's package on loopback ports: IMAP and POP3, with TLS and
STARTTLS, and one user; a kit.postfix can ask it for that user's password. It
runs in a chroot that is made for it. Needs root."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import packages, places, process

KEEPER = 64904
USER, PASSWORD = "bounces", "a-secret-of-stories"

CONFIGURATION = """\
protocols = imap pop3
listen = 127.0.0.1
base_dir = /run/dovecot
state_dir = /run/dovecot-state
log_path = /var/log/dovecot.log
default_login_user = nobody
default_internal_user = keeper
default_internal_group = keeper
mail_location = maildir:/mail/box
first_valid_uid = 1
ssl = required
ssl_cert = </etc/dovecot/cert.pem
ssl_key = </etc/dovecot/key.pem
disable_plaintext_auth = yes
auth_mechanisms = {mechanisms}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={keeper} gid={keeper} home=/mail
}}
service auth {{
  inet_listener {{
    port = {auth}
  }}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
"""


def make_certificate(directory, name="localhost"):
    """key.pem and cert.pem, signed by itself, for that name."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout",
         directory / "key.pem", "-out", directory / "cert.pem"],
        check=True, capture_output=True)


class Dovecot:
    """with Dovecot() as box: ... box.ports["imaps"], box.put(messages)"""

    def __init__(self, mechanisms="plain"):
        self.mechanisms = mechanisms
        self.root = pathlib.Path(tempfile.mkdtemp(
            prefix="dovecot-", dir=places.quick_directory()))
        self.ports = dict(zip(("imap", "imaps", "pop3", "pop3s", "auth"),
                              places.free_ports(5)))
        self.master = None
        self.count = 0

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
            self._stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def _prepare(self):
        self.root.chmod(0o755)
        packages.make_root(packages.unpack("dovecot-core", "dovecot-imapd",
                                           "dovecot-pop3d"),
                           self.root)
        with open(self.root / "etc/passwd", "a", encoding="ascii") as file:
            file.write(f"keeper:x:{KEEPER}:{KEEPER}::/mail:/bin/false\n")
        with open(self.root / "etc/group", "a", encoding="ascii") as file:
            file.write(f"keeper:x:{KEEPER}:\n")
        etc = self.root / "etc/dovecot"
        etc.mkdir(exist_ok=True)
        make_certificate(etc)
        (etc / "cert.pem").chmod(0o644)
        (etc / "dovecot.conf").write_text(CONFIGURATION.format(
            password=PASSWORD, keeper=KEEPER,
            mechanisms=self.mechanisms, **self.ports))
        for name in ("run", "var/log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self._make_maildir()

    def _make_maildir(self):
        for name in ("", "box", "box/new", "box/cur", "box/tmp"):
            path = self.root / "mail" / name
            path.mkdir(exist_ok=True)
            os.chown(path, KEEPER, KEEPER)

    def _start(self):
        self.master = subprocess.Popen(
            ["chroot", self.root, "/usr/sbin/dovecot", "-F", "-c",
             "/etc/dovecot/dovecot.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.root / "stderr", "wb"), start_new_session=True)
        try:
            for port in self.ports.values():
                process.wait_until(lambda port=port: self._answers(port), 20,
                                   "Dovecot")
        except TimeoutError as error:
            raise RuntimeError(f"Dovecot does not answer:\n{self.log()}"
                               ) from error

    def _stop(self):
        """At SIGTERM its login processes would wait for others, for 5 s."""
        process.kill_family(self.master)

    def _answers(self, port):
        if self.master.poll() is not None:
            raise RuntimeError(f"Dovecot ended:\n{self.log()}")
        return process.listens(port)

    def log(self):
        return "".join(
            path.read_text(errors="replace")
            for path in (self.root / "stderr", self.root / "var/log/dovecot.log")
            if path.exists())

    @property
    def ca_file(self):
        return self.root / "etc/dovecot/cert.pem"

    def put(self, messages):
        """Delivers: each appears in the mailbox whole."""
        for message in messages:
            self.count += 1
            name = f"{self.count}.kit"
            part = self.root / "mail/box/tmp" / name
            part.write_bytes(message)
            os.chown(part, KEEPER, KEEPER)
            part.rename(self.root / "mail/box/new" / name)

    def renumber(self):
        """Starts anew, and forgets the UIDs that it gave: another
        UIDVALIDITY."""
        self._stop()
        for path in (self.root / "mail/box").glob("dovecot*"):
            path.unlink()
        self._start()

    def kept(self, folder=""):
        """The messages that are in the mailbox, or in a folder."""
        box = self.root / "mail/box" / (f".{folder}" if folder else "")
        found = []
        for path in [*box.glob("new/*"), *box.glob("cur/*")]:
            try:
                found.append(path.read_bytes())
            except FileNotFoundError:
                pass  # moved or deleted meanwhile
        return sorted(found)
