/*
 * tests/smtp/talks - conversations of an SMTP session, as test_session plays
 * them. A talk is its whole transcript; the lines that are not ours to check
 * are played, the others must come out of it just so.
 *
 *     S: text    the server says it; lines in a row come as one read
 *     M1         the session is given mail 1 (of mails[] in test_session)
 *     Q  L  T  O quit; lost by the server, by a timeout, by the owner
 *     H  P 3     take no more of what is said; take 3 bytes of it; "F" all
 *     C: text    we have said this line
 *     R1: ...    the result of mail 1
 *     W words    STARTTLS: may, must; login; secure: by TLS from the start
 *     Z          the TLS handshake is done
 *     E: step    what the session waits for at the end, and why it ended
 */
#ifndef TESTS_SMTP_TALKS_H
#define TESTS_SMTP_TALKS_H

#define HELLO "S: 220 hi\nC: EHLO me.example\n"
#define PLAIN HELLO "S: 250 mx\n"
#define PIPED HELLO "S: 250-mx\nS: 250 PIPELINING\n"
#define SAY_1 "C: MAIL FROM:<a@x>\nC: RCPT TO:<b@y>\nC: DATA\n"
#define SAY_2 "C: MAIL FROM:<a@x>\nC: RCPT TO:<c@y>\nC: DATA\n"
#define TAKEN "S: 250 ok\nS: 250 ok\nS: 354 go\n"
/* Up to the body of mail 1, with mail 2 right behind it. */
#define BOTH PIPED "M1\n" SAY_1 TAKEN "C: Hi\nC: .\nM2\n" SAY_2
#define TO_MAIL PLAIN "M1\nC: MAIL FROM:<a@x>\n"
#define TO_RCPT TO_MAIL "S: 250 ok\nC: RCPT TO:<b@y>\n"
#define TO_DATA TO_RCPT "S: 250 ok\nC: DATA\n"
#define TO_BODY TO_DATA "S: 354 go\nC: Hi\nC: .\n"
#define RESET "C: RSET\nS: 250 ok\n"
#define KEPT_1 "R1: delivered recipient 250 - end of data: kept\n"

#define SIZED HELLO "S: 250-mx\nS: 250 SIZE\n"
#define TO_SIZE SIZED "M1\nC: MAIL FROM:<a@x> SIZE=4\n"
#define SIZED_PIPED HELLO "S: 250-mx\nS: 250-SIZE\nS: 250 PIPELINING\n"
#define SAY_SIZE "C: MAIL FROM:<a@x> SIZE=4\nC: RCPT TO:<b@y>\nC: DATA\n"

#define EIGHT HELLO "S: 250-mx\nS: 250 8BITMIME\n"
#define SAY_9 "C: MAIL FROM:<a@x> BODY=8BITMIME\n"

struct talk {
    const char *name, *talk;
};

