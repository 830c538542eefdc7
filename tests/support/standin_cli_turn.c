/* SPDX-License-Identifier: Apache-2.0 */
/* One turn of the stand-in CLI: which scenario holds, what is said in which order, how the turn
 * ends. How a message looks on the wire is standin_cli_message.c. */
#include "standin_cli.h"
#include "standin_cli_demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ECHO_CHARS = 200, GOING_ON_MS = 1000 };

static char *prompt_text(const json_t *content) {
    const json_t *block;
    size_t i;
    char *text = NULL;
    if (json_is_string(content))
        return standin_must(strdup(json_string_value(content)));
    json_array_foreach(content, i, block) {
        const char *part = json_string_value(json_object_get(block, "text"));
        char *joined = NULL;
        if (!part)
            continue;
        if (asprintf(&joined, "%s%s%s", text ? text : "", text ? "\n" : "", part) < 0)
            standin_fail("standin-cli: out of memory");
        free(text);
        text = joined;
    }
    return text ? text : standin_must(strdup(""));
}

static void scenario_set(struct standin *s, json_t *scenario) {
    json_decref(s->scenario);
    s->scenario = scenario;
}

/* The environment's keys, then those of its nth turn, then the prompt's. */
static bool scenario_pick(struct standin *s, const struct turn *t) {
    const char *prompt = t->prompt;
    json_t *turns = json_object_get(s->base_scenario, "turns");
    json_t *picked = standin_must(json_deep_copy(s->base_scenario));
    json_t *own = NULL;
    json_error_t error;
    json_object_update(picked, json_array_get(turns, (size_t)s->turn_count));
    prompt += strspn(prompt, " \t\r\n");
    if (strncmp(prompt, "standin:", 8) == 0) {
        own = json_loads(prompt + 8, JSON_DISABLE_EOF_CHECK, &error);
        if (!own)
            own = json_pack("{so}", "text", json_sprintf("standin: bad scenario: %s", error.text));
        json_object_update(picked, own);
        json_decref(own);
    }
    scenario_set(s, picked);
    return own || json_array_get(turns, (size_t)s->turn_count);
}

static void turn_init(struct standin *s, struct turn *t, const json_t *user_message) {
    memset(t, 0, sizeof *t);
    t->user_content = json_object_get(json_object_get(user_message, "message"), "content");
    t->prompt = prompt_text(t->user_content);
    t->started_ms = standin_now_ms();
    t->num_turns = 1;
    t->denials = standin_must(json_array());
    t->history = session_history(s);
    size_t bytes = strlen(t->prompt) + (s->system_prompt ? strlen(s->system_prompt) : 0);
    t->prompt_tokens = bytes / 4 + 1;
    s->in_turn = true;
    s->interrupted = false;
}

static void turn_finish(struct standin *s, struct turn *t) {
    s->in_turn = s->interrupted = false;
    s->turn_count++;
    json_decref(t->denials);
    json_decref(t->history);
    json_decref(t->structured_output);
    free(t->prompt);
    free(t->tool_output);
    free(t->answer);
}

static void set_answer(struct turn *t, char *answer) {
    free(t->answer);
    t->answer = standin_must(answer);
}

static char *plain_answer(const struct turn *t) {
    char *text = NULL;
    size_t bytes = strnlen(t->prompt, ECHO_CHARS);
    while (bytes > 0 && t->prompt[bytes] && ((unsigned char)t->prompt[bytes] & 0xc0) == 0x80)
        bytes--;
    if (asprintf(&text,
                 "This is the stand-in for the Claude Code CLI: no model was asked. "
                 "You said: \"%.*s%s\"",
                 (int)bytes, t->prompt, t->prompt[bytes] ? "…" : "") < 0)
        standin_fail("standin-cli: out of memory");
    return text;
}

static void emit_retries(struct standin *s) {
    int64_t count = scenario_int(s, "retry", 0);
    for (int64_t i = 1; i <= count && !s->interrupted; i++) {
        line_emit(s, json_pack("{ss ss sI si sf si ss}", "type", "system", "subtype", "api_retry",
                               "attempt", (json_int_t)i, "max_retries", 10, "retry_delay_ms", 500.0,
                               "error_status", 529, "error", "overloaded_error"));
        standin_pause(s, scenario_int(s, "delay_ms", 0));
    }
}

