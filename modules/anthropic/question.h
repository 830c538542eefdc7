/* SPDX-License-Identifier: Apache-2.0 */
/* A request of the API, read: what is asked of the chat, and how the answer is to come. */
#ifndef ANTHROPIC_QUESTION_H
#define ANTHROPIC_QUESTION_H

#include "anthropic.h"
#include "fields.h"

struct question {
    struct koine_chat_ask ask;
    struct koine_text model;  /* as the client calls it */
    bool hides_thinking;      /* blocks of thinking come without their text */
    json_t *messages, *tools; /* what the ask's texts and values lie in; freed with the request */
    json_t *system;
    json_t *output_config;
};

/* Reads the body; everything lives as long as the request. NULL: the request has been answered with
 * what is wrong, or is gone. */
struct question *question_read(const struct anthropic *self, koine_request request,
                               const struct request_fields *fields);

#endif