static const struct talk talks[] = {
    {"delivered", TO_BODY "S: 250 kept\n" KEPT_1 "E: idle\n"},
    {"delivered, enhanced status",
     TO_BODY "S: 250 2.6.0 kept\n"
             "R1: delivered recipient 250 2.6.0 end of data: kept\nE: idle\n"},
    {"delivered, pipelined",
     PIPED "M1\n" SAY_1 TAKEN "C: Hi\nC: .\nS: 250 kept\n" KEPT_1 "E: idle\n"},
    {"two, one after the other",
     TO_BODY "S: 250 kept\n" KEPT_1
             "M2\nC: MAIL FROM:<a@x>\nS: 250 ok\nC: RCPT TO:<c@y>\nS: 250 ok\n"
             "C: DATA\nS: 354 go\nC: Ho\nC: .\nS: 250 two\n"
             "R2: delivered recipient 250 - end of data: two\nE: idle\n"},
    {"two, back to back",
     BOTH "S: 250 kept\nS: 250 ok\nS: 250 ok\nS: 354 go\n" KEPT_1
          "C: Ho\nC: .\nS: 250 two\n"
          "R2: delivered recipient 250 - end of data: two\nE: idle\n"},
    {"three, back to back",
     BOTH "S: 250 kept\nS: 250 ok\nS: 250 ok\nS: 354 go\n" KEPT_1
          "C: Ho\nC: .\nM1\n" SAY_1 "S: 250 two\n" TAKEN
          "R2: delivered recipient 250 - end of data: two\n"
          "C: Hi\nC: .\nS: 250 kept\n" KEPT_1 "E: idle\n"},
    {"quit", PLAIN "Q\nC: QUIT\nS: 221 bye\nE: over\n"},
    {"quit before the greeting", "Q\n" PLAIN "C: QUIT\nS: 221 bye\nE: over\n"},
    {"quit finishes what is under way",
     BOTH "Q\nS: 250 kept\nS: 250 ok\nS: 250 ok\nS: 354 go\n" KEPT_1
          "C: Ho\nC: .\nS: 250 two\n"
          "R2: delivered recipient 250 - end of data: two\n"
          "C: QUIT\nS: 221 bye\nE: over\n"},
    {"quit waits for the body's answer",
     PIPED "M1\n" SAY_1 TAKEN "C: Hi\nC: .\nQ\nS: 250 kept\n" KEPT_1
           "C: QUIT\nS: 221 bye\nE: over\n"},
    {"quit, then hung up", PLAIN "Q\nC: QUIT\nL\nE: over\n"},
    {"quit, then 421", PLAIN "Q\nC: QUIT\nS: 421 bye\nE: over\n"},

    /* The greeting, EHLO and HELO. */
    {"greeting refused", "S: 554 5.7.1 go away\nC: QUIT\nS: 221 bye\n"
                         "E: over: greeting: 554 5.7.1 go away (554)\n"},
    {"greeting says 421",
     "S: 421-busy\nS: 421 later\nE: over: greeting: 421 busy later (421)\n"},
    {"greeting is no SMTP", "S: SSH-2.0\n"
                            "E: over: reply code is not 200 to 599 at "
                            "greeting\n"},
    {"no greeting", "T\nE: over: timeout\n"},
    {"EHLO deferred", HELLO "S: 451 later\nC: QUIT\nS: 221 bye\n"
                            "E: over: EHLO: 451 later (451)\n"},
    {"HELO instead", HELLO "S: 502 what\nC: HELO me.example\nS: 250 mx\n"
                           "M1\nC: MAIL FROM:<a@x>\nE: MAIL FROM\n"},
    {"HELO refused too", HELLO "S: 502 what\nC: HELO me.example\nS: 550 no\n"
                               "C: QUIT\nL\nE: over: HELO: 550 no (550)\n"},
    {"EHLO says 421", HELLO "S: 421 bye\nE: over: EHLO: 421 bye (421)\n"},

    /* What EHLO offered, put to use. */
    {"size and 8BITMIME",
     HELLO "S: 250-mx\nS: 250-size 1000\nS: 250 8bitmime\n"
           "M1\nC: MAIL FROM:<a@x> SIZE=4\nL\n"
           "R1: deferred host 0 - MAIL FROM: lost\nE: over: lost\n"},
    {"8-bit body",
     HELLO "S: 250-mx\nS: 250-SIZE\nS: 250 8BITMIME\n"
           "M3\nC: MAIL FROM:<> SIZE=4 BODY=8BITMIME\nE: MAIL FROM\n"},
    {"8-bit body, not offered", PLAIN "M3\nC: MAIL FROM:<>\nE: MAIL FROM\n"},
    {"too large here",
     HELLO "S: 250-mx\nS: 250 SIZE 3\nM1\n"
           "R1: bounced message 0 5.3.4 MAIL FROM: "
           "4 bytes are more than the server takes (3)\nE: idle\n"},
    {"just small enough", HELLO "S: 250-mx\nS: 250 SIZE 4\nM1\n"
                                "C: MAIL FROM:<a@x> SIZE=4\nE: MAIL FROM\n"},
    {"SIZE 0 is no limit", HELLO "S: 250-mx\nS: 250 SIZE 0\nM1\n"
                                 "C: MAIL FROM:<a@x> SIZE=4\nE: MAIL FROM\n"},
    {"address beyond ASCII",
     HELLO "S: 250-mx\nS: 250 SMTPUTF8\n"
           "M4\nC: MAIL FROM:<a@x> SMTPUTF8\nE: MAIL FROM\n"},
    {"address beyond ASCII, not offered",
     PLAIN "M4\nR4: bounced recipient 0 5.6.7 MAIL FROM: "
           "the server takes no address beyond ASCII (SMTPUTF8)\nE: idle\n"},
    {"header beyond ASCII",
     HELLO "S: 250-mx\nS: 250-8BITMIME\nS: 250 SMTPUTF8\n"
           "M14\nC: MAIL FROM:<a@x> BODY=8BITMIME SMTPUTF8\nE: MAIL FROM\n"},
    {"header beyond ASCII, not offered",
     EIGHT "M14\nR14: bounced message 0 5.6.7 MAIL FROM: the header has an "
           "address beyond ASCII, which the server does not take (SMTPUTF8)\n"
           "E: idle\n"},
    {"recipient with CRLF",
     PLAIN "M5\nR5: bounced recipient 0 5.1.3 RCPT TO: "
           "the recipient's address is not fit for SMTP\nE: idle\n"},
    {"sender with a parameter",
     PLAIN "M6\nR6: bounced message 0 5.1.7 MAIL FROM: "
           "the sender's address is not fit for SMTP\nE: idle\n"},
    {"nobody to send to",
     PLAIN "M7\nR7: bounced recipient 0 5.1.3 RCPT TO: "
           "the recipient's address is not fit for SMTP\nE: idle\n"},
    {"recipient with all that may be quoted",
     PLAIN "M10\nC: MAIL FROM:<a@x>\nS: 250 ok\n"
           "C: RCPT TO:<\"/S=D\\\"oe/O=<Some Org>/ADMD= /\"@y>\n"
           "E: RCPT TO\n"},
    {"recipient with a space behind the quoted",
     PLAIN "M11\nR11: bounced recipient 0 5.1.3 RCPT TO: "
           "the recipient's address is not fit for SMTP\nE: idle\n"},
    {"recipient with LF within quotes",
     PLAIN "M12\nR12: bounced recipient 0 5.1.3 RCPT TO: "
           "the recipient's address is not fit for SMTP\nE: idle\n"},
    {"sender with a quote that does not end",
     PLAIN "M13\nR13: bounced message 0 5.1.7 MAIL FROM: "
           "the sender's address is not fit for SMTP\nE: idle\n"},
    {"unfit behind a body",
     PIPED "M1\n" SAY_1 TAKEN
           "C: Hi\nC: .\nM7\nR7: bounced recipient 0 5.1.3 RCPT TO: "
           "the recipient's address is not fit for SMTP\nS: 250 kept\n" KEPT_1
           "E: idle\n"},

    /* Refusals at each step. */
    {"sender refused", TO_MAIL
     "S: 550 5.7.1 no\nR1: bounced message 550 5.7.1 MAIL FROM: no\n" RESET
     "E: idle\n"},
    {"sender deferred", TO_MAIL
     "S: 451 hm\nR1: deferred message 451 - MAIL FROM: hm\n" RESET "E: idle\n"},
    {"recipient refused", TO_RCPT
     "S: 550-5.1.1 no\nS: 550 5.1.1 such\n"
     "R1: bounced recipient 550 5.1.1 RCPT TO: no/such\n" RESET "E: idle\n"},
    {"recipient deferred",
     TO_RCPT "S: 450 4.2.0 grey\nR1: deferred recipient 450 4.2.0 RCPT TO: "
             "grey\n" RESET "E: idle\n"},
    {"DATA refused", TO_DATA
     "S: 554 no\nR1: bounced message 554 - DATA: no\n" RESET "E: idle\n"},
    {"DATA deferred", TO_DATA
     "S: 451 no\nR1: deferred message 451 - DATA: no\n" RESET "E: idle\n"},
    {"body refused",
     TO_BODY "S: 554 spam\nR1: bounced message 554 - end of data: spam\n"
             "E: idle\n"},
    {"body deferred",
     TO_BODY "S: 452 full\nR1: deferred message 452 - end of data: full\n"
             "E: idle\n"},
    /* Nothing that is said of the mail: try elsewhere, or later. */
    {"sender met by a bad sequence",
     TO_MAIL "S: 503 5.5.1 first HELO\n"
             "R1: deferred host 503 5.5.1 MAIL FROM: first HELO\n"
             "E: over: unexpected reply to MAIL FROM: 503 first HELO\n"},
    {"sender met by no sense",
     TO_MAIL "S: 500 what\nR1: deferred host 500 - MAIL FROM: what\n"
             "E: over: unexpected reply to MAIL FROM: 500 what\n"},
    {"recipient met by a bad sequence",
     TO_RCPT "S: 503 5.0.0 first MAIL\n"
             "R1: deferred host 503 5.0.0 RCPT TO: first MAIL\n"
             "E: over: unexpected reply to RCPT TO: 503 first MAIL\n"},
    {"DATA met by a bad sequence",
     TO_DATA "S: 503 first RCPT\nR1: deferred host 503 - DATA: first RCPT\n"
             "E: over: unexpected reply to DATA: 503 first RCPT\n"},
    {"503 that blames the recipient",
     TO_RCPT "S: 503 5.1.1 no\nR1: bounced recipient 503 5.1.1 RCPT TO: "
             "no\n" RESET "E: idle\n"},
    {"500 that blames the sender", TO_MAIL
     "S: 500 5.7.1 no\nR1: bounced message 500 5.7.1 MAIL FROM: no\n" RESET
     "E: idle\n"},
    {"bad sequence, another behind it",
     BOTH "S: 250 kept\n" KEPT_1 "S: 250 ok\nS: 503 first MAIL\n"
          "R2: deferred host 503 - RCPT TO: first MAIL\n"
          "E: over: unexpected reply to RCPT TO: 503 first MAIL\n"},
    {"sender refused, pipelined",
     PIPED "M1\n" SAY_1 "S: 550 no\nS: 503 first\nS: 503 first\n"
           "R1: bounced message 550 - MAIL FROM: no\n" RESET "E: idle\n"},
    {"recipient deferred, pipelined",
     PIPED "M1\n" SAY_1 "S: 250 ok\nS: 450 later\nS: 554 no recipients\n"
           "R1: deferred recipient 450 - RCPT TO: later\n" RESET "E: idle\n"},
    {"refused, the next behind RSET",
     PIPED "M1\n" SAY_1 "S: 250 ok\nS: 550 no\nS: 554 none\n"
           "R1: bounced recipient 550 - RCPT TO: no\nC: RSET\nM2\n" SAY_2
           "S: 250 ok\n" TAKEN "C: Ho\nC: .\nE: end of data\n"},
    {"the second refused",
     BOTH "S: 250 kept\nS: 250 ok\nS: 550 no\nS: 554 none\n" KEPT_1
          "R2: bounced recipient 550 - RCPT TO: no\n" RESET "E: idle\n"},
    {"the first refused, the second taken",
     BOTH "S: 554 spam\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
          "R1: bounced message 554 - end of data: spam\nC: Ho\nC: .\n"
          "S: 250 two\nR2: delivered recipient 250 - end of data: two\n"
          "E: idle\n"},
    {"refused yet 354",
     PIPED "M1\n" SAY_1 "S: 250 ok\nS: 550 no\nS: 354 go\n"
           "R1: bounced recipient 550 - RCPT TO: no\nC: .\nS: 554 none\n" RESET
           "E: idle\n"},
    {"refused yet 354, empty mail taken", PIPED
     "M1\n" SAY_1 "S: 250 ok\nS: 550 no\nS: 354 go\n"
     "R1: bounced recipient 550 - RCPT TO: no\nC: .\nS: 250 got it\n" RESET
     "E: idle\n"},
    {"refused yet a recipient taken and 354: nothing more",
     PIPED "M1\n" SAY_1 "S: 550 no\nS: 250 ok\nS: 354 go\n"
           "R1: bounced message 550 - MAIL FROM: no\n"
           "E: over: unexpected reply to DATA: 354 go\n"},
    {"SIZE is a lie, yet a recipient taken and 354: nothing more",
     SIZED_PIPED "M1\n" SAY_SIZE "S: 501 what\nS: 250 ok\nS: 354 go\n"
                 "R1: deferred host 0 - DATA: unexpected reply to DATA: 354 "
                 "go\nE: over: unexpected reply to DATA: 354 go\n"},
    {"the second refused yet a recipient taken and 354",
     BOTH "S: 250 kept\nS: 550 no\nS: 250 ok\nS: 354 go\n" KEPT_1
          "R2: bounced message 550 - MAIL FROM: no\n"
          "E: over: unexpected reply to DATA: 354 go\n"},

    /* 421 at each step. */
    {"421 to MAIL",
     TO_MAIL "S: 421 4.3.2 bye\nR1: deferred host 421 4.3.2 MAIL FROM: bye\n"
             "E: over: MAIL FROM: 421 4.3.2 bye (421)\n"},
    {"421 to RCPT", TO_RCPT "S: 421 bye\nR1: deferred host 421 - RCPT TO: bye\n"
                            "E: over: RCPT TO: 421 bye (421)\n"},
    {"421 to DATA", TO_DATA "S: 421 bye\nR1: deferred host 421 - DATA: bye\n"
                            "E: over: DATA: 421 bye (421)\n"},
    {"421 to the body",
     TO_BODY "S: 421 bye\nR1: deferred host 421 - end of data: bye\n"
             "E: over: end of data: 421 bye (421)\n"},
    {"421 to the body, another behind it",
     BOTH "S: 421 bye\nR1: deferred host 421 - end of data: bye\n"
          "R2: deferred host 421 - MAIL FROM untried: bye\n"
          "E: over: end of data: 421 bye (421)\n"},
    {"421 between mails",
     BOTH "S: 250 kept\nS: 421 4.7.0 enough\n" KEPT_1
          "R2: deferred host 421 4.7.0 MAIL FROM untried: enough\n"
          "E: over: MAIL FROM: 421 4.7.0 enough (421)\n"},
    {"421 to RCPT of the second",
     BOTH "S: 250 kept\nS: 250 ok\nS: 421 enough\n" KEPT_1
          "R2: deferred host 421 - RCPT TO: enough\n"
          "E: over: RCPT TO: 421 enough (421)\n"},
    {"421 when idle", PLAIN "S: 421 idle\nE: over: idle: 421 idle (421)\n"},
    {"421 to RSET",
     TO_RCPT "S: 550 no\nR1: bounced recipient 550 - RCPT TO: no\nC: RSET\n"
             "S: 421 bye\nE: over: RSET: 421 bye (421)\n"},
    {"421 before the end of the body",
     TO_DATA "H\nS: 354 go\nP 2\nS: 421 bye\n"
             "R1: deferred host 421 - end of data: bye\n"
             "E: over: end of data: 421 bye (421)\n"},

    /* Lost before and after the dot. */
    {"lost before the greeting", "L\nE: over: lost\n"},
    {"lost when idle", PLAIN "L\nE: over: lost\n"},
    {"lost at MAIL",
     TO_MAIL "L\nR1: deferred host 0 - MAIL FROM: lost\nE: over: lost\n"},
    {"lost at DATA",
     TO_DATA "L\nR1: deferred host 0 - DATA: lost\nE: over: lost\n"},
    {"lost after the dot",
     TO_BODY "L\nR1: in_doubt host 0 - end of data: lost\nE: over: lost\n"},
    {"lost without a word of an answer",
     TO_BODY "P 0\nL\nR1: in_doubt host 0 - end of data: lost\n"
             "E: over: lost\n"},
    {"timeout after the dot",
     TO_BODY "T\nR1: in_doubt host 0 - end of data: timeout\n"
             "E: over: timeout\n"},
    {"lost, nothing of the body gone",
     TO_DATA "H\nS: 354 go\nL\nR1: deferred host 0 - end of data: lost\n"
             "E: over: lost\n"},
    {"lost, all but the dot gone",
     TO_DATA "H\nS: 354 go\nP 4\nL\nR1: deferred host 0 - end of data: lost\n"
             "E: over: lost\n"},
    {"lost, the dot gone",
     TO_DATA "H\nS: 354 go\nP 5\nL\nR1: in_doubt host 0 - end of data: lost\n"
             "E: over: lost\n"},
    {"lost, another behind it",
     BOTH "L\nR1: in_doubt host 0 - end of data: lost\n"
          "R2: deferred host 0 - MAIL FROM untried: lost\nE: over: lost\n"},
    {"lost between mails",
     BOTH "S: 250 kept\n" KEPT_1
          "L\nR2: deferred host 0 - MAIL FROM untried: lost\nE: over: lost\n"},
    {"lost within the second",
     BOTH "S: 250 kept\nS: 250 ok\n" KEPT_1
          "L\nR2: deferred host 0 - RCPT TO: lost\nE: over: lost\n"},
    {"timeout between mails",
     BOTH "S: 250 kept\n" KEPT_1
          "T\nR2: deferred host 0 - MAIL FROM: timeout\nE: over: timeout\n"},
    {"ended by the owner",
     BOTH "O\nR1: in_doubt host 0 - end of data: ended\n"
          "R2: deferred host 0 - MAIL FROM untried: ended\nE: over: ended\n"},
    {"ended by the owner, nothing tried",
     TO_MAIL "O\nR1: deferred host 0 - MAIL FROM untried: ended\n"
             "E: over: ended\n"},

    /* Servers that do not keep to the protocol. */
    {"reply to nothing",
     PLAIN "S: 250 ok\nE: over: reply to nothing: 250 ok\n"},
    {"greeting and EHLO reply at once",
     "S: 220 hi\nS: 250 mx\n"
     "E: over: reply before the end of EHLO: 250 mx\n"},
    {"more replies than commands",
     TO_MAIL "S: 250 ok\nS: 250 ok\nR1: deferred host 0 - RCPT TO: "
             "reply before the end of RCPT TO: 250 ok\n"
             "E: over: reply before the end of RCPT TO: 250 ok\n"},
    {"acceptance of a body not said",
     PIPED "M1\n" SAY_1 TAKEN "S: 250 kept\n"
           "R1: deferred host 0 - end of data: "
           "reply before the end of end of data: 250 kept\n"
           "E: over: reply before the end of end of data: 250 kept\n"},
    {"acceptance within the dot",
     TO_DATA "H\nS: 354 go\nP 6\nS: 250 kept\n"
             "R1: in_doubt host 0 - end of data: "
             "reply before the end of end of data: 250 kept\n"
             "E: over: reply before the end of end of data: 250 kept\n"},
    {"refusal within the body",
     TO_DATA "H\nS: 354 go\nP 2\nS: 552 5.3.4 too big\n"
             "R1: bounced message 552 5.3.4 end of data: too big\n"
             "E: over: reply before the end of end of data: 552 too big\n"},
    {"354 to MAIL", TO_MAIL "S: 354 go\nR1: deferred host 0 - MAIL FROM: "
                            "unexpected reply to MAIL FROM: 354 go\n"
                            "E: over: unexpected reply to MAIL FROM: 354 go\n"},
    {"250 to DATA", TO_DATA "S: 250 ok\nR1: deferred host 0 - DATA: "
                            "unexpected reply to DATA: 250 ok\n"
                            "E: over: unexpected reply to DATA: 250 ok\n"},
    {"354 to the body",
     TO_BODY "S: 354 go\nR1: in_doubt host 0 - end of data: "
             "unexpected reply to end of data: 354 go\n"
             "E: over: unexpected reply to end of data: 354 go\n"},
    {"RSET refused",
     TO_RCPT "S: 550 no\nR1: bounced recipient 550 - RCPT TO: no\nC: RSET\n"
             "S: 500 what\nE: over: unexpected reply to RSET: 500 what\n"},
    {"broken answer to the body",
     TO_BODY "S: OK kept\nR1: in_doubt host 0 - end of data: "
             "reply code is not 200 to 599 at end of data\n"
             "E: over: reply code is not 200 to 599 at end of data\n"},
    {"PIPELINING is a lie: what came with the body is lost",
     BOTH "S: 250 kept\n" KEPT_1
          "T\nR2: deferred host 0 - MAIL FROM: timeout\nE: over: timeout\n"},
    {"PIPELINING is a lie: refused", BOTH
     "S: 250 kept\nS: 503 no pipelining\nS: 503 no\nS: 503 no\n" KEPT_1
     "R2: deferred host 503 - MAIL FROM: no pipelining\n" RESET "E: idle\n"},
    {"SIZE is a lie: once more without, and the next too", TO_SIZE
     "S: 555 5.5.4 what is SIZE\n" RESET
     "C: MAIL FROM:<a@x>\nS: 250 ok\nC: RCPT TO:<b@y>\nS: 250 ok\nC: DATA\n"
     "S: 354 go\nC: Hi\nC: .\nS: 250 kept\n" KEPT_1
     "M2\nC: MAIL FROM:<a@x>\nE: MAIL FROM\n"},
    {"SIZE is a lie: refused without it, it is not said a third time",
     TO_SIZE "S: 501 what\n" RESET "C: MAIL FROM:<a@x>\nS: 501 what\n"
             "R1: bounced message 501 - MAIL FROM: what\n" RESET "E: idle\n"},
    {"SIZE is a lie, pipelined: first all answers",
     SIZED_PIPED "M1\n" SAY_SIZE "S: 501 what\nS: 503 first\nS: 503 first\n"
                 "C: RSET\n" SAY_1 "S: 250 ok\n" TAKEN
                 "C: Hi\nC: .\nS: 250 kept\n" KEPT_1 "E: idle\n"},
    {"SIZE is a lie: lost before it goes once more",
     TO_SIZE "S: 504 what\nC: RSET\nL\nR1: deferred host 0 - RSET: lost\n"
             "E: over: lost\n"},
    {"a 501 about the address is believed", TO_SIZE
     "S: 501 5.1.7 bad sender\n"
     "R1: bounced message 501 5.1.7 MAIL FROM: bad sender\n" RESET "E: idle\n"},
    {"a 501 where no parameter was said is believed",
     TO_MAIL "S: 501 what\nR1: bounced message 501 - MAIL FROM: what\n" RESET
             "E: idle\n"},
    {"SMTPUTF8 is needed, so it is not left out",
     HELLO "S: 250-mx\nS: 250 SMTPUTF8\nM4\nC: MAIL FROM:<a@x> SMTPUTF8\n"
           "S: 555 5.5.4 what\n"
           "R4: bounced message 555 5.5.4 MAIL FROM: what\n" RESET "E: idle\n"},
    {"8BITMIME is a lie: made anew, and no more 8bit is told", EIGHT
     "M9\n" SAY_9 "S: 555 5.5.4 what is BODY\n"
     "R9: deferred message 555 5.5.4 MAIL FROM seven_bit: what is BODY\n" RESET
     "M1\nC: MAIL FROM:<a@x>\nE: MAIL FROM\n"},
    {"8BITMIME is a lie: with one reply or other", EIGHT
     "M9\n" SAY_9 "S: 504 hm\n"
     "R9: deferred message 504 - MAIL FROM seven_bit: hm\n" RESET "E: idle\n"},
    {"8BITMIME is a lie: any 5xx that names it", EIGHT
     "M9\n" SAY_9 "S: 550 no 8BitMIME here\n"
     "R9: deferred message 550 - MAIL FROM seven_bit: no 8BitMIME here\n" RESET
     "E: idle\n"},
    {"8BITMIME is a lie: 5.6.3", EIGHT
     "M9\n" SAY_9 "S: 554 5.6.3 no conversion\n"
     "R9: deferred message 554 5.6.3 MAIL FROM seven_bit: no conversion\n" RESET
     "E: idle\n"},
    {"8BITMIME is a lie, pipelined: yet 354",
     HELLO "S: 250-mx\nS: 250-8BITMIME\nS: 250 PIPELINING\n"
           "M9\n" SAY_9 "C: RCPT TO:<b@y>\nC: DATA\nS: 501 what\n"
           "S: 250 ok\nS: 354 go\n"
           "R9: deferred message 501 - MAIL FROM seven_bit: what\n"
           "E: over: unexpected reply to DATA: 354 go\n"},
    {"SIZE may be the lie, and is left out first",
     HELLO "S: 250-mx\nS: 250-SIZE\nS: 250 8BITMIME\nM9\n"
           "C: MAIL FROM:<a@x> SIZE=4 BODY=8BITMIME\nS: 501 what\n" RESET SAY_9
           "S: 501 what\n"
           "R9: deferred message 501 - MAIL FROM seven_bit: what\n" RESET
           "E: idle\n"},
    {"8BITMIME is blamed, and SIZE is not",
     HELLO "S: 250-mx\nS: 250-SIZE\nS: 250 8BITMIME\nM9\n"
           "C: MAIL FROM:<a@x> SIZE=4 BODY=8BITMIME\nS: 501 no BODY=\n"
           "R9: deferred message 501 - MAIL FROM seven_bit: no BODY=\n" RESET
           "M1\nC: MAIL FROM:<a@x> SIZE=4\nE: MAIL FROM\n"},
    {"a mail that can't be made without 8bit bodies is refused",
     EIGHT "M3\nC: MAIL FROM:<> BODY=8BITMIME\nS: 555 5.5.4 what\n"
           "R3: bounced message 555 5.5.4 MAIL FROM: what\n" RESET "E: idle\n"},
    {"a refusal that is not about an 8bit body",
     EIGHT "M9\n" SAY_9 "S: 550 5.7.1 no\n"
           "R9: bounced message 550 5.7.1 MAIL FROM: no\n" RESET "E: idle\n"},
    {"an 8bit body that is deferred", EIGHT
     "M9\n" SAY_9 "S: 451 8bit is busy\n"
     "R9: deferred message 451 - MAIL FROM: 8bit is busy\n" RESET "E: idle\n"},
    {"8BITMIME that was not told is not blamed",
     EIGHT "M1\nC: MAIL FROM:<a@x>\nS: 550 no 8bit\n"
           "R1: bounced message 550 - MAIL FROM: no 8bit\n" RESET "E: idle\n"},
    {"PIPELINING in the greeting is no offer",
     "S: 220 mx PIPELINING\nC: EHLO me.example\nS: 250 PIPELINING\n"
     "M1\nC: MAIL FROM:<a@x>\nE: MAIL FROM\n"},
};
#endif
