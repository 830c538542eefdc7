/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of MCP: reads one JSON-RPC message, answers what needs no module. Keeps no
 * state between messages, knows nothing of how they travel.
 */
#include "runner/mcp_server.h"

#include "runner/json_slice.h"
#include "runner/json_writer.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#ifndef KOINE_VERSION
#define KOINE_VERSION "0"
#endif

enum {
    PARSE_ERROR = -32700,
    INVALID_REQUEST = -32600,
    METHOD_NOT_FOUND = -32601,
    INVALID_PARAMS = -32602
};

#define OLDEST_PROTOCOL "2024-11-05"

struct reading {
    struct mcp_request *request;
    struct koine_text message;
    json_t *root;
    const char *server_name;
    const struct mcp_tool *tools;
    size_t tool_count;
};

/* Integers beyond 64 bits are read as reals rather than refused. NULL: no JSON, or no memory. */
static json_t *parse(struct koine_text json, bool *no_memory) {
    json_error_t error;
    json_t *value = json_loadb(json.data, json.size, JSON_ALLOW_NUL, &error);
    if (value == NULL && json_error_code(&error) != json_error_out_of_memory) {
        value = json_loadb(json.data, json.size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    }
    *no_memory = value == NULL && json_error_code(&error) == json_error_out_of_memory;
    return value;
}

static char *copy(struct koine_text text) {
    struct json_writer copied = {0};
    json_writer_json(&copied, text);
    return json_writer_take(&copied, NULL);
}

static void begin_response(struct json_writer *to, const char *id) {
    json_writer_literal(to, "{\"jsonrpc\":\"2.0\",\"id\":");
    json_writer_raw(to, (struct koine_text){id, strlen(id)});
}

char *mcp_error_response(const char *id, int code, const char *message) {
    struct json_writer response = {0};
    begin_response(&response, id);
    json_writer_literal(&response, ",\"error\":{\"code\":");
    json_writer_integer(&response, code);
    json_writer_literal(&response, ",\"message\":");
    json_writer_cstring(&response, message);
    json_writer_literal(&response, "}}");
    return json_writer_take(&response, NULL);
}

/* True for an array of objects that each have a type. */
static bool is_content(struct koine_text content) {
    bool no_memory;
    json_t *blocks = parse(content, &no_memory);
    bool fits = json_is_array(blocks);
    size_t i;
    json_t *block;
    json_array_foreach(blocks, i, block) {
        fits = fits && json_is_string(json_object_get(block, "type"));
    }
    json_decref(blocks);
    return fits;
}

char *mcp_call_response(const char *id, struct koine_text text, struct koine_text content,
                        bool is_error) {
    if (content.data != NULL && !is_content(content)) {
        return NULL;
    }
    struct json_writer response = {0};
    begin_response(&response, id);
    json_writer_literal(&response, ",\"result\":{\"content\":");
    if (content.data != NULL) {
        json_writer_json(&response, content);
    } else {
        json_writer_literal(&response, "[{\"type\":\"text\",\"text\":");
        json_writer_string(&response, text);
        json_writer_literal(&response, "}]");
    }
    if (is_error) {
        json_writer_literal(&response, ",\"isError\":true}}");
    } else {
        json_writer_literal(&response, ",\"isError\":false}}");
    }
    return json_writer_take(&response, NULL);
}

static int answer(struct mcp_request *request, char *response) {
    request->what = MCP_ANSWERED;
    request->response = response;
    return response != NULL ? 0 : -1;
}

static int refuse(struct mcp_request *request, int code, const char *message) {
    return answer(request, mcp_error_response(request->id, code, message));
}

static int answer_initialize(const struct reading *reading) {
    const json_t *params = json_object_get(reading->root, "params");
    const char *version = json_string_value(json_object_get(params, "protocolVersion"));
    struct json_writer response = {0};
    begin_response(&response, reading->request->id);
    json_writer_literal(&response, ",\"result\":{\"protocolVersion\":");
    json_writer_cstring(&response, version != NULL ? version : OLDEST_PROTOCOL);
    json_writer_literal(&response, ",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":");
    json_writer_cstring(&response, reading->server_name);
    json_writer_literal(&response, ",\"version\":"
                                   "\"" KOINE_VERSION "\"}}}");
    return answer(reading->request, json_writer_take(&response, NULL));
}

static void write_tool(struct json_writer *to, const struct mcp_tool *tool) {
    json_writer_literal(to, "{\"name\":");
    json_writer_cstring(to, tool->name);
    if (tool->description != NULL) {
        json_writer_literal(to, ",\"description\":");
        json_writer_cstring(to, tool->description);
    }
    json_writer_literal(to, ",\"inputSchema\":");
    if (tool->input_schema != NULL) {
        json_writer_json(to, (struct koine_text){tool->input_schema, strlen(tool->input_schema)});
    } else {
        json_writer_literal(to, "{\"type\":\"object\"}");
    }
    /* The CLI calls several tools at a time only where none of them changes anything. */
    if (!tool->alone) {
        json_writer_literal(to, ",\"annotations\":{\"readOnlyHint\":true}");
    }
    /* Offered at once rather than found by a search for tools. */
    json_writer_literal(to, ",\"_meta\":{\"anthropic/alwaysLoad\":true}}");
}

static int answer_list(const struct reading *reading) {
    struct json_writer response = {0};
    begin_response(&response, reading->request->id);
    json_writer_literal(&response, ",\"result\":{\"tools\":[");
    for (size_t i = 0; i < reading->tool_count; i++) {
        if (i > 0) {
            json_writer_literal(&response, ",");
        }
        write_tool(&response, &reading->tools[i]);
    }
    json_writer_literal(&response, "]}}");
    return answer(reading->request, json_writer_take(&response, NULL));
}

static int answer_ping(const struct reading *reading) {
    struct json_writer response = {0};
    begin_response(&response, reading->request->id);
    json_writer_literal(&response, ",\"result\":{}}");
    return answer(reading->request, json_writer_take(&response, NULL));
}

/* The arguments as they were written, or "{}" when there are none. */
static char *copy_arguments(const struct reading *reading, const json_t *arguments) {
    if (arguments == NULL || json_is_null(arguments)) {
        return strdup("{}");
    }
    struct koine_text params = json_slice_member(reading->message, "params");
    struct koine_text text = json_slice_member(params, "arguments");
    return text.data != NULL ? copy(text) : json_dumps(arguments, JSON_COMPACT);
}

static int take_call(const struct reading *reading) {
    struct mcp_request *request = reading->request;
    const json_t *params = json_object_get(reading->root, "params");
    const json_t *arguments = json_object_get(params, "arguments");
    const json_t *meta = json_object_get(params, "_meta");
    const char *name = json_string_value(json_object_get(params, "name"));
    const char *use = json_string_value(json_object_get(meta, "claudecode/toolUseId"));
    size_t tool = 0;
    while (name != NULL && tool < reading->tool_count &&
           strcmp(name, reading->tools[tool].name) != 0) {
        tool++;
    }
    if (name == NULL || tool == reading->tool_count) {
        return refuse(request, INVALID_PARAMS, "There is no tool of this name.");
    }
    if (arguments != NULL && !json_is_null(arguments) && !json_is_object(arguments)) {
        return refuse(request, INVALID_PARAMS, "The arguments of a tool must be an object.");
    }
    request->what = MCP_CALL;
    request->tool = tool;
    request->arguments = copy_arguments(reading, arguments);
    request->tool_use_id = use != NULL ? strdup(use) : NULL;
    return request->arguments == NULL || (use != NULL && request->tool_use_id == NULL) ? -1 : 0;
}

static const struct {
    const char *name;
    int (*act)(const struct reading *reading);
} methods[] = {
    {"initialize", answer_initialize},
    {"ping", answer_ping},
    {"tools/list", answer_list},
    {"tools/call", take_call},
};

static int act(const struct reading *reading) {
    const char *method = json_string_value(json_object_get(reading->root, "method"));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(method, methods[i].name) == 0) {
            return methods[i].act(reading);
        }
    }
    return refuse(reading->request, METHOD_NOT_FOUND, "This server does not know this method.");
}

