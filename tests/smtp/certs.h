/*
 * tests/smtp/certs - certificates for tests, made on the spot.
 */
#ifndef TESTS_SMTP_CERTS_H
#define TESTS_SMTP_CERTS_H

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cert {
    X509 *x509;
    EVP_PKEY *key;
};

static void add_extension(X509 *x, int nid, const char *value)
{
    char text[300];

    snprintf(text, sizeof text, "%s", value);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, text);

    if (!e || !X509_add_ext(x, e, -1))
        abort();
    X509_EXTENSION_free(e);
}

/* Valid from before_s to after_s from now; signed by ca, or by itself. */
static struct cert cert_new(const char *host, const struct cert *ca,
                            long from_s, long to_s)
{
    static long serial = 1;
    struct cert c = {X509_new(), EVP_EC_gen("P-256")};
    char names[300];

    X509_set_version(c.x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.x509), from_s);
    X509_gmtime_adj(X509_getm_notAfter(c.x509), to_s);
    X509_set_pubkey(c.x509, c.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c.x509), "CN",
                               MBSTRING_ASC, (const unsigned char *)host, -1,
                               -1, 0);
    X509_set_issuer_name(c.x509, X509_get_subject_name(ca ? ca->x509 : c.x509));
    snprintf(names, sizeof names, "DNS:%s", host);
    add_extension(c.x509, NID_subject_alt_name, names);
    if (strcmp(host, "ca") == 0)
        add_extension(c.x509, NID_basic_constraints, "critical,CA:TRUE");
    if (X509_sign(c.x509, ca ? ca->key : c.key, EVP_sha256()) <= 0)
        abort();
    return c;
}

static void cert_free(struct cert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
}

/* path: a template for mkstemp, and then the file. */
static void cert_write(const struct cert *c, char *path)
{
    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f || !PEM_write_X509(f, c->x509))
        abort();
    fclose(f);
}
#endif
