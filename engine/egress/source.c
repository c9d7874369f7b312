#include "egress/source.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

bool egress_is_address(const char *text)
{
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, text, &four) == 1)
        return four.s_addr != htonl(INADDR_ANY) &&
               four.s_addr != htonl(INADDR_BROADCAST) &&
               !IN_MULTICAST(ntohl(four.s_addr));
    return inet_pton(AF_INET6, text, &six) == 1 &&
           !IN6_IS_ADDR_UNSPECIFIED(&six) && !IN6_IS_ADDR_MULTICAST(&six);
}

/* Letters, digits, dots and dashes, in any case; neither end a dot or dash. */
static bool is_host_name(const char *text)
{
    static const char ends[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t len = strlen(text), i = 0;

    if (len == 0 || len > EGRESS_EHLO_MAX || !strchr(ends, text[0]) ||
        !strchr(ends, text[len - 1]))
        return false;
    while (i < len && (strchr(ends, text[i]) || strchr(".-", text[i])))
        i++;
    return i == len && !strstr(text, "..");
}

/* Strictly: strptime takes blanks, and one digit for two. */
static bool is_day(const char *text)
{
    struct tm day = {0}, same;

    for (size_t i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    if (text[10] || !strptime(text, "%Y-%m-%d", &day) || day.tm_year < 70)
        return false;
    same = day;
    timegm(&same);
    return same.tm_mday == day.tm_mday && same.tm_mon == day.tm_mon;
}

bool egress_source_check(const struct egress_source *s,
                         struct egress_fault *fault)
{
    if (!s->address)
        return egress_missing(fault, "address");
    if (!egress_is_address(s->address))
        return egress_wrong(fault, "address",
                            "it is no IP address to send from");
    if (!s->ehlo)
        return egress_missing(fault, "ehlo");
    if (!is_host_name(s->ehlo))
        return egress_wrong(fault, "ehlo",
                            "it is no host name of 1 to %d bytes",
                            EGRESS_EHLO_MAX);
    if (!s->pool)
        return egress_missing(fault, "pool");
    if (!egress_is_name(s->pool))
        return egress_wrong(fault, "pool",
                            "it is to be of 1 to %d lower-case letters, "
                            "digits, dots, dashes and underscores, and begin "
                            "with a letter or digit",
                            EGRESS_NAME_MAX);
    return !s->warm_up || strcmp(s->warm_up, "now") == 0 ||
           is_day(s->warm_up) ||
           egress_wrong(fault, "warm_up", "now or YYYY-MM-DD is expected");
}
