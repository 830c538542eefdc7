/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the module share: its state, and the handlers of its routes. How a request
 * becomes a question to the model is question.h, how an answer is written are chat_answer.c and
 * responses_answer.c.
 */
#ifndef OPENAI_OPENAI_H
#define OPENAI_OPENAI_H

#include <koine-module/chat.h>
#include <koine-module/module.h>

struct openai {
    struct koine_self self; /* first */
    struct koine_chat *chat;
    int64_t started_at; /* seconds since 1970 */
};

/* Of the `self` that the host hands to handlers. */
const struct openai *openai_of(void *data);

/* chat.c */
void chat_completions_handle(void *self, koine_request request);
/* responses.c */
void responses_handle(void *self, koine_request request);
/* models.c */
void models_list_handle(void *self, koine_request request);
void models_get_handle(void *self, koine_request request);
/* unsupported.c */
void unsupported_handle(void *self, koine_request request);
void not_stored_handle(void *self, koine_request request);

static inline struct koine_text openai_text(const char *string) {
    return (struct koine_text){string, __builtin_strlen(string)};
}

#endif
