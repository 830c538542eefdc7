/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run as server-sent events: what every streaming endpoint says beside its own events.
 *
 *     session {"sessionId"}      before all others
 *     thinking, tool, retry      when the client asks for them with "events": ["tool", …]
 *     result {"sessionId", …}    then done {"code": 0, "signal": null}
 *     error {"error", "code"}    then done {"code", "signal", "reason"}
 *
 * `done` is always the last. Backpressure, keep-alive, clients that leave and time limits are the
 * host's affair: the run is tied to the stream.
 */
#ifndef KOINE_MODULE_RUN_STREAM_H
#define KOINE_MODULE_RUN_STREAM_H

#include <koine-module/body.h>
#include <koine-module/run.h>
#include <koine-module/sse.h>

#ifdef __cplusplus
extern "C" {
#endif

struct koine_run_stream {
    struct koine_sse sse;
    const struct koine_self *self;
    uint32_t wanted; /* flags of the events that the client asked for */
    bool begun;      /* the head is out */
    bool ended;      /* `done` is out */
    void (*drained)(void *data, koine_request request);
    void *drained_data;
};

/* Rows of a field table: `names` is a struct koine_body_strings within `type`. */
#define KOINE_RUN_STREAM_FIELDS(type, names)                                                       \
    KOINE_BODY_FIELD(type, names, "events", KOINE_BODY_STRINGS, 0)

/* Reads the field "events"; unknown names are added to the body's problems. Between
 * koine_body_read and koine_body_accept. */
uint32_t koine_run_stream_wanted(struct koine_body *body, const struct koine_body_strings *names);

/* Flags for koine_run_options: the run is tied to the stream and tells what is wanted. */
uint32_t koine_run_stream_flags(uint32_t wanted);

/*
 * Prepares the stream of a request whose run has just been started. The head goes out with the
 * run's first event, SESSION, which comes at once unless the run has to wait; a run that is refused
 * while it waits is answered as plain JSON. `drained` as in koine_stream_options, NULL for none.
 */
void koine_run_stream_init(struct koine_run_stream *stream, const struct koine_self *self,
                           koine_request request, uint32_t wanted,
                           void (*drained)(void *data, koine_request request), void *data);

/* Tells the client of an event, as listed above; types that are the endpoint's own are passed over.
 */
void koine_run_stream_event(struct koine_run_stream *stream, const struct koine_run_event *event);

/*
 * All of it at once for an endpoint that streams text: starts the run and sends, beside the events
 * above, text {"text": …} for each piece. False: the request has been answered with the refusal.
 */
bool koine_run_stream_answer(const struct koine_self *self, koine_request request,
                             const struct koine_run_options *options, uint32_t wanted);

#ifdef __cplusplus
}
#endif
#endif
