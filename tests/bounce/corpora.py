"""Bounce mail of other projects, and what `presort bounce` makes of it.

Each score_* function reads one folder of ../shared/corpora and returns a
Score. What the labels are worth stands in each folder's README.
"""

import collections
import json
import pathlib
import subprocess

from kit import places

CORPORA = places.TOP.parent / "shared" / "corpora"
FILES_A_RUN = 500


class Score:
    """Named fractions, and what was missed: (name, file, why)."""

    def __init__(self):
        self.good = collections.Counter()
        self.all = collections.Counter()
        self.misses = []

    def count(self, name, good, file="", why=""):
        self.all[name] += 1
        self.good[name] += bool(good)
        if not good:
            self.misses.append((name, str(file), why))

    def share(self, name):
        return self.good[name] / self.all[name] if self.all[name] else 1.0

    def lines(self):
        return [f"{name} {self.good[name]}/{self.all[name]} "
                f"({100 * self.share(name):.1f} %)" for name in self.all]


def records(folder, name):
    path = CORPORA / folder / name
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read(paths):
    """The report of each file, by its path."""
    reports = {}
    for at in range(0, len(paths), FILES_A_RUN):
        some = [str(p) for p in paths[at:at + FILES_A_RUN]]
        done = subprocess.run([places.PRESORT, "bounce", "--ndjson", *some],
                              check=True, capture_output=True, timeout=120)
        lines = done.stdout.decode("utf-8").splitlines()
        assert len(lines) == len(some)
        for path, line in zip(some, lines):
            reports[path] = json.loads(line)
            assert reports[path]["file"] == path
    return reports


def reports_of(folder, expectations):
    """Pairs of expectation and report."""
    paths = [CORPORA / folder / e["file"] for e in expectations]
    reports = read(paths)
    return [(e, reports[str(p)]) for e, p in zip(expectations, paths)]


def addresses(report):
    return {r["address"].lower() for r in report["recipients"]
            if r["address"]}


# Sisimai's reasons as our categories, by its README.
CATEGORY = {reason: category for category, reasons in {
    "invalid_recipient": "userunknown hasmoved filtered",
    "bad_domain": "hostunknown notaccept",
    "mailbox_full": "mailboxfull",
    "disabled": "suspend",
    "too_big": "mesgtoobig exceedlimit",
    "spam_or_reputation":
        "spamdetected blocked badreputation requireptr virusdetected",
    "auth_or_policy": "authfailure policyviolation securityerror norelaying "
                      "rejected notcompliantrfc contenterror",
    "transient": "expired networkerror systemerror systemfull toomanyconn "
                 "speeding mailererror failedstarttls syntaxerror",
    "other": "onhold undefined",
}.items() for reason in reasons.split()}
# Finer than theirs.
COARSE = {"rate_limited": "transient", "relay_problem": "auth_or_policy"}
KIND = {"feedback": "complaint", "vacation": "auto_reply",
        "delivered": "delivered"}
NOBODY = "undisclosed-recipient-in-headers@libsisimai.org.invalid"


def expected_hard(expected):
    """By their label, but "filtered", which the README maps to a recipient
    that is not there: "user unknown" in words that they don't trust. A set
    of two where their two implementations differ."""
    return {e["hardbounce"] or e["reason"] == "filtered"
            for e in [expected, *expected["alternatives"]]}


