/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes each line of the CLI to the reader of its type; reads the small ones (system lines,
 * control requests and their answers) itself.
 */
#include "runner/cli_output_internal.h"

#include "runner/json_slice.h"
#include <stdlib.h>
#include <string.h>

struct cli_output *cli_output_create(const struct cli_output_callbacks *callbacks, void *data) {
    struct cli_output *output = calloc(1, sizeof *output);
    if (output != NULL) {
        output->callbacks = callbacks;
        output->data = data;
        output->structured_index = -1;
        output->open_block = -1;
    }
    return output;
}

void cli_output_listen(struct cli_output *output, const struct cli_output_callbacks *callbacks,
                       void *data) {
    output->callbacks = callbacks;
    output->data = data;
}

void cli_output_reset(struct cli_output *output) {
    for (size_t i = 0; i < output->tool_count; i++) {
        free(output->tools[i].id);
    }
    free(output->tools);
    output->tools = NULL;
    output->tool_count = 0;
    free(output->last.streamed_id);
    free(output->last.model);
    free(output->last.stop_reason);
    free(output->whole.id);
    memset(&output->last, 0, sizeof output->last);
    memset(&output->whole, 0, sizeof output->whole);
    output->structured_index = -1;
    output->open_block = -1;
}

void cli_output_destroy(struct cli_output *output) {
    if (output != NULL) {
        cli_output_reset(output);
        free(output);
    }
}

static bool is(const json_t *string, const char *text) {
    return json_is_string(string) && strcmp(json_string_value(string), text) == 0;
}

/* ---- system */

static uint32_t small_count(const json_t *line, const char *name) {
    uint64_t count = cli_count_of(line, name);
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

static bool lists(const json_t *tools, const char *name) {
    const json_t *tool;
    size_t index;
    json_array_foreach(tools, index, tool) {
        if (is(tool, name)) {
            return true;
        }
    }
    return false;
}

static void on_system(struct cli_output *output, const struct cli_line *line) {
    const struct cli_output_callbacks *callbacks = output->callbacks;
    const json_t *subtype = json_object_get(line->root, "subtype");
    if (is(subtype, "init") && callbacks->init != NULL) {
        callbacks->init(output->data, cli_text_of(json_object_get(line->root, "session_id")),
                        cli_text_of(json_object_get(line->root, "model")),
                        lists(json_object_get(line->root, "tools"), "StructuredOutput"));
    } else if (is(subtype, "api_retry") && callbacks->retry != NULL) {
        struct koine_retry retry = {
            .size = sizeof retry,
            .attempt = small_count(line->root, "attempt"),
            .max_retries = small_count(line->root, "max_retries"),
            .error_status = small_count(line->root, "error_status"),
            .delay_ms = small_count(line->root, "retry_delay_ms"),
        };
        callbacks->retry(output->data, &retry);
    }
}

/* ---- control */

/* One control request, as the line holds it. */
struct control {
    const char *id;
    const json_t *request;
    struct koine_text written; /* the request as JSON text */
};

static void on_can_use_tool(struct cli_output *output, const struct control *control) {
    const json_t *input = json_object_get(control->request, "input");
    struct cli_json json = cli_json_member(output, control->written, "input", input);
    struct koine_text given = json_is_object(input) ? json.text : KOINE_TEXT("{}");
    if (output->callbacks->can_use_tool != NULL && given.data != NULL) {
        output->callbacks->can_use_tool(
            output->data, control->id, cli_text_of(json_object_get(control->request, "tool_name")),
            given, cli_text_of(json_object_get(control->request, "tool_use_id")));
    }
    free(json.owned);
}

static void on_mcp_message(struct cli_output *output, const struct control *control) {
    const json_t *message = json_object_get(control->request, "message");
    struct cli_json json = cli_json_member(output, control->written, "message", message);
    if (output->callbacks->mcp_message != NULL && !output->no_memory) {
        output->callbacks->mcp_message(
            output->data, control->id,
            cli_text_of(json_object_get(control->request, "server_name")),
            message != NULL ? json.text : KOINE_TEXT("null"));
    }
    free(json.owned);
}

static void on_control_request(struct cli_output *output, const struct cli_line *line) {
    const json_t *request = json_object_get(line->root, "request");
    const json_t *subtype = json_object_get(request, "subtype");
    struct control control = {
        .id = json_string_value(json_object_get(line->root, "request_id")),
        .request = request,
        .written = json_slice_member(line->text, "request"),
    };
    if (control.id == NULL) {
        return; /* nobody could be answered */
    }
    if (is(subtype, "can_use_tool")) {
        on_can_use_tool(output, &control);
    } else if (is(subtype, "mcp_message")) {
        on_mcp_message(output, &control);
    } else if (output->callbacks->unknown_request != NULL) {
        output->callbacks->unknown_request(output->data, control.id, cli_text_of(subtype));
    }
}

static void on_control_cancel_request(struct cli_output *output, const struct cli_line *line) {
    const char *id = json_string_value(json_object_get(line->root, "request_id"));
    if (id != NULL && output->callbacks->request_cancelled != NULL) {
        output->callbacks->request_cancelled(output->data, id);
    }
}

static void read_answer(struct cli_response *response, const json_t *answer) {
    const json_t *total = json_object_get(answer, "totalTokens");
    const json_t *server;
    size_t index;
    response->has_total_tokens = json_is_number(total) && json_number_value(total) >= 0;
    response->total_tokens = cli_count_of(answer, "totalTokens");
    json_array_foreach(json_object_get(answer, "mcpServers"), index, server) {
        response->pending_servers += is(json_object_get(server, "status"), "pending");
    }
}

static void on_control_response(struct cli_output *output, const struct cli_line *line) {
    const json_t *written = json_object_get(line->root, "response");
    struct cli_response response = {.request_id =
                                        json_string_value(json_object_get(written, "request_id"))};
    if (is(json_object_get(written, "subtype"), "success")) {
        read_answer(&response, json_object_get(written, "response"));
    } else {
        response.error = cli_text_of(json_object_get(written, "error"));
        if (response.error.data == NULL) {
            response.error = KOINE_TEXT("no reason given");
        }
    }
    if (response.request_id != NULL && output->callbacks->response != NULL) {
        output->callbacks->response(output->data, &response);
    }
}

/* ---- lines */

static const struct {
    const char *type;
    void (*read)(struct cli_output *output, const struct cli_line *line);
} types[] = {
    {"stream_event", cli_output_stream_event},
    {"assistant", cli_output_assistant},
    {"user", cli_output_user},
    {"system", on_system},
    {"result", cli_output_result},
    {"control_request", on_control_request},
    {"control_response", on_control_response},
    {"control_cancel_request", on_control_cancel_request},
};

static void dispatch(struct cli_output *output, const struct cli_line *line, const json_t *type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (is(type, types[i].type)) {
            types[i].read(output, line);
            return;
        }
    }
}

