/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of a run to a whole answer. Streams nothing. */
#include <koine-module/run.h>

bool koine_run_start(const struct koine_self *self, koine_request request,
                     const struct koine_run_options *options, koine_run_callback on_event,
                     void *data) {
    struct koine_failure failure = {.size = sizeof(failure)};
    koine_run run;
    if (self->runner->start(self->host, request, options, on_event, data, &run, &failure) ==
        KOINE_OK)
        return true;
    self->http->fail(self->host, request, &failure);
    return false;
}

bool koine_run_narrow(const struct koine_self *self, koine_request request,
                      const struct koine_text *allowed, size_t allowed_count,
                      const struct koine_text *disallowed, size_t disallowed_count) {
    struct koine_failure failure = {.size = sizeof(failure)};
    if (self->tools->narrow(self->host, request, allowed, allowed_count, disallowed,
                            disallowed_count, &failure) == KOINE_OK)
        return true;
    self->http->fail(self->host, request, &failure);
    return false;
}

bool koine_run_without_tools(const struct koine_self *self, koine_request request) {
    static const struct koine_text all = {"*", 1};
    return koine_run_narrow(self, request, NULL, 0, &all, 1);
}

/* ---- the result as JSON */

static json_t *usage_json(const struct koine_usage *usage) {
    const uint64_t total = usage->input_tokens + usage->output_tokens;
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "inputTokens", (json_int_t)usage->input_tokens,
                     "outputTokens", (json_int_t)usage->output_tokens, "totalTokens",
                     (json_int_t)total, "cacheReadInputTokens",
                     (json_int_t)usage->cache_read_input_tokens, "cacheCreationInputTokens",
                     (json_int_t)usage->cache_creation_input_tokens);
}

static json_t *string_or_null(struct koine_text text) {
    return text.size ? json_stringn(text.data, text.size) : json_null();
}

void koine_run_add_result(struct koine_json_text *text, const struct koine_run_result *result) {
    json_t *members = json_pack(
        "{s:o,s:o,s:f,s:o,s:I,s:I,s:o}", "usage", usage_json(&result->usage), "sessionId",
        string_or_null(result->session_id), "costUsd", result->cost_usd, "model",
        string_or_null(result->model), "numTurns", (json_int_t)result->num_turns, "durationMs",
        (json_int_t)result->duration_ms, "stopReason", string_or_null(result->stop_reason));
    koine_json_text_add_value(text, members, JSON_EMBED);
    json_decref(members);
    /* the CLI's own list as it stands: a tool's input may hold numbers that no C type does */
    koine_json_text_add(text, KOINE_TEXT(",\"permissionDenials\":"));
    koine_json_text_add_line(text, result->permission_denials.size ? result->permission_denials
                                                                   : KOINE_TEXT("[]"));
}

static void add_answer(struct koine_json_text *json, const struct koine_run_result *result) {
    if (result->object.size) {
        koine_json_text_add(json, KOINE_TEXT("\"object\":"));
        koine_json_text_add(json, result->object); /* as the model wrote it, to the last digit */
        koine_json_text_add(json, KOINE_TEXT(",\"rawText\":"));
        koine_json_text_add_string(json, result->object);
    } else {
        koine_json_text_add(json, KOINE_TEXT("\"text\":"));
        koine_json_text_add_string(json, result->text);
    }
}

static void answer(const struct koine_self *self, koine_request request,
                   const struct koine_run_result *result) {
    struct koine_json_text json;
    koine_json_text_init(&json, NULL, 0);
    koine_json_text_add(&json, KOINE_TEXT("{"));
    add_answer(&json, result);
    koine_json_text_add(&json, KOINE_TEXT(","));
    koine_run_add_result(&json, result);
    koine_json_text_add(&json, KOINE_TEXT("}"));
    koine_answer_text(self, request, &json);
}

static void on_event(void *data, const struct koine_run_event *event) {
    const struct koine_self *self = koine_self_of(data);
    if (event->type == KOINE_RUN_RESULT)
        answer(self, event->request, event->result);
    else if (event->type == KOINE_RUN_FAILURE)
        self->http->fail(self->host, event->request, event->failure);
}

bool koine_run_answer(const struct koine_self *self, koine_request request,
                      const struct koine_run_options *options) {
    /* the way back through koine_self_of is checked */
    return koine_run_start(self, request, options, on_event, (void *)(uintptr_t)self);
}
