/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One UTF-8 sequence at a time (RFC 3629): for what is written out by this gateway.
 * Does not validate JSON or YAML, whose parsers do that themselves.
 */
#ifndef OPS_UTF8_H
#define OPS_UTF8_H

#include <stddef.h>

/* Bytes of the character at `data`, 1 to 4; 0 when no valid one begins there (overlong, surrogate,
 * above U+10FFFF, cut off by `size`). */
size_t utf8_sequence_bytes(const char *data, size_t size);

/* The largest size up to `limit` that does not cut through a character. */
size_t utf8_cut(const char *data, size_t size, size_t limit);

#endif