static bool begins(struct koine_text line, struct koine_text with) {
    return line.size >= with.size && memcmp(line.data, with.data, with.size) == 0;
}

/* The line repeats a message that has been told piece by piece. */
static bool repeats_streamed(const struct cli_output *output, struct koine_text line) {
    enum { HEAD_BYTES = 512 }; /* the id stands among the first members */
    const char *id = output->last.streamed_id;
    const size_t size = line.size < HEAD_BYTES ? line.size : HEAD_BYTES;
    return begins(line, KOINE_TEXT("{\"type\":\"assistant\"")) && id != NULL &&
           memmem(line.data, size, id, strlen(id)) != NULL;
}

/*
 * Most bytes of a short turn stand in lines that this listener has no callback for. They are told
 * by how both known CLIs begin them; one that begins in another way is parsed for nothing, no more.
 */
static bool is_unwanted(const struct cli_output *output, struct koine_text line) {
    const struct cli_output_callbacks *callbacks = output->callbacks;
    if (begins(line, KOINE_TEXT("{\"type\":\"system\",\"subtype\":\"")) &&
        !begins(line, KOINE_TEXT("{\"type\":\"system\",\"subtype\":\"api_retry\""))) {
        return callbacks->init == NULL;
    }
    return callbacks->tool == NULL &&
           (repeats_streamed(output, line) || begins(line, KOINE_TEXT("{\"type\":\"user\"")));
}

int cli_output_line(struct cli_output *output, char *line, size_t size) {
    struct koine_text text = {line, size};
    struct cli_line parsed;
    output->no_memory = false;
    if (is_unwanted(output, text) || cli_output_fast(output, line, size)) {
        return 0;
    }
    int result = cli_line_parse(&parsed, text);
    if (result < 0) {
        return -1;
    }
    const json_t *type = result > 0 ? json_object_get(parsed.root, "type") : NULL;
    if (json_is_string(type)) {
        dispatch(output, &parsed, type);
    } else if (output->callbacks->stray != NULL) {
        output->callbacks->stray(output->data, text);
    }
    if (result > 0) {
        cli_line_finish(&parsed);
    }
    return output->no_memory ? -1 : 0;
}
