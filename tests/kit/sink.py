"""`presort sink` for a story: start it, ask it, read what it kept."""

import collections
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.request

from . import places, process

Line = collections.namedtuple("Line", "time_ms sender recipient bytes deed")
Message = collections.namedtuple(
    "Message", "sender recipient content mail_parameters rcpt_parameters")

_ENVELOPE = re.compile(rb"Return-Path: <([^\r\n]*)>\r\n"
                       rb"X-Original-To: ([^\r\n]*)\r\n"
                       rb"Delivered-To: [^\r\n]*\r\n"
                       rb"(?:X-Mail-Parameters: ([^\r\n]*)\r\n)?"
                       rb"(?:X-Rcpt-Parameters: ([^\r\n]*)\r\n)?")


class Sink:
    """with Sink("--defer", "*@slow.example") as sink: ... sink.port"""

    def __init__(self, *options, port=0, address="127.0.0.1", maildir=False,
                 bare=False):
        """bare: it keeps no log and counts no copies, to be as fast as can
        be."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sink-"))
        self.log = self.directory / "log"
        self.maildir = self.directory / "mail"
        self.port = port
        self.address = address
        self.options = [*options]
        if not bare:
            self.options += ["--track", "--log", self.log]
        if maildir:
            self.options += ["--maildir", self.maildir]
        self.process = self.stats_port = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, *more):
        """Also after stop, then on the same port; log and mail stay."""
        self.process = subprocess.Popen(
            [places.PRESORT, "sink", "--listen",
             f"{self.address}:{self.port}",
             "--stats", "127.0.0.1:0", *self.options, *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.stats_port = self._port_said("stats")
        self.port = self._port_said("listening")

    def _port_said(self, what):
        line = self.process.stdout.readline()
        if not line.startswith(what):
            raise RuntimeError(f"the sink said {line!r}")
        return int(line.rpartition(":")[2])

    def stop(self):
        if self.process:
            status = process.stop(self.process, 10)
            self.process.stdout.close()
            self.process = None
            if status != 0:
                raise RuntimeError(f"the sink left with status {status}")

    def _get(self, path):
        url = f"http://127.0.0.1:{self.stats_port}{path}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)

    def totals(self):
        return self._get("/")

    def copies(self):
        """{recipient: copies accepted}"""
        return self._get("/recipients")

    def lines(self):
        """The log: what became of each recipient, in order."""
        found = []
        for text in self.log.read_text(encoding="utf-8").splitlines():
            time_ms, sender, recipient, size, deed = text.split("\t")
            found.append(Line(int(time_ms), sender, recipient, int(size), deed))
        return found

    def deeds(self, recipient):
        """What became of one recipient's mail, attempt by attempt."""
        return [line.deed for line in self.lines()
                if line.recipient == recipient]

    def messages(self):
        """The messages kept, in the order in which they came."""
        found = []
        paths = (self.maildir / "new").iterdir()
        for path in sorted(paths, key=lambda p: int(p.name.split("Q")[1][:-5])):
            content = path.read_bytes()
            envelope = _ENVELOPE.match(content)
            found.append(Message(envelope[1].decode(), envelope[2].decode(),
                                 content[envelope.end():],
                                 (envelope[3] or b"").decode(),
                                 (envelope[4] or b"").decode()))
        return found
