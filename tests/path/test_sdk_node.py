"""The official Node SDK (npm: resend) talks to Presort with only the base URL
changed; and what it was seen to send is answered as it expects."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from kit import places
from kit.api import Api

VERSION = "6.38.0"
SCRIPT = pathlib.Path(__file__).with_name("sdk_node.cjs")
WIRE = pathlib.Path(__file__).with_name("sdk_node_wire.jsonl")


@pytest.fixture(scope="module", name="api")
def api_fixture():
    with Api() as api:
        yield api


def install():
    """The SDK in the build directory, from the registry that npm is set to."""
    where = places.BUILD / "node"
    package = where / "node_modules" / "resend" / "package.json"
    if not package.exists() or \
            json.loads(package.read_text())["version"] != VERSION:
        where.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", where, "--no-save",
                        "--no-audit", "--no-fund", f"resend@{VERSION}"],
                       check=True, capture_output=True, text=True)
    return where / "node_modules"


@pytest.fixture(scope="module", name="steps")
def steps_fixture(api):
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"no {program} here: the SDK was not tried")
    run = subprocess.run(
        ["node", SCRIPT], capture_output=True, text=True, timeout=120, env={
            **os.environ, "NODE_PATH": str(install()),
            "RESEND_API_KEY": api.key,
            "RESEND_BASE_URL": f"http://127.0.0.1:{api.port}"})
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def done(steps, name):
    step = steps[name]
    assert step["error"] is None, step
    assert step["limit"] is not None
    return step["data"]


def refused(steps, name, status, error):
    step = steps[name]
    assert step["data"] is None, step
    assert step["error"]["statusCode"] == status, step
    assert step["error"]["name"] == error, step


def test_sends_and_reads(steps):
    name = done(steps, "send")["id"]
    assert done(steps, "send again")["id"] == name
    refused(steps, "send other", 409, "invalid_idempotent_request")
    found = done(steps, "get")
    assert found["id"] == name and found["object"] == "email"
    assert found["to"] == ["b@x.test"] and found["cc"] == ["c@x.test"]
    assert found["reply_to"] == ["r@x.test"]
    assert found["last_event"] == "queued"
    assert found["tags"] == [{"name": "category", "value": "c1"}]


def test_attachments(api, steps):
    name = done(steps, "attachments")["id"]
    (stored,), = api.sql("SELECT content->'attachments' FROM email"
                         " WHERE content->'attachments' IS NOT NULL")
    assert name and json.loads(stored) == [
        {"content": "aGVsbG8=", "filename": "a.txt"},
        {"content": "aGVsbG8=", "filename": "b.txt"},
        {"content": "iVA=", "filename": "i.png", "content_type": "image/png",
         "content_id": "img1"}]
    refused(steps, "attachment by URL", 422, "invalid_attachment")


def test_batches_and_lists(steps):
    assert len(done(steps, "batch")["data"]) == 2
    mixed = done(steps, "batch permissive")
    assert len(mixed["data"]) == 1 and mixed["errors"][0]["index"] == 1
    refused(steps, "batch strict", 422, "validation_error")
    page = done(steps, "list")
    assert page["object"] == "list" and page["has_more"] is True
    older = done(steps, "list after")["data"]
    assert len(older) == 2
    assert not {e["id"] for e in older} & {e["id"] for e in page["data"]}


def test_schedules_moves_and_cancels(steps):
    name = done(steps, "schedule")["id"]
    assert done(steps, "reschedule")["id"] == name
    found = done(steps, "get scheduled")
    assert found["last_event"] == "scheduled"
    assert found["scheduled_at"] == "2030-01-01T00:00:00.000Z"
    assert done(steps, "cancel")["id"] == name
    assert done(steps, "get cancelled")["last_event"] == "canceled"
    refused(steps, "cancel again", 422, "validation_error")


def test_keys(steps):
    key = done(steps, "key")
    assert key["token"].startswith("re_")
    assert key["id"] in {k["id"] for k in done(steps, "keys")["data"]}
    assert steps["key removed"]["error"] is None
    refused(steps, "key unknown", 404, "not_found")


def test_templates(steps):
    name = done(steps, "template")["id"]
    refused(steps, "template unpublished", 422, "validation_error")
    assert done(steps, "template published")["id"] == name
    found = done(steps, "template got")
    assert (found["id"], found["status"], found["subject"]) == \
        (name, "published", "Order")
    assert [(v["key"], v["type"], v["fallback_value"])
            for v in found["variables"]] == [("PRODUCT", "string", "item"),
                                             ("PRICE", "number", None)]
    assert [t["id"] for t in done(steps, "templates")["data"]] == [name]
    assert done(steps, "template sent")["id"]
    found = done(steps, "template's email")
    assert (found["subject"], found["html"]) == ("Order", "<p>item: 499</p>")
    refused(steps, "template lacking", 422, "validation_error")
    assert done(steps, "template updated")["id"] == name
    copy = done(steps, "template copied")["id"]
    assert copy != name
    assert done(steps, "template removed")["deleted"] is True
    refused(steps, "template gone", 404, "not_found")


def test_errors_are_errors(steps):
    refused(steps, "invalid", 422, "invalid_from_address")
    refused(steps, "missing", 404, "not_found")
    refused(steps, "stranger", 403, "invalid_api_key")


# Requests as the SDK was seen to send them: what we answer.
ANSWERS = {
    "emails.send": (200, None),
    "emails.send(attachments Buffer+base64+path)": (422, "invalid_attachment"),
    "emails.send(template)": (422, "validation_error"),
    "templates.create": (201, None),
    "templates.get": (200, None),
    "templates.list": (200, None),
    "templates.update": (200, None),
    "templates.publish": (200, None),
    "templates.duplicate": (200, None),
    "templates.remove": (200, None),
    "emails.get": (200, None),
    "emails.list": (200, None),
    "emails.update": (200, None),
    "emails.cancel": (200, None),
    "batch.send strict": (200, None),
    "batch.send permissive": (200, None),
    "apiKeys.create": (201, None),
    "apiKeys.list": (200, None),
    "apiKeys.remove": (404, "not_found"),
}


def captured():
    with open(WIRE, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_every_captured_call_is_judged():
    assert {c["call"] for c in captured()} == set(ANSWERS)


@pytest.mark.parametrize("call", captured(), ids=lambda c: c["call"])
def test_captured_requests(api, call):
    email = {"from": "a@acme.test", "to": "b@x.test", "subject": "hi",
             "text": "x", "scheduled_at": "in 1 hour"}
    name = api.post("/emails", email).json["id"]
    # The steps above use the same keys, and a template of the same name.
    api.sql("DELETE FROM idempotency")
    api.sql("DELETE FROM template")
    if call["call"] != "templates.create":
        api.post("/templates", {"name": "t", "alias": "t-1", "html": "x"})
    path = call["path"]
    if path.startswith("/emails"):
        path = path.replace("4ef9a417-02e9-4d39-ad75-9611e0fcc33c", name)
    headers = {n: v for n, v in call["headers"].items()
               if n not in ("authorization", "content-length")}
    answer = api.call(call["method"], path, call["body"].encode(),
                      headers=headers)
    status, error = ANSWERS[call["call"]]
    assert answer.status == status, answer.raw
    assert answer.json.get("name" if error else "statusCode") == error
