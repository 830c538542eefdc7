/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of a request to Claude: rules between fields, run options, result as JSON. */
#include "module/generate.h"

void koine_generate_check(struct koine_body *body, const struct koine_generate *part) {
    if (part->history.count && part->session_id.size)
        koine_body_problem(body, "history",
                           "cannot be combined with sessionId: a session has its own history");
    if (part->fork_session && !part->session_id.size)
        koine_body_problem(body, "forkSession", "needs sessionId, the session to copy");
}

bool koine_generate_parse(const struct koine_host *host, koine_request request,
                          const struct koine_body_field *fields, size_t count, void *out,
                          const struct koine_generate *part) {
    struct koine_body *body = koine_body_read(host, request, fields, count, out);
    if (!body)
        return false;
    koine_generate_check(body, part);
    return koine_body_accept(body);
}

struct koine_run_options koine_generate_options(const struct koine_generate *part) {
    struct koine_run_options options = {
        .size = sizeof(options),
        .flags = part->fork_session ? KOINE_RUN_FORK : 0,
        .prompt = part->prompt.text,
        .prompt_blocks = part->prompt.blocks,
        .system = part->system,
        .append_system = part->append_system,
        .session_id = part->session_id,
        .model = part->model,
        .effort = part->effort,
        .profile = part->profile,
        .max_tokens = part->max_tokens,
        .max_turns = part->max_turns,
        .timeout_ms = part->timeout_ms,
        .max_budget_usd = part->max_budget_usd,
    };
    /* An empty history is the first turn of a conversation that the client keeps. */
    if (part->history.count)
        options.history = part->history.json;
    return options;
}

static json_t *usage_json(const struct koine_usage *usage) {
    const uint64_t total = usage->input_tokens + usage->output_tokens;
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "inputTokens", (json_int_t)usage->input_tokens,
                     "outputTokens", (json_int_t)usage->output_tokens, "totalTokens",
                     (json_int_t)total, "cacheReadInputTokens",
                     (json_int_t)usage->cache_read_input_tokens, "cacheCreationInputTokens",
                     (json_int_t)usage->cache_creation_input_tokens);
}

static json_t *string_or_null(struct koine_text text) {
    return text.size ? json_stringn(text.data, text.size) : json_null();
}

void koine_generate_add_result(struct koine_json_text *text,
                               const struct koine_run_result *result) {
    json_t *members = json_pack(
        "{s:o,s:o,s:f,s:o,s:I,s:I,s:o}", "usage", usage_json(&result->usage), "sessionId",
        string_or_null(result->session_id), "costUsd", result->cost_usd, "model",
        string_or_null(result->model), "numTurns", (json_int_t)result->num_turns, "durationMs",
        (json_int_t)result->duration_ms, "stopReason", string_or_null(result->stop_reason));
    koine_json_text_add_value(text, members, JSON_EMBED);
    json_decref(members);
    /* the CLI's own list as it stands: a tool's input may hold numbers that no C type does */
    koine_json_text_add(text, KOINE_TEXT(",\"permissionDenials\":"));
    koine_json_text_add_line(text, result->permission_denials.size ? result->permission_denials
                                                                   : KOINE_TEXT("[]"));
}