def score_sisimai():
    score = Score()
    hard = collections.Counter()
    plain = collections.Counter()
    for e, report in reports_of("bounce-sisimai",
                                records("bounce-sisimai",
                                        "expectations.jsonl")):
        file = pathlib.PurePath(e["file"]).name
        if not e["expect"]:
            # Nobody asserts these; Sisimai's own answer is still one.
            wanted = {x["recipient"].lower() for x in e["engine_output"]}
            score.count("recipients", addresses(report) == wanted, file,
                        f"{addresses(report)}, not {wanted}")
            continue
        reasons = {x["reason"] for x in e["expect"]}
        kinds = {KIND.get(r, "bounce") for r in reasons}
        score.count("complaints" if "feedback" in reasons else "kind",
                    report["kind"] in kinds, file,
                    f"{report['kind']}, not {kinds}")
        wanted = {x["recipient"].lower() for x in e["expect"]
                  if x["recipient"] and x["recipient"] != NOBODY}
        if any(x["recipient"] == NOBODY for x in e["expect"]):
            continue
        got = addresses(report)
        score.count("recipients", got == wanted, file, f"{got}, not {wanted}")
        by_address = {r["address"].lower(): r for r in report["recipients"]
                      if r["address"]}
        for x in e["expect"]:
            r = by_address.get((x["recipient"] or "").lower())
            if x["reason"] in KIND or not x["recipient"]:
                continue
            is_hard = r["hard"] if r else False
            wanted_hard = expected_hard(x)
            wanted_hard = (is_hard if len(wanted_hard) == 2
                           else wanted_hard.pop())
            hard[is_hard, wanted_hard] += 1
            plain[is_hard, x["hardbounce"]] += 1
            if is_hard != wanted_hard:
                score.misses.append(("hard", file,
                    f"{x['reason']}: {r}"))
            allowed = {CATEGORY.get(y["reason"])
                       for y in [x, *x["alternatives"]]}
            got = COARSE.get(r["category"], r["category"]) if r else None
            score.count("category", got in allowed, file,
                        f"{x['reason']}: {r}")
            if x["deliverystatus"] and not x["status_synthetic"]:
                score.count("status", r and r["status"] in {
                    y["deliverystatus"] for y in [x, *x["alternatives"]]},
                    file, f"{r and r['status']}, not {x['deliverystatus']}")
            if x["replycode"]:
                score.count("code", r and str(r["code"]) in {
                    y["replycode"] for y in [x, *x["alternatives"]]},
                    file, f"{r and r['code']}, not {x['replycode']}")
    for name, table in (("hard", hard), ("hard as labelled", plain)):
        found = table[True, True]
        score.good[f"{name}: precision"] = found
        score.all[f"{name}: precision"] = found + table[True, False]
        score.good[f"{name}: recall"] = found
        score.all[f"{name}: recall"] = found + table[False, True]
    return score


def score_flufl():
    score = Score()
    for e, report in reports_of("bounce-flufl",
                                records("bounce-flufl",
                                        "expectations.jsonl")):
        failed = {r["address"].lower() for r in report["recipients"]
                  if r["address"] and r["action"] == "failed"
                  and report["kind"] == "bounce"}
        late = {r["address"].lower() for r in report["recipients"]
                if r["address"] and r["action"] == "delayed"}
        wanted = ({a.lower() for a in e["permanent"]},
                  {a.lower() for a in e["temporary"]})
        score.count("recipients", (failed, late) == wanted, e["file"],
                    f"{failed} {late}, not {wanted}")
    return score


MDSBP = {"user_unknown": {"invalid_recipient", "disabled"},
         "domain_error": {"bad_domain", "relay_problem"},
         "over_quota": {"mailbox_full"},
         "user_disabled": {"disabled", "invalid_recipient"},
         "spam": {"spam_or_reputation", "auth_or_policy", "rate_limited"}}


def score_mdsbp():
    score = Score()
    for e, report in reports_of("bounce-mdsbp",
                                records("bounce-mdsbp",
                                        "expectations.jsonl")):
        bounced = report["kind"] == "bounce" and any(
            r["action"] == "failed" for r in report["recipients"])
        if "is_bounce" in e and "todo_is_bounce" not in e:
            score.count("is_bounce", bounced == e["is_bounce"], e["file"],
                        f"{report['kind']}")
        if "addresses" in e:
            score.count("recipients", addresses(report) ==
                        {a.lower() for a in e["addresses"]}, e["file"],
                        f"{addresses(report)}, not {e['addresses']}")
        if e.get("std_reason") in MDSBP and "todo_std_reason" not in e:
            got = {r["category"] for r in report["recipients"]}
            score.count("reason", got & MDSBP[e["std_reason"]], e["file"],
                        f"{got}, not {e['std_reason']}: " + str(
                            [r["diagnostic"] for r in report["recipients"]]))
        if e.get("smtp_code"):
            got = {str(r["code"]) for r in report["recipients"]}
            score.count("code", str(e["smtp_code"]) in got, e["file"],
                        f"{got}, not {e['smtp_code']}")
    return score


