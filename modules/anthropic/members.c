/* SPDX-License-Identifier: Apache-2.0 */
/* Tables against objects. Knows no field of the API. */
#include "members.h"
#include <koine-module/answer.h>
#include <koine-module/json_load.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    SHOWN_NAME_BYTES = 64,
    MOST_PROBLEMS = 100 /* that are told; a body of 10 MB can hold millions */
};

/* ---- problems ---------------------------------------------------------------------------- */

void place_problem(struct checking *checking, const struct koine_body_place *place,
                   const char *format, ...) {
    va_list arguments;
    if (checking->problems++ >= MOST_PROBLEMS)
        return;
    va_start(arguments, format);
    koine_body_vproblem_in(checking->body, place, format, arguments);
    va_end(arguments);
}

bool member_is(const json_t *object, const char *name, const char *text) {
    const char *value = json_string_value(json_object_get(object, name));
    return value && strcmp(value, text) == 0;
}

/* ---- one member -------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    [MEMBER_ANY] = "a value",      [MEMBER_STRING] = "a string", [MEMBER_BOOLEAN] = "true or false",
    [MEMBER_OBJECT] = "an object", [MEMBER_ARRAY] = "an array",
};

static bool is_kind(const json_t *value, enum member_kind kind) {
    switch (kind) {
    case MEMBER_STRING:
        return json_is_string(value);
    case MEMBER_BOOLEAN:
        return json_is_boolean(value);
    case MEMBER_OBJECT:
        return json_is_object(value);
    case MEMBER_ARRAY:
        return json_is_array(value);
    default:
        return true;
    }
}

static bool is_empty(const json_t *value) {
    return (json_is_string(value) && !json_string_length(value)) ||
           (json_is_array(value) && !json_array_size(value)) ||
           (json_is_object(value) && !json_object_size(value));
}

static void check_choice(struct checking *checking, const struct koine_body_place *place,
                         const json_t *value, const char *const *choices) {
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; choices[i]; i++) {
        if (strcmp(choices[i], json_string_value(value)) == 0)
            return;
        const char *before = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
        const int size = snprintf(list + used, sizeof(list) - used, "%s\"%s\"", before, choices[i]);
        used += size > 0 && (size_t)size < sizeof(list) - used ? (size_t)size : 0;
    }
    place_problem(checking, place, "must be %s", list);
}

static void check_value(struct checking *checking, const struct koine_body_place *place,
                        const json_t *value, const struct member_rule *rule) {
    if (!is_kind(value, rule->kind))
        place_problem(checking, place, "must be %s, got %s", kind_names[rule->kind],
                      koine_json_kind(value));
    else if ((rule->flags & MEMBER_NOT_EMPTY) && is_empty(value))
        place_problem(checking, place, "must not be empty");
    else if (rule->choices && json_is_string(value))
        check_choice(checking, place, value, rule->choices);
}

static const struct member_rule *rule_of(const struct object_rules *rules, const char *name) {
    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->members[i].name, name) == 0)
            return &rules->members[i];
    return NULL;
}

/* The name is the client's: a long one, or one that no path can hold, is told with its object. */
static void problem_unknown(struct checking *checking, const struct koine_body_place *place,
                            const char *name) {
    const struct koine_body_place member = {place, name, 0};
    const struct koine_text shown =
        koine_text_front((struct koine_text){name, strlen(name)}, SHOWN_NAME_BYTES);
    if (shown.size == strlen(name) && !strpbrk(name, ".["))
        place_problem(checking, *name ? &member : place, "is not known here");
    else
        place_problem(checking, place, "has a member that is not known here: \"%.*s\"",
                      (int)shown.size, shown.data);
}

/* True: the member stays. */
static bool check_member(struct checking *checking, const struct koine_body_place *place,
                         const char *name, const json_t *value, const struct member_rule *rule) {
    const struct koine_body_place member = {place, name, 0};
    if (!rule) {
        problem_unknown(checking, place, name);
        return true;
    }
    if (json_is_null(value))
        return false;
    if (rule->effect == KOINE_BODY_HONOURED)
        check_value(checking, &member, value, rule);
    else if (rule->effect == KOINE_BODY_REFUSED &&
             !koine_body_allows(checking->body, value, rule->allowed))
        place_problem(checking, &member, "is not supported%s%s", rule->why ? ": " : "",
                      rule->why ? rule->why : "");
    return rule->effect == KOINE_BODY_HONOURED;
}

bool members_check(struct checking *checking, const struct koine_body_place *place, json_t *object,
                   const struct object_rules *rules) {
    const size_t before = checking->problems;
    const char *name;
    json_t *value;
    void *next;
    if (!json_is_object(object)) {
        place_problem(checking, place, "must be an object, got %s", koine_json_kind(object));
        return false;
    }
    json_object_foreach_safe(object, next, name, value) {
        if (!check_member(checking, place, name, value, rule_of(rules, name)))
            json_object_del(object, name);
    }
    for (size_t i = 0; i < rules->count; i++) {
        const struct koine_body_place member = {place, rules->members[i].name, 0};
        if ((rules->members[i].flags & MEMBER_REQUIRED) &&
            !json_object_get(object, rules->members[i].name))
            place_problem(checking, &member, "is required");
    }
    return checking->problems == before;
}

static void problem_unread(struct checking *checking, const struct koine_body_place *place,
                           const json_error_t *error) {
    if (json_error_code(error) == json_error_numeric_overflow)
        place_problem(checking, place, "holds a number that is too large: %s", error->text);
    else
        checking->no_memory = true;
}

json_t *member_load(struct checking *checking, const char *field, struct koine_text text) {
    const struct koine_body_place place = {NULL, field, 0};
    json_error_t error = {0};
    json_t *value = text.size ? koine_json_load(text, JSON_DECODE_ANY, &error) : NULL;
    if (text.size && !value) /* the body has been read before: what remains are huge numbers */
        problem_unread(checking, &place, &error);
    return value;
}
