/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module's state, and the handlers of its routes: one file each. What they share lies in files
 * of their own (question.h, answer.h, errors.h, models.c).
 */
#ifndef ANTHROPIC_ANTHROPIC_H
#define ANTHROPIC_ANTHROPIC_H

#include <koine-module/chat.h>

struct anthropic {
    struct koine_self self; /* first */
    struct koine_chat *chat;
};

/* Back from the `void *` of the host. Never NULL. */
struct anthropic *anthropic_of(void *self);

/* Every answer of the API names its request in a header of this kind. */
void anthropic_name_request(const struct koine_self *self, koine_request request);

void create_message(void *self, koine_request request); /* POST /v1/messages */
void count_tokens(void *self, koine_request request);   /* POST /v1/messages/count_tokens */
void list_models(void *self, koine_request request);    /* GET /v1/models */
void retrieve_model(void *self, koine_request request); /* GET /v1/models/{model} */

#endif
