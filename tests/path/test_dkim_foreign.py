"""Signatures of 1,000 varied mails, verified by dkimpy, Mail::DKIM and
OpenDKIM: by RSA, by Ed25519 and by both."""

import random
import re
import subprocess

import dkim
import pytest

from kit import packages
from test_mime_readback import ROOT, build, mail_of, undot

DRIVER = "build/tests/kit/dkim_driver"
MAILS = 1000
KEYS = [("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("ed25519", ["-algorithm", "ED25519"])]
# Debian's has no Ed25519: such a signature must not spoil the other.
MAIL_DKIM_SAYS = ["pass", "invalid"]


def keys_of(number):
    """The selectors that sign this mail: see dkim_driver.c."""
    return [k for k in range(len(KEYS)) if (1 + number % 3) >> k & 1]


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A directory of N.mail, and the records {name: text}."""
    where = tmp_path_factory.mktemp("dkim")
    rng = random.Random(6376)
    build(where, [mail_of(rng, number)[0] for number in range(MAILS)])
    subprocess.run(["make", "-s", DRIVER], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    for name, options in KEYS:
        subprocess.run(["openssl", "genpkey", *options, "-out",
                        where / f"{name}.pem"], check=True,
                       stderr=subprocess.DEVNULL)
    said = subprocess.run(
        [ROOT / DRIVER, where, str(MAILS),
         *(where / f"{name}.pem" for name, _ in KEYS)],
        check=True, capture_output=True, text=True).stdout
    for number in range(MAILS):
        wire = (where / f"{number}.signed").read_bytes()
        (where / f"{number}.mail").write_bytes(undot(wire))
    records = {f"s{k}._domainkey.example.com": record
               for k, record in enumerate(said.splitlines())}
    return where, records


def test_dkimpy(signed):
    where, records = signed

    def dns(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode()

    for number in range(MAILS):
        mail = (where / f"{number}.mail").read_bytes()
        for index, _ in enumerate(keys_of(number)):
            assert dkim.DKIM(mail).verify(idx=index, dnsfunc=dns), number


def test_mail_dkim(signed):
    where, records = signed
    answers = where / "records"
    answers.write_text("".join(f"{n} {t}\n" for n, t in records.items()))
    said = subprocess.run(
        ["perl", ROOT / "tests/kit/dkim_verify.pl", answers,
         *(where / f"{n}.mail" for n in range(MAILS))],
        check=True, capture_output=True, text=True).stdout.splitlines()
    for number, line in enumerate(said):
        assert line.split() == [MAIL_DKIM_SAYS[k] for k in keys_of(number)]
    assert len(said) == MAILS


def test_opendkim(signed):
    where, records = signed
    root = packages.unpack("opendkim")
    (where / "public").write_text(
        "".join(f"{n} {t}\n" for n, t in records.items()))
    (where / "opendkim.conf").write_text("Mode v\nTestPublicKeys public\n")
    said = subprocess.run(
        [root / "usr/sbin/opendkim", "-x", "opendkim.conf", "-vv", "-t",
         ",".join(f"{n}.mail" for n in range(MAILS))],
        cwd=where, env=packages.environment(root), check=True,
        capture_output=True, text=True).stdout
    results = said.split("### INSHEADER")[1:]
    for number, result in enumerate(results):
        passed = re.findall(r"dkim=pass [^;]* header\.s=(s\d)", result)
        assert passed == [f"s{k}" for k in keys_of(number)], result
    assert len(results) == MAILS


def test_a_changed_mail_fails(signed):
    """What verifies here would not verify anything."""
    where, records = signed
    mail = (where / "2.mail").read_bytes().replace(b"Subject: ", b"Subject: x", 1)

    def dns(name, timeout=5):
        return records[name.decode().rstrip(".")].encode()

    assert not dkim.DKIM(mail).verify(dnsfunc=dns)
