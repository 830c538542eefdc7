/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an unquoted YAML scalar means by the core schema of YAML 1.2, and numbers of bytes.
 * Does not know YAML's syntax: the text has been taken out of the document already.
 */
#ifndef CONFIG_SCALAR_H
#define CONFIG_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

enum scalar_type {
    SCALAR_NULL,
    SCALAR_BOOLEAN,
    SCALAR_INTEGER,
    SCALAR_REAL,
    SCALAR_TEXT,
    SCALAR_TOO_LARGE /* a number that neither int64_t nor a finite double holds, or .inf, .nan */
};

struct scalar {
    enum scalar_type type;
    bool boolean;
    int64_t integer;
    double real;
};

struct scalar scalar_resolve(const char *text);

/* "65536", "64KiB", "10MiB", "1GiB". Returns 0, or -1 when it is not such a number or too large. */
int scalar_bytes(const char *text, int64_t *bytes);

/* Decimal digits and nothing else (a leading '-' is taken). Returns 0 or -1. */
int scalar_integer(const char *text, int64_t *integer);

#endif
