/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events out of the bytes of a text/event-stream, however they are cut, by the rules of the HTML
 * standard ("Interpreting an event stream"). Reads no socket and no JSON. One deviation: bytes that
 * are no UTF-8 are not replaced, so that a test sees what really came.
 */
#ifndef SUPPORT_SSE_PARSER_H
#define SUPPORT_SSE_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sse_field {
    char *text; /* terminated; may hold NULs */
    size_t size;
};

struct sse_dispatch {
    struct sse_field name; /* "message" when the event named none */
    struct sse_field data;
    struct sse_field last_id; /* kept from event to event */
};

/* Running out of memory ends the process: this is for tests. */
struct sse_parser *sse_parser_create(void);
void sse_parser_destroy(struct sse_parser *parser); /* takes NULL */

void sse_parser_feed(struct sse_parser *parser, const void *bytes, size_t size);

/* The oldest event that was not taken yet; false: there is none. sse_dispatch_finish it. */
bool sse_parser_next(struct sse_parser *parser, struct sse_dispatch *out);
void sse_dispatch_finish(struct sse_dispatch *dispatch);

/* Comment lines so far, and the text of the newest behind its colon ("": none yet). */
size_t sse_parser_comments(const struct sse_parser *parser);
const char *sse_parser_last_comment(const struct sse_parser *parser);
/* What the newest valid `retry` said; -1: none. */
int64_t sse_parser_retry_ms(const struct sse_parser *parser);
/* True when an event has begun, or a line, that no empty line has ended. */
bool sse_parser_is_amid(const struct sse_parser *parser);

#endif
