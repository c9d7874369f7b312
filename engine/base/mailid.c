#include "base/mailid.h"
#include "base/siphash.h"
#include <string.h>

enum { MAC_BITS = 42 };

static uint64_t mac_of(const unsigned char *secret, struct mailid id)
{
    const uint64_t pair[2] = {(uint64_t)id.batch, (uint64_t)id.seq};

    return siphash(secret, pair, sizeof pair) >> (64 - MAC_BITS);
}

static void hex_write(char *out, uint64_t v, int digits)
{
    for (int i = digits - 1; i >= 0; i--, v >>= 4)
        out[i] = "0123456789abcdef"[v & 0xf];
}

/* 122 free bits: a = 48 bits, b = 12, c = 62 (RFC 9562, 5.8). */
void mailid_text(const unsigned char secret[MAILID_SECRET_BYTES],
                 struct mailid id, char *out)
{
    uint64_t batch = (uint64_t)id.batch, seq = (uint64_t)id.seq;
    uint64_t a = batch >> 14, b = batch >> 2 & 0xfff;
    uint64_t c = (batch & 3) << 60 | seq << MAC_BITS | mac_of(secret, id);

    hex_write(out, a >> 16, 8);
    hex_write(out + 9, a & 0xffff, 4);
    hex_write(out + 14, 0x8000 | b, 4);
    hex_write(out + 19, c >> 48 | 0x8000, 4);
    hex_write(out + 24, c & 0xffffffffffff, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
    out[MAILID_TEXT_MAX - 1] = 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool uuid_halves(const char *text, uint64_t *high, uint64_t *low)
{
    uint64_t half[2] = {0, 0};
    int digits = 0;

    if (strnlen(text, MAILID_TEXT_MAX) != MAILID_TEXT_MAX - 1)
        return false;
    for (int i = 0; i < MAILID_TEXT_MAX - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        int v = hex_value(text[i]);

        if (dash ? text[i] != '-' : v < 0)
            return false;
        if (dash)
            continue;
        half[digits / 16] = half[digits / 16] << 4 | (uint64_t)v;
        digits++;
    }
    *high = half[0];
    *low = half[1];
    return true;
}

bool mailid_parse(const unsigned char secret[MAILID_SECRET_BYTES],
                  const char *text, struct mailid *id)
{
    uint64_t high, low;

    if (!uuid_halves(text, &high, &low) || (high >> 12 & 0xf) != 8 ||
        low >> 62 != 2)
        return false;
    uint64_t c = low & (UINT64_MAX >> 2);
    uint64_t batch = high >> 16 << 14 | (high & 0xfff) << 2 | c >> 60;

    id->batch = (int64_t)batch;
    id->seq = (int32_t)(c >> MAC_BITS & MAILID_SEQ_MAX);
    return batch != 0 &&
           (c & ((UINT64_C(1) << MAC_BITS) - 1)) == mac_of(secret, *id);
}

#define EPOCH_2020_MS INT64_C(1577836800000)

int64_t mailid_batch(int64_t wall_ms, int64_t number)
{
    return (wall_ms - EPOCH_2020_MS) << 20 | (number & 0xfffff);
}
