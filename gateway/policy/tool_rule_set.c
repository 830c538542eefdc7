/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of tool rules; see the header. Search is linear: lists are short, and bounded by those
 * who fill them.
 */
#include "policy/tool_rule_set.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void release(struct tool_rule *rule) {
    /* The set made this text itself, see append(). */
    free((void *)(uintptr_t)rule->text);
}

void tool_rule_set_finish(struct tool_rule_set *set) {
    for (size_t i = 0; i < set->count; i++)
        release(&set->rules[i]);
    free(set->rules);
    *set = (struct tool_rule_set){0};
}

static int reserve_one(struct tool_rule_set *set) {
    if (set->count < set->capacity)
        return KOINE_OK;
    size_t capacity = set->capacity == 0 ? 8 : set->capacity * 2;
    struct tool_rule *rules = reallocarray(set->rules, capacity, sizeof(*rules));
    if (rules == NULL)
        return KOINE_NO_MEMORY;
    set->rules = rules;
    set->capacity = capacity;
    return KOINE_OK;
}

static int append(struct tool_rule_set *set, const struct tool_rule *rule) {
    char *text = strndup(rule->text, rule->size);
    if (text == NULL)
        return KOINE_NO_MEMORY;
    if (reserve_one(set) != KOINE_OK) {
        free(text);
        return KOINE_NO_MEMORY;
    }
    struct tool_rule *added = &set->rules[set->count++];
    *added = *rule;
    added->text = text;
    return KOINE_OK;
}

static void drop_covered(struct tool_rule_set *set, const struct tool_rule *outer) {
    size_t kept = 0;
    assert(set->count == 0 || set->rules != NULL);
    for (size_t i = 0; i < set->count; i++) {
        if (tool_rule_includes(outer, &set->rules[i]))
            release(&set->rules[i]);
        else
            set->rules[kept++] = set->rules[i];
    }
    set->count = kept;
}

int tool_rule_set_add(struct tool_rule_set *set, const struct tool_rule *rule) {
    for (size_t i = 0; i < set->count; i++) {
        if (tool_rule_same(&set->rules[i], rule))
            return KOINE_OK;
    }
    return append(set, rule);
}

int tool_rule_set_add_widest(struct tool_rule_set *set, const struct tool_rule *rule) {
    if (tool_rule_set_cover(set, rule) != NULL)
        return KOINE_OK;
    drop_covered(set, rule);
    return append(set, rule);
}

const struct tool_rule *tool_rule_set_cover(const struct tool_rule_set *set,
                                            const struct tool_rule *rule) {
    for (size_t i = 0; i < set->count; i++) {
        if (tool_rule_includes(&set->rules[i], rule))
            return &set->rules[i];
    }
    return NULL;
}

bool tool_rule_set_touches(const struct tool_rule_set *set, const struct tool_rule *rule) {
    for (size_t i = 0; i < set->count; i++) {
        if (tool_rule_includes(&set->rules[i], rule) || tool_rule_includes(rule, &set->rules[i]))
            return true;
    }
    return false;
}
