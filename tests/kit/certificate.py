"""Certificates that sign themselves, so that they are their own CA."""

import hashlib
import subprocess


def make(directory, name):
    """A file with a key and a certificate for that name."""
    path = directory / f"{name}.pem"
    key = directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout",
         key, "-out", path], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


def digest(path):
    """Of the public key, as TLSA 3 1 1 has it."""
    pem = subprocess.run(["openssl", "x509", "-in", path, "-pubkey", "-noout"],
                         check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                         input=pem, check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()
