/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON text piece by piece into memory that grows. Escapes strings, copies JSON that is
 * there already; does not check that the pieces make a whole.
 */
#include "runner/json_writer.h"

#include "module/json_characters.h"
#include "ops/utf8.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_writer_finish(struct json_writer *writer) {
    free(writer->data);
    memset(writer, 0, sizeof *writer);
}

/* Room for `size` more bytes and a zero byte, or NULL. */
static char *room(struct json_writer *writer, size_t size) {
    if (writer->failed || size > SIZE_MAX / 4 || writer->size > SIZE_MAX / 4) {
        writer->failed = true;
        return NULL;
    }
    size_t needed = writer->size + size + 1;
    if (needed > writer->capacity) {
        size_t capacity = writer->capacity * 2 > needed ? writer->capacity * 2 : needed + 64;
        char *data = realloc(writer->data, capacity);
        if (data == NULL) {
            writer->failed = true;
            return NULL;
        }
        writer->data = data;
        writer->capacity = capacity;
    }
    return writer->data + writer->size;
}

void json_writer_raw(struct json_writer *writer, struct koine_text bytes) {
    char *to = room(writer, bytes.size);
    if (to != NULL && bytes.size > 0) {
        memcpy(to, bytes.data, bytes.size);
        writer->size += bytes.size;
    }
}

static void raw(struct json_writer *writer, const char *data, size_t size) {
    json_writer_raw(writer, (struct koine_text){data, size});
}

/* U+2028 and U+2029: some readers of lines end a line there. */
static bool is_line_separator(const char *at, size_t left) {
    return left >= 3 && memcmp(at, "\xE2\x80", 2) == 0 && (at[2] == '\xA8' || at[2] == '\xA9');
}

static void write_separator(struct json_writer *writer, const char *at) {
    raw(writer, at[2] == '\xA8' ? "\\u2028" : "\\u2029", 6);
}

static void write_escaped(struct json_writer *writer, unsigned char byte) {
    char escape[8];
    switch (byte) {
    case '"':
    case '\\':
        snprintf(escape, sizeof escape, "\\%c", byte);
        break;
    case '\n':
        snprintf(escape, sizeof escape, "\\n");
        break;
    case '\r':
        snprintf(escape, sizeof escape, "\\r");
        break;
    case '\t':
        snprintf(escape, sizeof escape, "\\t");
        break;
    default:
        snprintf(escape, sizeof escape, "\\u%04x", byte);
    }
    raw(writer, escape, strlen(escape));
}

/* How many bytes from `at` on stand in a JSON string as they are. Sets *bad on what is no UTF-8. */
static size_t plain_run(const char *at, size_t left, bool *bad) {
    size_t run = json_characters_ascii((const unsigned char *)at, left);
    while (run < left) {
        unsigned char byte = (unsigned char)at[run];
        size_t bytes = 1;
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7F) {
            break;
        }
        if (byte >= 0x80) {
            bytes = utf8_sequence_bytes(at + run, left - run);
            *bad = bytes == 0;
            if (bytes == 0 || is_line_separator(at + run, left - run)) {
                break;
            }
        }
        run += bytes;
    }
    return run;
}

void json_writer_string(struct json_writer *writer, struct koine_text text) {
    bool bad = false;
    json_writer_literal(writer, "\"");
    for (size_t i = 0; i < text.size && !writer->failed;) {
        size_t run = plain_run(text.data + i, text.size - i, &bad);
        raw(writer, text.data + i, run);
        i += run;
        if (bad) {
            writer->failed = true;
        } else if (i < text.size && is_line_separator(text.data + i, text.size - i)) {
            write_separator(writer, text.data + i);
            i += 3;
        } else if (i < text.size) {
            write_escaped(writer, (unsigned char)text.data[i]);
            i++;
        }
    }
    json_writer_literal(writer, "\"");
}

void json_writer_cstring(struct json_writer *writer, const char *text) {
    json_writer_string(writer, (struct koine_text){text, strlen(text)});
}

/* Where the next bytes are that may not stay as they are: one for each. */
struct stops {
    const char *next[3];
};

/* The first at or behind `at`, or `end`. What has been found is not looked for again. */
static const char *next_stop(struct stops *stops, const char *at, const char *end) {
    static const char bytes[] = {'\n', '\r', '\xE2'};
    const char *first = end;
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (stops->next[i] == NULL || stops->next[i] < at) {
            const char *found = memchr(at, bytes[i], (size_t)(end - at));
            stops->next[i] = found != NULL ? found : end;
        }
        first = stops->next[i] < first ? stops->next[i] : first;
    }
    return first;
}

void json_writer_json(struct json_writer *writer, struct koine_text json) {
    const char *at = json.data, *begin = at, *const end = at + json.size;
    struct stops stops = {{NULL}};
    while (at < end && (at = next_stop(&stops, at, end)) < end) {
        if (*at != '\xE2') {
            raw(writer, begin, (size_t)(at - begin));
            json_writer_literal(writer, " ");
            begin = ++at;
        } else if (is_line_separator(at, (size_t)(end - at))) {
            raw(writer, begin, (size_t)(at - begin));
            write_separator(writer, at);
            begin = at += 3;
        } else {
            at++;
        }
    }
    raw(writer, begin, (size_t)(end - begin));
}

void json_writer_integer(struct json_writer *writer, int64_t value) {
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRId64, value);
    raw(writer, digits, (size_t)size);
}

char *json_writer_take(struct json_writer *writer, size_t *size) {
    char *end = room(writer, 0);
    if (end == NULL) {
        json_writer_finish(writer);
        return NULL;
    }
    *end = '\0';
    char *data = writer->data;
    if (size != NULL) {
        *size = writer->size;
    }
    memset(writer, 0, sizeof *writer);
    return data;
}
