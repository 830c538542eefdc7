/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of /v1/responses: the object "response", whole or with events while it grows. Both are
 * fed the events of the chat and end the request with the last one.
 */
#ifndef OPENAI_RESPONSES_ANSWER_H
#define OPENAI_RESPONSES_ANSWER_H

#include "openai.h"
#include "responses_fields.h"
#include "responses_output.h"
#include <koine-module/frames.h>

enum { ITEM_PLACE_BYTES = 128 };

/* One answer, in the memory of its request. */
struct response {
    uint32_t magic;
    const struct openai *module;
    koine_request request;
    struct koine_chat_id id;
    int64_t created;                /* seconds since 1970 */
    struct responses_fields fields; /* as asked: the object repeats them */
    struct koine_text effort;       /* as asked, or none */
    struct output output;           /* what was said so far */
    /* stream */
    bool begun;
    struct koine_frames frames;
    uint64_t sequence_number;          /* of the next event */
    bool item_open;                    /* the last of the output is not done */
    char item_place[ITEM_PLACE_BYTES]; /* ,"item_id":…,"output_index":… of it, of text with
                                          ,"content_index":… */
};

/* NULL: the request has been answered for memory. */
struct response *response_create(const struct openai *module, koine_request request,
                                 const struct responses_fields *fields);

/* koine_chat_callback; `data` is the response. */
void response_event(void *data, const struct koine_chat_event *event);

/* Where an answer stands. */
struct response_state {
    const char *status;                  /* "in_progress", "completed", "incomplete", "failed" */
    const char *incomplete_reason;       /* NULL: it is not */
    struct koine_text model;             /* that answers */
    const struct koine_usage *usage;     /* NULL: not known yet */
    const struct koine_failure *failure; /* NULL: none */
};

/* The state that an answer ends in. */
struct response_state response_done(const struct koine_chat_event *done);

/* Adds the object, in one line. */
void response_add(struct koine_json_text *text, const struct response *response,
                  const struct response_state *state);
/* Adds the output item `index`, which is whole. `status`: "completed", "incomplete". */
void response_add_item(struct koine_json_text *text, const struct response *response, size_t index,
                       const char *status);
/* Adds the item's id, without quotes. */
void response_add_item_id(struct koine_json_text *text, const struct response *response,
                          size_t index);

/* responses_stream.c: events of a stream. */
void response_stream_event(struct response *response, const struct koine_chat_event *event);

#endif
