/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The characters of a JSON string (RFC 8259, section 7) as bytes: which stand for themselves and
 * how UTF-8 (RFC 3629) writes them. Knows no state, so it serves text that comes in pieces.
 */
#ifndef KOINE_MODULE_JSON_CHARACTERS_H
#define KOINE_MODULE_JSON_CHARACTERS_H

#include <koine/base.h>
#include <stdbool.h>

/* How many bytes at the front are whole characters that stand for themselves: well-formed UTF-8
 * without quotation marks, backslashes and control characters. */
size_t json_characters_span(const unsigned char *bytes, size_t size);

/* The same for printable ASCII alone, which it looks at in eights: up to seven bytes more may do.
 */
size_t json_characters_ascii(const unsigned char *bytes, size_t size);

/* What follows the quotation mark that ends a string, from within the string on, at the speed of
 * memory; `end` when none does. Judges no character. */
const char *json_characters_end(const char *at, const char *end);

/* How many bytes follow the first one of a character; 0 when no character of several begins so. */
unsigned json_character_missing(unsigned char first);

/* Whether `byte` may come next within a character: keeps out overlong forms, surrogates and what
 * lies beyond U+10FFFF. */
bool json_character_continues(unsigned char previous, unsigned char byte);

#endif
