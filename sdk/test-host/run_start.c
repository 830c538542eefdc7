/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts runs: checks what a module asked for as the gateway's runner.c does, and keeps it for the
 * test. */
#include "http/failure_form.h"
#include "http/refusal_words.h"
#include "runner/run_options.h"
#include "test-host/run.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- checks */

static bool list_has(json_t *list, struct koine_text name) {
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item) {
        if (json_string_length(item) == name.size &&
            memcmp(json_string_value(item), name.data, name.size) == 0)
            return true;
    }
    return false;
}

/* Of a key that may use some only, the first of them. */
static struct koine_text default_profile(const struct koine_test_answer *request) {
    json_t *own = request->key ? request->key->profiles : NULL;
    return text_of(json_array_size(own) ? json_string_value(json_array_get(own, 0)) : "full");
}

static int32_t check_profile(struct koine_test_answer *request, struct koine_text name,
                             struct koine_failure *failure) {
    json_t *own = request->key ? request->key->profiles : NULL;
    if (!name.data)
        name = default_profile(request);
    if (!list_has(request->host->profiles, name))
        return failure_issue(request, failure, "profile", REFUSAL_UNKNOWN_PROFILE);
    if (own && !list_has(own, name))
        return failure_set(failure, 403, "AUTH_ERROR", REFUSAL_PROFILE_OF_KEY);
    return KOINE_OK;
}

int32_t run_check_credentials(struct koine_test_answer *request, struct koine_text name,
                              struct koine_failure *failure) {
    char sentence[320];
    int32_t result = check_profile(request, name, failure);
    if (!name.data)
        name = default_profile(request);
    if (result != KOINE_OK || !list_has(request->host->profiles_without_key, name))
        return result;
    snprintf(sentence, sizeof(sentence),
             "The profile %.*s needs ANTHROPIC_API_KEY in the gateway's environment (--bare takes "
             "no login): set it there and start the gateway again.",
             (int)name.size, name.data);
    failure_set(failure, 503, "UNAVAILABLE", "");
    failure->message = request_copy(request, text_of(sentence));
    return KOINE_REFUSED;
}

static int32_t check(struct koine_test_answer *request, const struct koine_run_options *options,
                     struct koine_failure *failure) {
    struct run_options_problem problem;
    json_t *messages;
    if (!run_options_check(options, &messages, &problem))
        return failure_issue(request, failure, problem.field, problem.message);
    json_decref(messages);
    return check_profile(request, options->profile, failure);
}

/* ---- the session */

/* Two turns of one session at a time would lose one of them. */
static bool is_busy(const struct run *run) {
    for (const struct run *other = run->host->runs; *run->continued && other; other = other->next)
        if (other != run && !other->finished && !other->reason &&
            strcasecmp(other->session_id, run->continued) == 0)
            return true;
    return false;
}

static int32_t choose_session(struct run *run, const struct koine_run_options *options,
                              struct koine_failure *failure) {
    run->forks = (options->flags & KOINE_RUN_FORK) != 0;
    if (options->session_id.data) {
        if (access_check_session(run->request, options->session_id, failure) != KOINE_OK)
            return KOINE_REFUSED;
        memcpy(run->continued, options->session_id.data, SESSION_ID_SIZE - 1);
        if (is_busy(run))
            return failure_set(failure, 409, "SESSION_BUSY", REFUSAL_SESSION_BUSY);
    }
    const char *id = run->continued;
    if (!*id || run->forks)
        id = access_make_session(run->host, run->key);
    snprintf(run->session_id, sizeof(run->session_id), "%s", id);
    return KOINE_OK;
}

/* ---- what the test may ask for */

static void record_text(json_t *record, const char *name, struct koine_text text) {
    if (text.data)
        json_object_set_new(record, name, memory_need(json_stringn_nocheck(text.data, text.size)));
}

static void record_json(json_t *record, const char *name, struct koine_text text) {
    json_t *value = text.data ? json_loadb(text.data, text.size, JSON_DECODE_ANY, NULL) : NULL;
    if (value)
        json_object_set_new(record, name, value);
    else
        record_text(record, name, text);
}