static void emit_sub_agent(struct standin *s) {
    const char *text = scenario_string(s, "sub_agent", NULL), *parent = "toolu_sub_agent";
    if (!text)
        return;
    line_event(s, parent,
               json_pack("{ss si s{ss ss}}", "type", "content_block_start", "index", 0,
                         "content_block", "type", "text", "text", ""));
    line_event(s, parent,
               json_pack("{ss si s{ss ss}}", "type", "content_block_delta", "index", 0, "delta",
                         "type", "text_delta", "text", text));
    line_message(s, "assistant",
                 json_pack("{ss ss ss s[{ss ss}]}", "type", "message", "role", "assistant", "model",
                           s->model, "content", "type", "text", "text", text),
                 parent);
}

static void fail_api(struct standin *s, struct turn *t) {
    json_t *failure = json_object_get(s->scenario, "is_error");
    const char *text = json_string_value(failure);
    if (!text)
        text = json_string_value(json_object_get(failure, "text"));
    if (!text)
        text = "API Error: 529 Overloaded";
    line_message(s, "assistant",
                 json_pack("{ss ss ss ss ss s[{ss ss}] so}", "id", "msg_failed", "type", "message",
                           "role", "assistant", "model", "<synthetic>", "stop_reason",
                           "stop_sequence", "content", "type", "text", "text", text, "usage",
                           line_usage(t, false)),
                 NULL);
    set_answer(t, strdup(text));
    t->is_error = true;
    t->stop_reason = "stop_sequence";
    t->api_error_status = (int)json_integer_value(json_object_get(failure, "api_error_status"));
}

/* The object as JSON text, or NULL when this turn answers with text. */
static char *object_text(struct standin *s, const struct turn *t) {
    json_t *object = json_object_get(s->scenario, "object"), *made = NULL;
    const char *spelled = scenario_string(s, "object_json", NULL);
    const char *echoed = scenario_string(s, "object_echo", NULL);
    int64_t repeat = scenario_int(s, "object_repeat", 0);
    if (spelled)
        return standin_must(strdup(spelled));
    if (echoed) {
        made = scenario_value(s, t, echoed);
    } else if (object && repeat > 0) {
        made = json_pack("{s[]}", "items");
        for (int64_t i = 0; i < repeat; i++)
            json_array_append(json_object_get(made, "items"), object);
    } else if (object) {
        made = json_incref(object);
    } else if (s->json_schema && !json_object_get(s->scenario, "text") &&
               !json_object_get(s->scenario, "subtype")) {
        made = sample_of_schema(s->json_schema, s->json_schema, 0);
    }
    char *text = made ? standin_must(json_dumps(made, JSON_COMPACT | JSON_ENCODE_ANY)) : NULL;
    json_decref(made);
    return text;
}

static void emit_object(struct standin *s, struct turn *t, int index, const char *text, bool good) {
    char id[48];
    snprintf(id, sizeof id, "toolu_object_%d_%d", s->turn_count, t->message_count);
    block_tool_use(s, t, index, id, "StructuredOutput", text);
    message_end(s, t, scenario_string(s, "stop_reason", "tool_use"));
    t->num_turns++;
    if (s->interrupted)
        return;
    const char *heard = good ? "Structured output provided successfully"
                             : "Output does not match required schema: root: must be as asked";
    tool_result(s, id, json_string(heard), !good, NULL);
}

static void reject_objects(struct standin *s, struct turn *t) {
    int64_t rejects = scenario_int(s, "object_rejects", 0);
    json_t *rejected = json_object_get(s->scenario, "rejected_object");
    char *text = rejected ? json_dumps(rejected, JSON_COMPACT | JSON_ENCODE_ANY)
                          : strdup("{\"rejected\":true}");
    standin_must(text);
    for (int64_t i = 0; i < rejects && !s->interrupted; i++) {
        message_begin(s, t);
        emit_object(s, t, 0, text, false);
    }
    free(text);
}

