"""An Exim of Debian's package on a loopback address, which greylists and keeps
everything in a Maildir. It runs in a chroot that is made for it. Needs root."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import packages, places, process

EXIM, KEEPER = 64911, 64912

# A recipient is taken the second time that it is tried: the rate of the first
# one is 1.
CONF = """\
primary_hostname = {name}
daemon_smtp_ports = {port}
local_interfaces = {address}
tls_advertise_hosts = *
tls_certificate = /etc/exim4/cert.pem
tls_privatekey = /etc/exim4/cert.pem
chunking_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
never_users =
trusted_users = root
keep_environment =
add_environment = PATH=/usr/bin
begin acl
rcpt:
  accept ratelimit = 1.5 / 1h / strict / $local_part@$domain
  defer message = greylisted: come again
begin routers
all:
  driver = accept
  transport = inbox
begin transports
inbox:
  driver = appendfile
  directory = /mail/inbox
  maildir_format
  create_directory
  delivery_date_add
  envelope_to_add
  return_path_add
  user = keeper
  group = keeper
begin retry
* * F,1h,1m
"""


class Exim:
    """with Exim(address, port, name, certificate) as exim: exim.messages()"""

    def __init__(self, address, port, name, certificate):
        self.address, self.port, self.name = address, port, name
        self.certificate = certificate
        self.root = pathlib.Path(tempfile.mkdtemp(
            prefix="exim-", dir=places.quick_directory()))
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
        packages.make_root(packages.unpack("exim4-daemon-light"), self.root)
        with open(self.root / "etc/passwd", "a", encoding="ascii") as file:
            file.write(f"Debian-exim:x:{EXIM}:{EXIM}::/:/bin/false\n"
                       f"keeper:x:{KEEPER}:{KEEPER}::/mail:/bin/false\n")
        with open(self.root / "etc/group", "a", encoding="ascii") as file:
            file.write(f"Debian-exim:x:{EXIM}:\nkeeper:x:{KEEPER}:\n")
        etc = self.root / "etc/exim4"
        etc.mkdir(exist_ok=True)
        (etc / "exim4.conf").write_text(CONF.format(
            name=self.name, port=self.port, address=self.address))
        shutil.copy(self.certificate, etc / "cert.pem")
        os.chown(etc / "cert.pem", 0, EXIM)
        (etc / "cert.pem").chmod(0o640)
        for path, owner in (("var/spool/exim4", EXIM), ("var/log/exim4", EXIM),
                            ("mail", KEEPER), ("run/exim4", EXIM)):
            directory = self.root / path
            directory.mkdir(parents=True, exist_ok=True)
            os.chown(directory, owner, owner)

    def _start(self):
        self.daemon = subprocess.Popen(
            ["chroot", self.root, "/usr/sbin/exim4", "-bdf", "-q1m"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.root / "stderr", "wb"), start_new_session=True)
        try:
            process.wait_until(self._answers, 20, "Exim")
        except TimeoutError as error:
            raise RuntimeError(f"Exim does not answer:\n{self.log()}"
                               ) from error

    def _answers(self):
        if self.daemon.poll() is not None:
            raise RuntimeError(f"Exim ended:\n{self.log()}")
        return process.listens(self.port, self.address)

    def log(self):
        return "".join(path.read_text(errors="replace") for path in
                       [self.root / "stderr",
                        *(self.root / "var/log/exim4").glob("*")]
                       if path.exists())

    def messages(self):
        new = self.root / "mail/inbox/new"
        return [p.read_bytes() for p in sorted(new.iterdir())] \
            if new.exists() else []
