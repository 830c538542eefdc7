/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/messages/count_tokens: how many tokens a conversation is. The model is not asked. */
#include "question.h"
#include <koine-module/answer.h>
#include <stdlib.h>

enum { COUNT_MAGIC = 0x636f756e };

struct count {
    uint32_t magic;
    const struct koine_self *self;
    koine_request request;
};

static const struct count *count_of(void *data) {
    const struct count *count = data;
    if (!count || count->magic != COUNT_MAGIC)
        abort();
    return count;
}

static void on_event(void *data, const struct koine_chat_event *event) {
    const struct count *count = count_of(data);
    if (event->type == KOINE_CHAT_DONE) {
        koine_answer(count->self, count->request, 200,
                     json_pack("{s:I}", "input_tokens", (json_int_t)event->usage.input_tokens));
    } else if (event->type == KOINE_CHAT_FAILURE) {
        count->self->http->fail(count->self->host, count->request, event->failure);
    }
}

void count_tokens(void *data, koine_request request) {
    struct anthropic *self = anthropic_of(data);
    anthropic_name_request(&self->self, request);
    struct question *question = question_read(self, request, &count_tokens_fields);
    struct count *count =
        question ? self->self.http->alloc(self->self.host, request, sizeof(*count)) : NULL;
    if (!count) {
        if (question)
            koine_fail_for_memory(&self->self, request);
        return;
    }
    *count = (struct count){COUNT_MAGIC, &self->self, request};
    /* The form of an answer is not counted: there is none. The tools are, forced or not. */
    question->ask.schema = question->ask.forced_tool = (struct koine_text){NULL, 0};
    question->ask.tool_choice = KOINE_CHAT_TOOLS_AUTO;
    koine_chat_count(self->chat, request, &question->ask, on_event, count);
}
