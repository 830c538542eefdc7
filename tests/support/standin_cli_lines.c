/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that the stand-in CLI writes, field by field as the real one does: init, stream events,
 * messages, result. Deltas are formatted once and patched, so that a stream costs next to nothing.
 */
#include "standin_cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void line_emit(struct standin *s, json_t *line) {
    char uuid[STANDIN_UUID_CHARS + 1];
    standin_uuid(s, uuid);
    json_object_set_new(standin_must(line), "session_id", json_string(s->session_id));
    json_object_set_new(line, "uuid", json_string(uuid));
    size_t digits = s->demo ? JSON_REAL_PRECISION(12) : 0; /* 4.2, not 4.2000000000000002 */
    char *text = standin_must(json_dumps(line, JSON_COMPACT | digits));
    wire_append(s, text, strlen(text));
    wire_append(s, "\n", 1);
    free(text);
    json_decref(line);
}

static bool has_string(const json_t *list, const char *text) {
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

static void add_host_tools(struct standin *s, json_t *offered) {
    const char *server;
    json_t *entry, *tool;
    size_t i;
    json_object_foreach(s->servers, server, entry) {
        json_array_foreach(json_object_get(entry, "tools"), i, tool) {
            const char *name = json_string_value(json_object_get(tool, "name"));
            json_array_append_new(offered, json_sprintf("mcp__%s__%s", server, name ? name : "?"));
        }
    }
}

json_t *tools_offered(struct standin *s) {
    static const char *const full[] = {"Task",      "Bash",     "Edit",         "ExitWorktree",
                                       "Glob",      "Grep",     "NotebookEdit", "Read",
                                       "Skill",     "TaskStop", "ToolSearch",   "Write",
                                       "TodoWrite", "WebFetch", "WebSearch"};
    static const char *const bare[] = {"Bash", "Edit", "Read"};
    const struct options *o = &s->options;
    bool few = o->bare && !o->tools_given;
    size_t count = few ? sizeof bare / sizeof *bare : sizeof full / sizeof *full;
    json_t *offered = standin_must(json_array());
    for (size_t i = 0; i < count; i++) {
        const char *name = few ? bare[i] : full[i];
        bool wanted =
            !o->tools_given || has_string(o->tools, name) || has_string(o->tools, "default");
        if (wanted && !has_string(o->disallowed_tools, name))
            json_array_append_new(offered, json_string(name));
    }
    if (s->json_schema)
        json_array_append_new(offered, json_string("StructuredOutput"));
    add_host_tools(s, offered);
    return offered;
}

void line_init(struct standin *s) {
    const char *mode = s->options.permission_mode, *name;
    json_t *servers = standin_must(json_array()), *entry;
    json_object_foreach(s->servers, name, entry) {
        bool connected = json_is_true(json_object_get(entry, "connected"));
        json_array_append_new(servers, json_pack("{ss ss}", "name", name, "status",
                                                 connected ? "connected" : "failed"));
    }
    line_emit(s,
              json_pack("{ss ss ss so so ss ss s[sss] ss ss ss s[ss] s[] s[]}", "type", "system",
                        "subtype", "init", "cwd", s->cwd, "tools", tools_offered(s), "mcp_servers",
                        servers, "model", s->model, "permissionMode", mode ? mode : "default",
                        "slash_commands", "clear", "compact", "cost", "apiKeySource",
                        "ANTHROPIC_API_KEY", "claude_code_version", STANDIN_VERSION, "output_style",
                        "default", "agents", "claude", "general-purpose", "skills", "plugins"));
    line_emit(
        s, json_pack("{ss ss ss}", "type", "system", "subtype", "status", "status", "requesting"));
}

static bool streams(const struct standin *s) {
    return s->options.include_partial_messages &&
           !json_is_false(json_object_get(s->scenario, "streamed"));
}

void line_event(struct standin *s, const char *parent, json_t *event) {
    if (streams(s))
        line_emit(s, json_pack("{ss so ss?}", "type", "stream_event", "event", standin_must(event),
                               "parent_tool_use_id", parent));
    else
        json_decref(event);
}

char *line_delta_text(struct standin *s, const struct turn *t, int index, const char *type,
                      const char *field, const char *spelled) {
    char uuid[STANDIN_UUID_CHARS + 1], *line = NULL;
    standin_uuid(s, uuid);
    int length =
        asprintf(&line,
                 "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\","
                 "\"index\":%d,\"delta\":{\"type\":\"%s\",\"%s\":%s}},\"session_id\":\"%s\","
                 "\"parent_tool_use_id\":null,\"api_message_id\":\"%s\",\"uuid\":\"%s\"}\n",
                 index, type, field, spelled, s->session_id, t->message_id, uuid);
    if (length < 0)
        standin_fail("standin-cli: out of memory");
    return line;
}

void line_delta_spelled(struct standin *s, const struct turn *t, int index, const char *spelled) {
    char *line = line_delta_text(s, t, index, "text_delta", "text", spelled);
    wire_append(s, line, strlen(line));
    free(line);
}

int64_t line_delta(struct standin *s, const struct turn *t, int index, const char *type,
                   const char *field, const char *data, size_t bytes, int64_t repeat) {
    static const char hex[] = "0123456789abcdef";
    if (!streams(s))
        return repeat;
    json_t *value = standin_must(json_stringn(data, bytes));
    char *escaped = standin_must(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY));
    char *line = line_delta_text(s, t, index, type, field, escaped);
    size_t length = strlen(line);
    int64_t sent = 0;
    for (; sent < repeat && !s->interrupted; sent++) {
        uint64_t count = s->uuid_count++;
        for (size_t digit = 0; digit < 8; digit++, count >>= 4)
            line[length - 4 - digit] = hex[count & 15];
        wire_append(s, line, length);
    }
    free(line);
    free(escaped);
    json_decref(value);
    return sent;
}

