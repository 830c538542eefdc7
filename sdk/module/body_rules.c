/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a body by name: which are known, and which are refused. Reads none of them. */
#include "body_internal.h"
#include <string.h>

const char *koine_body_member(const struct koine_body *body, size_t index) {
    struct body_cursor *cursor = body->cursor;
    if (!cursor->iterator || index < cursor->index)
        *cursor = (struct body_cursor){json_object_iter(body->document), 0};
    while (cursor->iterator && cursor->index < index) {
        cursor->iterator = json_object_iter_next(body->document, cursor->iterator);
        cursor->index++;
    }
    return cursor->iterator ? json_object_iter_key(cursor->iterator) : NULL;
}

static const struct koine_body_rule *rule_of(const struct koine_body_rule *rules, size_t count,
                                             const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

bool koine_body_allows(struct koine_body *body, const json_t *value, const char *allowed) {
    bool equal = json_is_null(value);
    while (allowed && *allowed && !equal) {
        const size_t size = strcspn(allowed, " ");
        json_t *text = json_loadb(allowed, size, BODY_JSON_FLAGS, NULL);
        body->no_memory |= !text;
        equal = json_equal(text, value);
        json_decref(text);
        allowed += size + strspn(allowed + size, " ");
    }
    return equal;
}

void koine_body_rules(struct koine_body *body, const struct koine_body_rule *rules, size_t count) {
    const char *name;
    json_t *json;
    json_object_foreach(body->document, name, json) {
        const struct koine_body_rule *rule = rule_of(rules, count, name);
        const struct koine_body_place place = {NULL, name, 0};
        if (!rule)
            koine_body_problem_in(body, &place, "is not known here");
        else if (rule->effect == KOINE_BODY_REFUSED &&
                 !koine_body_allows(body, json, rule->allowed))
            koine_body_problem_in(body, &place, "is not supported%s%s", rule->why ? ": " : "",
                                  rule->why ? rule->why : "");
    }
}
