/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result line that ends each turn, member by member; what it means for a client is decided
 * elsewhere.
 */
#include "runner/cli_output_internal.h"

#include <stdlib.h>
#include <string.h>

/* The model that wrote most. */
static struct koine_text most_used(const json_t *model_usage) {
    struct koine_text most = {NULL, 0};
    uint64_t most_tokens = 0;
    const char *name;
    json_t *usage;
    json_object_foreach((json_t *)model_usage, name, usage) {
        uint64_t tokens = cli_count_of(usage, "outputTokens");
        if (most.data == NULL || tokens > most_tokens) {
            most = (struct koine_text){name, strlen(name)};
            most_tokens = tokens;
        }
    }
    return most;
}

/* The tally is of the whole life of the process: the last message tells better who answered. */
static struct koine_text model_of(const struct cli_output *output, const json_t *line) {
    if (output->last.model != NULL) {
        return (struct koine_text){output->last.model, strlen(output->last.model)};
    }
    return most_used(json_object_get(line, "modelUsage"));
}

static struct koine_text stop_reason_of(const struct cli_output *output, const json_t *line) {
    struct koine_text reason = cli_text_of(json_object_get(line, "stop_reason"));
    if (reason.data == NULL && output->last.stop_reason != NULL) {
        reason = (struct koine_text){output->last.stop_reason, strlen(output->last.stop_reason)};
    }
    return reason;
}

static const json_t *unless_null(const json_t *value) {
    return json_is_null(value) ? NULL : value;
}

static const json_t *array_of(const json_t *line, const char *name) {
    const json_t *array = json_object_get(line, name);
    return json_is_array(array) ? array : NULL;
}

static uint32_t small_count(const json_t *line, const char *name) {
    uint64_t count = cli_count_of(line, name);
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* The end of a turn that the CLI began by itself: it goes before the prompt of a session in which a
 * task was left in the background. */
static bool is_of_own_turn(const json_t *line) {
    const json_t *kind = json_object_get(json_object_get(line, "origin"), "kind");
    return json_is_string(kind) && strcmp(json_string_value(kind), "task-notification") == 0;
}

void cli_output_result(struct cli_output *output, const struct cli_line *line) {
    const json_t *root = line->root;
    if (is_of_own_turn(root)) {
        return;
    }
    const json_t *object = unless_null(json_object_get(root, "structured_output"));
    struct cli_json objects = cli_json_member(output, line->text, "structured_output", object);
    struct cli_json denials = cli_json_member(output, line->text, "permission_denials",
                                              array_of(root, "permission_denials"));
    struct cli_json errors =
        cli_json_member(output, line->text, "errors", array_of(root, "errors"));
    struct cli_result result = {
        .subtype = cli_text_of(json_object_get(root, "subtype")),
        .is_error = json_is_true(json_object_get(root, "is_error")),
        .api_error_status = small_count(root, "api_error_status"),
        .text = cli_text_of(json_object_get(root, "result")),
        .object = objects.text,
        .session_id = cli_text_of(json_object_get(root, "session_id")),
        .model = model_of(output, root),
        .stop_reason = stop_reason_of(output, root),
        .permission_denials = denials.text.data != NULL ? denials.text : KOINE_TEXT("[]"),
        .errors = errors.text,
        .total_cost_usd = json_number_value(json_object_get(root, "total_cost_usd")),
        .num_turns = small_count(root, "num_turns"),
    };
    cli_usage_read(&result.usage, json_object_get(root, "usage"));
    if (output->callbacks->result != NULL && !output->no_memory) {
        output->callbacks->result(output->data, &result);
    }
    free(objects.owned);
    free(denials.owned);
    free(errors.owned);
}
