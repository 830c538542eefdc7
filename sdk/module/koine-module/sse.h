/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events (HTML standard, "Server-sent events") whose data is JSON, numbered from 1:
 *
 *     id: 7
 *     event: text
 *     data: {"text":"Hello"}
 *
 * An event is built on the stack and leaves as one write. Its data never holds a line break, so
 * none of the standard's line rules can touch it. Keep-alive comments are the host's.
 *
 *     struct koine_sse_event event;
 *     koine_sse_begin(&event, &stream, "object"); // opened before with koine_sse_open
 *     koine_sse_raw(&event, KOINE_TEXT("{\"object\":"));
 *     koine_sse_raw(&event, object);
 *     koine_sse_raw(&event, KOINE_TEXT("}"));
 *     koine_sse_send(&event);
 */
#ifndef KOINE_MODULE_SSE_H
#define KOINE_MODULE_SSE_H

#include <jansson.h>
#include <koine-module/json_text.h>
#include <koine/http.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The stream of one request. */
struct koine_sse {
    const struct koine_host *host;
    const struct koine_http *http;
    koine_request request;
    uint64_t last_id;
    bool ended; /* what is sent is passed over */
};

/* Begins the answer, status 200, and the stream. `drained` as in koine_stream_options, may be NULL.
 * As http->stream_begin; unless KOINE_OK no event may be sent. */
int32_t koine_sse_open(struct koine_sse *stream, const struct koine_host *host,
                       koine_request request, void (*drained)(void *data, koine_request request),
                       void *data);

enum { KOINE_SSE_EVENT_BYTES = 1024 };

/* An event being built, between begin and send only; a long one moves to the heap meanwhile. */
struct koine_sse_event {
    struct koine_sse *stream;
    struct koine_json_text text;
    char own[KOINE_SSE_EVENT_BYTES];
};

/* `name` is a constant without line breaks. koine_sse_send must follow. */
void koine_sse_begin(struct koine_sse_event *event, struct koine_sse *stream, const char *name);

/* Adds JSON as it is; line breaks in it, which JSON allows between tokens, become spaces. */
void koine_sse_raw(struct koine_sse_event *event, struct koine_text json);

/* Adds text (UTF-8) as a JSON string. */
void koine_sse_string(struct koine_sse_event *event, struct koine_text text);

/* Adds a value, which is taken over; NULL counts as memory being short. */
void koine_sse_json(struct koine_sse_event *event, json_t *value);

/*
 * Sends the event. As http->stream_write: KOINE_OK, KOINE_FULL (taken; wait for `drained`),
 * KOINE_GONE, KOINE_WRONG_STATE. When memory is short a stream with a hole would be worse than
 * none: an `error` event and a `done` event end it, and KOINE_NO_MEMORY is returned; what is sent
 * afterwards is passed over (KOINE_GONE).
 * After KOINE_GONE and KOINE_NO_MEMORY the request has ended: its memory lasts until the callback
 * that sends returns, or, when it has a run, until that has said END.
 */
int32_t koine_sse_send(struct koine_sse_event *event);

/* Ends the stream and the request, as http->stream_end; KOINE_GONE when it has been ended before.
 */
int32_t koine_sse_end(struct koine_sse *stream);

/* An event whose data is an object with one string: `open` is all before it, "{\"text\":". */
int32_t koine_sse_send_string(struct koine_sse *stream, const char *name, struct koine_text open,
                              struct koine_text text);

/* An event whose data is one value, which is taken over. */
int32_t koine_sse_send_json(struct koine_sse *stream, const char *name, json_t *value);

#ifdef __cplusplus
}
#endif
#endif
