/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of much text whose client stops reading at once, so that the gateway has to pause the
 * CLI. */
#ifndef SUPPORT_PAUSED_STREAM_H
#define SUPPORT_PAUSED_STREAM_H

#include "support/sse_client.h"

/* All text together is more than the kernel holds for a connection, on both its sides, and for a
 * pipe. */
enum {
    PAUSED_PIECE_BYTES = 1024,
    PAUSED_PIECES = 6144,
    PAUSED_TEXT_BYTES = PAUSED_PIECE_BYTES * PAUSED_PIECES
};

/* POST /stream with a small receive buffer; the body is taken over. */
struct sse_stream *paused_open(const struct gateway *gateway, json_t *body);

/* The scenario of much text, with further keys ("" or ",'key':…") and fields (NULL: none). */
json_t *paused_body(const char *keys, const char *fields);

/* That scenario, of which session and the first piece were read before the gateway paused. */
struct sse_stream *paused_begin(const struct gateway *gateway, const char *keys,
                                const char *fields);

/* Reads on to the event behind the text, which must have that name; asserts that the ids go on.
 * Gives the bytes of all text. */
size_t paused_read_text(struct sse_stream *stream, const char *next);
/* Reads on to the end: all text, result, done. */
void paused_read_rest(struct sse_stream *stream);

#endif
