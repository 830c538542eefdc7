/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at eight bytes at once as long as they are plain ASCII, which most text is, and at whole
 * characters otherwise.
 */
#include "json_characters.h"
#include <string.h>

static bool is_plain(unsigned char byte) {
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Whether eight bytes are plain, and printable. A subtraction borrows where a byte is too small, an
 * addition carries where it is too large, and may then find fault with its neighbour too; they find
 * none where all are plain. */
static bool are_plain(const unsigned char *bytes) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    const uint64_t below = word - ones * 0x20;
    const uint64_t quotes = (word ^ (ones * '"')) - ones;
    const uint64_t backslashes = (word ^ (ones * '\\')) - ones;
    const uint64_t delete = word + ones;
    return ((word | below | quotes | backslashes | delete) & (ones * 0x80)) == 0;
}

size_t json_characters_ascii(const unsigned char *bytes, size_t size) {
    size_t at = 0;
    while (size - at >= 8 && are_plain(bytes + at))
        at += 8;
    return at;
}

const char *json_characters_end(const char *at, const char *end) {
    const char *quote, *escape;
    while ((quote = memchr(at, '"', (size_t)(end - at)))) {
        while (at < quote && (escape = memchr(at, '\\', (size_t)(quote - at))))
            at = escape + 2;
        if (at <= quote)
            return quote + 1;
    }
    return end;
}

unsigned json_character_missing(unsigned char first) {
    if (first < 0xC2 || first > 0xF4)
        return 0;
    return first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
}

bool json_character_continues(unsigned char previous, unsigned char byte) {
    if ((byte & 0xC0) != 0x80)
        return false;
    switch (previous) {
    case 0xE0:
        return byte >= 0xA0;
    case 0xED:
        return byte <= 0x9F;
    case 0xF0:
        return byte >= 0x90;
    case 0xF4:
        return byte <= 0x8F;
    default:
        return true;
    }
}

/* The size of a character of several bytes, or 0 when not all of it is there. */
static size_t whole_character(const unsigned char *bytes, size_t size) {
    const size_t missing = json_character_missing(bytes[0]);
    if (missing == 0 || size <= missing)
        return 0;
    for (size_t i = 1; i <= missing; i++) {
        if (!json_character_continues(bytes[i - 1], bytes[i]))
            return 0;
    }
    return missing + 1;
}

size_t json_characters_span(const unsigned char *bytes, size_t size) {
    size_t at = 0, character = 0;
    do {
        at += json_characters_ascii(bytes + at, size - at);
        while (at < size && is_plain(bytes[at]))
            at++;
        while (at < size && (character = whole_character(bytes + at, size - at)) > 0)
            at += character;
    } while (at < size && is_plain(bytes[at]));
    return at;
}
