/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an event stream as a browser does, and in ways that no browser does: slowly, byte by byte,
 * not at all, leaving. Nothing is read but within a call that waits for something, so a client that
 * is not asked does not read. Every wait is bounded (sse_set_patience); a failure aborts the Check
 * test and prints what was received.
 *
 *     struct sse_stream *stream = sse_open_stream(gateway, "/stream", body);
 *     sse_expect(stream, "session");
 *     const struct sse_event *event = sse_expect(stream, "text");
 *     ck_assert_str_eq(sse_string(event, "text"), "Hello");
 *     sse_stream_close(stream);
 */
#ifndef SUPPORT_SSE_CLIENT_H
#define SUPPORT_SSE_CLIENT_H

#include "support/http_client.h"
#include "support/raw_client.h"

struct sse_event {
    char *name;
    char *id;   /* the last event id when it came, "" for none */
    char *data; /* terminated; may hold NULs */
    size_t size;
    json_t *json; /* NULL when the data is no JSON */
};

struct sse_request {
    const char *method; /* NULL: "POST" */
    const char *path;
    const char *protocol;       /* NULL: "HTTP/1.1" */
    const char *key;            /* NULL: GATEWAY_KEY; "": no Authorization */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    json_t *body;               /* taken over */
    int receive_buffer_bytes;   /* see raw_connect_narrow */
};

/* How long the next head, event or end may take: ten seconds, or this from now on, for all. */
void sse_set_patience(unsigned ms);

/* Sends on a connection of its own and waits for the head of the answer, whatever it is. */
struct sse_stream *sse_open_stream(const struct gateway *gateway, const char *path, json_t *body);
struct sse_stream *sse_open_request(const struct gateway *gateway,
                                    const struct sse_request *request);
/* The next answer on a connection that remains the caller's: requests were sent by hand. */
struct sse_stream *sse_receive_stream(struct raw_client *client);
/* The text of such a request; the caller frees. */
char *sse_request_text(const struct sse_request *request);

/* Closes the connection if it is the stream's own: with the stream unfinished the client leaves
 * here. Takes NULL. To leave otherwise: sse_connection with raw_half_close or raw_send. */
void sse_stream_close(struct sse_stream *stream);
/* Leaves with RST. */
void sse_stream_reset(struct sse_stream *stream);
struct raw_client *sse_connection(struct sse_stream *stream);

/* Takes at most that many bytes from the socket at a time: 1 reads byte-wise. */
void sse_set_piece(struct sse_stream *stream, size_t bytes);

/* ---- the answer's head */

long sse_status(const struct sse_stream *stream);
/* NULL when it is not there; the caller frees. */
char *sse_header(const struct sse_stream *stream, const char *name);
/* The answer when it is no event stream, read to its end, for http_assert_error; asserts that it is
 * none. http_response_finish it. */
struct http_response sse_refusal(struct sse_stream *stream);

/* ---- events; they live until the next call that reads, or the close */

/* The next event; NULL when the stream has ended. Asserts that the answer is an event stream. */
const struct sse_event *sse_next(struct sse_stream *stream);
/* The next event, which must have that name. */
const struct sse_event *sse_expect(struct sse_stream *stream, const char *name);
/* Skips events until one of that name, which must come. */
const struct sse_event *sse_await(struct sse_stream *stream, const char *name);
/* Asserts that nothing more comes and that the answer ends in due form: with its last chunk, or by
 * a close where the protocol is HTTP/1.0; and not amid an event. */
void sse_expect_end(struct sse_stream *stream);
/* Asserts that the connection ends within the time and before the answer does. Reads what still
 * comes. */
void sse_expect_cut(struct sse_stream *stream, unsigned timeout_ms);

/* Members by path as in http_client.h; aborts when missing or of another type. */
json_t *sse_member(const struct sse_event *event, const char *path);
const char *sse_string(const struct sse_event *event, const char *path);
json_int_t sse_integer(const struct sse_event *event, const char *path);

/* ---- whole streams */

struct sse_recording {
    size_t count;
    struct sse_event *events;
    char *outline; /* the names in their order, runs of one name as one: "session text done" */
    char *text;    /* the `text` of all text events, joined */
    size_t text_size;
};

/* Everything to the end, as sse_expect_end asserts it. sse_recording_finish it. */
struct sse_recording sse_read_all(struct sse_stream *stream);
void sse_recording_finish(struct sse_recording *recording);
/* The first event of that name; aborts when there is none. */
const struct sse_event *sse_find(const struct sse_recording *recording, const char *name);
size_t sse_count(const struct sse_recording *recording, const char *name);
/* Asserts the outline, showing the events. */
void sse_assert_outline(const struct sse_recording *recording, const char *outline);

/* ---- counters */

size_t sse_comments(const struct sse_stream *stream);
const char *sse_last_comment(const struct sse_stream *stream);
uint64_t sse_bytes(const struct sse_stream *stream); /* of the connection, framing included */

#endif
