/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/responses: from the body to a chat that has begun. What is written of it is
 * responses_answer.c's affair.
 */
#include "format.h"
#include "question.h"
#include "responses_answer.h"
#include "responses_input.h"

/* Effort has an effect; how the thinking is summed up does not: none is shown. Returns the word, in
 * the request's memory. */
static struct koine_text read_reasoning(struct reading *reading, struct koine_text text,
                                        struct koine_chat_ask *ask) {
    static const char *const names[] = {"effort", "summary", "generate_summary", NULL};
    const struct koine_body_place place = place_member(NULL, "reasoning");
    const struct koine_body_place effort_place = place_member(&place, "effort");
    json_t *reasoning = read_json(reading, text);
    const json_t *effort = read_string(reading, &place, reasoning, "effort");
    struct koine_text word = {NULL, 0};
    read_known(reading, &place, reasoning, names);
    if (effort)
        word = reading_copy(
            reading, (struct koine_text){json_string_value(effort), json_string_length(effort)});
    json_decref(reasoning);
    format_effort(reading, &effort_place, word, ask);
    return word;
}

/* Most of what may be included belongs to tools that do not run here, and is never there. */
static void read_include(struct reading *reading, struct koine_text text) {
    const struct koine_body_place place = place_member(NULL, "include");
    json_t *include = read_json(reading, text), *name;
    size_t index;
    json_array_foreach(include, index, name) {
        const struct koine_body_place item = place_item(&place, index);
        if (!json_is_string(name))
            problem_expected(reading, &item, "a string", name);
        else if (text_is(name, "message.output_text.logprobs"))
            problem(reading, &item, "is not supported: the model gives no probabilities");
    }
    json_decref(include);
}

/* Items hold no numbers that matter, and may be large: they are not read anew. */
static void read_input(struct question *question, const struct responses_fields *fields) {
    json_t *input = koine_body_json(question->reading.body, "input");
    conversation_init(&question->conversation, &question->reading, "input", json_array_size(input));
    if (fields->instructions.size)
        conversation_add_system(
            &question->conversation,
            build(&question->reading,
                  json_stringn_nocheck(fields->instructions.data, fields->instructions.size)));
    if (fields->input.data)
        responses_input_read(&question->conversation, input);
}

static void read_question(struct question *question, const struct responses_fields *fields) {
    struct reading *reading = &question->reading;
    koine_body_rules(reading->body, responses_rules, responses_rule_count);
    question->model = fields->model;
    question->tools = (struct tool_fields){fields->tools, fields->tool_choice,
                                           fields->parallel_tool_calls, false};
    question->ask.max_tokens = fields->max_output_tokens;
    question->ask.streams = fields->stream;
    read_input(question, fields);
    format_of_responses(reading, fields->text, &question->ask);
    tools_read(reading, &question->tools, &question->ask);
    read_include(reading, fields->include.json);
}

void responses_handle(void *data, koine_request request) {
    const struct openai *module = openai_of(data);
    struct responses_fields fields = {.parallel_tool_calls = true};
    struct question question = {.reading = {.module = module, .request = request}};
    question.reading.body = koine_body_read(module->self.host, request, responses_field_table,
                                            responses_field_count, &fields);
    if (!question.reading.body)
        return;
    read_question(&question, &fields);
    const struct koine_text effort =
        read_reasoning(&question.reading, fields.reasoning, &question.ask);
    if (!question_accept(&question))
        return;
    struct response *response = response_create(module, request, &fields);
    if (!response)
        return;
    response->effort = effort;
    koine_chat_start(module->chat, request, &question.ask, response_event, response);
}
