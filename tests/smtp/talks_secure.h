/*
 * tests/smtp/talks_secure - conversations with STARTTLS and AUTH, and with
 * CHUNKING; spelled as in talks.h. The login is user and pencil; SCRAM's bytes
 * are those of RFC 7677, 3.
 */
#ifndef TESTS_SMTP_TALKS_SECURE_H
#define TESTS_SMTP_TALKS_SECURE_H

#include "smtp/talks.h"

#define SECURED                                                                \
    "S: 220 hi\nC: EHLO me.example\nS: 250-mx\nS: 250 STARTTLS\n"              \
    "C: STARTTLS\nS: 220 go\nZ\nC: EHLO me.example\n"
#define SCRAM_FIRST                                                            \
    "W login\n" HELLO "S: 250-mx\nS: 250 AUTH LOGIN PLAIN SCRAM-SHA-256\n"     \
    "C: AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVr"           \
    "cU8=\n"
#define SCRAM_FINAL                                                            \
    SCRAM_FIRST                                                                \
    "S: 334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdV"                          \
    "YTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlph"                                 \
    "SjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=\n"                                   \
    "C: Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8l"                              \
    "aHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAs"                                 \
    "cD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empm"                                 \
    "TUhnc3FtbWl6N0FuZFZRPQ==\n"
#define BY_TLS "W secure login\n" HELLO "S: 250-mx\n"
#define GIVEN_UP "C: QUIT\nS: 221 bye\n"
#define STARTED HELLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n"

