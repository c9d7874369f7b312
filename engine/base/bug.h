/* base/bug - stop where the program, not the world, is wrong. */
#ifndef BASE_BUG_H
#define BASE_BUG_H
#include <stdio.h>
#include <stdlib.h>
#define BUG(why)                                                               \
    (fprintf(stderr, "%s:%d: bug: %s\n", __FILE__, __LINE__, (why)), abort())
#endif
