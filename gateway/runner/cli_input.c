/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for the CLI's stdin, one function a kind of line. JSON that callers bring is checked and
 * then copied byte by byte, so that numbers stay as they were written.
 */
#include "runner/cli_input.h"

#include "module/json_outline.h"
#include "runner/json_writer.h"
#include <jansson.h>

static bool is_json(struct koine_text json, json_type type) {
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
    json_t *value = json_load_outline(json, flags, NULL);
    bool fits = value != NULL && json_typeof(value) == type;
    json_decref(value);
    return fits;
}

static char *take_line(struct json_writer *line, size_t *size) {
    json_writer_literal(line, "\n");
    return json_writer_take(line, size);
}

static void begin_control(struct json_writer *line, const char *request_id, const char *subtype) {
    json_writer_literal(line, "{\"type\":\"control_request\",\"request_id\":");
    json_writer_cstring(line, request_id);
    json_writer_literal(line, ",\"request\":{\"subtype\":");
    json_writer_cstring(line, subtype);
}

static void write_servers(struct json_writer *line, const struct koine_text *servers,
                          size_t count) {
    json_writer_literal(line, ",\"sdkMcpServers\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            json_writer_literal(line, ",");
        }
        json_writer_string(line, servers[i]);
    }
    json_writer_literal(line, "]");
}

char *cli_input_initialize(const char *request_id, struct koine_text system,
                           struct koine_text append_system, struct koine_text schema,
                           const struct koine_text *servers, size_t server_count, size_t *size) {
    if (schema.data != NULL && !is_json(schema, JSON_OBJECT)) {
        return NULL;
    }
    struct json_writer line = {0};
    begin_control(&line, request_id, "initialize");
    /* Else 2.1.330 goes on with the system prompt of a session's first turn, whatever this says. */
    json_writer_literal(&line, ",\"systemPromptSnapshot\":false");
    if (system.data != NULL) {
        json_writer_literal(&line, ",\"systemPrompt\":[");
        json_writer_string(&line, system);
        json_writer_literal(&line, "]");
    }
    if (append_system.data != NULL) {
        json_writer_literal(&line, ",\"appendSystemPrompt\":");
        json_writer_string(&line, append_system);
    }
    if (schema.data != NULL) {
        json_writer_literal(&line, ",\"jsonSchema\":");
        json_writer_json(&line, schema);
    }
    if (server_count > 0) {
        write_servers(&line, servers, server_count);
    }
    json_writer_literal(&line, "}}");
    return take_line(&line, size);
}

/* The last block's text is where the CLI looks for commands and for files to read. It drops an
 * empty one before it asks the API, but looks at no other then. */
#define SHIELD "{\"type\":\"text\",\"text\":\"\"}]"

/* A JSON array without its closing bracket. */
static struct koine_text without_end(struct koine_text array) {
    while (array.size > 1 && array.data[array.size - 1] != ']') {
        array.size--;
    }
    array.size--;
    return array;
}

static void write_text_blocks(struct json_writer *line, struct koine_text text, bool shielded) {
    json_writer_literal(line, "[{\"type\":\"text\",\"text\":");
    json_writer_string(line, text);
    if (shielded) {
        json_writer_literal(line, "}," SHIELD);
    } else {
        json_writer_literal(line, "}]");
    }
}

char *cli_input_user(struct koine_text text, struct koine_text blocks, bool slash_commands,
                     size_t *size) {
    struct json_writer line = {0};
    json_writer_literal(&line, "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":");
    if (blocks.data == NULL) {
        write_text_blocks(&line, text, !slash_commands);
    } else if (slash_commands) {
        json_writer_json(&line, blocks);
    } else {
        json_writer_json(&line, without_end(blocks));
        json_writer_literal(&line, "," SHIELD);
    }
    json_writer_literal(&line, "}}");
    return take_line(&line, size);
}

static void begin_response(struct json_writer *line, const char *request_id, const char *subtype) {
    json_writer_literal(line, "{\"type\":\"control_response\",\"response\":{\"subtype\":");
    json_writer_cstring(line, subtype);
    json_writer_literal(line, ",\"request_id\":");
    json_writer_cstring(line, request_id);
}

char *cli_input_permit(const char *request_id, struct koine_text input, size_t *size) {
    if (!is_json(input, JSON_OBJECT)) {
        return NULL;
    }
    struct json_writer line = {0};
    begin_response(&line, request_id, "success");
    json_writer_literal(&line, ",\"response\":{\"behavior\":\"allow\",\"updatedInput\":");
    json_writer_json(&line, input);
    json_writer_literal(&line, "}}}");
    return take_line(&line, size);
}

char *cli_input_deny(const char *request_id, struct koine_text why, size_t *size) {
    struct json_writer line = {0};
    begin_response(&line, request_id, "success");
    json_writer_literal(&line, ",\"response\":{\"behavior\":\"deny\",\"message\":");
    json_writer_string(&line, why);
    json_writer_literal(&line, "}}}");
    return take_line(&line, size);
}

/* A notification is answered too: the CLI waits for an answer to its control request. */
char *cli_input_mcp(const char *request_id, struct koine_text response, size_t *size) {
    const struct koine_text nothing = KOINE_TEXT("{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":0}");
    if (response.data != NULL && !is_json(response, JSON_OBJECT)) {
        return NULL;
    }
    struct json_writer line = {0};
    begin_response(&line, request_id, "success");
    json_writer_literal(&line, ",\"response\":{\"mcp_response\":");
    json_writer_json(&line, response.data != NULL ? response : nothing);
    json_writer_literal(&line, "}}}");
    return take_line(&line, size);
}

char *cli_input_error(const char *request_id, struct koine_text message, size_t *size) {
    struct json_writer line = {0};
    begin_response(&line, request_id, "error");
    json_writer_literal(&line, ",\"error\":");
    json_writer_string(&line, message);
    json_writer_literal(&line, "}}");
    return take_line(&line, size);
}

char *cli_input_request(const char *request_id, const char *subtype, size_t *size) {
    struct json_writer line = {0};
    begin_control(&line, request_id, subtype);
    json_writer_literal(&line, "}}");
    return take_line(&line, size);
}

char *cli_input_servers(const char *request_id, const struct koine_text *servers, size_t count,
                        size_t *size) {
    struct json_writer line = {0};
    begin_control(&line, request_id, "mcp_set_servers");
    json_writer_literal(&line, ",\"servers\":{");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            json_writer_literal(&line, ",");
        }
        json_writer_string(&line, servers[i]);
        json_writer_literal(&line, ":{\"type\":\"sdk\",\"name\":");
        json_writer_string(&line, servers[i]);
        json_writer_literal(&line, "}");
    }
    json_writer_literal(&line, "}}}");
    return take_line(&line, size);
}

char *cli_input_settings(const char *request_id, struct koine_text settings, size_t *size) {
    if (!is_json(settings, JSON_OBJECT)) {
        return NULL;
    }
    struct json_writer line = {0};
    begin_control(&line, request_id, "apply_flag_settings");
    json_writer_literal(&line, ",\"settings\":");
    json_writer_json(&line, settings);
    json_writer_literal(&line, "}}");
    return take_line(&line, size);
}