static const struct talk secure_talks[] = {
    /* STARTTLS. */
    {"secured", "W must\n" SECURED "S: 250-mx\nS: 250 SIZE\nM1\n"
                "C: MAIL FROM:<a@x> SIZE=4\nE: MAIL FROM\n"},
    {"secured, what was offered before is forgotten",
     "W may\nS: 220 hi\nC: EHLO me.example\n"
     "S: 250-mx\nS: 250-SIZE\nS: 250-PIPELINING\nS: 250 STARTTLS\n"
     "C: STARTTLS\nS: 220 go\nZ\nC: EHLO me.example\nS: 250 mx\n"
     "M1\nC: MAIL FROM:<a@x>\nE: MAIL FROM\n"},
    {"secured, and only HELO then",
     "W may\nS: 220 hi\nC: EHLO me.example\n"
     "S: 250-mx\nS: 250-SIZE\nS: 250 STARTTLS\n"
     "C: STARTTLS\nS: 220 go\nZ\nC: EHLO me.example\nS: 502 what\n"
     "C: HELO me.example\nS: 250 mx\n"
     "M1\nC: MAIL FROM:<a@x>\nE: MAIL FROM\n"},
    {"secured, offered once more",
     "W must\n" SECURED "S: 250-mx\nS: 250 STARTTLS\nE: idle\n"},
    {"not wanted", HELLO "S: 250-mx\nS: 250 STARTTLS\nE: idle\n"},
    {"may, not offered", "W may\n" PLAIN "M1\nC: MAIL FROM:<a@x>\n"
                         "E: MAIL FROM\n"},
    {"may, refused", "W may\n" STARTED
                     "S: 454 not now\nM1\nC: MAIL FROM:<a@x>\nE: MAIL FROM\n"},
    {"must, not offered", "W must\n" PLAIN GIVEN_UP
                          "E: over: the server offers no STARTTLS [TLS]\n"},
    {"must, only HELO",
     "W must\n" HELLO "S: 502 what\nC: HELO me.example\nS: 250 mx\n" GIVEN_UP
     "E: over: the server offers no STARTTLS [TLS]\n"},
    {"must, refused", "W must\n" STARTED "S: 454 4.7.0 not now\n" GIVEN_UP
                      "E: over: STARTTLS: 454 4.7.0 not now (454) [TLS]\n"},
    {"must, another code than 220",
     "W must\n" STARTED "S: 250 fine\n" GIVEN_UP
     "E: over: STARTTLS: 250 fine (250) [TLS]\n"},
    {"may, another code than 220", "W may\n" STARTED "S: 250 fine\n" GIVEN_UP
                                   "E: over: STARTTLS: 250 fine (250) [TLS]\n"},
    {"must, 421", "W must\n" STARTED "S: 421 bye\n"
                  "E: over: STARTTLS: 421 bye (421) [TLS]\n"},
    {"a reply in clear behind 220",
     "W must\n" STARTED "S: 220 go\nS: 250 injected\n"
     "E: over: bytes in clear behind the reply to STARTTLS [TLS]\n"},
    {"lost within the handshake",
     "W must\n" STARTED "S: 220 go\nL\nE: over: lost [TLS]\n"},
    {"timeout within the handshake",
     "W must\n" STARTED "S: 220 go\nT\nE: over: timeout [TLS]\n"},
    {"421 behind it", "W must\n" SECURED "S: 421 bye\n"
                      "E: over: EHLO: 421 bye (421)\n"},

    /* AUTH. */
    {"PLAIN", BY_TLS "S: 250 AUTH PLAIN LOGIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
                     "S: 235 in\nE: idle\n"},
    {"PLAIN refused for good",
     BY_TLS "S: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
            "S: 535 5.7.8 no\n" GIVEN_UP
            "E: over: AUTH: 535 5.7.8 no (535) [login]\n"},
    {"PLAIN refused for now", BY_TLS
     "S: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
     "S: 454 later\n" GIVEN_UP "E: over: AUTH: 454 later (454) [login]\n"},
    {"PLAIN asked more", BY_TLS
     "S: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
     "S: 334 what\n" GIVEN_UP "E: over: one question too many [login]\n"},
    {"PLAIN in clear",
     "W login\n" HELLO "S: 250-mx\nS: 250 AUTH PLAIN\n" GIVEN_UP
     "E: over: the secret is not told without TLS [login]\n"},
    {"LOGIN", BY_TLS "S: 250 AUTH LOGIN\nC: AUTH LOGIN\n"
                     "S: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 Password?\n"
                     "C: cGVuY2ls\nS: 235 in\nE: idle\n"},
    {"LOGIN taken too soon",
     BY_TLS "S: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 235 in\n" GIVEN_UP
            "E: over: logged in before the password was said [login]\n"},
    {"SCRAM",
     SCRAM_FINAL "S: 334 dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4v"
                 "ZEI1bkxUSlJzamw5NUc0PQ==\nC: \nS: 235 in\nE: idle\n"},
    {"SCRAM, a server that knows no password",
     SCRAM_FINAL "S: 334 dj03cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4v"
                 "ZEI1bkxUSlJzamw5NUc0PQ==\n" GIVEN_UP
                 "E: over: SCRAM: the server does not know the password "
                 "[login]\n"},
    {"SCRAM, nothing proved", SCRAM_FINAL
     "S: 235 in\n" GIVEN_UP "E: over: SCRAM: the server proved nothing "
     "[login]\n"},
    {"SCRAM, nothing asked", SCRAM_FIRST
     "S: 235 in\n" GIVEN_UP "E: over: SCRAM: the server proved nothing "
     "[login]\n"},
    {"SCRAM, no base64",
     SCRAM_FIRST "S: 334 ===\n" GIVEN_UP
                 "E: over: a challenge that is no base64 [login]\n"},
    {"SCRAM, another's nonce",
     SCRAM_FIRST "S: 334 cj1zb21lb25lZWxzZSxzPVcyMlphSjBTTlk3c29F"
                 "c1VFamI2Z1E9PSxpPTQwOTY=\n" GIVEN_UP
                 "E: over: SCRAM: the server's nonce does not "
                 "continue ours [login]\n"},
    {"SCRAM, our own nonce",
     SCRAM_FIRST "S: 334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyxzPVcyMlph"
                 "SjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=\n" GIVEN_UP
                 "E: over: SCRAM: the server's nonce does not "
                 "continue ours [login]\n"},
    {"SCRAM, one iteration",
     SCRAM_FIRST "S: 334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdV"
                 "YTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlph"
                 "SjBTTlk3c29Fc1VFamI2Z1E9PSxpPTE=\n" GIVEN_UP
                 "E: over: SCRAM: iterations beyond what is safe "
                 "[login]\n"},
    {"SCRAM, a billion iterations", SCRAM_FIRST
     "S: 334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdV"
     "YTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlph"
     "SjBTTlk3c29Fc1VFamI2Z1E9PSxpPTEwMDAwMDAw"
     "MDA=\n" GIVEN_UP "E: over: SCRAM: iterations beyond what is safe "
     "[login]\n"},
    {"SCRAM, no salt",
     SCRAM_FIRST "S: 334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdV"
                 "YTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPSxpPTQw"
                 "OTY=\n" GIVEN_UP "E: over: SCRAM: no salt [login]\n"},
    {"no login offered",
     BY_TLS "S: 250 AUTH CRAM-MD5\n" GIVEN_UP
            "E: over: the server offers no login that we may use "
            "[login]\n"},
    {"after STARTTLS",
     "W must login\n" SECURED
     "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
     "S: 235 in\nE: idle\n"},
    {"the login comes back",
     BY_TLS "S: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
            "S: 535-5.7.8 not AHVzZXIAcGVuY2ls\nS: 535 5.7.8 so\n" GIVEN_UP
            "E: over: AUTH: 535 5.7.8 not  (535) [login]\n"},
    {"the password comes back",
     BY_TLS "S: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
            "S: 250 pencil?\n" GIVEN_UP "E: over: AUTH: 250  (250) [login]\n"},
    {"the login comes back with 421",
     BY_TLS "S: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
            "S: 421 bye cGVuY2ls\nE: over: AUTH: 421 bye  (421) [login]\n"},
    {"421 to AUTH",
     BY_TLS "S: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n"
            "S: 421 bye\nE: over: AUTH: 421 bye (421) [login]\n"},
};

