/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object of a stream while it is being written: what has come, what of it the client has been
 * told, and when it is told more. Starts no run and knows nothing of its other events.
 */
#ifndef STREAM_OBJECT_PARTIALS_H
#define STREAM_OBJECT_PARTIALS_H

#include <koine-module/partial_json.h>
#include <koine-module/run_stream.h>

struct partials {
    const struct koine_self *self;
    struct koine_sse *sse;
    bool deltas;                 /* the client wants only what is new */
    bool begun;                  /* some of the object has come */
    bool full;                   /* the client's buffer is */
    bool stopped;                /* no more partials: over max_bytes, or finished */
    bool told_complete;          /* the whole object is told; white space may follow */
    size_t max_bytes;            /* of the text that is kept */
    size_t size;                 /* of the text so far */
    size_t told_size;            /* of the text when the last partial was sent */
    uint64_t told_ms;            /* when that was */
    koine_timer timer;           /* for what waits to be told; id 0: none */
    struct koine_json_text text; /* so far, as the characters of a JSON string */
    struct koine_partial_json *reader;
};

/* `partials` is zeroed memory that outlives the run. False: memory is short. */
bool partials_init(struct partials *partials, const struct koine_self *self, struct koine_sse *sse,
                   bool deltas, size_t max_bytes);
/* No timer fires afterwards. */
void partials_finish(struct partials *partials);

/* An object begins; the one before it, if any, is void. */
void partials_begin(struct partials *partials);
/* The next piece of its text. */
void partials_add(struct partials *partials, struct koine_text piece);
/* The client's buffer has room again. */
void partials_drained(struct partials *partials);
/* The object is whole: the client is told what it does not know yet. */
void partials_end(struct partials *partials, struct koine_text object);

#endif
