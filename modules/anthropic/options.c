/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the answer. How much the model thinks is the CLI's affair, and that of `effort`. */
#include "options.h"
#include <koine-module/schema.h>

enum { LEAST_BUDGET_TOKENS = 1024 };

#define HONOURED .effect = KOINE_BODY_HONOURED
#define NEEDS_STRING .kind = MEMBER_STRING, .flags = MEMBER_REQUIRED

static const char *const thinking_types[] = {"enabled", "adaptive", "disabled", NULL};
static const char *const displays[] = {"summarized", "omitted", NULL};
static const struct member_rule thinking_members[] = {
    {.name = "type", HONOURED, NEEDS_STRING, .choices = thinking_types},
    {.name = "budget_tokens", .effect = KOINE_BODY_WITHOUT_EFFECT}, /* but checked */
    {.name = "display", HONOURED, .kind = MEMBER_STRING, .choices = displays},
};

static const char *const efforts[] = {"low", "medium", "high", "xhigh", "max", NULL};
static const struct member_rule output_members[] = {
    {.name = "effort", HONOURED, .kind = MEMBER_STRING, .choices = efforts},
    {.name = "format", HONOURED, .kind = MEMBER_OBJECT},
    {.name = "task_budget",
     .effect = KOINE_BODY_REFUSED,
     .why = "one answer is asked for, not a task"},
};

static const char *const format_types[] = {"json_schema", NULL};
static const struct member_rule format_members[] = {
    {.name = "type", HONOURED, NEEDS_STRING, .choices = format_types},
    {.name = "schema", HONOURED, .kind = MEMBER_OBJECT, .flags = MEMBER_REQUIRED},
};

static const struct object_rules rules[] = {
    OBJECT_RULES("thinking", thinking_members),
    OBJECT_RULES("output_config", output_members),
    OBJECT_RULES("output_config.format", format_members),
};
enum { THINKING, OUTPUT_CONFIG, FORMAT, ALL };

const struct object_rules *options_rules_at(size_t index) {
    return index < ALL ? &rules[index] : NULL;
}

/* ---- thinking ---------------------------------------------------------------------------- */

/* Thinking between uses of tools may take more than one message holds. */
static void check_budget(struct checking *checking, const struct koine_body_place *thinking,
                         const json_t *budget, const struct koine_chat_ask *ask) {
    const struct koine_body_place place = {thinking, "budget_tokens", 0};
    const double tokens = json_number_value(budget);
    if (!budget)
        place_problem(checking, &place, "is required with the type \"enabled\"");
    else if (!json_is_number(budget) || tokens < LEAST_BUDGET_TOKENS)
        place_problem(checking, &place, "must be a number of at least %d", LEAST_BUDGET_TOKENS);
    else if (ask->max_tokens && tokens >= ask->max_tokens && !json_array_size(ask->tools))
        place_problem(checking, &place, "must be below max_tokens");
}

void thinking_read(struct checking *checking, json_t *thinking, struct koine_chat_ask *ask,
                   bool *hidden) {
    const struct koine_body_place place = {NULL, "thinking", 0};
    json_t *budget = json_incref(json_object_get(thinking, "budget_tokens"));
    const bool good = thinking && members_check(checking, &place, thinking, &rules[THINKING]);
    if (good && member_is(thinking, "type", "enabled"))
        check_budget(checking, &place, budget, ask);
    json_decref(budget);
    if (!good)
        return;
    ask->wants_thinking = !member_is(thinking, "type", "disabled");
    *hidden = member_is(thinking, "display", "omitted");
}

/* ---- the form ---------------------------------------------------------------------------- */

static void read_format(struct checking *checking, const struct koine_body_place *place,
                        const char *path, json_t *format, struct koine_chat_ask *ask) {
    if (!members_check(checking, place, format, &rules[FORMAT]))
        return;
    if (ask->tool_choice == KOINE_CHAT_TOOLS_FORCED)
        place_problem(checking, place, "cannot be asked for beside a tool that must be used");
    else
        koine_schema_prepare_at(checking->body, path, &ask->schema);
}

void output_read(struct checking *checking, json_t *config, json_t *format,
                 struct koine_chat_ask *ask) {
    const struct koine_body_place config_place = {NULL, "output_config", 0};
    const struct koine_body_place in_config = {&config_place, "format", 0};
    const struct koine_body_place alone = {NULL, "output_format", 0};
    if (config && !members_check(checking, &config_place, config, &rules[OUTPUT_CONFIG]))
        return;
    const json_t *effort = json_object_get(config, "effort");
    json_t *inner = json_object_get(config, "format");
    ask->effort = (struct koine_text){json_string_value(effort), json_string_length(effort)};
    if (inner && format)
        place_problem(checking, &alone, "must not stand beside output_config.format");
    else if (inner)
        read_format(checking, &in_config, "output_config.format.schema", inner, ask);
    else if (format)
        read_format(checking, &alone, "output_format.schema", format, ask);
}
