#include "inbound/address.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static enum status split(const char *setting, char *list, const char **out,
                         size_t most, size_t *n, struct error *err)
{
    *n = 0;
    for (char *word; (word = strsep(&list, ", "));) {
        if (!*word)
            continue;
        if (strchr(word, '@'))
            return fail(err, STATUS_INVALID, "%s: no @ in \"%s\"", setting,
                        word);
        if (*n == most)
            return fail(err, STATUS_INVALID, "%s: more than %zu", setting,
                        most);
        out[(*n)++] = word;
    }
    return STATUS_OK;
}

enum status inbound_addresses_init(struct inbound_addresses *a,
                                   const struct config *config,
                                   struct error *err)
{
    const char *domains = *config->inbound_domains ? config->inbound_domains
                                                   : config->return_path_domain;
    size_t names_at = strlen(domains) + 1;

    *a = (struct inbound_addresses){0};
    a->text = text_format("%s\n%s", domains, config->inbound_names);
    a->text[names_at - 1] = '\0';
    enum status status = split("inbound_domains", a->text, a->domains,
                               INBOUND_DOMAINS_MAX, &a->n_domains, err);
    if (status == STATUS_OK)
        status = split("inbound_names", a->text + names_at, a->names,
                       INBOUND_NAMES_MAX, &a->n_names, err);
    if (status == STATUS_OK && !a->n_domains)
        status = fail(err, STATUS_INVALID,
                      "inbound_listen needs return_path_domain or "
                      "inbound_domains: what is it to take mail for?");
    if (status != STATUS_OK)
        inbound_addresses_fini(a);
    return status;
}

void inbound_addresses_fini(struct inbound_addresses *a)
{
    free(a->text);
    *a = (struct inbound_addresses){0};
}

static bool is_among(const char *const *all, size_t n, const char *text,
                     size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(all[i]) == len && strncasecmp(all[i], text, len) == 0)
            return true;
    return false;
}

static bool is_return_path(const struct inbound_addresses *a,
                           const char *address, size_t len)
{
    char name[MAILID_TEXT_MAX];
    struct mailid mail;

    if (len != 2 + MAILID_TEXT_MAX - 1 || strncasecmp(address, "b+", 2) != 0)
        return false;
    memcpy(name, address + 2, MAILID_TEXT_MAX - 1);
    name[MAILID_TEXT_MAX - 1] = '\0';
    return mailid_parse(a->secret, name, &mail);
}

enum inbound_match inbound_address_match(const struct inbound_addresses *a,
                                         const char *address)
{
    const char *at = strrchr(address, '@');
    size_t local = at ? (size_t)(at - address) : 0;

    if (!at || !is_among(a->domains, a->n_domains, at + 1, strlen(at + 1)))
        return INBOUND_NO_DOMAIN;
    if (is_return_path(a, address, local) ||
        is_among(a->names, a->n_names, address, local))
        return INBOUND_TAKEN;
    return INBOUND_NO_NAME;
}
