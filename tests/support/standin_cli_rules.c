/* SPDX-License-Identifier: Apache-2.0 */
/* Permission rules of the stand-in CLI: `Bash`, `Bash(git:*)`, `mcp__server`. Enough to ask, allow
 * and refuse as the real CLI does for plain commands; it does not take shell commands apart. */
#include "standin_cli.h"

#include <fnmatch.h>
#include <string.h>

json_t *rules_split(const char *text) {
    json_t *list = standin_must(json_array());
    const char *start = text;
    int depth = 0;
    for (const char *c = text;; c++) {
        depth += *c == '(' ? 1 : *c == ')' ? -1 : 0;
        if (*c && (depth > 0 || (*c != ',' && *c != ' ')))
            continue;
        if (c > start)
            json_array_append_new(list, json_stringn(start, (size_t)(c - start)));
        if (!*c)
            return list;
        start = c + 1;
    }
}

/* What a rule's parentheses are matched against. */
static const char *subject_of(const json_t *input) {
    static const char *const keys[] = {"command", "file_path", "path", "url", "pattern"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = json_string_value(json_object_get(input, keys[i]));
        if (value)
            return value;
    }
    return "";
}

static bool pattern_matches(const char *pattern, size_t bytes, const char *subject) {
    char text[1024];
    if (bytes >= sizeof text)
        return false;
    memcpy(text, pattern, bytes);
    text[bytes] = '\0';
    if (bytes >= 2 && strcmp(text + bytes - 2, ":*") == 0)
        return strncmp(text, subject, bytes - 2) == 0;
    return fnmatch(text, subject, 0) == 0;
}

static bool rule_matches(const char *rule, const char *tool, const json_t *input) {
    size_t bytes = strcspn(rule, "(");
    if (rule[bytes] == '(') {
        size_t pattern = strcspn(rule + bytes + 1, ")");
        return strlen(tool) == bytes && memcmp(rule, tool, bytes) == 0 &&
               pattern_matches(rule + bytes + 1, pattern, subject_of(input));
    }
    if (strcmp(rule, tool) == 0)
        return true;
    bool server = strncmp(rule, "mcp__", 5) == 0 && !strstr(rule + 5, "__");
    if (server)
        return strncmp(rule, tool, bytes) == 0 && strncmp(tool + bytes, "__", 2) == 0;
    return strchr(rule, '*') && fnmatch(rule, tool, 0) == 0;
}

static bool any_matches(const json_t *rules, const char *tool, const json_t *input) {
    const json_t *rule;
    size_t i;
    json_array_foreach(rules, i, rule) {
        if (json_is_string(rule) && rule_matches(json_string_value(rule), tool, input))
            return true;
    }
    return false;
}

static bool is_offered(struct standin *s, const char *tool) {
    json_t *offered = tools_offered(s), *name;
    size_t i;
    bool found = false;
    json_array_foreach(offered, i, name) {
        found |= strcmp(json_string_value(name), tool) == 0;
    }
    json_decref(offered);
    return found;
}

/* A list of permissions in either layer of the settings. */
static bool permissions_match(const struct standin *s, const char *list, const char *tool,
                              const json_t *input) {
    const json_t *layers[] = {s->settings, s->flag_settings};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (any_matches(json_object_get(json_object_get(layers[i], "permissions"), list), tool,
                        input))
            return true;
    return false;
}

enum verdict rules_verdict(struct standin *s, const char *tool, const json_t *input) {
    const struct options *o = &s->options;
    if (any_matches(o->disallowed_tools, tool, input) || permissions_match(s, "deny", tool, input))
        return VERDICT_DENY;
    bool restricted = o->tools_given || strncmp(tool, "mcp__", 5) == 0;
    if (restricted && !is_offered(s, tool))
        return VERDICT_UNKNOWN_TOOL;
    if (o->skip_permissions ||
        (o->permission_mode && strcmp(o->permission_mode, "bypassPermissions") == 0))
        return VERDICT_ALLOW;
    if (!permissions_match(s, "ask", tool, input) &&
        (any_matches(o->allowed_tools, tool, input) || permissions_match(s, "allow", tool, input)))
        return VERDICT_ALLOW;
    bool asks = o->permission_prompt_tool && strcmp(o->permission_prompt_tool, "stdio") == 0;
    return asks ? VERDICT_ASK : VERDICT_DENY;
}
