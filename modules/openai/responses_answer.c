/* SPDX-License-Identifier: Apache-2.0 */
/* The object "response": what was asked, repeated as the client wrote it, and what came of it. */
#include "responses_answer.h"
#include "chat_answer.h"
#include "usage.h"
#include <koine-module/answer.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RESPONSE_MAGIC = 0x72657370 };

struct response *response_create(const struct openai *module, koine_request request,
                                 const struct responses_fields *fields) {
    const struct koine_self *self = &module->self;
    struct response *response = self->http->alloc(self->host, request, sizeof(*response));
    if (!response || !output_init(&response->output, self, request)) {
        koine_fail_for_memory(self, request);
        return NULL;
    }
    response->magic = RESPONSE_MAGIC;
    response->module = module;
    response->request = request;
    response->id = koine_chat_id_make("resp_");
    response->created = (int64_t)time(NULL);
    response->fields = *fields;
    return response;
}

static struct response *response_of(void *data) {
    struct response *response = data;
    if (response->magic != RESPONSE_MAGIC)
        abort();
    return response;
}

struct response_state response_done(const struct koine_chat_event *done) {
    const char *finish = chat_finish_reason(done->stop_reason);
    const char *reason = strcmp(finish, "length") == 0           ? "max_output_tokens"
                         : strcmp(finish, "content_filter") == 0 ? "content_filter"
                                                                 : NULL;
    return (struct response_state){.status = reason ? "incomplete" : "completed",
                                   .incomplete_reason = reason,
                                   .model = done->model,
                                   .usage = &done->usage};
}

/* ---- items */

void response_add_item_id(struct koine_json_text *text, const struct response *response,
                          size_t index) {
    const bool call = response->output.items[index].is_call;
    koine_json_text_add(text, call ? KOINE_TEXT("fc_") : KOINE_TEXT("msg_"));
    koine_json_text_add(text, openai_text(response->id.text + strlen("resp_")));
    koine_json_text_add(text, KOINE_TEXT("_"));
    koine_json_text_add_number(text, index);
}

static void add_message(struct koine_json_text *text, const struct output_item *item) {
    koine_json_text_add(text, KOINE_TEXT(",\"type\":\"message\",\"role\":\"assistant\","
                                         "\"content\":[{\"type\":\"output_text\",\"text\":\""));
    koine_json_text_add(text, output_content(item));
    koine_json_text_add(text, KOINE_TEXT("\",\"annotations\":[],\"logprobs\":[]}]}"));
}

static void add_call(struct koine_json_text *text, const struct output_item *item) {
    koine_json_text_add(text, KOINE_TEXT(",\"type\":\"function_call\",\"call_id\":"));
    koine_json_text_add_string(text, item->call_id);
    koine_json_text_add(text, KOINE_TEXT(",\"name\":"));
    koine_json_text_add_string(text, item->name);
    koine_json_text_add(text, KOINE_TEXT(",\"arguments\":\""));
    koine_json_text_add(text, output_content(item));
    koine_json_text_add(text, KOINE_TEXT("\"}"));
}

void response_add_item(struct koine_json_text *text, const struct response *response, size_t index,
                       const char *status) {
    const struct output_item *item = &response->output.items[index];
    koine_json_text_add(text, KOINE_TEXT("{\"id\":\""));
    response_add_item_id(text, response, index);
    koine_json_text_add(text, KOINE_TEXT("\",\"status\":\""));
    koine_json_text_add(text, openai_text(status));
    koine_json_text_add(text, KOINE_TEXT("\""));
    if (item->is_call)
        add_call(text, item);
    else
        add_message(text, item);
}

/* Where the answer was cut, its last item was. */
static void add_output(struct koine_json_text *text, const struct response *response,
                       const struct response_state *state) {
    koine_json_text_add(text, KOINE_TEXT(",\"output\":["));
    for (size_t i = 0; state->usage && i < response->output.count; i++) {
        const bool last = i + 1 == response->output.count;
        koine_json_text_add(text, i ? KOINE_TEXT(",") : (struct koine_text){NULL, 0});
        response_add_item(text, response, i, last ? state->status : "completed");
    }
    koine_json_text_add(text, KOINE_TEXT("]"));
}

/* ---- the object */

/* What the client wrote, in one line, or what is so without it. */
static void add_written(struct koine_json_text *text, struct koine_text member,
                        struct koine_text written, struct koine_text otherwise) {
    koine_json_text_add(text, member);
    koine_json_text_add_line(text, written.size ? written : otherwise);
}

static void add_string_or_null(struct koine_json_text *text, struct koine_text member,
                               struct koine_text string) {
    koine_json_text_add(text, member);
    if (string.data)
        koine_json_text_add_string(text, string);
    else
        koine_json_text_add(text, KOINE_TEXT("null"));
}

