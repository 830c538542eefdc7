/* SPDX-License-Identifier: Apache-2.0 */
/* What the CLI says in a run: steps of JSON, see koine_test_play. Knows no request. */
#include "test-host/call.h"
#include "test-host/run.h"
#include <stdlib.h>
#include <string.h>

/* ---- reading */

struct koine_text script_lend(struct run *run, const json_t *value, const char *name) {
    const json_t *member = json_object_get(value, name);
    if (!member || json_is_null(member))
        return (struct koine_text){0};
    if (json_is_string(member))
        return run_lend(run, json_string_value(member), json_string_length(member));
    char *text = memory_need(json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT));
    struct koine_text lent = run_lend(run, text, strlen(text));
    free(text);
    return lent;
}

static json_int_t number(const json_t *value, const char *name) {
    return json_integer_value(json_object_get(value, name));
}

/* ---- steps */

static void play_text(struct run *run, const json_t *value) {
    blocks_text(run, json_string_value(value), json_string_length(value));
}

static void play_thinking(struct run *run, const json_t *value) {
    blocks_thinking(run, json_string_value(value), json_string_length(value));
}

static void begin_object(struct run *run, const json_t *value) {
    struct koine_run_event event = {.type = KOINE_RUN_OBJECT_BEGIN};
    (void)value;
    buffer_finish(&run->object);
    run->object_begun = true;
    blocks_object(run);
    if (run->reason)
        return;
    run_emit(run, &event, "OBJECT_BEGIN");
}

static void play_object(struct run *run, const json_t *value) {
    char *whole = NULL;
    if (!run->object_begun)
        begin_object(run, NULL);
    if (run->reason || run->finished)
        return;
    struct koine_text piece = {json_string_value(value), json_string_length(value)};
    if (!json_is_string(value)) {
        whole = memory_need(json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT));
        piece = text_of(whole);
    }
    buffer_add(&run->object, piece);
    run_emit_text(run, KOINE_RUN_OBJECT_DELTA, "OBJECT_DELTA", piece.data, piece.size);
    free(whole);
}

static void emit_tool(struct run *run, const json_t *value, uint32_t phase, const char *id) {
    if (!(run->flags & KOINE_RUN_WANT_TOOLS) || run->reason)
        return;
    struct koine_tool_use use = {
        .size = sizeof(use),
        .phase = phase,
        .id = run_lend(run, id, strlen(id)),
        .is_error = json_is_true(json_object_get(value, "is_error")),
        .parent = script_lend(run, value, "parent"),
    };
    struct koine_run_event event = {.type = KOINE_RUN_TOOL, .tool = &use};
    if (phase != KOINE_TOOL_ENDED)
        use.name = script_lend(run, value, "name");
    if (phase == KOINE_TOOL_INPUT) {
        use.input = script_lend(run, value, "input");
        if (!use.input.data)
            use.input = run_lend(run, "{}", 2);
    }
    const json_t *output = json_object_get(value, "output");
    if (phase == KOINE_TOOL_ENDED && output) {
        char *json = memory_need(json_dumps(output, JSON_ENCODE_ANY | JSON_COMPACT));
        use.output = run_lend(run, json, strlen(json));
        free(json);
    }
    run_emit(run, &event, "TOOL");
}

/* The step that comes next, if it is of this kind. */
static const json_t *next_step(const struct run *run, const char *name) {
    return json_object_get(json_array_get(run->steps, run->at), name);
}

/* As the CLI: the use is a block of the message, which is over before the tool has run. */
static void play_tool(struct run *run, const json_t *value) {
    const char *id = json_string_value(json_object_get(value, "id"));
    const char *name = json_string_value(json_object_get(value, "name"));
    bool is_mine = !json_object_get(value, "parent"); /* no sub-agent's, whose blocks nobody sees */
    bool ends = json_object_get(value, "output") != NULL;
    char made[32];
    if (!id) {
        snprintf(made, sizeof(made), "toolu_%u", ++run->tool_uses);
        id = made;
    }
    bool is_block = is_mine && blocks_use_begin(run, id, name ? name : "");
    emit_tool(run, value, KOINE_TOOL_STARTED, id);
    if (is_block)
        blocks_use_input(run, value);
    emit_tool(run, value, KOINE_TOOL_INPUT, id);
    if (is_block)
        blocks_use_end(run);
    if (is_mine && ends && !next_step(run, "message"))
        blocks_end_message(run, NULL);
    if (ends)
        emit_tool(run, value, KOINE_TOOL_ENDED, id);
}

static void play_tool_calls(struct run *run, const json_t *value) {
    json_t *calls = json_copy((json_t *)(uintptr_t)value);
    run_tools_call(run, memory_need(calls));
    json_decref(calls);
}

static void play_tool_call(struct run *run, const json_t *value) {
    json_t *calls = memory_need(json_pack("[O]", value));
    run_tools_call(run, calls);
    json_decref(calls);
}

/* What the model calls behind its message is told in it. */
static void play_message(struct run *run, const json_t *value) {
    const json_t *calls = next_step(run, "tool_calls"), *call = next_step(run, "tool_call");
    json_t *told = call ? memory_need(json_pack("[O]", call)) : NULL;
    run_tools_tell(run, calls ? calls : told);
    json_decref(told);
    blocks_end_message(run, value);
}

