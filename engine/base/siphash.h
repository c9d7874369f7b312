/*
 * base/siphash - SipHash-2-4 (Aumasson, Bernstein 2012): a MAC for short
 * inputs. OpenSSL has it behind a context per call, which costs more than the
 * hash. The vectors of the paper are in the test.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16 };

uint64_t siphash(const unsigned char key[SIPHASH_KEY_BYTES], const void *bytes,
                 size_t len);
#endif
