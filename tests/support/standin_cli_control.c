/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in CLI's control protocol: what arrives on stdin, requests in both directions, and the
 * MCP handshake with servers that the host provides. It runs no turn: user messages wait in the
 * inbox. */
#include "standin_cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_line(struct standin *s, json_t *line) {
    char *text = standin_must(json_dumps(line, JSON_COMPACT));
    wire_append(s, text, strlen(text));
    wire_append(s, "\n", 1);
    free(text);
    json_decref(line);
}

static void respond(struct standin *s, const char *id, json_t *response) {
    json_t *body = json_pack("{ss ss}", "subtype", "success", "request_id", id);
    if (response)
        json_object_set_new(body, "response", response);
    write_line(s, standin_must(json_pack("{ss so}", "type", "control_response", "response", body)));
}

static void respond_error(struct standin *s, const char *id, const char *subtype) {
    write_line(
        s, standin_must(json_pack("{ss s{ss ss so ss}}", "type", "control_response", "response",
                                  "subtype", "error", "request_id", id, "error",
                                  json_sprintf("Unsupported control request subtype: %s", subtype),
                                  "error_code", "unsupported_request")));
}

json_t *control_ask(struct standin *s, json_t *request) {
    char id[STANDIN_UUID_CHARS + 1];
    standin_uuid(s, id);
    write_line(s, standin_must(json_pack("{ss ss so}", "type", "control_request", "request_id", id,
                                         "request", standin_must(request))));
    return standin_must(json_string(id));
}

json_t *control_take_answer(struct standin *s, const json_t *id) {
    const char *key = json_string_value(id);
    json_t *answer = json_incref(json_object_get(s->answers, key));
    json_object_del(s->answers, key);
    return answer;
}

json_t *control_wait_answer(struct standin *s, const json_t *id) {
    json_t *answer;
    while (!(answer = control_take_answer(s, id)) && !s->interrupted)
        if (!input_wait(s, -1) && !json_object_get(s->answers, json_string_value(id)))
            return NULL;
    return answer;
}

json_t *mcp_request(const char *server, const char *method, json_t *params, int id) {
    json_t *message = json_pack("{ss ss}", "jsonrpc", "2.0", "method", method);
    if (params)
        json_object_set_new(message, "params", params);
    if (id >= 0)
        json_object_set_new(message, "id", json_integer(id));
    return json_pack("{ss ss so}", "subtype", "mcp_message", "server_name", server, "message",
                     message);
}

/* The handshake goes on as answers come in: initialize, initialized and tools/list, done. */
static void handshake_ask(struct standin *s, const char *server, const char *step,
                          json_t *request) {
    json_t *id = control_ask(s, request);
    json_object_set_new(s->handshake, json_string_value(id),
                        json_pack("{ss ss}", "server", server, "step", step));
    json_decref(id);
}

static void server_connect(struct standin *s, const char *server) {
    json_object_set_new(s->servers, server, json_pack("{s[] sb}", "tools", "connected", false));
    s->connecting++;
    handshake_ask(
        s, server, "initialize",
        mcp_request(server, "initialize",
                    json_pack("{ss s{} s{ss ss}}", "protocolVersion", "2025-11-25", "capabilities",
                              "clientInfo", "name", "claude-code", "version", STANDIN_VERSION),
                    0));
}

static void handshake_answer(struct standin *s, const json_t *pending, json_t *response) {
    const char *server = json_string_value(json_object_get(pending, "server"));
    const char *step = json_string_value(json_object_get(pending, "step"));
    json_t *result = NULL;
    json_unpack(response, "{s{s{so}}}", "response", "mcp_response", "result", &result);
    if (strcmp(step, "initialized") == 0)
        return;
    if (strcmp(step, "initialize") == 0 && result) {
        handshake_ask(s, server, "initialized",
                      mcp_request(server, "notifications/initialized", NULL, -1));
        handshake_ask(s, server, "tools/list", mcp_request(server, "tools/list", NULL, 1));
        return;
    }
    s->connecting--;
    json_t *tools = json_object_get(result, "tools");
    json_t *entry = json_object_get(s->servers, server);
    if (entry && json_is_array(tools)) {
        json_object_set(entry, "tools", tools);
        json_object_set_new(entry, "connected", json_true());
    }
}

