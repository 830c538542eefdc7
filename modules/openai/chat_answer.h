/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of /v1/chat/completions: whole, or as chunks while it is written. Both are fed the
 * events of the chat and end the request with the last one.
 */
#ifndef OPENAI_CHAT_ANSWER_H
#define OPENAI_CHAT_ANSWER_H

#include "openai.h"
#include <koine-module/frames.h>

/* One answer, in the memory of its request. */
struct chat_answer {
    uint32_t magic;
    const struct openai *module;
    koine_request request;
    struct koine_chat_id id;
    int64_t created; /* seconds since 1970 */
    bool stream;
    bool include_usage; /* of a stream */
    bool begun;         /* the stream is out */
    /* whole */
    struct koine_chat_whole whole;
    /* stream */
    struct koine_frames frames;
    struct koine_text head;      /* of each chunk, up to the delta */
    struct koine_text text_head; /* the same and the front of a piece of text */
    uint32_t tools;              /* that have begun */
    bool has_arguments;          /* of the last one, some have been told */
};

/* NULL: the request has been answered for memory. */
struct chat_answer *chat_answer_create(const struct openai *module, koine_request request);

/* koine_chat_callback; `data` is the answer. */
void chat_answer_event(void *data, const struct koine_chat_event *event);

/* The API's word for why the model stopped. */
const char *chat_finish_reason(struct koine_text stop_reason);

/* chat_stream.c: events of a stream. */
void chat_stream_event(struct chat_answer *answer, const struct koine_chat_event *event);

#endif
