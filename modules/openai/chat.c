/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/chat/completions: from the body to a chat that has begun. What is written of it is
 * chat_answer.c's affair.
 */
#include "chat_answer.h"
#include "chat_fields.h"
#include "chat_messages.h"
#include "format.h"
#include "question.h"

static void read_limit(struct reading *reading, const struct chat_fields *fields,
                       struct koine_chat_ask *ask) {
    ask->max_tokens =
        fields->max_completion_tokens ? fields->max_completion_tokens : fields->max_tokens;
    if (fields->max_tokens && fields->max_completion_tokens &&
        fields->max_tokens != fields->max_completion_tokens)
        koine_body_problem(reading->body, "max_tokens",
                           "must not be sent with another max_completion_tokens");
}

/* Whether the stream ends with a chunk of usage. */
static bool read_stream_options(struct reading *reading, const struct chat_fields *fields) {
    static const char *const names[] = {"include_usage", "include_obfuscation", NULL};
    const struct koine_body_place place = place_member(NULL, "stream_options");
    const struct koine_body_place usage_place = place_member(&place, "include_usage");
    json_t *options = read_json(reading, fields->stream_options);
    const json_t *usage = json_object_get(options, "include_usage");
    const bool included = json_is_true(usage);
    if (options && !fields->stream)
        problem(reading, &place, "is only allowed when stream is true");
    if (usage && !json_is_boolean(usage) && !json_is_null(usage))
        problem_expected(reading, &usage_place, "true or false", usage);
    read_known(reading, &place, options, names);
    json_decref(options);
    return included;
}

/* Messages hold no numbers that matter, and may be large: they are not read anew. */
static void read_messages(struct question *question, const struct chat_fields *fields) {
    conversation_init(&question->conversation, &question->reading, "messages",
                      fields->messages.count);
    chat_messages_read(&question->conversation,
                       koine_body_json(question->reading.body, "messages"));
}

/* Everything but the stream's affairs. */
static void read_question(struct question *question, const struct chat_fields *fields) {
    struct reading *reading = &question->reading;
    const struct koine_body_place effort_place = place_member(NULL, "reasoning_effort");
    koine_body_rules(reading->body, chat_rules, chat_rule_count);
    question->model = fields->model;
    question->tools =
        (struct tool_fields){fields->tools, fields->tool_choice, fields->parallel_tool_calls, true};
    read_messages(question, fields);
    format_of_chat(reading, fields->response_format, &question->ask);
    tools_read(reading, &question->tools, &question->ask);
    format_effort(reading, &effort_place, fields->reasoning_effort, &question->ask);
    read_limit(reading, fields, &question->ask);
}

void chat_completions_handle(void *data, koine_request request) {
    const struct openai *module = openai_of(data);
    struct chat_fields fields = {.parallel_tool_calls = true};
    struct question question = {.reading = {.module = module, .request = request}};
    question.reading.body =
        koine_body_read(module->self.host, request, chat_field_table, chat_field_count, &fields);
    if (!question.reading.body)
        return;
    read_question(&question, &fields);
    const bool include_usage = read_stream_options(&question.reading, &fields);
    if (!question_accept(&question))
        return;
    struct chat_answer *answer = chat_answer_create(module, request);
    if (!answer)
        return;
    answer->stream = question.ask.streams = fields.stream;
    answer->include_usage = include_usage;
    koine_chat_start(module->chat, request, &question.ask, chat_answer_event, answer);
}
