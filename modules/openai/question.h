/* SPDX-License-Identifier: Apache-2.0 */
/* From what a client has sent to a chat that has begun: the steps that both endpoints take, in the
 * order in which clients are told what is wrong. */
#ifndef OPENAI_QUESTION_H
#define OPENAI_QUESTION_H

#include "conversation.h"
#include "tools.h"

struct question {
    struct reading reading;
    struct conversation conversation;
    struct tool_fields tools;
    struct koine_text model; /* as the client calls it */
    struct koine_chat_ask ask;
};

/*
 * After everything has been read: the body's problems, then the model, then what conversation and
 * tools are as a whole. True: the ask is complete. False: the request has been answered.
 */
bool question_accept(struct question *question);

/* Answers 404 in the API's words. */
void model_not_found(const struct openai *module, koine_request request, struct koine_text model);

#endif
