/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/messages: a conversation in, the model's next message out, whole or as events. */
#include "answer.h"

void create_message(void *data, koine_request request) {
    struct anthropic *self = anthropic_of(data);
    anthropic_name_request(&self->self, request);
    const struct question *question = question_read(self, request, &create_message_fields);
    struct answer *answer = question ? answer_create(&self->self, request, question) : NULL;
    if (answer)
        koine_chat_start(self->chat, request, &question->ask, answer_on_event, answer);
}
