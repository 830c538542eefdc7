/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One answer on its way: whole as a message (answer.c), or as a stream of events (stream.c). Which
 * of the two is decided by the question.
 */
#ifndef ANTHROPIC_ANSWER_H
#define ANTHROPIC_ANSWER_H

#include "question.h"
#include <koine-module/frames.h>

enum { DELTA_HEAD_BYTES = 160 };

/* An event's bytes up to its text: the same for all pieces of a block. */
struct delta_head {
    enum koine_chat_type type; /* 0: none is made yet */
    uint32_t index;
    size_t size;
    char bytes[DELTA_HEAD_BYTES];
};

struct answer {
    uint32_t magic;
    const struct koine_self *self;
    const struct question *question;
    koine_request request;
    struct koine_chat_id id;
    bool begun;                    /* the stream is */
    struct koine_chat_whole whole; /* of an answer that is not streamed */
    struct koine_frames frames;    /* of one that is */
    struct delta_head head;
};

/* In memory of the request. NULL: answered, or gone. */
struct answer *answer_create(const struct koine_self *self, koine_request request,
                             const struct question *question);

/* koine_chat_callback: its `data` is the answer. */
void answer_on_event(void *data, const struct koine_chat_event *event);

/* The message up to its stop_reason, of `model` or, when that is none, of the one asked for:
 * {"id":…,"model":…,"content":; and from behind the content on. */
void answer_write_head(struct koine_json_text *out, const struct answer *answer,
                       struct koine_text model);
void answer_write_tail(struct koine_json_text *out, struct koine_text stop_reason,
                       const struct koine_usage *usage);

/* "stop_reason":…,"stop_sequence":…, … of a message or of its message_delta. */
void answer_write_stop(struct koine_json_text *out, struct koine_text stop_reason);
/* The four counts, without brackets. */
void answer_write_counts(struct koine_json_text *out, const struct koine_usage *usage);

/* ---- stream.c */

void stream_on_event(struct answer *answer, const struct koine_chat_event *event);

#endif
