/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a script that end a run: its result, a failure, a CLI that dies. */
#include "http/failure_form.h"
#include "http/refusal_words.h"
#include "modules/struct_size.h"
#include "test-host/run.h"
#include <stdlib.h>
#include <string.h>

static json_int_t number(const json_t *value, const char *name) {
    return json_integer_value(json_object_get(value, name));
}

static const char *string(const json_t *value, const char *name) {
    return json_string_value(json_object_get(value, name));
}

void script_read_usage(const json_t *value, struct koine_usage *usage) {
    usage->input_tokens = (uint64_t)number(value, "input_tokens");
    usage->output_tokens = (uint64_t)number(value, "output_tokens");
    usage->cache_read_input_tokens = (uint64_t)number(value, "cache_read_input_tokens");
    usage->cache_creation_input_tokens = (uint64_t)number(value, "cache_creation_input_tokens");
}

/* ---- failures */

void script_read_failure(const json_t *value, struct koine_failure *failure, char **issues) {
    const char *code = string(value, "code"), *message = string(value, "message");
    json_int_t status = number(value, "status");
    const json_t *list = json_object_get(value, "issues");
    failure_set(failure, status >= 400 && status <= 599 ? (int)status : 500,
                code ? code : "CLI_EXIT_ERROR", message ? message : "The run failed.");
    if (json_object_get(value, "retry_after_s"))
        failure->retry_after_s = (uint32_t)number(value, "retry_after_s");
    *issues = list ? json_dumps(list, JSON_COMPACT) : NULL;
    failure->issues = text_of(*issues);
    if (failure->size >= LENGTH_WITH(koine_failure, upstream_status)) /* a module's may be older */
        failure->upstream_status = (uint32_t)number(value, "upstream_status");
}

void script_failure(struct run *run, const json_t *value) {
    struct koine_failure failure = {0};
    char *issues;
    script_read_failure(value, &failure, &issues);
    run->finished = true;
    run_fail(run, &failure);
    free(issues);
}

static void fail(struct run *run, int status, const char *code, const char *message) {
    struct koine_failure failure = {0};
    failure_set(&failure, status, code, message);
    run->finished = true;
    run_fail(run, &failure);
}

void script_crash(struct run *run, const json_t *value) {
    char message[128];
    run->signal = (uint32_t)number(value, "signal");
    run->exit_code = run->signal ? -1 : (int)number(value, "exit_code");
    if (run->signal)
        snprintf(message, sizeof(message),
                 "The CLI was ended by signal %u before it gave a result.", run->signal);
    else
        snprintf(message, sizeof(message),
                 "The CLI ended with exit status %d before it gave a result.", run->exit_code);
    fail(run, 500, "CLI_EXIT_ERROR", message);
}

/* ---- the result */

/* Without a script a run answers its own prompt. */
static const char *echo(struct run *run) {
    const char *prompt = string(run->record, "prompt");
    json_t *blocks = json_object_get(run->record, "prompt_blocks");
    size_t index;
    json_t *block;
    if (prompt)
        return prompt;
    json_array_foreach(blocks, index, block) {
        if (string(block, "text"))
            return string(block, "text");
    }
    return "";
}

static void say_echo(struct run *run) {
    if (run->wants_object) {
        json_t *object = memory_need(json_pack("{s:s}", "echo", echo(run)));
        char *text = memory_need(json_dumps(object, JSON_COMPACT));
        buffer_add(&run->object, text_of(text));
        struct koine_run_event begin = {.type = KOINE_RUN_OBJECT_BEGIN};
        blocks_object(run);
        if (!run->reason)
            run_emit(run, &begin, "OBJECT_BEGIN");
        if (!run->reason)
            run_emit_text(run, KOINE_RUN_OBJECT_DELTA, "OBJECT_DELTA", text, strlen(text));
        free(text);
        json_decref(object);
    } else {
        blocks_text(run, echo(run), strlen(echo(run)));
    }
}

/* The object of the result: JSON that fits, or none. A script that says no JSON is a finding. */
static struct koine_text object_of(struct run *run, const json_t *value) {
    struct koine_text given = script_lend(run, value, "object");
    if (!run->wants_object)
        return (struct koine_text){0};
    if (!given.data && run->object.size)
        given = run_lend(run, run->object.data, run->object.size);
    json_t *parsed = given.size ? json_loadb(given.data, given.size, JSON_ALLOW_NUL, NULL) : NULL;
    if (given.size && !parsed)
        finding_add(run->host, "script", "the object of the steps is no JSON: %.*s",
                    (int)(given.size > 200 ? 200 : given.size), given.data);
    json_decref(parsed);
    return given;
}

/* One for four bytes, begun ones counting: a figure that follows from what was asked. */
static uint64_t count_tokens(const struct run *run) {
    static const char *const counted[] = {"prompt", "prompt_blocks", "history", "system",
                                          "append_system"};
    uint64_t tokens = 0;
    for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
        const json_t *value = json_object_get(run->record, counted[i]);
        char *json = value && !json_is_string(value) ? json_dumps(value, JSON_COMPACT) : NULL;
        size_t bytes = json ? strlen(json) : json_string_length(value);
        tokens += (bytes + 3) / 4;
        free(json);
    }
    return tokens;
}

static void succeed(struct run *run, const json_t *value) {
    struct koine_run_result result = {
        .size = sizeof(result),
        .num_turns = json_object_get(value, "num_turns") ? (uint32_t)number(value, "num_turns") : 1,
        .text = script_lend(run, value, "text"),
        .object = object_of(run, value),
        .session_id = run_lend(run, run->session_id, strlen(run->session_id)),
        .model = script_lend(run, value, "model"),
        .stop_reason = script_lend(run, value, "stop_reason"),
        .permission_denials = script_lend(run, value, "permission_denials"),
        .cost_usd = json_number_value(json_object_get(value, "cost_usd")),
        .duration_ms = run->host->now_ms - run->started_ms,
    };
    struct koine_run_event event = {.type = KOINE_RUN_RESULT, .result = &result};
    script_read_usage(value, &result.usage);
    if ((run->flags & KOINE_RUN_COUNT_TOKENS) && !value)
        result.usage.input_tokens = count_tokens(run);
    if (!result.text.data)
        result.text = run_lend(run, buffer_text(&run->text), run->text.size);
    if (!result.permission_denials.data)
        result.permission_denials = run_lend(run, "[]", 2);
    if (!json_object_get(value, "model"))
        result.model = run_lend(run, KOINE_TEST_MODEL, strlen(KOINE_TEST_MODEL));
    if (!json_object_get(value, "stop_reason"))
        result.stop_reason = run_lend(run, "end_turn", strlen("end_turn"));
    run->concluded = true;
    run_emit(run, &event, "RESULT");
}

void script_result(struct run *run, const json_t *value) {
    bool counts = run->flags & KOINE_RUN_COUNT_TOKENS;
    if (!run->steps && !counts)
        say_echo(run);
    if (!counts)
        blocks_end_message(run, NULL);
    if (run->reason || run->concluded)
        return;
    if (run->request) /* the work is done: who has this answer may send the next request */
        slot_return(run->request);
    run->finished = true;
    if (run->wants_object && !run->object.size && !json_object_get(value, "object"))
        fail(run, 500, "PARSE_ERROR", "The model gave" REFUSAL_NO_OBJECT);
    else
        succeed(run, value);
}