#define CHUNKED HELLO "S: 250-mx\nS: 250 CHUNKING\n"
#define CHUNK_PIPED HELLO "S: 250-mx\nS: 250-PIPELINING\nS: 250 CHUNKING\n"
#define BDAT_1 "C: MAIL FROM:<a@x>\nC: RCPT TO:<b@y>\nC: BDAT 4 LAST\nC: Hi\n"
#define CHUNK_SIZED                                                            \
    HELLO "S: 250-mx\nS: 250-PIPELINING\nS: 250-SIZE\nS: 250 CHUNKING\n"
#define BDAT_SIZE                                                              \
    "C: MAIL FROM:<a@x> SIZE=4\nC: RCPT TO:<b@y>\nC: BDAT 4 LAST\nC: Hi\n"
#define TO_BDAT                                                                \
    CHUNKED                                                                    \
    "M1\nC: MAIL FROM:<a@x>\nS: 250 ok\nC: RCPT TO:<b@y>\n"
#define BDAT_KEPT_1 "R1: delivered recipient 250 - BDAT: kept\n"

static const struct talk chunk_talks[] = {
    {"BDAT, step by step", TO_BDAT
     "S: 250 ok\nC: BDAT 4 LAST\nC: Hi\nS: 250 kept\n" BDAT_KEPT_1 "E: idle\n"},
    {"BDAT in one go",
     CHUNK_PIPED "M1\n" BDAT_1 "S: 250 ok\nS: 250 ok\nS: 250 kept\n" BDAT_KEPT_1
                 "E: idle\n"},
    {"BDAT, the next envelope behind it", CHUNK_PIPED
     "M1\n" BDAT_1 "S: 250 ok\nS: 250 ok\n"
     "M2\nC: MAIL FROM:<a@x>\nC: RCPT TO:<c@y>\nS: 250 kept\n" BDAT_KEPT_1
     "C: BDAT 4 LAST\nC: Ho\nS: 250 ok\nS: 250 ok\nS: 250 two\n"
     "R2: delivered recipient 250 - BDAT: two\nE: idle\n"},
    {"a stuffed dot goes by DATA",
     CHUNK_PIPED "M8\n" SAY_1 TAKEN "C: ..dot\nC: .\nS: 250 kept\n"
                 "R8: delivered recipient 250 - end of data: kept\nE: idle\n"},
    {"BDAT, sender refused",
     CHUNK_PIPED "M1\n" BDAT_1 "S: 550 no\nS: 503 first\nS: 503 first\n"
                 "R1: bounced message 550 - MAIL FROM: no\nC: RSET\nS: 250 ok\n"
                 "E: idle\n"},
    {"BDAT, recipient refused", CHUNK_PIPED
     "M1\n" BDAT_1 "S: 250 ok\nS: 450 later\nS: 503 nobody\n"
     "R1: deferred recipient 450 - RCPT TO: later\nC: RSET\nS: 250 ok\n"
     "E: idle\n"},
    {"SIZE is a lie, the body on its way: lost, it is not in doubt",
     CHUNK_SIZED "M1\n" BDAT_SIZE "S: 501 what\nL\n"
                 "R1: deferred host 0 - RCPT TO: lost\nE: over: lost\n"},
    {"SIZE is a lie, with BDAT: first all answers",
     CHUNK_SIZED "M1\n" BDAT_SIZE "S: 501 what\nS: 503 no\nS: 503 no\n"
                 "C: RSET\n" BDAT_1 "S: 250 ok\nS: 250 ok\nS: 250 ok\n"
                 "S: 250 kept\n" BDAT_KEPT_1 "E: idle\n"},
    {"BDAT refused", CHUNK_PIPED
     "M1\n" BDAT_1 "S: 250 ok\nS: 250 ok\nS: 554 spam\n"
     "R1: bounced message 554 - BDAT: spam\nC: RSET\nS: 250 ok\nE: idle\n"},
    {"BDAT met by a bad sequence",
     CHUNK_PIPED "M1\n" BDAT_1 "S: 250 ok\nS: 250 ok\nS: 503 first RCPT\n"
                 "R1: deferred host 503 - BDAT: first RCPT\n"
                 "E: over: unexpected reply to BDAT: 503 first RCPT\n"},
    {"BDAT refused, the next behind it", CHUNK_PIPED
     "M1\n" BDAT_1 "S: 250 ok\nS: 250 ok\n"
     "M2\nC: MAIL FROM:<a@x>\nC: RCPT TO:<c@y>\nS: 554 spam\n"
     "R1: bounced message 554 - BDAT: spam\nC: BDAT 4 LAST\nC: Ho\n"
     "S: 503 RSET first\nS: 503 no\nS: 503 no\n"
     "R2: deferred host 503 - MAIL FROM: RSET first\nC: RSET\nS: 250 ok\n"
     "E: idle\n"},
    {"BDAT is not there: the same once more by DATA", CHUNK_PIPED
     "M1\n" BDAT_1 "S: 250 ok\nS: 250 ok\nS: 502 what\n"
     "C: RSET\n" SAY_1 "S: 250 ok\n" TAKEN "C: Hi\nC: .\nS: 250 kept\n" KEPT_1
     "M1\n" SAY_1 TAKEN "C: Hi\nC: .\nS: 250 kept\n" KEPT_1 "E: idle\n"},
    {"BDAT is not there, lost before it is tried again",
     TO_BDAT "S: 250 ok\nC: BDAT 4 LAST\nC: Hi\nS: 500 what\nC: RSET\nL\n"
             "R1: deferred host 0 - RSET: lost\nE: over: lost\n"},
    {"BDAT, lost behind the last byte",
     CHUNK_PIPED "M1\n" BDAT_1 "L\nR1: in_doubt host 0 - MAIL FROM: lost\n"
                 "E: over: lost\n"},
    {"BDAT, the second lost behind its last byte",
     CHUNK_PIPED "M1\n" BDAT_1 "S: 250 ok\nS: 250 ok\nS: 250 kept\n" BDAT_KEPT_1
                 "M2\nC: MAIL FROM:<a@x>\nC: RCPT TO:<c@y>\n"
                 "C: BDAT 4 LAST\nC: Ho\nL\n"
                 "R2: in_doubt host 0 - MAIL FROM: lost\nE: over: lost\n"},
    {"BDAT, lost but for the last byte",
     TO_BDAT "H\nS: 250 ok\nP 16\nL\nR1: deferred host 0 - BDAT: lost\n"
             "E: over: lost\n"},
    {"BDAT, the last byte gone",
     TO_BDAT "H\nS: 250 ok\nP 17\nL\nR1: in_doubt host 0 - BDAT: lost\n"
             "E: over: lost\n"},
    {"BDAT, 421", CHUNK_PIPED
     "M1\n" BDAT_1 "S: 250 ok\nS: 250 ok\nS: 421 bye\n"
     "R1: deferred host 421 - BDAT: bye\nE: over: BDAT: 421 bye (421)\n"},
    {"BDAT, refused within",
     TO_BDAT "H\nS: 250 ok\nP 15\nS: 552 too big\n"
             "R1: bounced message 552 - BDAT: too big\n"
             "E: over: reply before the end of BDAT: 552 too big\n"},
};
#endif
