/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9110, section 5: names are tokens, a value is one line. Some headers are the host's own. */
#include "http/answer_header.h"
#include <string.h>
#include <strings.h>

enum {
    LONGEST_TYPE_BYTES = 256,
    LONGEST_NAME_BYTES = 128,
    LONGEST_VALUE_BYTES = 8192,
    ALL_BYTES = 65536
};

static bool is_line(struct koine_text text) {
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    return true;
}

static bool is_token(struct koine_text text) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c))
            return false;
    }
    return text.size > 0 && text.size <= LONGEST_NAME_BYTES;
}

static bool is_hosts(struct koine_text name) {
    static const char *const own[] = {"Content-Length", "Transfer-Encoding", "Connection",
                                      "Date",           "X-Request-Id",      "Content-Type"};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (strlen(own[i]) == name.size && strncasecmp(own[i], name.data, name.size) == 0)
            return true;
    return false;
}

bool answer_type_is_fine(struct koine_text type) {
    return type.size <= LONGEST_TYPE_BYTES && is_line(type);
}

bool answer_header_is_fine(struct koine_text name, struct koine_text value, size_t others) {
    return is_token(name) && is_line(value) && value.size <= LONGEST_VALUE_BYTES &&
           !is_hosts(name) && others + name.size + value.size + 4 <= ALL_BYTES; /* ": ", CR LF */
}
