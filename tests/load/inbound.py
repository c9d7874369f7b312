"""What bounces cost that come back by mail, read and settled.

inbound_settled  bounces a second: read, and committed with all that follows
                 (report, suppression, totals), by presort-inbound and the
                 session of the database that works for it
"""

import subprocess
import time

from kit import process
from kit.presort import Presort
from kit.sink import Sink

MAILS = 20000

# As Postfix writes it, about 3 KB.
BOUNCE = """\
Return-Path: <>
Delivered-To: {path}
Received: by mx.example (Postfix) id {number:012d}; Mon, 2 Nov 2026 10:00:00
 +0000 (UTC)
Date: Mon, 2 Nov 2026 10:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {path}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="{number:012d}.1/mx.example"
Message-Id: <{number:012d}@mx.example>

This is a MIME-encapsulated message.

--{number:012d}.1/mx.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<{to}>: host mail.there.example[192.0.2.7] said: 550 5.1.1 <{to}>: Recipient
    address rejected: User unknown in virtual mailbox table (in reply to RCPT
    TO command)

--{number:012d}.1/mx.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Sender: rfc822; {path}
Arrival-Date: Mon, 2 Nov 2026 09:59:00 +0000 (UTC)

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.there.example
Diagnostic-Code: smtp; 550 5.1.1 <{to}>: Recipient address rejected: User
    unknown in virtual mailbox table

--{number:012d}.1/mx.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: News <news@source.example>
To: {to}
Subject: Hello
MIME-Version: 1.0
Content-Type: text/plain

{text}
--{number:012d}.1/mx.example--
"""


def store(presort, lines):
    text = "\n".join(["A line of the mail that came back, of usual length."]
                     * 20)
    rows = (BOUNCE.format(path=line.sender, to=line.recipient, number=number,
                          text=text).encode().hex()
            for number, line in enumerate(lines))
    where = f"host={presort.state}/run user=presort dbname=presort"
    subprocess.run(
        ["psql", "-Xq", "-d", where, "-c", "COPY inbound_post (raw) FROM STDIN"],
        input="".join(f"\\\\x{row}\n" for row in rows), text=True, check=True)


def run(say):
    with Sink() as sink, Presort(sink.port, workers=1, log_level="warn",
                                 return_path_domain="b.example") as presort:
        campaign = presort.new_campaign(
            [f"u{i}@here{i % 50}.example" for i in range(MAILS)])
        presort.send(campaign)
        presort.wait_for(campaign, 120)
        [inbound] = presort.pids("presort-inbound")
        process.kill(inbound, 19)
        store(presort, sink.lines())
        presort.sql("ANALYZE")
        say(f"settling {MAILS} bounces")
        [[session]] = presort.sql(
            "SELECT pid FROM pg_stat_activity "
            "WHERE application_name = 'presort-inbound' "
            "ORDER BY backend_start LIMIT 1")
        before = process.cpu_seconds(inbound), process.cpu_seconds(session)
        started = time.monotonic()
        process.kill(inbound, 18)
        while presort.sql("SELECT EXISTS (SELECT FROM inbound_post)")[0][0] \
                == "t":
            time.sleep(0.02)
        took = time.monotonic() - started
        reading, settling = (process.cpu_seconds(pid) - was for pid, was in
                             zip((inbound, session), before))
        settled = int(presort.sql("SELECT count(*) FROM report WHERE hard")
                      [0][0])
        if settled != MAILS:
            raise RuntimeError(f"{settled} of {MAILS} settled")
    return {"inbound_settled": MAILS / took,
            "inbound_settled_one_core": MAILS / (reading + settling),
            "inbound_us_reading": 1e6 * reading / MAILS,
            "inbound_us_settling": 1e6 * settling / MAILS}
