/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formatting of one line. What comes from outside is escaped, so that no message can forge a line,
 * steer a terminal or break the JSON.
 */
#include "ops/log_line.h"

#include "ops/utf8.h"

#include <assert.h>
#include <koine/log.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void append(struct log_line *line, const char *data, size_t size) {
    assert(size < LOG_LINE_BYTES - line->size); /* one byte stays for the newline */
    memcpy(line->bytes + line->size, data, size);
    line->size += size;
}

static void append_string(struct log_line *line, const char *string) {
    append(line, string, strlen(string));
}

/* Letters for the characters that have one in C and in JSON; 0 for the others. */
static char short_escape(unsigned char byte) {
    switch (byte) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void append_control(struct log_line *line, bool json, unsigned char code) {
    char text[8] = {'\\', short_escape(code), 0};
    if (text[1] == 0) {
        snprintf(text, sizeof(text), json ? "\\u%04x" : "\\x%02x", code);
    }
    append_string(line, text);
}

/* JSON holds no stray bytes: there they are shown as in text, the backslash itself escaped. */
static void append_stray_byte(struct log_line *line, bool json, unsigned char byte) {
    char text[8];
    snprintf(text, sizeof(text), json ? "\\\\x%02x" : "\\x%02x", byte);
    append_string(line, text);
}

/* The C1 controls, U+0080 to U+009F: C2 80 to C2 9F. Terminals obey them too. */
static bool is_c1_control(const char *data, size_t size) {
    return size == 2 && (unsigned char)data[0] == 0xC2 && (unsigned char)data[1] < 0xA0;
}

static void append_escaped(struct log_line *line, bool json, const char *data, size_t size) {
    size_t step;
    for (size_t at = 0; at < size; at += step) {
        unsigned char byte = (unsigned char)data[at];
        size_t bytes = utf8_sequence_bytes(data + at, size - at);
        step = bytes > 0 ? bytes : 1;
        if (bytes == 0) {
            append_stray_byte(line, json, byte);
        } else if (byte < 0x20 || byte == 0x7F) {
            append_control(line, json, byte);
        } else if (is_c1_control(data + at, bytes)) {
            append_control(line, json, (unsigned char)data[at + 1]);
        } else if (json && (byte == '"' || byte == '\\')) {
            append(line, "\\", 1);
            append(line, data + at, 1);
        } else {
            append(line, data + at, bytes);
        }
    }
}

static void append_limited(struct log_line *line, bool json, struct koine_text text, size_t limit) {
    append_escaped(line, json, text.data, utf8_cut(text.data, text.size, limit));
}

static void append_message(struct log_line *line, bool json, struct koine_text message,
                           size_t full_size) {
    append_limited(line, json, message, LOG_MESSAGE_BYTES);
    if (full_size > LOG_MESSAGE_BYTES) {
        char remark[64];
        snprintf(remark, sizeof(remark), " [cut, %zu bytes in all]", full_size);
        append_string(line, remark);
    }
}

static void append_time(struct log_line *line) {
    struct timespec now;
    struct tm utc = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    char text[48];
    size_t size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    append(line, text, size);
    snprintf(text, sizeof(text), ".%03uZ", (unsigned)(now.tv_nsec / 1000000) % 1000U);
    append_string(line, text);
}

static const char *level_name(int level) {
    static const char *const names[] = {
        [KOINE_LOG_ERROR] = "error",
        [KOINE_LOG_WARNING] = "warning",
        [KOINE_LOG_INFO] = "info",
        [KOINE_LOG_DEBUG] = "debug",
    };
    if (level < KOINE_LOG_ERROR) {
        return names[KOINE_LOG_ERROR];
    }
    return names[level > KOINE_LOG_DEBUG ? KOINE_LOG_DEBUG : level];
}

static void format_json(struct log_line *line, int level, struct koine_text unit,
                        struct koine_text request_id, struct koine_text message, size_t full_size) {
    append_string(line, "{\"time\":\"");
    append_time(line);
    append_string(line, "\",\"level\":\"");
    append_string(line, level_name(level));
    append_string(line, "\",\"unit\":\"");
    append_limited(line, true, unit, LOG_UNIT_BYTES);
    if (request_id.data != NULL) {
        append_string(line, "\",\"requestId\":\"");
        append_limited(line, true, request_id, LOG_REQUEST_ID_BYTES);
    }
    append_string(line, "\",\"message\":\"");
    append_message(line, true, message, full_size);
    append_string(line, "\"}");
}

static void format_text(struct log_line *line, int level, struct koine_text unit,
                        struct koine_text request_id, struct koine_text message, size_t full_size) {
    append_time(line);
    append_string(line, " ");
    append_string(line, level_name(level));
    append_string(line, " ");
    append_limited(line, false, unit, LOG_UNIT_BYTES);
    append_string(line, ": ");
    append_message(line, false, message, full_size);
    if (request_id.data != NULL) {
        append_string(line, " (request ");
        append_limited(line, false, request_id, LOG_REQUEST_ID_BYTES);
        append_string(line, ")");
    }
}

void log_line_format(struct log_line *line, bool json, int level, const char *unit,
                     struct koine_text request_id, struct koine_text message, size_t full_size) {
    struct koine_text name = {unit, strlen(unit)};
    line->size = 0;
    if (json) {
        format_json(line, level, name, request_id, message, full_size);
    } else {
        format_text(line, level, name, request_id, message, full_size);
    }
    line->bytes[line->size++] = '\n';
}
