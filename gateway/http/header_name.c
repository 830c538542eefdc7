/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9110, section 5.1: names are tokens, and case says nothing. */
#include "http/header_name.h"
#include <string.h>
#include <strings.h>

enum { LONGEST_NAME_BYTES = 128 };

bool header_name_is_fine(struct koine_text name) {
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c))
            return false;
    }
    return name.size > 0 && name.size <= LONGEST_NAME_BYTES;
}

bool header_name_is_withheld(const char *name) {
    static const char *const withheld[] = {"Authorization", "X-Api-Key", "Cookie",
                                           "Proxy-Authorization"};
    for (size_t i = 0; i < sizeof(withheld) / sizeof(*withheld); i++)
        if (strcasecmp(withheld[i], name) == 0)
            return true;
    return false;
}

bool header_name_same(const char *a, const char *b) {
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}
