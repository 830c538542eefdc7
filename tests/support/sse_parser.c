/* SPDX-License-Identifier: Apache-2.0 */
/* The names in here are those of the standard: data buffer, event type buffer, last event ID. */
#include "support/sse_parser.h"

#include <stdlib.h>
#include <string.h>

struct buffer {
    char *bytes;
    size_t size, capacity;
};

struct queued {
    struct queued *next;
    struct sse_dispatch dispatch;
};

struct sse_parser {
    struct buffer line, data, type, last_id, comment;
    struct queued *first, **end;
    size_t comments;
    int64_t retry_ms;
    size_t mark_bytes;     /* of a byte order mark seen so far; MARK_DONE: no longer looked for */
    bool after_return;     /* a \n now belongs to the \r before */
    bool fields_in_flight; /* lines since the last empty one */
};

static const char mark[] = "\xef\xbb\xbf";
enum { MARK_SIZE = 3, MARK_DONE = 4 };

/* ---- buffers */

static void *must(void *memory) {
    if (!memory)
        abort();
    return memory;
}

static void append(struct buffer *buffer, const char *bytes, size_t size) {
    if (buffer->capacity - buffer->size < size + 1) {
        buffer->capacity = (buffer->size + size + 1) * 2;
        buffer->bytes = must(realloc(buffer->bytes, buffer->capacity));
    }
    if (size > 0)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0';
}

static void set(struct buffer *buffer, const char *bytes, size_t size) {
    buffer->size = 0;
    append(buffer, bytes, size);
}

static struct sse_field copy(const char *bytes, size_t size) {
    struct sse_field field = {.text = must(malloc(size + 1)), .size = size};
    if (size > 0)
        memcpy(field.text, bytes, size);
    field.text[size] = '\0';
    return field;
}

static struct sse_field copy_buffer(const struct buffer *buffer) {
    return copy(buffer->bytes, buffer->size);
}

/* ---- events */

static void dispatch(struct sse_parser *parser) {
    parser->fields_in_flight = false;
    if (parser->data.size > 0) {
        struct queued *queued = must(calloc(1, sizeof *queued));
        queued->dispatch.name =
            parser->type.size > 0 ? copy_buffer(&parser->type) : copy("message", strlen("message"));
        queued->dispatch.data = copy(parser->data.bytes, parser->data.size - 1); /* the last \n */
        queued->dispatch.last_id = copy_buffer(&parser->last_id);
        *parser->end = queued;
        parser->end = &queued->next;
    }
    parser->data.size = 0;
    parser->type.size = 0;
}

static void take_retry(struct sse_parser *parser, const char *value, size_t size) {
    int64_t ms = 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9')
            return;
        ms = ms > INT32_MAX ? ms : ms * 10 + (value[i] - '0');
    }
    if (size > 0)
        parser->retry_ms = ms;
}

static bool is(const char *name, size_t size, const char *text) {
    return size == strlen(text) && memcmp(name, text, size) == 0;
}

static void take_field(struct sse_parser *parser, const char *name, size_t name_size,
                       const char *value, size_t size) {
    if (is(name, name_size, "event")) {
        set(&parser->type, value, size);
    } else if (is(name, name_size, "data")) {
        append(&parser->data, value, size);
        append(&parser->data, "\n", 1);
    } else if (is(name, name_size, "id")) {
        if (size == 0 || !memchr(value, '\0', size))
            set(&parser->last_id, value, size);
    } else if (is(name, name_size, "retry")) {
        take_retry(parser, value, size);
    }
}

static void take_line(struct sse_parser *parser) {
    const char *line = parser->line.bytes ? parser->line.bytes : "";
    size_t size = parser->line.size;
    const char *colon = size > 0 ? memchr(line, ':', size) : NULL;
    parser->line.size = 0;
    if (size == 0) {
        dispatch(parser);
        return;
    }
    if (colon == line) {
        parser->comments++;
        set(&parser->comment, line + 1, size - 1);
        return;
    }
    parser->fields_in_flight = true;
    size_t name_size = colon ? (size_t)(colon - line) : size;
    const char *value = colon ? colon + 1 : line + size;
    size_t value_size = (size_t)(line + size - value);
    if (value_size > 0 && *value == ' ') {
        value++;
        value_size--;
    }
    take_field(parser, line, name_size, value, value_size);
}

/* ---- bytes */

/* Drops a mark at the very beginning. What only looked like one belongs to the first line. */
static size_t skip_mark(struct sse_parser *parser, const char *bytes, size_t size) {
    size_t taken = 0;
    while (taken < size && parser->mark_bytes < MARK_SIZE) {
        if (bytes[taken] != mark[parser->mark_bytes]) {
            append(&parser->line, mark, parser->mark_bytes);
            parser->mark_bytes = MARK_DONE;
            return taken;
        }
        parser->mark_bytes++;
        taken++;
    }
    return taken;
}

static size_t line_size(const char *bytes, size_t size) {
    const char *feed = memchr(bytes, '\n', size);
    size_t limit = feed ? (size_t)(feed - bytes) : size;
    const char *carriage_return = memchr(bytes, '\r', limit);
    return carriage_return ? (size_t)(carriage_return - bytes) : limit;
}

void sse_parser_feed(struct sse_parser *parser, const void *bytes, size_t size) {
    const char *at = bytes, *end = at + size;
    at += skip_mark(parser, at, size);
    while (at < end) {
        if (parser->after_return && *at == '\n') {
            parser->after_return = false;
            at++;
            continue;
        }
        parser->after_return = false;
        size_t length = line_size(at, (size_t)(end - at));
        append(&parser->line, at, length);
        at += length;
        if (at < end) {
            parser->after_return = *at++ == '\r';
            take_line(parser);
        }
    }
}

/* ---- life and questions */

struct sse_parser *sse_parser_create(void) {
    struct sse_parser *parser = must(calloc(1, sizeof *parser));
    parser->end = &parser->first;
    parser->retry_ms = -1;
    return parser;
}

void sse_parser_destroy(struct sse_parser *parser) {
    struct sse_dispatch left;
    if (!parser)
        return;
    while (sse_parser_next(parser, &left))
        sse_dispatch_finish(&left);
    free(parser->line.bytes);
    free(parser->data.bytes);
    free(parser->type.bytes);
    free(parser->last_id.bytes);
    free(parser->comment.bytes);
    free(parser);
}

bool sse_parser_next(struct sse_parser *parser, struct sse_dispatch *out) {
    struct queued *first = parser->first;
    if (!first)
        return false;
    *out = first->dispatch;
    parser->first = first->next;
    if (!parser->first)
        parser->end = &parser->first;
    free(first);
    return true;
}

void sse_dispatch_finish(struct sse_dispatch *dispatch) {
    free(dispatch->name.text);
    free(dispatch->data.text);
    free(dispatch->last_id.text);
    *dispatch = (struct sse_dispatch){0};
}

size_t sse_parser_comments(const struct sse_parser *parser) {
    return parser->comments;
}

const char *sse_parser_last_comment(const struct sse_parser *parser) {
    return parser->comment.bytes ? parser->comment.bytes : "";
}

int64_t sse_parser_retry_ms(const struct sse_parser *parser) {
    return parser->retry_ms;
}

bool sse_parser_is_amid(const struct sse_parser *parser) {
    return parser->fields_in_flight || parser->line.size > 0;
}
