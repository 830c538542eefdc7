/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of tool rules in the order in which they were written; owns their texts.
 * Knows neither which list allows nor which denies.
 */
#ifndef POLICY_TOOL_RULE_SET_H
#define POLICY_TOOL_RULE_SET_H

#include "policy/tool_rule.h"

struct tool_rule_set {
    struct tool_rule *rules; /* the text of each is NUL-terminated */
    size_t count;
    size_t capacity;
};

void tool_rule_set_finish(struct tool_rule_set *set); /* a zeroed set is an empty one */

/* Adds a copy unless the same rule is there. KOINE_OK or KOINE_NO_MEMORY. */
int tool_rule_set_add(struct tool_rule_set *set, const struct tool_rule *rule);

/* The same, but keeps only the widest rules: nothing is added that a rule of the set covers, and
 * what the new one covers goes. */
int tool_rule_set_add_widest(struct tool_rule_set *set, const struct tool_rule *rule);

/* The first rule that covers `rule`, or NULL. */
const struct tool_rule *tool_rule_set_cover(const struct tool_rule_set *set,
                                            const struct tool_rule *rule);

/* True when a rule covers a part of `rule`, or all of it. */
bool tool_rule_set_touches(const struct tool_rule_set *set, const struct tool_rule *rule);

#endif