static void set_text(char **field, const char *text) {
    free(*field);
    *field = standin_must(strdup(text));
}

static void on_initialize(struct standin *s, const char *id, json_t *request) {
    json_t *servers = json_object_get(request, "sdkMcpServers"), *name;
    const char *prompt = NULL, *append = NULL;
    size_t i;
    if (!s->initialized && s->turn_count == 0) {
        json_array_foreach(servers, i, name) {
            if (json_is_string(name))
                server_connect(s, json_string_value(name));
        }
        json_unpack(request, "{s[s]}", "systemPrompt", &prompt);
        if (!prompt)
            prompt = json_string_value(json_object_get(request, "systemPrompt"));
        if (prompt)
            set_text(&s->system_prompt, prompt);
        if ((append = json_string_value(json_object_get(request, "appendSystemPrompt"))))
            set_text(&s->append_system_prompt, append);
        if (s->demo || schema_is_taken(json_object_get(request, "jsonSchema"))) {
            json_decref(s->json_schema);
            s->json_schema = json_incref(json_object_get(request, "jsonSchema"));
        }
        s->initialized = true;
        s->initialized_at = s->reads;
    }
    respond(s, id,
            json_pack("{s[] s[] ss s[s] s[] s{ss} si}", "commands", "agents", "output_style",
                      "default", "available_output_styles", "default", "models", "account",
                      "apiKeySource", "ANTHROPIC_API_KEY", "pid", (int)getpid()));
}

/* The new set replaces the old one, as in the real CLI. Only servers of type sdk are served. */
static void on_mcp_set_servers(struct standin *s, const char *id, json_t *request) {
    json_t *wanted = json_object_get(request, "servers"), *config;
    json_t *added = json_array(), *removed = json_array(), *errors = json_object();
    const char *name;
    void *next;
    json_object_foreach_safe(s->servers, next, name, config) {
        if (json_object_get(wanted, name))
            continue;
        json_array_append_new(removed, json_string(name));
        json_object_del(s->servers, name);
    }
    json_object_foreach(wanted, name, config) {
        const char *type = json_string_value(json_object_get(config, "type"));
        if (json_object_get(s->servers, name))
            continue;
        if (type && strcmp(type, "sdk") == 0) {
            json_array_append_new(added, json_string(name));
            server_connect(s, name);
        } else {
            json_object_set_new(errors, name, json_string("the stand-in knows type sdk only"));
        }
    }
    respond(s, id, json_pack("{so so so}", "added", added, "removed", removed, "errors", errors));
}

/* As measured: a member replaces the one of before, `env` variable by variable; null takes away. */
static void on_apply_flag_settings(struct standin *s, const char *id, json_t *request) {
    json_t *given = json_object_get(request, "settings"), *value, *variable;
    const char *name, *key;
    json_object_foreach(given, name, value) {
        json_t *env = json_object_get(s->flag_settings, "env");
        if (json_is_null(value)) {
            json_object_del(s->flag_settings, name);
        } else if (strcmp(name, "env") != 0 || !env) {
            json_object_set(s->flag_settings, name, value);
        } else {
            json_object_foreach(value, key, variable) {
                if (json_is_null(variable))
                    json_object_del(env, key);
                else
                    json_object_set(env, key, variable);
            }
        }
    }
    respond(s, id, NULL);
}

static void on_mcp_status(struct standin *s, const char *id) {
    json_t *servers = standin_must(json_array()), *entry;
    const char *name;
    json_object_foreach(s->servers, name, entry) {
        bool connected = json_is_true(json_object_get(entry, "connected"));
        json_array_append_new(servers, json_pack("{ss ss}", "name", name, "status",
                                                 connected ? "connected" : "pending"));
    }
    respond(s, id, json_pack("{so}", "mcpServers", servers));
}