json_t *line_timestamp(void) {
    char text[40];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t bytes = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + bytes, sizeof text - bytes, ".%03ldZ", now.tv_nsec / 1000000);
    return json_string(text);
}

void line_message(struct standin *s, const char *type, json_t *message, const char *parent) {
    line_emit(s, json_pack("{ss so ss? so}", "type", type, "message", standin_must(message),
                           "parent_tool_use_id", parent, "timestamp", line_timestamp()));
}

json_t *line_usage(const struct turn *t, bool final) {
    size_t output = final ? t->output_tokens - t->output_before : 1;
    return json_pack("{sI si si sI}", "input_tokens", (json_int_t)t->prompt_tokens,
                     "cache_creation_input_tokens", 0, "cache_read_input_tokens", 0,
                     "output_tokens", (json_int_t)output);
}

double turn_cost(const struct standin *s, const struct turn *t) {
    const json_t *fixed = json_object_get(s->scenario, "cost_usd");
    double prompts = (double)t->prompt_tokens * t->message_count;
    return fixed ? json_number_value(fixed) : prompts * 4e-6 + (double)t->output_tokens * 20e-6;
}

static json_t *result_usage(struct standin *s, const struct turn *t) {
    json_t *usage = standin_must(line_usage(t, true));
    size_t input = t->prompt_tokens * (size_t)t->message_count;
    json_object_set_new(usage, "input_tokens", json_integer((json_int_t)input));
    json_object_set_new(usage, "output_tokens", json_integer((json_int_t)t->output_tokens));
    json_object_set_new(usage, "server_tool_use",
                        json_pack("{si si}", "web_search_requests", 0, "web_fetch_requests", 0));
    json_object_set_new(usage, "service_tier", json_string("standard"));
    json_object_update(usage, json_object_get(s->scenario, "usage"));
    return usage;
}

static void add_number(json_t *object, const char *key, double amount, bool integer) {
    double sum = json_number_value(json_object_get(object, key)) + amount;
    json_object_set_new(object, key, integer ? json_integer((json_int_t)sum) : json_real(sum));
}

static json_t *account(struct standin *s, const struct turn *t, const json_t *usage) {
    json_t *mine = json_object_get(s->model_usage, s->model);
    double in = json_number_value(json_object_get(usage, "input_tokens"));
    double out = json_number_value(json_object_get(usage, "output_tokens"));
    double cost = turn_cost(s, t);
    if (!mine) {
        mine = json_object();
        json_object_set_new(s->model_usage, s->model, mine);
    }
    add_number(mine, "inputTokens", in, true);
    add_number(mine, "outputTokens", out, true);
    add_number(mine, "cacheReadInputTokens",
               json_number_value(json_object_get(usage, "cache_read_input_tokens")), true);
    add_number(mine, "cacheCreationInputTokens",
               json_number_value(json_object_get(usage, "cache_creation_input_tokens")), true);
    add_number(mine, "webSearchRequests", 0, true);
    add_number(mine, "costUSD", cost, false);
    s->total_cost_usd += cost;
    return s->model_usage;
}

static void set_ending(struct turn *t, json_t *line) {
    if (t->subtype) {
        json_object_set_new(line, "is_error", json_true());
        json_object_set_new(line, "subtype", json_string(t->subtype));
        json_object_set_new(line, "errors", json_pack("[s]", t->error ? t->error : t->subtype));
        return;
    }
    json_object_set_new(line, "is_error", json_boolean(t->is_error));
    json_object_set_new(line, "subtype", json_string("success"));
    json_object_set_new(line, "api_error_status",
                        t->api_error_status ? json_integer(t->api_error_status) : json_null());
    json_object_set_new(line, "result", json_string(t->answer ? t->answer : ""));
    if (t->structured_output)
        json_object_set(line, "structured_output", t->structured_output);
}

void line_result(struct standin *s, struct turn *t) {
    uint64_t duration = standin_now_ms() - t->started_ms;
    json_t *usage = result_usage(s, t);
    json_t *models = json_deep_copy(account(s, t, usage));
    json_t *line =
        json_pack("{ss sI sI si ss? sf so so sO}", "type", "result", "duration_ms",
                  (json_int_t)duration, "duration_api_ms", (json_int_t)duration, "num_turns",
                  t->num_turns, "stop_reason", t->stop_reason, "total_cost_usd", s->total_cost_usd,
                  "usage", usage, "modelUsage", models, "permission_denials", t->denials);
    set_ending(t, standin_must(line));
    json_object_set_new(line, "result_index", json_integer(s->turn_count));
    line_emit(s, line);
    wire_flush(s);
}
