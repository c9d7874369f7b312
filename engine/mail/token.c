#include "mail/token.h"
#include "base/siphash.h"
#include <string.h>

enum {
    TOKEN_SIGNED_BYTES = 12,
    TOKEN_MAC_BYTES = 8,
    TOKEN_BYTES = TOKEN_SIGNED_BYTES + TOKEN_MAC_BYTES,
    SEQ_BITS = 18,
    LINK_BITS = 13,
    PURPOSE_BITS = 3,
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789-_";

size_t token_base64_len(size_t len)
{
    return (len * 4 + 2) / 3;
}

size_t token_base64(const void *bytes, size_t len, char *out)
{
    const unsigned char *p = bytes;
    size_t n = 0;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        unsigned v = (unsigned)p[i] << 16;

        if (left > 1)
            v |= (unsigned)p[i + 1] << 8;
        if (left > 2)
            v |= p[i + 2];
        out[n++] = alphabet[v >> 18];
        out[n++] = alphabet[v >> 12 & 63];
        if (left > 1)
            out[n++] = alphabet[v >> 6 & 63];
        if (left > 2)
            out[n++] = alphabet[v & 63];
    }
    return n;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

long token_unbase64(const char *text, size_t len, unsigned char *out)
{
    size_t n = 0;
    unsigned bits = 0, v = 0;

    for (size_t i = 0; i < len; i++) {
        int six = value_of(text[i]);

        if (six < 0)
            return -1;
        v = v << 6 | (unsigned)six;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (unsigned char)(v >> bits);
        }
    }
    /* Left over: less than a character, and nothing in it, so that each token
     * has one spelling. */
    return bits >= 6 || (v & ((1U << bits) - 1)) != 0 ? -1 : (long)n;
}

static void store(unsigned char *out, uint64_t v, size_t bytes)
{
    while (bytes-- > 0) {
        out[bytes] = (unsigned char)v;
        v >>= 8;
    }
}

static uint64_t load(const unsigned char *p, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* The second half of the secret: the first one names mails. A target is
 * hashed first, so that what is signed has a fixed length. */
static uint64_t mac_of(const unsigned char *secret, const unsigned char *data,
                       const char *target, size_t target_len)
{
    const unsigned char *key = secret + SIPHASH_KEY_BYTES;
    unsigned char input[TOKEN_SIGNED_BYTES + sizeof(uint64_t)];

    memcpy(input, data, TOKEN_SIGNED_BYTES);
    store(input + TOKEN_SIGNED_BYTES,
          target ? siphash(key, target, target_len) : 0, sizeof(uint64_t));
    return siphash(key, input, sizeof input);
}

void token_text(const unsigned char secret[MAILID_SECRET_BYTES],
                const struct token *token, const char *target,
                size_t target_len, char *out)
{
    unsigned char bytes[TOKEN_BYTES];
    uint64_t batch = (uint64_t)token->mail.batch;
    uint64_t rest = (uint64_t)token->mail.seq << (PURPOSE_BITS + LINK_BITS) |
                    (uint64_t)token->purpose << LINK_BITS | token->link;

    /* 62 + 34 bits: the batch's last two travel with the rest. */
    store(bytes, batch << 2 | rest >> 32, 8);
    store(bytes + 8, rest & UINT32_MAX, 4);
    store(bytes + TOKEN_SIGNED_BYTES, mac_of(secret, bytes, target, target_len),
          TOKEN_MAC_BYTES);
    out[token_base64(bytes, sizeof bytes, out)] = 0;
}

bool token_parse(const unsigned char secret[MAILID_SECRET_BYTES],
                 const char *text, size_t len, const char *target,
                 size_t target_len, struct token *out)
{
    unsigned char bytes[TOKEN_BYTES + 1];

    if (len != TOKEN_TEXT_LEN ||
        token_unbase64(text, len, bytes) != TOKEN_BYTES)
        return false;
    uint64_t high = load(bytes, 8);
    uint64_t rest = (high & 3) << 32 | load(bytes + 8, 4);
    unsigned purpose = rest >> LINK_BITS & ((1U << PURPOSE_BITS) - 1);

    if (load(bytes + TOKEN_SIGNED_BYTES, TOKEN_MAC_BYTES) !=
            mac_of(secret, bytes, target, target_len) ||
        purpose >= TOKEN_PURPOSES)
        return false;
    *out = (struct token){
        .mail = {(int64_t)(high >> 2),
                 (int32_t)(rest >> (PURPOSE_BITS + LINK_BITS))},
        .purpose = (enum token_purpose)purpose,
        .link = (unsigned)(rest & TOKEN_LINK_MAX),
    };
    return true;
}
