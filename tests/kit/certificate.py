"""Certificates that sign themselves, so that they are their own CA; and some
that one signs."""

import hashlib
import subprocess


def _make(directory, name, *more):
    path = directory / f"{name}.pem"
    key = directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout",
         key, "-out", path, *more], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


def make(directory, name):
    """A file with a key and a certificate for that name."""
    return _make(directory, name)


def make_ca(directory, name):
    """A file with a key and a certificate that signs others'."""
    return _make(directory, name, "-addext",
                 "basicConstraints=critical,CA:TRUE")


def make_by(ca, directory, name):
    """As make, but signed by a file of make_ca's, whose certificate follows."""
    path = _make(directory, name, "-CA", ca, "-CAkey", ca)
    path.write_text(path.read_text() + ca.read_text())
    return path


def digest(path):
    """Of the public key, as TLSA 3 1 1 has it."""
    pem = subprocess.run(["openssl", "x509", "-in", path, "-pubkey", "-noout"],
                         check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                         input=pem, check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()
