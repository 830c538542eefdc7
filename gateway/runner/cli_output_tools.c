/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assistant and user lines: whole messages. Mostly only the tools matter here, since the rest has
 * been told piece by piece. StructuredOutput is no tool to whoever listens.
 */
#include "runner/cli_output_internal.h"

#include "runner/json_slice.h"
#include <stdlib.h>
#include <string.h>

static struct open_tool *find(const struct cli_output *output, const char *id) {
    for (size_t i = 0; i < output->tool_count; i++) {
        if (strcmp(output->tools[i].id, id) == 0) {
            return &output->tools[i];
        }
    }
    return NULL;
}

static struct open_tool *open_tool(struct cli_output *output, const char *id) {
    size_t count = output->tool_count;
    if ((count & (count + 1)) == 0) { /* 0, 1, 3, 7 …: full */
        struct open_tool *tools = realloc(output->tools, (count * 2 + 1) * sizeof *tools);
        if (tools == NULL) {
            output->no_memory = true;
            return NULL;
        }
        output->tools = tools;
    }
    char *copy = strdup(id);
    if (copy == NULL) {
        output->no_memory = true;
        return NULL;
    }
    output->tools[count] = (struct open_tool){.id = copy};
    output->tool_count++;
    return &output->tools[count];
}

static void close_tool(struct cli_output *output, struct open_tool *tool) {
    free(tool->id);
    output->tool_count--;
    *tool = output->tools[output->tool_count];
}

static void tell(struct cli_output *output, const struct koine_tool_use *use) {
    if (output->callbacks->tool != NULL) {
        output->callbacks->tool(output->data, use);
    }
}

static struct koine_tool_use describe(const json_t *block, const char *id, const json_t *parent) {
    return (struct koine_tool_use){
        .size = sizeof(struct koine_tool_use),
        .id = cli_text_of(json_object_get(block, id)),
        .name = cli_text_of(json_object_get(block, "name")),
        .parent = cli_text_of(parent),
    };
}

void cli_output_tool_started(struct cli_output *output, const json_t *block, const json_t *parent) {
    const char *id = json_string_value(json_object_get(block, "id"));
    if (id == NULL || cli_is_structured_output(block) || find(output, id) != NULL ||
        open_tool(output, id) == NULL) {
        return;
    }
    struct koine_tool_use use = describe(block, "id", parent);
    use.phase = KOINE_TOOL_STARTED;
    tell(output, &use);
}

/* `written` is the block as it stands in the line. */
static void on_tool_use(struct cli_output *output, const json_t *block, struct koine_text written,
                        const json_t *parent) {
    const char *id = json_string_value(json_object_get(block, "id"));
    const json_t *input = json_object_get(block, "input");
    cli_output_tool_started(output, block, parent);
    struct open_tool *tool = id != NULL ? find(output, id) : NULL;
    if (tool == NULL || tool->input_told || !json_is_object(input)) {
        return;
    }
    tool->input_told = true;
    struct cli_json json = cli_json_member(output, written, "input", input);
    struct koine_tool_use use = describe(block, "id", parent);
    use.phase = KOINE_TOOL_INPUT;
    use.input = json.text;
    if (json.text.data != NULL) {
        tell(output, &use);
    }
    free(json.owned);
}

static void on_tool_result(struct cli_output *output, const json_t *block,
                           struct koine_text written, const json_t *parent) {
    const char *id = json_string_value(json_object_get(block, "tool_use_id"));
    struct open_tool *tool = id != NULL ? find(output, id) : NULL;
    if (tool == NULL) {
        return;
    }
    close_tool(output, tool);
    const json_t *content = json_object_get(block, "content");
    struct cli_json json = cli_json_member(output, written, "content", content);
    struct koine_tool_use use = describe(block, "tool_use_id", parent);
    use.phase = KOINE_TOOL_ENDED;
    use.name = (struct koine_text){NULL, 0};
    use.output = content == NULL || json_is_null(content) ? KOINE_TEXT("\"\"") : json.text;
    use.is_error = json_is_true(json_object_get(block, "is_error"));
    if (use.output.data != NULL) {
        tell(output, &use);
    }
    free(json.owned);
}

typedef void (*block_reader)(struct cli_output *output, const json_t *block,
                             struct koine_text written, const json_t *parent);

/* Of one type, or, with NULL, of any. */
static void read_blocks(struct cli_output *output, const struct cli_line *line, const char *type,
                        block_reader read) {
    const json_t *message = json_object_get(line->root, "message");
    const json_t *content = json_object_get(message, "content");
    struct koine_text rest = json_slice_member(json_slice_member(line->text, "message"), "content");
    size_t i;
    json_t *block;
    json_array_foreach(content, i, block) {
        const char *its_type = json_string_value(json_object_get(block, "type"));
        struct koine_text written = json_slice_next(&rest);
        if (its_type != NULL && (type == NULL || strcmp(its_type, type) == 0)) {
            read(output, block, written, cli_parent_of(line->root));
        }
    }
}

static void on_whole_object(struct cli_output *output, const json_t *block,
                            struct koine_text written) {
    const json_t *input = json_object_get(block, "input");
    if (!json_is_object(input) || output->callbacks->object_begin == NULL ||
        output->callbacks->object_delta == NULL) {
        return;
    }
    struct cli_json json = cli_json_member(output, written, "input", input);
    if (json.text.data != NULL) {
        output->callbacks->object_begin(output->data);
        output->callbacks->object_delta(output->data, json.text);
    }
    free(json.owned);
}

static void on_whole(struct cli_output *output, const json_t *block, struct koine_text written,
                     const json_t *parent) {
    const char *type = json_string_value(json_object_get(block, "type"));
    (void)parent;
    if (strcmp(type, "tool_use") == 0 && cli_is_structured_output(block)) {
        on_whole_object(output, block, written);
    } else {
        cli_output_whole_block(output, block, written);
    }
}

/* Where its stream fails the CLI asks the API for the whole message at once; it comes in this line
 * only. */
static bool came_whole(const struct cli_output *output, const json_t *message) {
    const char *id = json_string_value(json_object_get(message, "id"));
    const char *streamed_id = output->last.streamed_id;
    return id != NULL && (streamed_id == NULL || strcmp(id, streamed_id) != 0);
}

/* The blocks of one message come in a line each. */
static void count_from(struct cli_output *output, const json_t *message) {
    const json_t *id = json_object_get(message, "id");
    if (output->whole.id == NULL || strcmp(output->whole.id, json_string_value(id)) != 0) {
        cli_output_keep(output, &output->whole.id, id);
        output->whole.count = 0;
    }
}

void cli_output_assistant(struct cli_output *output, const struct cli_line *line) {
    const json_t *message = json_object_get(line->root, "message");
    const json_t *model = json_object_get(message, "model");
    /* A model in angle brackets is the CLI itself, telling of an error. */
    if (cli_parent_of(line->root) == NULL && json_is_string(model) &&
        *json_string_value(model) != '<') {
        cli_output_keep(output, &output->last.model, model);
        if (came_whole(output, message)) {
            count_from(output, message);
            read_blocks(output, line, NULL, on_whole);
        }
    }
    read_blocks(output, line, "tool_use", on_tool_use);
}

void cli_output_user(struct cli_output *output, const struct cli_line *line) {
    read_blocks(output, line, "tool_result", on_tool_result);
}