static void answer_object(struct standin *s, struct turn *t, const char *object) {
    const char *text = scenario_string(s, "text", NULL), *thinking;
    int index = 0;
    reject_objects(s, t);
    if (s->interrupted)
        return;
    message_begin(s, t);
    if ((thinking = scenario_string(s, "thinking", NULL)))
        block_thinking(s, t, index++, thinking);
    if (text)
        block_text(s, t, index++, text, 0);
    if (json_is_false(json_object_get(s->scenario, "object_streamed")))
        message_end(s, t, "end_turn");
    else
        emit_object(s, t, index, object, true);
    t->structured_output = json_loads(object, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    set_answer(t, strdup(object));
}

static void answer_text(struct standin *s, struct turn *t) {
    char *text = scenario_echo(s, t);
    const char *given = scenario_string(s, "text", NULL), *thinking;
    int index = 0;
    if (!text && given)
        text = strdup(given);
    if (!text && t->tool_output && !s->demo)
        text = strdup(t->tool_output);
    if (!text)
        text = s->demo ? demo_answer(s, t) : plain_answer(t);
    standin_must(text);
    message_begin(s, t);
    if ((thinking = scenario_string(s, "thinking", NULL)))
        block_thinking(s, t, index++, thinking);
    const char *spelled = scenario_string(s, "text_json", NULL);
    if (spelled)
        block_text_spelled(s, t, index, spelled);
    else
        block_text(s, t, index, text, scenario_int(s, "repeat", 0));
    message_end(s, t, "end_turn");
    free(text);
}

/* The real CLI asks the model to go on after a message that was cut; a host that wants the cut text
 * has the time of that request to interrupt. */
static void say_cut_message(struct standin *s, struct turn *t) {
    const char *text = scenario_string(s, "cut_message", NULL);
    const json_t *tool = json_object_get(s->scenario, "cut_tool");
    const char *name = NULL, *input = NULL, *reason = "max_tokens";
    if (tool && json_unpack((json_t *)(uintptr_t)tool, "{s:s,s:s,s?:s}", "name", &name, "input",
                            &input, "stop_reason", &reason))
        standin_fail("standin-cli: cut_tool must be {name, input, stop_reason?}, strings");
    if (!text && !name)
        return;
    message_begin(s, t);
    if (text)
        block_text(s, t, 0, text, 0);
    if (name)
        block_tool_use(s, t, text ? 1 : 0, "toolu_cut", name, input);
    message_end(s, t, reason);
    standin_pause(s, GOING_ON_MS);
}

static json_t *tool_specs(struct standin *s) {
    static const char *const keys[] = {"tool", "tools", "call_host_tool"};
    json_t *specs = standin_must(json_array());
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(s->scenario, keys[i]);
        if (json_is_array(value))
            json_array_extend(specs, value);
        else if (value)
            json_array_append(specs, value);
    }
    return specs;
}

static bool within_limits(struct standin *s, struct turn *t) {
    const struct options *o = &s->options;
    double spent = s->total_cost_usd + (t->message_count > 0 ? turn_cost(s, t) : 0);
    if (o->max_budget_usd && spent >= strtod(o->max_budget_usd, NULL)) {
        t->subtype = "error_max_budget_usd";
        t->error = "Reached maximum budget";
    } else if (o->max_turns && t->message_count >= atoi(o->max_turns)) {
        t->subtype = "error_max_turns";
        t->error = "Reached maximum number of turns";
        t->num_turns = t->message_count + 1;
    }
    return !t->subtype;
}

