/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a session id: a UUID as text and as bytes. Whose it is, is session_id.c's. */
#include "policy/session_uuid.h"
#include "policy/session_id.h"
#include <string.h>

enum { TEXT_SIZE = SESSION_ID_SIZE - 1 };

static bool is_dash_place(size_t at) {
    return at == 8 || at == 13 || at == 18 || at == 23;
}

void session_uuid_write(const unsigned char uuid[SESSION_UUID_SIZE], char *text) {
    static const char digits[] = "0123456789abcdef";
    size_t nibble = 0;
    for (size_t at = 0; at < TEXT_SIZE; at++) {
        if (is_dash_place(at)) {
            text[at] = '-';
        } else {
            unsigned char byte = uuid[nibble / 2];
            text[at] = digits[nibble % 2 == 0 ? byte >> 4 : byte & 0x0F];
            nibble++;
        }
    }
    text[TEXT_SIZE] = '\0';
}

/* The value of a hexadecimal digit, -1 for anything else. */
static int digit_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool session_id_is_uuid(struct koine_text text) {
    if (text.size != TEXT_SIZE) {
        return false;
    }
    for (size_t at = 0; at < TEXT_SIZE; at++) {
        bool fits = is_dash_place(at) ? text.data[at] == '-' : digit_value(text.data[at]) >= 0;
        if (!fits) {
            return false;
        }
    }
    return text.data[14] >= '1' && text.data[14] <= '8';
}

void session_uuid_read(struct koine_text text, unsigned char uuid[SESSION_UUID_SIZE]) {
    size_t nibble = 0;
    memset(uuid, 0, SESSION_UUID_SIZE);
    for (size_t at = 0; at < TEXT_SIZE; at++) {
        if (!is_dash_place(at)) {
            unsigned value = (unsigned)digit_value(text.data[at]);
            uuid[nibble / 2] |= (unsigned char)(nibble % 2 == 0 ? value << 4 : value);
            nibble++;
        }
    }
}
