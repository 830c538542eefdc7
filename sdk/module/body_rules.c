/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a body by name: which are known, and which are refused. Reads none of them. */
#include "body_internal.h"
#include <stdio.h>
#include <string.h>

enum { SHOWN_NAME_BYTES = 64 /* a name is the client's: it can be as long as the body */ };

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

/* Whether the value is one of the JSON texts between spaces. A text that is no JSON is a mistake of
 * the module's; it is answered as if memory were short, which jansson cannot tell from it. */
static bool is_allowed(struct koine_body *body, const json_t *json, const char *allowed) {
    bool equal = json_is_null(json);
    while (allowed && *allowed && !equal) {
        const size_t size = strcspn(allowed, " ");
        json_t *text = json_loadb(allowed, size, BODY_JSON_FLAGS, NULL);
        body->no_memory |= !text;
        equal = json_equal(text, json);
        json_decref(text);
        allowed += size + strspn(allowed + size, " ");
    }
    return equal;
}

/* A long name is cut, at the start of a character. */
static void problem_unknown(struct koine_body *body, const char *name) {
    size_t size = strlen(name);
    char shown[SHOWN_NAME_BYTES + sizeof("…")];
    if (size <= SHOWN_NAME_BYTES) {
        koine_body_problem(body, name, "is not known here");
        return;
    }
    size = SHOWN_NAME_BYTES;
    while (size && ((unsigned char)name[size] & 0xc0) == 0x80)
        size--;
    snprintf(shown, sizeof(shown), "%.*s…", (int)size, name);
    koine_body_problem(body, shown, "is not known here");
}

void koine_body_rules(struct koine_body *body, const struct koine_body_rule *rules, size_t count) {
    const char *name;
    json_t *json;
    json_object_foreach(body->document, name, json) {
        const struct koine_body_rule *rule = rule_of(rules, count, name);
        if (!rule)
            problem_unknown(body, name);
        else if (rule->effect == KOINE_BODY_REFUSED && !is_allowed(body, json, rule->allowed))
            koine_body_problem(body, name, "is not supported%s%s", rule->why ? ": " : "",
                               rule->why ? rule->why : "");
    }
}