static void record_number(json_t *record, const char *name, uint32_t number) {
    if (number)
        json_object_set_new(record, name, memory_need(json_integer(number)));
}

static void record_tools(json_t *record, const struct koine_run_options *options) {
    json_t *tools = memory_need(json_array());
    for (uint32_t i = 0; i < options->tool_count; i++) {
        json_t *tool = memory_need(json_object());
        if (options->tools[i]) {
            record_text(tool, "name", options->tools[i]->name);
            record_text(tool, "description", options->tools[i]->description);
            record_json(tool, "input_schema", options->tools[i]->input_schema);
            record_number(tool, "flags", options->tools[i]->flags);
        }
        json_array_append_new(tools, tool);
    }
    json_object_set_new(record, "tools", tools);
}

static json_t *record(struct koine_test_answer *request, const struct koine_run_options *options) {
    json_t *record = memory_need(json_object());
    record_text(record, "prompt", options->prompt);
    record_json(record, "prompt_blocks", options->prompt_blocks);
    record_json(record, "history", options->history);
    record_text(record, "system", options->system);
    record_text(record, "append_system", options->append_system);
    record_json(record, "schema", options->schema);
    record_text(record, "session_id", options->session_id);
    record_text(record, "model", options->model);
    record_text(record, "effort", options->effort);
    record_text(record, "profile", options->profile);
    record_number(record, "max_tokens", options->max_tokens);
    record_number(record, "max_turns", options->max_turns);
    record_number(record, "timeout_ms", options->timeout_ms);
    record_number(record, "flags", options->flags);
    if (options->max_budget_usd > 0)
        json_object_set_new(record, "max_budget_usd", json_real(options->max_budget_usd));
    record_tools(record, options);
    char *policy = memory_need(tool_policy_json(request->policy));
    record_json(record, "policy", text_of(policy));
    free(policy);
    if (request->key)
        record_text(record, "key", text_of(request->key->name));
    json_array_append_new(request->host->records, record);
    return record;
}

/* ---- the start */

static void on_time_over(void *data) {
    run_timed_out(data, "the whole request (timeoutMs)");
}

static struct run *create(struct koine_test_answer *request,
                          const struct koine_run_options *options, koine_run_callback on_event,
                          void *data, json_t *steps) {
    struct run *run = memory_zeroed(sizeof(*run));
    *run = (struct run){
        .host = request->host,
        .request = request,
        .key = request->key,
        .policy = tool_policy_ref(request->policy),
        .on_event = on_event,
        .data = data,
        .flags = options->flags,
        .wants_object = options->schema.data != NULL,
        .steps = steps,
        .message = {.open_block = -1},
        .told_uses = memory_need(json_array()),
        .started_ms = request->host->now_ms,
    };
    return run;
}

static void begin(struct run *run, const struct koine_run_options *options) {
    struct koine_test_host *host = run->host;
    run->handle = handle_add(host, HANDLE_RUN, run);
    run->next = host->runs;
    host->runs = run;
    run->request->run = run;
    record_text(run->record, "new_session_id", text_of(run->session_id));
    if (options->timeout_ms)
        timed_set(host, &run->deadline, options->timeout_ms, on_time_over, run);
    run_go_on(run);
}

int32_t run_start(struct koine_test_answer *request, const struct koine_run_options *options,
                  koine_run_callback on_event, void *data, koine_run *handle,
                  struct koine_failure *failure) {
    json_t *asked = record(request, options);
    int32_t result = check(request, options, failure);
    bool had_slot = request->slot_held;
    struct run *run = NULL;
    if (result == KOINE_OK) {
        run = create(request, options, on_event, data, script_next(request->host));
        run->record = asked;
        if ((result = choose_session(run, options, failure)) == KOINE_OK &&
            (result = run_tools_prepare(run, options, failure)) == KOINE_OK &&
            (!slot_take(request, failure) || script_refuses(run->steps, request, failure)))
            result = KOINE_REFUSED;
    }
    if (result == KOINE_OK) {
        begin(run, options);
        *handle = (koine_run){run->handle};
        return KOINE_OK;
    }
    record_text(asked, "refused", failure->code);
    if (run)
        run_free(run);
    if (!had_slot)
        slot_return(request);
    return result;
}