/* The id as it was written; "null" when it is of a type that JSON-RPC does not know. */
static char *copy_id(const struct reading *reading, const json_t *id) {
    if (!json_is_string(id) && !json_is_number(id)) {
        return strdup("null");
    }
    struct koine_text text = json_slice_member(reading->message, "id");
    return text.data != NULL ? copy(text) : json_dumps(id, JSON_ENCODE_ANY);
}

static int read_message(const struct reading *reading, bool no_memory) {
    struct mcp_request *request = reading->request;
    const json_t *id = json_object_get(reading->root, "id");
    bool has_method = json_is_string(json_object_get(reading->root, "method"));
    if (no_memory) {
        return -1;
    }
    request->id = copy_id(reading, id);
    if (request->id == NULL) {
        return -1;
    }
    if (reading->root == NULL) {
        return refuse(request, PARSE_ERROR, "The message is not JSON.");
    }
    if (!json_is_object(reading->root)) {
        return refuse(request, INVALID_REQUEST, "A message must be one JSON object.");
    }
    if (has_method && id != NULL) {
        return act(reading);
    }
    /* A response would answer a request that this server never sends. */
    bool is_response = json_object_get(reading->root, "result") != NULL ||
                       json_object_get(reading->root, "error") != NULL;
    if (has_method || is_response) {
        request->what = MCP_NOTIFICATION;
        return 0;
    }
    return refuse(request, INVALID_REQUEST, "A request needs a method.");
}

int mcp_request_read(struct mcp_request *request, struct koine_text message,
                     const char *server_name, const struct mcp_tool *tools, size_t tool_count) {
    memset(request, 0, sizeof *request);
    bool no_memory = false;
    struct reading reading = {request, message, NULL, server_name, tools, tool_count};
    reading.root = parse(message, &no_memory);
    int result = read_message(&reading, no_memory);
    json_decref(reading.root);
    if (result != 0) {
        mcp_request_finish(request);
    }
    return result;
}

void mcp_request_finish(struct mcp_request *request) {
    free(request->response);
    free(request->id);
    free(request->arguments);
    free(request->tool_use_id);
    memset(request, 0, sizeof *request);
}
