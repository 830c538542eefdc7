/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an unquoted YAML scalar means by the core schema of YAML 1.2, and numbers of bytes.
 * Assumes the "C" locale, which the gateway never leaves.
 */
#include "config/scalar.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static bool one_of(const char *text, const char *const *words) {
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

static size_t digits(const char *text) {
    return strspn(text, "0123456789");
}

static const char *skip_sign(const char *text) {
    return *text == '-' || *text == '+' ? text + 1 : text;
}

int scalar_integer(const char *text, int64_t *integer) {
    const char *number = *text == '-' ? text + 1 : text;
    if (digits(number) == 0 || number[digits(number)] != '\0') {
        return -1;
    }
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0) {
        return -1;
    }
    *integer = value;
    return 0;
}

/* -?digits, 0o17 or 0xFF: the base, or 0 when it is none of them. */
static int integer_base(const char *text) {
    if (strncmp(text, "0o", 2) == 0) {
        size_t size = strspn(text + 2, "01234567");
        return size > 0 && text[2 + size] == '\0' ? 8 : 0;
    }
    if (strncmp(text, "0x", 2) == 0) {
        size_t size = strspn(text + 2, "0123456789abcdefABCDEF");
        return size > 0 && text[2 + size] == '\0' ? 16 : 0;
    }
    const char *number = skip_sign(text);
    return digits(number) > 0 && number[digits(number)] == '\0' ? 10 : 0;
}

static struct scalar resolve_integer(const char *text, int base) {
    errno = 0;
    long long value = strtoll(base == 10 ? text : text + 2, NULL, base);
    if (errno != 0) {
        return (struct scalar){.type = SCALAR_TOO_LARGE};
    }
    return (struct scalar){.type = SCALAR_INTEGER, .integer = value};
}

static bool is_real(const char *text) {
    const char *at = skip_sign(text);
    size_t whole = digits(at);
    size_t fraction = 0;
    at += whole;
    if (*at == '.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        at = skip_sign(at + 1);
        if (digits(at) == 0) {
            return false;
        }
        at += digits(at);
    }
    return *at == '\0';
}

struct scalar scalar_resolve(const char *text) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const not_numbers[] = {".nan", ".NaN", ".NAN", NULL};
    int base = 0;

    if (one_of(text, nulls)) {
        return (struct scalar){.type = SCALAR_NULL};
    }
    if (one_of(text, trues) || one_of(text, falses)) {
        return (struct scalar){.type = SCALAR_BOOLEAN, .boolean = one_of(text, trues)};
    }
    if (one_of(skip_sign(text), infinities) || one_of(text, not_numbers)) {
        return (struct scalar){.type = SCALAR_TOO_LARGE};
    }
    if ((base = integer_base(text)) != 0) {
        return resolve_integer(text, base);
    }
    if (is_real(text)) {
        double value = strtod(text, NULL);
        return (struct scalar){.type = isfinite(value) ? SCALAR_REAL : SCALAR_TOO_LARGE,
                               .real = value};
    }
    return (struct scalar){.type = SCALAR_TEXT};
}

int scalar_bytes(const char *text, int64_t *bytes) {
    static const struct {
        const char *suffix;
        int shift;
    } units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    char number[20];
    size_t size = digits(text);
    if (size == 0 || size >= sizeof number) {
        return -1;
    }
    memcpy(number, text, size);
    number[size] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t value = 0;
        if (strcmp(text + size, units[i].suffix) == 0 && scalar_integer(number, &value) == 0 &&
            value <= (INT64_MAX >> units[i].shift)) {
            *bytes = value << units[i].shift;
            return 0;
        }
    }
    return -1;
}
