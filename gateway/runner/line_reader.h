/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits a byte stream into lines in bounded memory. Each byte is searched once, however the
 * stream arrives. Reads nothing itself and knows no descriptors.
 */
#ifndef RUNNER_LINE_READER_H
#define RUNNER_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that line_reader_space offers at least: one read of a full pipe. */
#define LINE_READER_READ_BYTES ((size_t)64 * 1024)

struct line_reader {
    char *bytes;
    size_t capacity; /* usable bytes; one more is allocated for the terminating zero */
    size_t start;    /* of what has not been delivered */
    size_t searched; /* no newline between start and here */
    size_t end;
    size_t max_line_bytes;
};

enum line_reader_result {
    LINE_READER_NONE,    /* no complete line: add more */
    LINE_READER_LINE,    /* a line was delivered */
    LINE_READER_TOO_LONG /* over max_line_bytes; the reader is of no use any more */
};

void line_reader_init(struct line_reader *reader, uint64_t max_line_bytes);
void line_reader_finish(struct line_reader *reader);

/* Where to put the next bytes, and how many fit (>= LINE_READER_READ_BYTES). Lines delivered
 * before become invalid. NULL: no memory, nothing has changed. */
char *line_reader_space(struct line_reader *reader, size_t *size);
void line_reader_added(struct line_reader *reader, size_t size);

/* The next line without its newline, followed by a zero byte, valid until line_reader_space. */
enum line_reader_result line_reader_next(struct line_reader *reader, char **line, size_t *size);

/* At the end of the stream, after line_reader_next said NONE: the last line, if it had no
 * newline. */
bool line_reader_rest(struct line_reader *reader, char **line, size_t *size);

bool line_reader_is_empty(const struct line_reader *reader);

#endif