static void play_retry(struct run *run, const json_t *value) {
    struct koine_retry retry = {
        .size = sizeof(retry),
        .attempt = (uint32_t)number(value, "attempt"),
        .max_retries = (uint32_t)number(value, "max_retries"),
        .error_status = (uint32_t)number(value, "error_status"),
        .delay_ms = (uint32_t)number(value, "delay_ms"),
    };
    struct koine_run_event event = {.type = KOINE_RUN_RETRY, .retry = &retry};
    run_emit(run, &event, "RETRY");
}

static void play_pause(struct run *run, const json_t *value) {
    run->pause_ms = (uint32_t)json_integer_value(value);
}

static void play_hang(struct run *run, const json_t *value) {
    (void)value;
    run->hangs = true;
}

enum value_type { TEXT, OBJECT, ARRAY, NUMBER, TRUE, ANY };

static const struct step_kind {
    const char *name;
    enum value_type type;
    bool ends; /* nothing may follow */
    void (*play)(struct run *run, const json_t *value);
} kinds[] = {
    {"text", TEXT, false, play_text},
    {"thinking", TEXT, false, play_thinking},
    {"object_begin", TRUE, false, begin_object},
    {"object", ANY, false, play_object},
    {"tool", OBJECT, false, play_tool},
    {"tool_call", OBJECT, false, play_tool_call},
    {"tool_calls", ARRAY, false, play_tool_calls},
    {"message_begin", OBJECT, false, blocks_begin_message},
    {"block", OBJECT, false, blocks_step},
    {"message", OBJECT, false, play_message},
    {"whole_message", ARRAY, false, blocks_whole_message},
    {"retry", OBJECT, false, play_retry},
    {"pause_ms", NUMBER, false, play_pause},
    {"result", OBJECT, true, script_result},
    {"failure", OBJECT, true, script_failure},
    {"crash", OBJECT, true, script_crash},
    {"hang", TRUE, true, play_hang},
    {"refuse", OBJECT, true, NULL},
};

static const struct step_kind *kind_of(const json_t *step, const json_t **value) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if ((*value = json_object_get(step, kinds[i].name)))
            return &kinds[i];
    return NULL;
}

void script_step(struct run *run) {
    const json_t *value;
    if (run_tools_call_next(run))
        return;
    const json_t *step = json_array_get(run->steps, run->at++);
    if (!step) {
        script_result(run, NULL);
        return;
    }
    const struct step_kind *kind = kind_of(step, &value);
    if (kind && kind->play)
        kind->play(run, value);
}

/* ---- scripts */

static bool fits(const json_t *value, enum value_type type) {
    switch (type) {
    case TEXT:
        return json_is_string(value);
    case OBJECT:
        return json_is_object(value);
    case ARRAY:
        return json_is_array(value);
    case NUMBER:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case TRUE:
        return json_is_true(value);
    default:
        return true;
    }
}

static const char *step_problem(const json_t *step, bool last, bool only) {
    const json_t *value;
    if (!json_is_object(step) || json_object_size(step) != 1)
        return "each step is an object with one member";
    const struct step_kind *kind = kind_of(step, &value);
    if (!kind)
        return "this step is not known; see koine_test_play";
    if (!fits(value, kind->type))
        return "the value of this step has the wrong type; see koine_test_play";
    if (!kind->play && !only)
        return "\"refuse\" stands alone: a run that is refused says nothing";
    return kind->ends && !last ? "nothing can follow this step" : NULL;
}

/* NULL: it cannot be read, which is a finding. */
static json_t *read_script(struct koine_test_host *host, const char *script) {
    json_error_t error;
    json_t *steps = json_loads(script, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_array(steps)) {
        finding_add(host, "script", "a script is a JSON array: %s (line %d)",
                    steps ? "this is something else" : error.text, steps ? 1 : error.line);
        json_decref(steps);
        return NULL;
    }
    size_t count = json_array_size(steps);
    for (size_t i = 0; i < count; i++) {
        const char *problem = step_problem(json_array_get(steps, i), i + 1 == count, count == 1);
        if (!problem)
            continue;
        char *text = json_dumps(json_array_get(steps, i), JSON_ENCODE_ANY | JSON_COMPACT);
        finding_add(host, "script", "step %zu, %s: %s", i, text ? text : "?", problem);
        free(text);
        json_decref(steps);
        return NULL;
    }
    return steps;
}

void koine_test_play(struct koine_test_host *host, const char *script) {
    json_t *steps = read_script(host, script);
    if (steps)
        json_array_append_new(host->scripts, steps);
}

void koine_test_play_always(struct koine_test_host *host, const char *script) {
    json_decref(host->script_always);
    host->script_always = script ? read_script(host, script) : NULL;
}

json_t *script_next(struct koine_test_host *host) {
    json_t *steps = json_incref(json_array_get(host->scripts, 0));
    if (steps)
        json_array_remove(host->scripts, 0);
    else if (host->script_always) /* a run writes into its own */
        steps = memory_need(json_deep_copy(host->script_always));
    return steps;
}

bool script_refuses(const json_t *steps, struct koine_test_answer *request,
                    struct koine_failure *failure) {
    const json_t *refusal = json_object_get(json_array_get(steps, 0), "refuse");
    char *issues = NULL;
    if (!refusal)
        return false;
    script_read_failure(refusal, failure, &issues);
    failure->code = request_copy(request, failure->code);
    failure->message = request_copy(request, failure->message);
    failure->issues = request_copy(request, failure->issues);
    free(issues);
    return true;
}