def score_mailbounce():
    score = Score()
    for e, report in reports_of("bounce-mailbounce",
                                records("bounce-mailbounce",
                                        "reports.jsonl")):
        if "recipients" in e:
            score.count("recipients", addresses(report) ==
                        {a.lower() for a in e["recipients"]}, e["file"],
                        f"{addresses(report)}")
        for address in e.get("not_for", ()):
            score.count("recipients", address not in addresses(report),
                        e["file"], address)
        for check in e.get("checks", ()):
            r = [x for x in report["recipients"]
                 if x["address"].lower() == check["recipient"]]
            r = r[0] if r else {"action": "", "hard": False}
            if "failed" in check:
                score.count("checks", check["failed"] ==
                            (r["action"] == "failed"), e["file"], str(check))
            if "permanent_failure" in check:
                score.count("checks", check["permanent_failure"] ==
                            (r["action"] == "failed" and
                             not str(r["status"]).startswith("4")),
                            e["file"], str(check))
    return score


def score_misc():
    score = Score()
    for e, report in reports_of("bounce-misc",
                                records("bounce-misc", "expectations.jsonl")):
        r = [x for x in report["recipients"]
             if x["address"].lower() == e["recipient"].lower()]
        r = r[0] if r else {"action": "", "status": ""}
        score.count("bounced", (r["action"] == "failed") == e["is_bounce"],
                    e["file"], str(r))
        score.count("status", r["status"] == e["status"], e["file"], str(r))
    return score


def score_arf():
    score = Score()
    for e, report in reports_of("arf", records("arf", "expectations.jsonl")):
        parse = e["independent_parse"]
        score.count("complaints", report["kind"] == "complaint", e["file"],
                    report["kind"])
        if e["feedback_type"]:
            score.count("type", report.get("feedback") == e["feedback_type"],
                        e["file"], report.get("feedback"))
        if parse["original_message_id"]:
            score.count("message_id", report.get("message_id", "").strip("<>")
                        == parse["original_message_id"].strip("<>"),
                        e["file"], report.get("message_id"))
        for x in e.get("expect", ()):
            if x["recipient"] and x["recipient"] != NOBODY:
                score.count("recipients", addresses(report) ==
                            {x["recipient"]}, e["file"],
                            f"{addresses(report)}, not {x['recipient']}")
    return score


# The vocabularies of the sources of smtp-replies, as sets of ours.
REPLY = {
    "category": {"blacklist": {"spam_or_reputation", "auth_or_policy"},
                 "spam": {"spam_or_reputation"},
                 "recipient": {"invalid_recipient"},
                 "capacity": {"rate_limited"}},
    "kumo_class": {"QuotaIssues": {"mailbox_full"},
                   "InactiveMailbox": {"disabled"}},
    "mailbounce_category": {
        "invalid": {"invalid_recipient", "bad_domain", "disabled"},
        "full": {"mailbox_full"}, "oversized": {"too_big"},
        "blocked": {"spam_or_reputation", "auth_or_policy", "rate_limited"},
        "unknown": {"other", "auth_or_policy", "transient"}},
    "mdsbp_std_reason": {
        "user_unknown": {"invalid_recipient", "disabled"},
        "domain_error": {"bad_domain"}},
}
REPLY_MAIL = """From: MAILER-DAEMON@mx.example.org
To: b@sender.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; somebody@recipient.example
Action: failed
Diagnostic-Code: smtp; %s

--x--
"""


def score_replies(folder):
    """Each reply line as the diagnostic of a report in folder."""
    score = Score()
    replies = records("smtp-replies", "replies.jsonl")
    paths = []
    for number, e in enumerate(replies):
        paths.append(pathlib.Path(folder) / f"{number}.eml")
        one_line = " ".join(e["reply"].split())
        paths[-1].write_text(REPLY_MAIL % one_line, encoding="utf-8")
    reports = read(paths)
    for e, path in zip(replies, paths):
        r = reports[str(path)]["recipients"][0]
        why = f"{r['category']}: {e['reply'][:120]}"
        if "sisimai_reason" in e:
            wanted = CATEGORY.get(e["sisimai_reason"])
            got = COARSE.get(r["category"], r["category"])
            score.count("sisimai", got == wanted, e["sisimai_reason"], why)
        for key, table in REPLY.items():
            if e.get(key) in table:
                score.count(key, r["category"] in table[e[key]], e[key], why)
        # Whatever it is called: blame of ours never ends in suppression.
        if e.get("category") in ("blacklist", "spam", "capacity") or \
                e.get("sisimai_reason") in BLAMES_US:
            score.count("not held against the recipient", not r["hard"]
                        and r["follow"] != "suppress", "", why)
    return score


BLAMES_US = {"spamdetected", "blocked", "badreputation", "requireptr",
             "virusdetected", "authfailure", "policyviolation", "speeding",
             "toomanyconn"}
