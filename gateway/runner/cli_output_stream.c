/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_event lines: the API's events of one message, which the CLI wraps. Tells text, thinking
 * and structured output as they come, and a message when it is complete.
 */
#include "runner/cli_output_internal.h"

#include <stdlib.h>
#include <string.h>

void cli_output_keep(struct cli_output *output, char **kept, const json_t *string) {
    if (json_is_string(string)) {
        char *copy = strdup(json_string_value(string));
        free(*kept);
        *kept = copy;
        output->no_memory = output->no_memory || copy == NULL;
    }
}

bool cli_is_structured_output(const json_t *block) {
    const char *name = json_string_value(json_object_get(block, "name"));
    return name != NULL && strcmp(name, "StructuredOutput") == 0;
}

static json_int_t index_of(const json_t *event) {
    const json_t *index = json_object_get(event, "index");
    double number = json_number_value(index);
    return json_is_number(index) && number >= 0 && number < 1e15 ? (json_int_t)number : -1;
}

static bool has_type(const json_t *object, const char *type) {
    const char *its_type = json_string_value(json_object_get(object, "type"));
    return its_type != NULL && strcmp(its_type, type) == 0;
}

static struct koine_text kept_text(const char *kept) {
    return (struct koine_text){kept, kept != NULL ? strlen(kept) : 0};
}

static struct koine_message last_message(const struct cli_output *output) {
    return (struct koine_message){
        .size = sizeof(struct koine_message),
        .tool_uses = output->last.tool_uses,
        .stop_reason = kept_text(output->last.stop_reason),
        .model = kept_text(output->last.model),
        .usage = output->last.usage,
    };
}

static void on_message_start(struct cli_output *output, const json_t *event,
                             const struct cli_line *line) {
    const json_t *message = json_object_get(event, "message");
    (void)line;
    cli_output_block_close(output);
    output->structured_index = -1;
    output->last.tool_uses = 0;
    output->last.usage = (struct koine_usage){0};
    free(output->last.stop_reason);
    output->last.stop_reason = NULL;
    cli_output_keep(output, &output->last.streamed_id, json_object_get(message, "id"));
    cli_output_keep(output, &output->last.model, json_object_get(message, "model"));
    cli_usage_read(&output->last.usage, json_object_get(message, "usage"));
    if (output->callbacks->message_begin != NULL) {
        const struct koine_message begun = last_message(output);
        output->callbacks->message_begin(output->data, &begun);
    }
}

static void on_block_start(struct cli_output *output, const json_t *event,
                           const struct cli_line *line) {
    const json_t *block = json_object_get(event, "content_block");
    json_int_t index = index_of(event);
    const bool is_tool = has_type(block, "tool_use");
    if (!is_tool || !cli_is_structured_output(block)) {
        cli_output_block_begin(output, event, index, line);
        if (is_tool) {
            output->last.tool_uses++;
            cli_output_tool_started(output, block, NULL);
        }
    } else if (index >= 0) {
        cli_output_block_close(output);
        output->structured_index = index;
        if (output->callbacks->object_begin != NULL) {
            output->callbacks->object_begin(output->data);
        }
    }
}

static void tell(struct cli_output *output, void (*callback)(void *data, struct koine_text piece),
                 const json_t *string) {
    if (callback != NULL && json_string_length(string) > 0) {
        callback(output->data, cli_text_of(string));
    }
}

static void on_block_delta(struct cli_output *output, const json_t *event,
                           const struct cli_line *line) {
    const struct cli_output_callbacks *callbacks = output->callbacks;
    const json_t *delta = json_object_get(event, "delta");
    if (has_type(delta, "text_delta")) {
        tell(output, callbacks->text, json_object_get(delta, "text"));
    } else if (has_type(delta, "thinking_delta")) {
        tell(output, callbacks->thinking, json_object_get(delta, "thinking"));
    } else if (output->structured_index < 0 || index_of(event) != output->structured_index) {
        cli_output_block_delta(output, event, index_of(event), line);
    } else if (has_type(delta, "input_json_delta")) {
        tell(output, callbacks->object_delta, json_object_get(delta, "partial_json"));
    }
}

static void on_block_stop(struct cli_output *output, const json_t *event,
                          const struct cli_line *line) {
    const json_int_t index = index_of(event);
    (void)line;
    if (index == output->structured_index) {
        output->structured_index = -1;
    }
    if (index == output->open_block) {
        cli_output_block_close(output);
    }
}

static void on_message_delta(struct cli_output *output, const json_t *event,
                             const struct cli_line *line) {
    (void)line;
    const json_t *delta = json_object_get(event, "delta");
    cli_output_keep(output, &output->last.stop_reason, json_object_get(delta, "stop_reason"));
    cli_usage_read(&output->last.usage, json_object_get(event, "usage"));
}

static void on_message_stop(struct cli_output *output, const json_t *event,
                            const struct cli_line *line) {
    const struct koine_message message = last_message(output);
    (void)event, (void)line;
    cli_output_block_close(output);
    output->structured_index = -1;
    if (output->callbacks->message != NULL) {
        output->callbacks->message(output->data, &message);
    }
}

static const struct {
    const char *type;
    void (*act)(struct cli_output *output, const json_t *event, const struct cli_line *line);
} events[] = {
    {"content_block_delta", on_block_delta}, {"content_block_start", on_block_start},
    {"content_block_stop", on_block_stop},   {"message_start", on_message_start},
    {"message_delta", on_message_delta},     {"message_stop", on_message_stop},
};

void cli_output_stream_event(struct cli_output *output, const struct cli_line *line) {
    const json_t *event = json_object_get(line->root, "event");
    const json_t *parent = cli_parent_of(line->root);
    if (parent != NULL) { /* a sub-agent's: of all it says only its tools are told */
        const json_t *block = json_object_get(event, "content_block");
        if (has_type(event, "content_block_start") && has_type(block, "tool_use")) {
            cli_output_tool_started(output, block, parent);
        }
        return;
    }
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (has_type(event, events[i].type)) {
            events[i].act(output, event, line);
            return;
        }
    }
}
