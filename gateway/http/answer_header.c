/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9110, section 5: names are tokens, a value is one line. Some headers are the host's own. */
#include "http/answer_header.h"
#include "http/header_name.h"
#include <string.h>
#include <strings.h>

enum { LONGEST_TYPE_BYTES = 256, LONGEST_VALUE_BYTES = 8192, ALL_BYTES = 65536 };

static bool is_line(struct koine_text text) {
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    return true;
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
    return header_name_is_fine(name) && is_line(value) && value.size <= LONGEST_VALUE_BYTES &&
           !is_hosts(name) && others + name.size + value.size + 4 <= ALL_BYTES; /* ": ", CR LF */
}

bool answer_stream_begins(const struct koine_stream_options *options,
                          struct answer_stream_head *head) {
    const struct koine_text events = KOINE_TEXT("text/event-stream");
    const struct koine_text type = options->content_type.data ? options->content_type : events;
    if (!answer_type_is_fine(type) ||
        (options->status && (options->status < 200 || options->status > 599)))
        return false;
    bool is_events = type.size >= events.size && memcmp(type.data, events.data, events.size) == 0;
    *head = (struct answer_stream_head){
        .status = options->status ? (int)options->status : 200,
        .content_type = type,
        .keep_alive = options->keep_alive,
        .extra = is_events ? "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n" : "",
    };
    if (is_events && !head->keep_alive.data)
        head->keep_alive = KOINE_TEXT(": keep-alive\n\n");
    return true;
}
