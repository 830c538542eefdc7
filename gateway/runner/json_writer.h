/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON text piece by piece into memory that grows. Escapes strings, copies JSON that is
 * there already; does not check that the pieces make a whole.
 */
#ifndef RUNNER_JSON_WRITER_H
#define RUNNER_JSON_WRITER_H

#include <koine/base.h>
#include <stdbool.h>
#include <stdint.h>

/* A zeroed one is empty. After a failure everything that is added is dropped. */
struct json_writer {
    char *data;
    size_t size;
    size_t capacity;
    bool failed; /* memory is short, or a string is not UTF-8 */
};

void json_writer_finish(struct json_writer *writer);

void json_writer_raw(struct json_writer *writer, struct koine_text bytes);
#define json_writer_literal(writer, literal) json_writer_raw(writer, KOINE_TEXT(literal))

/* A JSON string, quotes included. */
void json_writer_string(struct json_writer *writer, struct koine_text text);
void json_writer_cstring(struct json_writer *writer, const char *text);

/*
 * Valid JSON text, put on one line: a newline between its tokens becomes a space, and what
 * readers take for the end of a line within strings (U+2028, U+2029) is escaped.
 */
void json_writer_json(struct json_writer *writer, struct koine_text json);

void json_writer_integer(struct json_writer *writer, int64_t value);

/* What was written, terminated by a zero byte that `size` (may be NULL) does not count; free it.
 * NULL after a failure. The writer is empty afterwards. */
char *json_writer_take(struct json_writer *writer, size_t *size);

#endif
