"""A name server on loopback (knot, from its Debian package, unpacked into the
build directory) with the zones that a story needs; signed if asked for."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from . import packages, places, process

CONFIG = """\
server:
    rundir: {directory}
    listen: 127.0.0.1@{port}
    identity: ""
log:
  - target: stderr
    any: warning
database:
    storage: {directory}
template:
  - id: default
    storage: {directory}
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
{signing}zone:
  - domain: .
{others}"""


SIGNING = """\
    dnssec-signing: on
    dnssec-policy: one
"""
POLICY = """\
policy:
  - id: one
    algorithm: ecdsap256sha256
    single-type-signing: on
"""


class Dns:
    """with Dns({"a.example": ["MX 10 mx.a.example.", "..."]}) as dns: ...

    Names are absolute, without the final dot; their records are written as in
    a zone file. Whatever has no name here does not exist. dns.settings are
    for kit.presort: who to ask."""

    def __init__(self, names, signed=False, failing=(), unsigned=None,
                 forged=(), ttl_seconds=60):
        """signed: all of it, and the settings know the key; but for the zones
        of unsigned: {"b.example": names in it}. failing: names that are
        answered with SERVFAIL, and all below them. forged: ("a.example",
        "MX") whose signatures, in the signed zone, are wrong."""
        self.names = dict(names)
        self.ttl_seconds = ttl_seconds
        self.failing = list(failing)
        self.unsigned = unsigned or {}
        self.forged = list(forged)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dns-"))
        self.directory.chmod(0o755)  # the anchor is for all
        self.port = places.free_ports(1)[0]
        self.settings = {"dns_servers": f"127.0.0.1@{self.port}",
                         "dns_trust_anchor_file": "/dev/null"}
        self.server = self.serial = None
        self.signed = signed
        if signed:
            self.settings["dns_trust_anchor_file"] = self.directory / "anchor"

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.server:
            process.stop(self.server, 10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write_zone(self):
        self.serial = (self.serial or 0) + 1
        head = [f"$TTL {self.ttl_seconds}",
                f"@ SOA ns. root. {self.serial} 1000 1000 1000 "
                f"{min(5, self.ttl_seconds)}",
                "@ NS ns."]
        lines = ["ns. A 127.0.0.1", *(f"{z}. NS ns." for z in self.unsigned)]
        for zone, names, more in [("", self.names, lines),
                                  *((z, n, []) for z, n in
                                    self.unsigned.items())]:
            text = head + more + [f"{name}. {record}"
                                  for name, records in names.items()
                                  for record in records]
            (self.directory / f"{zone}.zone").write_text("\n".join(text) + "\n")

    def _start(self):
        self._write_zone()
        self._serve(self.signed)
        if self.forged:
            self._forge()
            process.stop(self.server, 10)
            self._serve(False)

    def _serve(self, signs):
        """signs: the zone's file is not signed yet."""
        root = packages.unpack("knot")
        config = self.directory / "knot.conf"
        text = CONFIG.format(directory=self.directory, port=self.port,
                             signing=SIGNING if signs else "",
                             # Those that fail have no file.
                             others="".join(
                                 f"  - domain: {name}\n    dnssec-signing: off\n"
                                 for name in [*self.failing, *self.unsigned]))
        if signs:
            text = text.replace("template:", POLICY + "template:")
        config.write_text(text)
        self.log = open(self.directory / "log", "wb")
        self.server = subprocess.Popen(
            [root / "usr/sbin/knotd", "-c", config],
            env=packages.environment(root), stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)
        try:
            process.wait_until(lambda: process.listens(self.port), 20, "knot")
        except TimeoutError as error:
            raise RuntimeError((self.directory / "log").read_text()) from error
        if signs:
            self._write_anchor(root, config)

    def _write_anchor(self, root, config):
        def key():
            run = subprocess.run(
                [root / "usr/sbin/keymgr", "-c", config, ".", "dnskey"],
                env=packages.environment(root), capture_output=True, text=True)
            return run.stdout
        process.wait_until(lambda: "DNSKEY" in key(), 20, "a key of the zone")
        (self.directory / "anchor").write_text(key())

    def _forge(self):
        """The signed zone in place of the other, with another signature of the
        same form where it is to be wrong."""
        root, out = packages.unpack("knot"), self.directory / "signed"
        out.mkdir(exist_ok=True)
        subprocess.run(
            [root / "usr/sbin/knotc", "-c", self.directory / "knot.conf", "-b",
             "-f", "zone-flush", ".", "+outdir", out],
            env=packages.environment(root), check=True, capture_output=True)
        text = (out / ".zone").read_text()
        for name, kind in self.forged:
            text, n = re.subn(
                rf"(?m)^({re.escape(name)}\.\s.*\sRRSIG\s+{kind}\s.*\s)"
                r"(\S{40})(\S{40,})$", r"\g<1>\g<3>\g<2>", text)
            if n != 1:
                raise RuntimeError(f"{n} signatures of {name} {kind}:\n{text}")
        (self.directory / ".zone").write_text(text)

    def publish(self, names, failing=()):
        """Other names in place of these. What was answered before is known
        for ttl_seconds, what there was not, for five at most."""
        self.names = dict(names)
        self.failing = list(failing)
        process.stop(self.server, 10)
        self._start()
