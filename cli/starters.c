#include "cli/starters.h"
#include "starter_table.h"
#include <stdio.h>
#include <string.h>

enum { STARTERS = sizeof starters / sizeof *starters };

static const struct {
    const char *name, *about;
} abouts[] = {
    {"welcome", "the first mail after somebody joined, with first steps"},
    {"confirm-address", "asks to confirm an address (double opt-in)"},
    {"password-reset", "a link for a new password, and who asked for it"},
    {"receipt", "an order: items, totals, address, payment"},
    {"newsletter", "a lead story, stories in two columns, dates"},
    {"product-update", "what is new: features, a button, fixes"},
};

const struct starter *starter_find(const char *name)
{
    for (size_t i = 0; i < STARTERS; i++)
        if (strcmp(starters[i].name, name) == 0)
            return &starters[i];
    return NULL;
}

void starter_list(void)
{
    for (size_t i = 0; i < sizeof abouts / sizeof *abouts; i++)
        printf("%-18s%s\n", abouts[i].name, abouts[i].about);
}

void starter_subject(const char *html, struct buf *out)
{
    static const char open[] = "<title>", and[] = "&amp;";
    const char *p = strstr(html, open);
    const char *end = p ? strstr(p, "</title>") : NULL;

    buf_add(out, "", 0);
    if (!end)
        return;
    for (p += sizeof open - 1; p < end; p++) {
        buf_add_char(out, *p == '\n' || *p == '\r' ? ' ' : *p);
        if (strncmp(p, and, sizeof and-1) == 0)
            p += sizeof and-2;
    }
}
