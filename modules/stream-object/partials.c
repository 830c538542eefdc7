/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partial repeats all that came before, so telling one for each delta would cost the square of
 * the object. Small texts are told at once; larger ones when they have grown by a part of their
 * size, so that all partials together are a constant times the object, or when time has passed.
 */
#include "partials.h"

enum {
    SMALL_BYTES = 4096, /* up to here every delta is told */
    GROWTH = 64,        /* above: when the text has grown by 1/64 … */
    PAUSE_MS = 250      /* … or after this time */
};

bool partials_init(struct partials *partials, const struct koine_self *self, struct koine_sse *sse,
                   bool deltas, size_t max_bytes) {
    partials->self = self;
    partials->sse = sse;
    partials->deltas = deltas;
    partials->max_bytes = max_bytes;
    koine_json_text_init(&partials->text, NULL, 0);
    partials->reader = deltas ? NULL : koine_partial_json_create();
    return deltas || partials->reader;
}

static void stop_timer(struct partials *partials) {
    if (partials->timer.id)
        partials->self->loop->timer_stop(partials->self->host, partials->timer);
    partials->timer.id = 0;
}

void partials_finish(struct partials *partials) {
    partials->stopped = true; /* `drained` may still come until the stream ends */
    stop_timer(partials);
    koine_json_text_finish(&partials->text);
    koine_partial_json_destroy(partials->reader);
    partials->reader = NULL;
}

/* ---- telling */

static void warn(struct partials *partials, const char *message, const char *code) {
    koine_sse_send_json(partials->sse, "warning",
                        json_pack("{s:s,s:s}", "message", message, "code", code));
}

static void tell_partial(struct partials *partials) {
    const struct koine_partial_value value = koine_partial_json_value(partials->reader);
    struct koine_sse_event event;
    stop_timer(partials);
    koine_sse_begin(&event, partials->sse, "partial-object");
    koine_sse_raw(&event, KOINE_TEXT("{\"partial\":\""));
    /* neither text holds a line break that would have to be looked for */
    koine_json_text_add(&event.text,
                        (struct koine_text){partials->text.bytes, partials->text.size});
    koine_sse_raw(&event, KOINE_TEXT("\",\"parsed\":"));
    koine_json_text_add(&event.text, value.head.size ? value.head : KOINE_TEXT("null"));
    koine_json_text_add(&event.text, value.tail);
    koine_sse_raw(&event, KOINE_TEXT("}"));
    partials->told_complete = koine_partial_json_complete(partials->reader);
    partials->told_size = partials->size;
    partials->told_ms = partials->self->loop->now_ms(partials->self->host);
    partials->full = koine_sse_send(&event) == KOINE_FULL;
}

/* ---- when */

static bool is_due(const struct partials *partials, uint64_t now_ms) {
    const size_t grown = partials->size - partials->told_size;
    return partials->size <= SMALL_BYTES || grown >= partials->told_size / GROWTH ||
           now_ms - partials->told_ms >= PAUSE_MS ||
           (!partials->told_complete && koine_partial_json_complete(partials->reader));
}

static void on_timer(void *data, koine_timer timer) {
    struct partials *partials = data;
    (void)timer;
    partials->timer.id = 0;
    if (!partials->full)
        tell_partial(partials);
}

/* Tells what is new, now or in due time. While the buffer is full it waits for `drained`. */
static void tell_when_due(struct partials *partials) {
    const struct koine_loop *loop = partials->self->loop;
    if (partials->deltas || partials->full || partials->stopped ||
        partials->size == partials->told_size)
        return;
    const uint64_t now_ms = loop->now_ms(partials->self->host);
    if (is_due(partials, now_ms)) {
        tell_partial(partials);
    } else if (!partials->timer.id) {
        const uint64_t wait_ms = partials->told_ms + PAUSE_MS - now_ms;
        if (loop->timer_start(partials->self->host, (uint32_t)wait_ms, 0, on_timer, partials,
                              &partials->timer) != KOINE_OK)
            tell_partial(partials);
    }
}

/* The time that the client took to read does not count: else a slow one would be sent a partial for
 * every delta, each of them as long as the object. */
void partials_drained(struct partials *partials) {
    partials->full = false;
    partials->told_ms = partials->self->loop->now_ms(partials->self->host);
    tell_when_due(partials);
}

/* ---- what comes */

void partials_begin(struct partials *partials) {
    if (partials->begun)
        warn(partials, "The model begins the object anew; what came before is void",
             "OBJECT_RESTARTED");
    stop_timer(partials);
    partials->begun = true;
    partials->stopped = partials->told_complete = false;
    partials->size = partials->told_size = partials->text.size = 0;
    partials->text.no_memory = false;
    if (partials->reader)
        koine_partial_json_reset(partials->reader);
}

static void stop_telling(struct partials *partials, const char *why) {
    partials->stopped = true;
    stop_timer(partials);
    warn(partials, why, "PARTIALS_STOPPED");
}

/* Keeps the piece, if that is possible. */
static void keep(struct partials *partials, struct koine_text piece) {
    if (piece.size > partials->max_bytes - partials->size) {
        stop_telling(partials,
                     "The object is too long for partials (max_partial_bytes); it will come "
                     "as a whole");
        return;
    }
    partials->size += piece.size;
    koine_json_text_add_escaped(&partials->text, piece);
    if (koine_partial_json_feed(partials->reader, piece) == KOINE_NO_MEMORY ||
        partials->text.no_memory)
        stop_telling(partials,
                     "The gateway is short of memory for partials; the object will come as "
                     "a whole");
}

void partials_add(struct partials *partials, struct koine_text piece) {
    partials->begun = true;
    if (partials->deltas)
        koine_sse_send_string(partials->sse, "object-delta", KOINE_TEXT("{\"delta\":"), piece);
    else if (!partials->stopped)
        keep(partials, piece);
    tell_when_due(partials);
}

void partials_end(struct partials *partials, struct koine_text object) {
    if (partials->reader) /* a number on its own is complete with what may follow it */
        koine_partial_json_feed(partials->reader, KOINE_TEXT(" "));
    const bool known = partials->deltas
                           ? partials->begun
                           : partials->stopped || koine_partial_json_complete(partials->reader);
    if (!known) { /* the CLI gave the object without deltas, or not all of them */
        partials_begin(partials);
        partials_add(partials, object);
    }
    if (!partials->deltas && !partials->stopped && partials->told_size < partials->size)
        tell_partial(partials);
    stop_timer(partials);
}
