"""rspamd (from its Debian package, unpacked into the build directory) with what
it comes with and nothing else: no DNS, no network, no memory of other mail.

Whether a mail is signed, listed or known elsewhere is not asked; how it is
made, is."""

import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import packages, places, process

# Modules that ask others, or remember.
WITHOUT = ("rbl", "spf", "dkim", "dkim_signing", "arc", "dmarc", "asn",
           "fuzzy_check", "phishing", "greylist", "ratelimit", "replies",
           "history_redis", "neural", "reputation", "url_redirector", "mx_check",
           "bayes_expiry", "metadata_exporter", "clickhouse", "elastic",
           "antivirus", "external_services", "dcc", "p0f", "known_senders",
           "hfilter")

OPTIONS = """
dns {{ nameserver = ["127.0.0.1:{nowhere}"]; timeout = 0.1s; retransmits = 1; }}
control_socket = "{directory}/control";
filters = "chartable,regexp";
cache_file = "{directory}/cache";
hs_cache_dir = "{directory}";
lang_detection {{ languages = "{share}/languages"; }}
"""


class Rspamd:
    """with Rspamd() as rspamd: rspamd.symbols(mail, ip=..., ...)"""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="rspamd-"))
        self.port, self.nowhere = places.free_ports(2)
        self.server = None

    def _configure(self, root):
        config = self.directory / "etc"
        shutil.copytree(root / "etc/rspamd", config)
        for name in WITHOUT:
            (config / "local.d" / f"{name}.conf").write_text("enabled = false;\n")
        values = {"directory": self.directory, "port": self.port,
                  "nowhere": self.nowhere,
                  "share": root / "usr/share/rspamd"}
        (config / "local.d/options.inc").write_text(OPTIONS.format(**values))
        for worker in ("controller", "proxy", "fuzzy"):
            (config / "local.d" / f"worker-{worker}.inc").write_text(
                "enabled = false;\n")
        (config / "local.d/worker-normal.inc").write_text(
            f'bind_socket = "127.0.0.1:{self.port}";\ncount = 1;\n')
        (config / "local.d/logging.inc").write_text(
            'type = "console";\nlevel = "warning";\n')
        (config / "statistic.conf").write_text("")
        return config

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        root = packages.unpack("rspamd")
        config = self._configure(root)
        share = root / "usr/share/rspamd"
        variables = {
            "CONFDIR": config, "LOCAL_CONFDIR": config, "RUNDIR": self.directory,
            "DBDIR": self.directory, "LOGDIR": self.directory,
            "SHAREDIR": share, "LUALIBDIR": share / "lualib",
            "RULESDIR": share / "rules", "PLUGINSDIR": share / "plugins",
            "WWWDIR": share / "www", "PREFIX": root / "usr"}
        self.log = open(self.directory / "log", "wb")
        self.server = subprocess.Popen(
            [root / "usr/bin/rspamd", "-f", "-i", "-c", config / "rspamd.conf",
             *(f"--var={n}={v}" for n, v in variables.items())],
            env={**packages.environment(root),
                 "LUA_PATH": f"{share}/lualib/?.lua;{share}/lualib/?/init.lua"},
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            process.wait_until(lambda: process.listens(self.port), 60, "rspamd")
        except TimeoutError as error:
            raise RuntimeError(self.said()) from error

    def said(self):
        return (self.directory / "log").read_text(errors="replace")

    def __exit__(self, *_):
        if self.server:
            process.stop(self.server, 20)
        shutil.rmtree(self.directory, ignore_errors=True)

    def symbols(self, mail, **envelope):
        """{symbol: {"score":, "description":, "options":}} of a mail's bytes;
        envelope: From, Rcpt, IP, Helo, Hostname, as rspamd calls them."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            client.request("POST", "/checkv2", mail, envelope)
            answer = client.getresponse()
            body = answer.read()
            assert answer.status == 200, body
        finally:
            client.close()
        return json.loads(body)["symbols"]