/* Of the host's tools as far as they are known yet. */
static size_t tools_bytes(const struct standin *s) {
    size_t bytes = 0;
    const char *name;
    json_t *entry;
    json_object_foreach(s->servers, name, entry) {
        json_t *tools = json_object_get(entry, "tools");
        bytes += json_array_size(tools) ? json_dumpb(tools, NULL, 0, JSON_COMPACT) : 0;
    }
    return bytes;
}

/* The real CLI asks the API; here a byte of JSON is a token. */
static void on_get_context_usage(struct standin *s, const char *id) {
    json_t *scripted = json_object_get(s->scenario, "context_usage");
    size_t system = s->system_prompt ? strlen(s->system_prompt) : 0;
    size_t tools = tools_bytes(s);
    if (json_is_null(scripted))
        respond_error(s, id, "get_context_usage");
    else if (scripted)
        respond(s, id, json_incref(scripted));
    else
        respond(s, id,
                json_pack("{s[{ss sI} {ss sI} {ss sI} {ss si}] sI}", "categories", "name",
                          "MCP tools", "tokens", (json_int_t)tools, "name", "System prompt",
                          "tokens", (json_int_t)system, "name", "Messages", "tokens",
                          (json_int_t)s->history_bytes, "name", "Free space", "tokens", 1000000,
                          "totalTokens", (json_int_t)(system + tools + s->history_bytes)));
}

static void on_request(struct standin *s, json_t *line) {
    const char *id = json_string_value(json_object_get(line, "request_id"));
    json_t *request = json_object_get(line, "request");
    const char *subtype = json_string_value(json_object_get(request, "subtype"));
    if (!id || !subtype)
        return;
    if (scenario_true(s, "control_errors")) {
        respond_error(s, id, subtype);
    } else if (strcmp(subtype, "initialize") == 0) {
        on_initialize(s, id, request);
    } else if (strcmp(subtype, "set_model") == 0) {
        const char *model = json_string_value(json_object_get(request, "model"));
        if (model)
            set_text(&s->model, model);
        respond(s, id, json_pack("{ss}", "model", s->model));
    } else if (strcmp(subtype, "interrupt") == 0) {
        s->interrupted = s->in_turn;
        respond(s, id, json_pack("{s[]}", "still_queued"));
    } else if (strcmp(subtype, "apply_flag_settings") == 0) {
        on_apply_flag_settings(s, id, request);
    } else if (strcmp(subtype, "get_binary_version") == 0) {
        respond(s, id, json_pack("{ss}", "version", STANDIN_VERSION));
    } else if (strcmp(subtype, "get_context_usage") == 0) {
        on_get_context_usage(s, id);
    } else if (strcmp(subtype, "mcp_status") == 0) {
        on_mcp_status(s, id);
    } else if (strcmp(subtype, "mcp_set_servers") == 0) {
        on_mcp_set_servers(s, id, request);
    } else {
        respond_error(s, id, subtype);
    }
}

static void on_response(struct standin *s, json_t *line) {
    json_t *response = json_object_get(line, "response");
    const char *id = json_string_value(json_object_get(response, "request_id"));
    if (!id)
        return;
    json_t *pending = json_incref(json_object_get(s->handshake, id));
    if (pending) {
        json_object_del(s->handshake, id);
        handshake_answer(s, pending, response);
        json_decref(pending);
    } else {
        json_object_set(s->answers, id, response);
    }
}

void control_line(struct standin *s, const char *text, size_t bytes) {
    json_error_t error;
    json_t *line = json_loadb(text, bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!line) {
        if (strspn(text, " \t\r\n") >= bytes)
            return;
        fprintf(stderr, "Error parsing streaming input line (type=unknown, %zu chars): %s\n", bytes,
                error.text);
        exit(1);
    }
    const char *type = json_string_value(json_object_get(line, "type"));
    if (type && strcmp(type, "user") == 0) {
        s->prompted_at = s->reads;
        json_array_append(s->inbox, line);
    } else if (type && strcmp(type, "control_request") == 0)
        on_request(s, line);
    else if (type && strcmp(type, "control_response") == 0)
        on_response(s, line);
    json_decref(line);
}