static void turn_body(struct standin *s, struct turn *t) {
    json_t *failure = json_object_get(s->scenario, "is_error");
    const char *subtype = scenario_string(s, "subtype", NULL);
    if (!within_limits(s, t))
        return;
    emit_retries(s);
    if (!standin_pause(s, scenario_int(s, "first_delay_ms", 0)))
        return;
    json_t *specs = tool_specs(s);
    bool goes_on = json_array_size(specs) == 0 || (tools_run(s, t, specs) && within_limits(s, t));
    json_decref(specs);
    if (!goes_on)
        return;
    emit_sub_agent(s);
    say_cut_message(s, t);
    if (s->interrupted)
        return;
    char *object = object_text(s, t);
    bool silent = (failure || subtype) && !json_object_get(s->scenario, "text");
    if (object)
        answer_object(s, t, object);
    else if (!silent)
        answer_text(s, t);
    free(object);
    if (failure && !json_is_false(failure) && !s->interrupted)
        fail_api(s, t);
    t->subtype = subtype;
}

/* Slash commands that the real CLI answers itself; any other goes to the model. */
static bool local_command(struct standin *s, struct turn *t) {
    static const char *const names[] = {"clear", "compact", "config", "context", "cost", "usage"};
    size_t bytes = *t->prompt == '/' ? strcspn(t->prompt + 1, " \n") : 0;
    bool known = false;
    char *text = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        known |= strlen(names[i]) == bytes && memcmp(names[i], t->prompt + 1, bytes) == 0;
    if (!known)
        return false;
    if (asprintf(&text, "/%.*s %s", (int)bytes, t->prompt + 1,
                 s->options.disable_slash_commands
                     ? "isn't available in this environment."
                     : "was run as a command, no model was asked.") < 0)
        standin_fail("standin-cli: out of memory");
    set_answer(t, text);
    t->num_turns = 0;
    line_message(s, "assistant",
                 json_pack("{ss ss ss s[{ss ss}]}", "type", "message", "role", "assistant", "model",
                           "<synthetic>", "content", "type", "text", "text", text),
                 NULL);
    return true;
}

static void end_interrupted(struct standin *s, struct turn *t) {
    line_message(s, "user",
                 json_pack("{ss s[{ss ss}]}", "role", "user", "content", "type", "text", "text",
                           "[Request interrupted by user]"),
                 NULL);
    t->subtype = "error_during_execution";
    t->error = "[ede_diagnostic] the turn was interrupted";
}

void turn_run(struct standin *s, json_t *user_message) {
    struct turn turn, *t = &turn;
    turn_init(s, t, user_message);
    bool has_own = !s->demo && scenario_pick(s, t);
    if (s->demo)
        scenario_set(s, demo_scenario(s, t));
    s->wire.split_utf8 = scenario_true(s, "split_utf8");
    if (has_own)
        scenario_checkpoint(s, "start");
    session_record(s, "user", json_deep_copy(json_object_get(user_message, "message")));
    line_init(s);
    scenario_stray_daemon(s);
    scenario_checkpoint(s, "after_init");
    if (!local_command(s, t))
        turn_body(s, t);
    if (s->interrupted)
        end_interrupted(s, t);
    session_record(s, "assistant",
                   json_pack("{ss ss ss ss s[{ss ss}] ss so}", "id", "msg_standin", "type",
                             "message", "role", "assistant", "model", s->model, "content", "type",
                             "text", "text", t->answer ? t->answer : "", "stop_reason", "end_turn",
                             "usage", line_usage(t, true)));
    if (!scenario_true(s, "no_result"))
        line_result(s, t);
    wire_flush(s);
    scenario_checkpoint(s, "after_result");
    turn_finish(s, t);
}

/* As after a task in the background: nobody has asked, and it is no prompt's scenario. */
void turn_unasked(struct standin *s) {
    int64_t ms = scenario_int(s, "unasked_ms", -1);
    uint64_t until = standin_now_ms() + (uint64_t)(ms > 0 ? ms : 0);
    bool open = ms >= 0;
    for (uint64_t now; open && json_array_size(s->inbox) == 0 && (now = standin_now_ms()) < until;)
        open = input_wait(s, (int)(until - now));
    if (!open || json_array_size(s->inbox) > 0)
        return;
    json_t *message =
        json_pack("{ss s{ss ss}}", "type", "user", "message", "role", "user", "content",
                  "<task-notification>a task in the background has ended</task-notification>");
    turn_run(s, standin_must(message));
    json_decref(message);
}
