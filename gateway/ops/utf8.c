/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lengths and ranges of UTF-8 sequences, straight from the table of RFC 3629, section 4.
 * Does not build code points: nobody here needs them.
 */
#include "ops/utf8.h"

#include <stdbool.h>

/* The second byte carries every exception (overlong, surrogates, the end of Unicode). */
static const struct lead {
    unsigned char first, last; /* range of the first byte */
    unsigned char low, high;   /* range of the second */
    unsigned char bytes;
} leads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static bool is_continuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

static size_t sequence_of(const struct lead *lead, const unsigned char *data, size_t size) {
    if (size < lead->bytes || data[1] < lead->low || data[1] > lead->high) {
        return 0;
    }
    for (size_t i = 2; i < lead->bytes; i++) {
        if (!is_continuation(data[i])) {
            return 0;
        }
    }
    return lead->bytes;
}

size_t utf8_sequence_bytes(const char *data, size_t size) {
    const unsigned char *bytes = (const unsigned char *)data;
    if (size == 0) {
        return 0;
    }
    if (bytes[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (bytes[0] >= leads[i].first && bytes[0] <= leads[i].last) {
            return sequence_of(&leads[i], bytes, size);
        }
    }
    return 0;
}

size_t utf8_cut(const char *data, size_t size, size_t limit) {
    if (size <= limit) {
        return size;
    }
    size_t cut = limit;
    /* Three steps back at most: a longer tail of continuation bytes is not UTF-8 anyway. */
    while (cut > 0 && limit - cut < 3 && is_continuation((unsigned char)data[cut])) {
        cut--;
    }
    return is_continuation((unsigned char)data[cut]) ? limit : cut;
}
