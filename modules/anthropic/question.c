/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the body to what is asked of the chat: the body first, with all of its problems at once,
 * then the model.
 */
#include "question.h"
#include "errors.h"
#include "messages.h"
#include "options.h"
#include "tools.h"
#include <koine-module/answer.h>

static void free_question(void *data, koine_request request, int32_t how) {
    struct question *question = data;
    (void)request, (void)how;
    json_decref(question->messages);
    json_decref(question->tools);
    json_decref(question->system);
    json_decref(question->output_config);
}

static struct question *create(const struct koine_self *self, koine_request request) {
    struct question *question = self->http->alloc(self->host, request, sizeof(*question));
    if (question && self->http->on_end(self->host, request, free_question, question) == KOINE_OK)
        return question;
    koine_fail_for_memory(self, request); /* harmless when the request is gone */
    return NULL;
}

/* Everything that is not in the tables of fields. False: memory is short. */
static bool read_members(struct question *question, const struct koine_self *self,
                         koine_request request, struct koine_body *read,
                         const struct message_body *body) {
    struct checking checking = {.body = read};
    struct koine_chat_ask *ask = &question->ask;
    json_t *choice = member_load(&checking, "tool_choice", body->tool_choice);
    json_t *thinking = member_load(&checking, "thinking", body->thinking);
    json_t *format = member_load(&checking, "output_format", body->output_format);
    question->messages = member_load(&checking, "messages", body->messages.json);
    question->tools = member_load(&checking, "tools", body->tools.json);
    question->system = member_load(&checking, "system", body->system);
    question->output_config = member_load(&checking, "output_config", body->output_config);
    messages_check(&checking, question->messages);
    tools_check(&checking, question->tools);
    ask->messages = question->messages;
    ask->tools = json_array_size(question->tools) ? question->tools : NULL;
    ask->max_tokens = body->max_tokens;
    ask->streams = body->stream;
    ask->system = system_text(&checking, self, request, question->system);
    tool_choice_read(&checking, choice, ask);
    thinking_read(&checking, thinking, ask, &question->hides_thinking);
    output_read(&checking, question->output_config, format, ask);
    json_decref(choice);
    json_decref(thinking);
    json_decref(format);
    return !checking.no_memory;
}

static bool find_model(struct question *question, const struct anthropic *self,
                       koine_request request) {
    question->ask.model = koine_chat_model(self->chat, question->model);
    if (question->ask.model.data)
        return true;
    fail_unknown_model(&self->self, request, question->model);
    return false;
}

struct question *question_read(const struct anthropic *self, koine_request request,
                               const struct request_fields *fields) {
    struct message_body body = {0};
    struct koine_body *read =
        koine_body_read(self->self.host, request, fields->fields, fields->field_count, &body);
    struct question *question = read ? create(&self->self, request) : NULL;
    if (!question)
        return NULL;
    if (body.thread.size) {
        fail_thread(&self->self, request);
        return NULL;
    }
    koine_body_rules(read, fields->rules, fields->rule_count);
    question->model = body.model;
    if (!read_members(question, &self->self, request, read, &body)) {
        koine_fail_for_memory(&self->self, request);
        return NULL;
    }
    if (!koine_body_accept(read) || !find_model(question, self, request))
        return NULL;
    return question;
}
