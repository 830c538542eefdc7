/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of a request to Claude: rules between fields, tools, run options. */
#include <koine-module/generate.h>
#include <koine-module/run.h>

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

bool koine_generate_narrow(const struct koine_self *self, koine_request request,
                           const struct koine_generate *part) {
    return koine_run_narrow(self, request, part->allowed_tools.items, part->allowed_tools.count,
                            part->disallowed_tools.items, part->disallowed_tools.count);
}
