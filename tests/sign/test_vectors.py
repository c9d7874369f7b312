"""Mails that others signed, ../shared/corpora/dkim: what our canonical forms
make of them is what was signed. A verifier stands here only; where a signature
has a relaxed part, that is done by sign/canon (kit/canon_driver)."""

import base64
import collections
import hashlib
import json
import re
import subprocess
import tempfile

import pytest

from kit import places

CORPUS = places.TOP.parent / "shared" / "corpora" / "dkim"
DRIVER = "build/tests/kit/canon_driver"

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="../shared/corpora/dkim is absent: no mails "
    "that others signed here")


@pytest.fixture(scope="module", name="canon")
def canon_fixture():
    subprocess.run(["make", "-s", DRIVER], cwd=places.TOP, check=True,
                   stdout=subprocess.DEVNULL)
    with subprocess.Popen([places.TOP / DRIVER], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as driver:
        def ask(what, data):
            driver.stdin.write(b"%s %d\n" % (what, len(data)) + data)
            driver.stdin.flush()
            return driver.stdout.read(int(driver.stdout.readline()))
        yield ask
        driver.stdin.close()


def vectors():
    found = []
    for name in ("verify.jsonl", "opendkim.jsonl"):
        with open(CORPUS / name, encoding="utf-8") as file:
            found += [json.loads(line) for line in file]
    return [v for v in found if v["protocol"] == "dkim"]


def keys_of(vector):
    where = vector.get("dns_file") or vector["dns"]
    if isinstance(where, dict):
        return where
    text = (CORPUS / where).read_text(encoding="utf-8")
    if where.endswith(".json"):
        return json.loads(text)
    return dict(line.split(None, 1) for line in text.splitlines()
                if line.strip() and not line.startswith("#"))


def tags_of(text):
    found = {}
    for item in text.split(";"):
        name, _, value = item.partition("=")
        found[name.strip()] = re.sub(r"\s+", "", value)
    return found


def split(mail):
    """Its header fields, each with its line ends, and its body."""
    mail = re.sub(rb"\r?\n", b"\r\n", mail)
    head, _, body = mail.partition(b"\r\n\r\n")
    fields = re.findall(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*", head + b"\r\n")
    return fields, body


def name_of(field):
    return field.split(b":")[0].strip().lower().decode("ascii", "replace")


def simple_body(body):
    return re.sub(rb"(\r\n)*$", b"", body) + b"\r\n"


def signed_bytes(canon, fields, own, tags, relaxed):
    """What the signature covers of the header (RFC 6376, 3.7)."""
    left = collections.defaultdict(list)
    for field in fields:
        left[name_of(field)].append(field)
    chosen = []
    for name in tags["h"].lower().split(":"):
        if left[name]:
            chosen.append(left[name].pop())
    own = re.sub(rb"([;:\s]b\s*=)[^;]*", rb"\1", own.rstrip(b"\r\n"))
    made = [canon(b"h", f) if relaxed else f for f in [*chosen, own]]
    return b"".join(made[:-1]) + made[-1].rstrip(b"\r\n")


def verifies(canon, fields, body, own, keys):
    tags = tags_of(own.split(b":", 1)[1].decode("utf-8", "replace"))
    header, _, body_way = tags.get("c", "simple/simple").partition("/")
    relaxed = header == "relaxed", body_way == "relaxed"
    if not any(relaxed) or "bh" not in tags:
        return None
    digest = "sha1" if tags["a"].endswith("sha1") else "sha256"
    text = canon(b"b", body) if relaxed[1] else simple_body(body)
    if "l" in tags:
        text = text[:int(tags["l"])]
    if base64.b64encode(hashlib.new(digest, text).digest()).decode() \
            != tags["bh"]:
        return False
    record = keys.get(f"{tags['s']}._domainkey.{tags['d']}")
    if not record:
        return None
    data = signed_bytes(canon, fields, own, tags, relaxed[0])
    return rsa(digest, tags_of(record)["p"], tags["b"], data)


def rsa(digest, key, signature, data):
    with tempfile.NamedTemporaryFile("w") as pem, \
            tempfile.NamedTemporaryFile() as sign:
        pem.write("-----BEGIN PUBLIC KEY-----\n" + "\n".join(
            key[i:i + 64] for i in range(0, len(key), 64)) +
            "\n-----END PUBLIC KEY-----\n")
        pem.flush()
        sign.write(base64.b64decode(signature + "=="))
        sign.flush()
        return subprocess.run(
            ["openssl", "dgst", f"-{digest}", "-verify", pem.name,
             "-signature", sign.name], input=data,
            capture_output=True).returncode == 0


def outcomes(canon, vector):
    fields, body = split((CORPUS / vector["file"]).read_bytes())
    own = [f for f in fields if name_of(f) == "dkim-signature"]
    return [verifies(canon, fields, body, f, keys_of(vector)) for f in own]


def test_what_others_signed_verifies(canon):
    tried, wrong = 0, []
    for vector in vectors():
        name = vector["file"].split("/", 1)[1]
        found = outcomes(canon, vector)
        if vector["expected"] == "pass" and any(f is not None for f in found):
            tried += 1
            if True not in found:
                wrong.append((name, found))
        if vector["expected"] == "fail" and True in found:
            wrong.append((name, found))
    assert not wrong
    assert tried >= 16


def test_a_changed_letter_does_not(canon):
    """The verifier above is no yes-man."""
    for vector in vectors():
        if vector["expected"] != "pass" or True not in outcomes(canon, vector):
            continue
        fields, body = split((CORPUS / vector["file"]).read_bytes())
        for field in fields:
            if name_of(field) != "dkim-signature":
                continue
            tags = tags_of(field.decode().split(":", 1)[1])
            if "l" not in tags:
                assert not verifies(canon, fields, body + b"x\r\n", field,
                                    keys_of(vector))
            turned = [f.replace(b"e", b"a") if name_of(f) == "from" else f
                      for f in fields]
            if turned != fields:
                assert not verifies(canon, turned, body, field,
                                    keys_of(vector))
