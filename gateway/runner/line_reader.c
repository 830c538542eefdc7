/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer behind line_reader.h: grows by doubling while a line is unfinished, moves the
 * unfinished part to the front before each read, and shrinks when a long line is over.
 */
#include "runner/line_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A buffer up to this size is kept between lines. */
#define KEPT_BYTES (4 * LINE_READER_READ_BYTES)

void line_reader_init(struct line_reader *reader, uint64_t max_line_bytes) {
    /* Leaves room for one read and the zero byte in a size_t. */
    const size_t most = SIZE_MAX / 2 - LINE_READER_READ_BYTES - 1;
    *reader = (struct line_reader){.max_line_bytes =
                                       max_line_bytes < most ? (size_t)max_line_bytes : most};
}

void line_reader_finish(struct line_reader *reader) {
    free(reader->bytes);
    *reader = (struct line_reader){0};
}

static void move_to_front(struct line_reader *reader) {
    if (reader->start == 0) {
        return;
    }
    memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
    reader->searched -= reader->start;
    reader->end -= reader->start;
    reader->start = 0;
}

static bool resize(struct line_reader *reader, size_t capacity) {
    char *bytes = realloc(reader->bytes, capacity + 1);
    if (!bytes) {
        return false;
    }
    reader->bytes = bytes;
    reader->capacity = capacity;
    return true;
}

static size_t grown(const struct line_reader *reader, size_t needed) {
    const size_t most = reader->max_line_bytes + LINE_READER_READ_BYTES;
    size_t capacity = reader->capacity <= most / 2 ? reader->capacity * 2 : most;
    return capacity < needed ? needed : capacity;
}

char *line_reader_space(struct line_reader *reader, size_t *size) {
    move_to_front(reader);
    const size_t needed = reader->end + LINE_READER_READ_BYTES;
    if (reader->capacity < needed) {
        if (!resize(reader, grown(reader, needed))) {
            return NULL;
        }
    } else if (reader->capacity > KEPT_BYTES && needed <= KEPT_BYTES / 2) {
        resize(reader, KEPT_BYTES / 2); /* when it fails the large buffer still serves */
    }
    *size = reader->capacity - reader->end;
    return reader->bytes + reader->end;
}

void line_reader_added(struct line_reader *reader, size_t size) {
    assert(size <= reader->capacity - reader->end);
    reader->end += size;
}

enum line_reader_result line_reader_next(struct line_reader *reader, char **line, size_t *size) {
    char *newline = NULL;
    if (reader->searched < reader->end) {
        newline = memchr(reader->bytes + reader->searched, '\n', reader->end - reader->searched);
    }
    const size_t stop = newline ? (size_t)(newline - reader->bytes) : reader->end;
    if (stop - reader->start > reader->max_line_bytes) {
        return LINE_READER_TOO_LONG;
    }
    if (!newline) {
        reader->searched = reader->end;
        return LINE_READER_NONE;
    }
    *newline = '\0';
    *line = reader->bytes + reader->start;
    *size = stop - reader->start;
    reader->start = reader->searched = stop + 1;
    return LINE_READER_LINE;
}

bool line_reader_rest(struct line_reader *reader, char **line, size_t *size) {
    if (line_reader_is_empty(reader)) {
        return false;
    }
    *line = reader->bytes + reader->start;
    *size = reader->end - reader->start;
    reader->bytes[reader->end] = '\0';
    reader->start = reader->searched = reader->end;
    return true;
}

bool line_reader_is_empty(const struct line_reader *reader) {
    return reader->start == reader->end;
}