static void add_error(struct koine_json_text *text, const struct koine_failure *failure) {
    koine_json_text_add(text, KOINE_TEXT(",\"error\":"));
    if (!failure) {
        koine_json_text_add(text, KOINE_TEXT("null"));
        return;
    }
    koine_json_text_add(text, failure->status == 429
                                  ? KOINE_TEXT("{\"code\":\"rate_limit_exceeded\"")
                              : failure->status < 500 ? KOINE_TEXT("{\"code\":\"invalid_prompt\"")
                                                      : KOINE_TEXT("{\"code\":\"server_error\""));
    koine_json_text_add(text, KOINE_TEXT(",\"message\":"));
    koine_json_text_add_string(text, failure->message);
    koine_json_text_add(text, KOINE_TEXT("}"));
}

static void add_incomplete(struct koine_json_text *text, const char *reason) {
    koine_json_text_add(text, KOINE_TEXT(",\"incomplete_details\":"));
    if (!reason) {
        koine_json_text_add(text, KOINE_TEXT("null"));
        return;
    }
    koine_json_text_add(text, KOINE_TEXT("{\"reason\":"));
    koine_json_text_add_string(text, openai_text(reason));
    koine_json_text_add(text, KOINE_TEXT("}"));
}

static void add_asked(struct koine_json_text *text, const struct response *response) {
    const struct responses_fields *fields = &response->fields;
    add_string_or_null(text, KOINE_TEXT(",\"instructions\":"), fields->instructions);
    koine_json_text_add(text, KOINE_TEXT(",\"max_output_tokens\":"));
    if (fields->max_output_tokens)
        koine_json_text_add_number(text, fields->max_output_tokens);
    else
        koine_json_text_add(text, KOINE_TEXT("null"));
    add_written(text, KOINE_TEXT(",\"metadata\":"), fields->metadata, KOINE_TEXT("{}"));
    koine_json_text_add(text, fields->parallel_tool_calls
                                  ? KOINE_TEXT(",\"parallel_tool_calls\":true")
                                  : KOINE_TEXT(",\"parallel_tool_calls\":false"));
    add_string_or_null(text, KOINE_TEXT(",\"reasoning\":{\"effort\":"), response->effort);
    add_written(text, KOINE_TEXT(",\"summary\":null},\"text\":"), fields->text,
                KOINE_TEXT("{\"format\":{\"type\":\"text\"}}"));
    add_written(text, KOINE_TEXT(",\"tool_choice\":"), fields->tool_choice, KOINE_TEXT("\"auto\""));
    add_written(text, KOINE_TEXT(",\"tools\":"), fields->tools.json, KOINE_TEXT("[]"));
    koine_json_text_add(text, KOINE_TEXT(",\"background\":false,\"previous_response_id\":null,"
                                         "\"service_tier\":\"default\",\"store\":false,"
                                         "\"temperature\":null,\"top_logprobs\":0,\"top_p\":null,"
                                         "\"truncation\":\"disabled\",\"user\":null"));
}

void response_add(struct koine_json_text *text, const struct response *response,
                  const struct response_state *state) {
    koine_json_text_add(text, KOINE_TEXT("{\"id\":\""));
    koine_json_text_add(text, openai_text(response->id.text));
    koine_json_text_add(text, KOINE_TEXT("\",\"object\":\"response\",\"created_at\":"));
    koine_json_text_add_number(text, (uint64_t)response->created);
    koine_json_text_add(text, KOINE_TEXT(",\"status\":\""));
    koine_json_text_add(text, openai_text(state->status));
    koine_json_text_add(text, KOINE_TEXT("\",\"model\":"));
    koine_json_text_add_string(text, state->model);
    add_error(text, state->failure);
    add_incomplete(text, state->incomplete_reason);
    add_output(text, response, state);
    add_asked(text, response);
    koine_json_text_add(text, KOINE_TEXT(",\"usage\":"));
    if (state->usage)
        usage_add_responses(text, state->usage);
    else
        koine_json_text_add(text, KOINE_TEXT("null"));
    koine_json_text_add(text, KOINE_TEXT("}"));
}

/* ---- events */

static void answer_whole(struct response *response, const struct koine_chat_event *done) {
    struct koine_json_text json;
    const struct response_state state = response_done(done);
    koine_json_text_init(&json, NULL, 0);
    response_add(&json, response, &state);
    json.no_memory |= response->output.no_memory;
    koine_answer_text(&response->module->self, response->request, &json);
}

static void add_piece(struct output *output, struct koine_text piece) {
    if (!output->no_memory && output->count)
        koine_json_text_add_escaped(&output_last(output)->content, piece);
    output->no_memory |= output->count && output_last(output)->content.no_memory;
}

static void whole_event(struct response *response, const struct koine_chat_event *event) {
    if (event->type == KOINE_CHAT_BLOCK)
        output_begin(&response->output, event);
    else if (event->type == KOINE_CHAT_TEXT || event->type == KOINE_CHAT_INPUT)
        add_piece(&response->output, event->text);
    else if (event->type == KOINE_CHAT_DONE)
        answer_whole(response, event);
}

void response_event(void *data, const struct koine_chat_event *event) {
    struct response *response = response_of(data);
    const struct koine_self *self = &response->module->self;
    if (event->type == KOINE_CHAT_FAILURE && !response->begun)
        self->http->fail(self->host, response->request, event->failure);
    else if (response->fields.stream)
        response_stream_event(response, event);
    else
        whole_event(response, event);
}
