/*
 * cli/doctor/spf - what receivers find when they look up whether an address may
 * send for a domain (RFC 7208, 4).
 */
#ifndef CLI_DOCTOR_SPF_H
#define CLI_DOCTOR_SPF_H

#include "cli/doctor/say.h"
#include <sys/socket.h>

enum spf_result {
    SPF_PASS,
    SPF_NO,     /* any other result that a receiver would have */
    SPF_UNSURE, /* a look-up failed, or a macro or ptr is not followed here */
};

enum { SPF_WHY_MAX = 512 };

/* why ("" if it passes) says which term decided. */
enum spf_result spf_of(struct doctor *d, const char *domain,
                       const struct sockaddr_storage *address,
                       char why[SPF_WHY_MAX]);
#endif
