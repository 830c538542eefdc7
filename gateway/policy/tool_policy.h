/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tool policy as a lattice: what a run of the CLI may use, narrowed step by step and never widened.
 * Knows rules and what they cover; does not know requests, keys or how the CLI is told.
 */
#ifndef POLICY_TOOL_POLICY_H
#define POLICY_TOOL_POLICY_H

#include <koine/base.h>
#include <stdbool.h>
#include <stddef.h>

struct tool_policy; /* immutable and reference-counted: narrowing makes a new one */

/* The top of the lattice: everything allowed as the CLI's defaults have it, nothing denied.
 * NULL when memory is short. */
struct tool_policy *tool_policy_create(void);
struct tool_policy *tool_policy_ref(struct tool_policy *policy);
void tool_policy_unref(struct tool_policy *policy); /* takes NULL */

enum tool_policy_problem {
    TOOL_POLICY_OK = 0,
    TOOL_POLICY_BAD_RULE,     /* `problem->index` in `problem->list`, `problem->reason` */
    TOOL_POLICY_NOTHING_LEFT, /* an allow list was given and no rule of it survives */
    TOOL_POLICY_NO_MEMORY
};

struct tool_policy_error {
    enum tool_policy_problem problem;
    bool in_disallowed; /* which list */
    size_t index;       /* which rule of it */
    char reason[192]; /* a sentence for the person who wrote the rule; quotes at most 64 bytes of it
                       */
};

/*
 * Narrows `policy`: allowed == NULL keeps what is allowed, else only what both allow remains
 * (allowed with allowed_count 0 leaves nothing); disallowed adds to what is denied.
 * Returns a new policy (unref it), or NULL with `error` filled. With `tolerate_nothing` (used for
 * the gateway's and a key's own lists) an empty remainder is a policy without tools, not an error.
 */
struct tool_policy *tool_policy_narrow(const struct tool_policy *policy,
                                       const struct koine_text *allowed, size_t allowed_count,
                                       const struct koine_text *disallowed, size_t disallowed_count,
                                       bool tolerate_nothing, struct tool_policy_error *error);

/* What a tool call meets. */
enum tool_verdict {
    TOOL_DENIED,   /* a deny rule covers the whole tool, or an allow list is there without it */
    TOOL_ALLOWED,  /* an allow rule covers the whole tool and no deny rule touches it */
    TOOL_UNCERTAIN /* depends on the input, or there is no allow list: the CLI's default holds */
};

/* Judges a tool by its bare name ("Bash", "mcp__srv__tool"). `rule`, when not NULL, receives the
 * text of the rule that decided (owned by the policy), or NULL. */
enum tool_verdict tool_policy_judge(const struct tool_policy *policy, struct koine_text tool,
                                    const char **rule);

bool tool_policy_has_allow_list(const struct tool_policy *policy);
bool tool_policy_denies_all(
    const struct tool_policy *policy); /* a "*" deny rule, or an empty allow list */

/*
 * What the CLI is told, as comma-joined rules; each result is malloc'd (free it), "" when empty,
 * NULL when memory is short.
 *  _tools: the built-in tools for --tools (bare names, each once, MCP names left out, those that a
 *     deny rule removes wholly left out). Only meaningful with an allow list or when all is denied.
 *  _allowed: for --allowedTools; _disallowed: for --disallowedTools ("*" is left out).
 */
char *tool_policy_tools(const struct tool_policy *policy);
char *tool_policy_allowed(const struct tool_policy *policy);
char *tool_policy_disallowed(const struct tool_policy *policy);
/* The denials in two parts: what must be said when a process is started, since whole tools are only
 * then taken out of the model's sight, and the patterns beyond those of `base` (what `policy` was
 * narrowed from; NULL: all is said at the start), which can be said to a running one. The first is
 * comma-joined, the second a JSON array of rules; malloc'd, NULL when memory is short. */
char *tool_policy_disallowed_at_start(const struct tool_policy *policy,
                                      const struct tool_policy *base);
char *tool_policy_disallowed_later(const struct tool_policy *policy,
                                   const struct tool_policy *base);
bool tool_policy_allows_mcp(const struct tool_policy *policy); /* may any mcp__ tool run? */

/* True when it is certain that rule `outer` covers everything that `inner` covers. Both must be
 * valid rules. For tests and messages. */
bool tool_rule_covers(struct koine_text outer, struct koine_text inner);

/* The policy as JSON {"allowed":[…]|null,"disallowed":[…]}; malloc'd, NULL when memory is short. */
char *tool_policy_json(const struct tool_policy *policy);

#endif
