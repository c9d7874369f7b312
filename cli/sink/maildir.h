/*
 * sink/maildir - accepted mail kept as a Maildir: one file per message and
 * recipient, written in tmp/ and moved to new/. On top stand three lines with
 * the envelope,
 *
 *     Return-Path: <sender>
 *     X-Original-To: recipient
 *     Delivered-To: recipient
 *
 * and, where the client gave such parameters (struct sink_envelope),
 *
 *     X-Mail-Parameters: RET=HDRS ENVID=7 REQUIRETLS
 *     X-Rcpt-Parameters: NOTIFY=FAILURE,DELAY
 *
 * then the message, byte for byte as it was sent (dot-stuffing undone, CRLF
 * kept, also in the lines on top). Blocks for the time of a file write; not
 * synced to the disk: this is a sandbox.
 */
#ifndef SINK_MAILDIR_H
#define SINK_MAILDIR_H

#include "base/status.h"
#include "cli/sink/talk.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink_maildir {
    int tmp_fd, new_fd; /* -1: closed */
    uint64_t written;
};

/* Makes dir, tmp, new and cur where they are missing. */
MUST_USE enum status sink_maildir_open(struct sink_maildir *maildir,
                                       const char *dir, struct error *err);
void sink_maildir_close(struct sink_maildir *maildir);

MUST_USE enum status sink_maildir_write(struct sink_maildir *maildir,
                                        const struct sink_envelope *envelope,
                                        const char *message, size_t len,
                                        struct error *err);
#endif
