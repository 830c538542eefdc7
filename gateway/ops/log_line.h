/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one line of the log looks like, as text or as JSON, in a buffer that holds the longest one.
 * Allocates nothing and writes nothing.
 */
#ifndef OPS_LOG_LINE_H
#define OPS_LOG_LINE_H

#include <koine/base.h>
#include <stdbool.h>

enum {
    LOG_MESSAGE_BYTES = 4096, /* more is cut */
    LOG_REQUEST_ID_BYTES = 128,
    LOG_UNIT_BYTES = 64,
    LOG_ESCAPE_BYTES = 6,  /* the longest form of one byte: \u001b */
    LOG_FRAME_BYTES = 256, /* time, level, punctuation, the remark about a cut */
    LOG_LINE_BYTES =
        (LOG_MESSAGE_BYTES + LOG_REQUEST_ID_BYTES + LOG_UNIT_BYTES) * LOG_ESCAPE_BYTES +
        LOG_FRAME_BYTES
};

struct log_line {
    size_t size; /* with the newline */
    char bytes[LOG_LINE_BYTES];
};

/* `full_size`: bytes of the message before it was shortened to `message`, for the remark. */
void log_line_format(struct log_line *line, bool json, int level, const char *unit,
                     struct koine_text request_id, struct koine_text message, size_t full_size);

#endif
