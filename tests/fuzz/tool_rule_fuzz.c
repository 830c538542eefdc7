/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds lines of arbitrary bytes to the tool policy as rules. Looks for crashes and for a policy
 * that narrowing made wider; what a right rule means is the unit tests' concern.
 */
#include "policy/tool_policy.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RULES = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each line is a rule; the bytes outlive the rules. */
static size_t split(struct koine_text rules[MAX_RULES], const char *bytes, size_t size) {
    size_t count = 0;
    for (const char *end; count < MAX_RULES && size > 0; count++) {
        end = memchr(bytes, '\n', size);
        size_t line = end != NULL ? (size_t)(end - bytes) : size;
        rules[count] = (struct koine_text){bytes, line};
        line += end != NULL;
        bytes += line;
        size -= line;
    }
    return count;
}

static void require(bool condition) {
    if (!condition)
        abort();
}

static json_t *load(const struct tool_policy *policy) {
    char *text = tool_policy_json(policy);
    require(text != NULL);
    json_t *json = json_loads(text, 0, NULL);
    require(json != NULL);
    free(text);
    return json;
}

static bool is_within(json_t *rule, json_t *list) {
    size_t i;
    json_t *outer;
    json_array_foreach(list, i, outer) {
        if (tool_rule_covers(
                (struct koine_text){json_string_value(outer), json_string_length(outer)},
                (struct koine_text){json_string_value(rule), json_string_length(rule)}))
            return true;
    }
    return false;
}

/* What is allowed lies within what was, and what was denied still is. */
static void check_narrower(const struct tool_policy *parent, const struct tool_policy *narrowed) {
    json_t *before = load(parent), *after = load(narrowed), *rule;
    size_t i;
    require(!tool_policy_has_allow_list(parent) || tool_policy_has_allow_list(narrowed));
    require(!tool_policy_denies_all(parent) || tool_policy_denies_all(narrowed));
    require(!tool_policy_allows_mcp(narrowed) || tool_policy_allows_mcp(parent));
    json_array_foreach(json_object_get(after, "allowed"), i, rule) {
        require(!tool_policy_has_allow_list(parent) ||
                is_within(rule, json_object_get(before, "allowed")));
        require(!is_within(rule, json_object_get(after, "disallowed")));
    }
    json_array_foreach(json_object_get(before, "disallowed"), i, rule) {
        require(is_within(rule, json_object_get(after, "disallowed")));
    }
    json_decref(before);
    json_decref(after);
}

/* The CLI's flags can always be written. */
static void check_flags(const struct tool_policy *policy) {
    char *flags[] = {tool_policy_tools(policy), tool_policy_allowed(policy),
                     tool_policy_disallowed(policy)};
    for (size_t i = 0; i < 3; i++) {
        require(flags[i] != NULL && flags[i][0] != '-');
        free(flags[i]);
    }
}

static void check_covering(const struct koine_text *rules, size_t count) {
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++) {
            for (size_t c = 0; c < count; c++) {
                if (tool_rule_covers(rules[a], rules[b]) && tool_rule_covers(rules[b], rules[c]))
                    require(tool_rule_covers(rules[a], rules[c]));
            }
        }
    }
}

/* A denied tool stays denied, and none becomes allowed that the parent did not allow. */
static void check_verdicts(const struct tool_policy *parent, const struct tool_policy *narrowed,
                           const struct koine_text *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        enum tool_verdict before = tool_policy_judge(parent, names[i], NULL);
        enum tool_verdict after = tool_policy_judge(narrowed, names[i], NULL);
        require(before != TOOL_DENIED || after == TOOL_DENIED);
        require(before != TOOL_UNCERTAIN || !tool_policy_has_allow_list(parent) ||
                after != TOOL_ALLOWED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct koine_text rules[MAX_RULES];
    struct tool_policy_error error;
    size_t count = split(rules, (const char *)data, size), third = count / 3;
    struct tool_policy *top = tool_policy_create();
    require(top != NULL);
    struct tool_policy *parent =
        tool_policy_narrow(top, rules, third, rules + count - third, third / 2, true, &error);
    if (parent != NULL) {
        struct tool_policy *narrowed = tool_policy_narrow(
            parent, rules + third, third, rules + count - third, third, true, &error);
        if (narrowed != NULL) {
            check_narrower(parent, narrowed);
            check_flags(narrowed);
            check_verdicts(parent, narrowed, rules, count);
        }
        tool_policy_unref(narrowed);
    }
    check_covering(rules, count);
    tool_policy_unref(parent);
    tool_policy_unref(top);
    return 0;
}
