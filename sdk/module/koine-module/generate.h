/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the endpoints that ask Claude have in common: the fields of their request, the options of a
 * run that follow from them, and its tools. Starts no run.
 *
 *     struct body { struct koine_generate common; struct koine_text schema; };
 *     static const struct koine_body_field fields[] = {
 *         KOINE_GENERATE_FIELDS(struct body, common),
 *         KOINE_BODY_FIELD(struct body, schema, "schema", KOINE_BODY_OBJECT, KOINE_BODY_REQUIRED),
 *     };
 */
#ifndef KOINE_MODULE_GENERATE_H
#define KOINE_MODULE_GENERATE_H

#include <koine-module/body.h>
#include <koine-module/module.h>

#ifdef __cplusplus
extern "C" {
#endif

struct koine_generate {
    struct koine_body_prompt prompt;
    struct koine_body_array history;
    struct koine_body_strings allowed_tools;
    struct koine_body_strings disallowed_tools;
    struct koine_text system;
    struct koine_text append_system;
    struct koine_text session_id;
    struct koine_text model;
    struct koine_text effort;
    struct koine_text profile;
    double max_budget_usd;
    uint32_t max_tokens;
    uint32_t max_turns;
    uint32_t timeout_ms;
    bool fork_session;
};

#define KOINE_GENERATE_FIELD(type, member, name, kind, flags)                                      \
    KOINE_BODY_FIELD(type, member, name, KOINE_BODY_##kind, flags)

/* Rows of a field table; `part` is the struct koine_generate within `type`. */
#define KOINE_GENERATE_FIELDS(type, part)                                                          \
    KOINE_GENERATE_FIELD(type, part.prompt, "prompt", PROMPT,                                      \
                         KOINE_BODY_REQUIRED | KOINE_BODY_NOT_EMPTY),                              \
        KOINE_GENERATE_FIELD(type, part.system, "system", STRING, 0),                              \
        KOINE_GENERATE_FIELD(type, part.session_id, "sessionId", STRING, KOINE_BODY_NOT_EMPTY),    \
        KOINE_GENERATE_FIELD(type, part.model, "model", STRING, KOINE_BODY_NOT_EMPTY),             \
        KOINE_GENERATE_FIELD(type, part.allowed_tools, "allowedTools", STRINGS, 0),                \
        KOINE_GENERATE_FIELD(type, part.max_tokens, "maxTokens", POSITIVE_INTEGER, 0),             \
        KOINE_GENERATE_FIELD(type, part.append_system, "appendSystem", STRING, 0),                 \
        KOINE_GENERATE_FIELD(type, part.disallowed_tools, "disallowedTools", STRINGS, 0),          \
        KOINE_GENERATE_FIELD(type, part.max_turns, "maxTurns", POSITIVE_INTEGER, 0),               \
        KOINE_GENERATE_FIELD(type, part.max_budget_usd, "maxBudgetUsd", POSITIVE_NUMBER, 0),       \
        KOINE_GENERATE_FIELD(type, part.timeout_ms, "timeoutMs", POSITIVE_INTEGER, 0),             \
        KOINE_GENERATE_FIELD(type, part.history, "history", ARRAY, 0),                             \
        KOINE_GENERATE_FIELD(type, part.effort, "effort", STRING, KOINE_BODY_NOT_EMPTY),           \
        KOINE_GENERATE_FIELD(type, part.profile, "profile", STRING, KOINE_BODY_NOT_EMPTY),         \
        KOINE_GENERATE_FIELD(type, part.fork_session, "forkSession", BOOLEAN, 0)

/* Checks what a table cannot say: fields that exclude or need each other. What is wrong is added to
 * the body's problems. Between koine_body_read and koine_body_accept. */
void koine_generate_check(struct koine_body *body, const struct koine_generate *part);

/* Reads a body with such a table and checks it. False: the request has been answered. */
bool koine_generate_parse(const struct koine_host *host, koine_request request,
                          const struct koine_body_field *fields, size_t count, void *out,
                          const struct koine_generate *part);

/* The options of the run; texts point to where those of `part` do. The tools are not among them:
 * koine_generate_narrow takes them. */
struct koine_run_options koine_generate_options(const struct koine_generate *part);

/* Narrows the tools of the request's run to what `part` asks for. False: the request has been
 * answered with the refusal. */
bool koine_generate_narrow(const struct koine_self *self, koine_request request,
                           const struct koine_generate *part);

#ifdef __cplusplus
}
#endif
#endif
