/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module `anthropic`: what its README says of each field is what its tables do. Both ways, so
 * that no row of either is missing.
 */
#include "../../modules/anthropic/blocks.h"
#include "../../modules/anthropic/fields.h"
#include "../../modules/anthropic/messages.h"
#include "../../modules/anthropic/options.h"
#include "../../modules/anthropic/tools.h"
#include "support/test_main.h"

#include <stdio.h>
#include <string.h>

#define README "modules/anthropic/README.md"

/* Name → "EFFECT" or "EFFECT ●" for a field that count_tokens takes. */
static json_t *documented, *done;

static const char *const effects[] = {[KOINE_BODY_HONOURED] = "honoured",
                                      [KOINE_BODY_WITHOUT_EFFECT] = "no effect",
                                      [KOINE_BODY_REFUSED] = "refused"};

/* ---- the documentation: rows "| `NAME` | EFFECT | …" with one of the three effects */

/* The text between the first two of the marks; NULL: there are none. Cuts the line. */
static char *take_between(char **line, const char *begin, const char *end) {
    char *from = strstr(*line, begin);
    char *to = from ? strstr(from + strlen(begin), end) : NULL;
    if (!to)
        return NULL;
    *to = '\0';
    *line = to + strlen(end);
    return from + strlen(begin);
}

static bool is_effect(const char *text) {
    for (size_t i = 0; i < sizeof(effects) / sizeof(*effects); i++)
        if (strcmp(effects[i], text) == 0)
            return true;
    return false;
}

static void read_row(char *line) {
    char *name = take_between(&line, "| `", "` | ");
    char *effect = name ? take_between(&line, "", " |") : NULL;
    if (!effect || !is_effect(effect))
        return;
    ck_assert_msg(!json_object_get(documented, name), "%s is documented twice", name);
    json_object_set_new(documented, name,
                        json_sprintf("%s%s", effect, strncmp(line, " ● |", 6) ? "" : " ●"));
}

static void read_documentation(void) {
    char line[1024];
    FILE *file = fopen(README, "r");
    ck_assert_msg(file != NULL, "%s is not there: tests are run in the folder above it", README);
    documented = json_object();
    done = json_object();
    while (fgets(line, sizeof(line), file))
        read_row(line);
    fclose(file);
}

static void forget_documentation(void) {
    json_decref(documented);
    json_decref(done);
}

/* ---- the tables */

static void assert_documented(const char *name, const char *expected) {
    const char *told = json_string_value(json_object_get(documented, name));
    ck_assert_msg(told != NULL, "%s (%s) is not documented", name, expected);
    ck_assert_msg(strcmp(told, expected) == 0, "%s is documented as \"%s\", and is \"%s\"", name,
                  told, expected);
    json_object_set_new(done, name, json_true());
}

static bool is_counted(const char *name) {
    for (size_t i = 0; i < count_tokens_fields.rule_count; i++)
        if (strcmp(count_tokens_fields.rules[i].name, name) == 0)
            return true;
    return false;
}

static void assert_object(const char *prefix, const struct object_rules *rules) {
    for (size_t i = 0; i < rules->count; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s.%s", prefix, rules->name, rules->members[i].name);
        assert_documented(name, effects[rules->members[i].effect]);
    }
}

START_TEST(every_field_is_documented_as_it_is)
{
    for (size_t i = 0; i < create_message_fields.rule_count; i++) {
        const struct koine_body_rule *rule = &create_message_fields.rules[i];
        char expected[32];
        snprintf(expected, sizeof(expected), "%s%s", effects[rule->effect],
                 is_counted(rule->name) ? " ●" : "");
        assert_documented(rule->name, expected);
    }
    const struct object_rules *rules;
    assert_object("", messages_rules());
    for (size_t i = 0; (rules = tools_rules_at(i)); i++)
        assert_object("", rules);
    for (size_t i = 0; (rules = options_rules_at(i)); i++)
        assert_object("", rules);
    for (size_t i = 0; (rules = blocks_rules_at(i)); i++)
        assert_object("content.", rules);
    const char *name;
    json_t *effect;
    json_object_foreach(documented, name, effect)
        ck_assert_msg(json_object_get(done, name), "%s is documented, and not there", name);
}
END_TEST

/* What count_tokens takes it takes as the other route does. */
START_TEST(counted_fields_are_those_of_a_message)
{
    for (size_t i = 0; i < count_tokens_fields.rule_count; i++) {
        const char *name = count_tokens_fields.rules[i].name;
        const struct koine_body_rule *same = NULL;
        for (size_t at = 0; at < create_message_fields.rule_count; at++)
            if (strcmp(create_message_fields.rules[at].name, name) == 0)
                same = &create_message_fields.rules[at];
        ck_assert_msg(same && same->effect == count_tokens_fields.rules[i].effect, "%s", name);
    }
}
END_TEST

/* A field that is read and has no rule would always be refused. */
static void assert_ruled(const struct request_fields *fields) {
    for (size_t i = 0; i < fields->field_count; i++) {
        bool found = false;
        for (size_t at = 0; at < fields->rule_count; at++)
            found = found || strcmp(fields->rules[at].name, fields->fields[i].name) == 0;
        ck_assert_msg(found, "%s has no rule", fields->fields[i].name);
    }
}

START_TEST(every_field_that_is_read_has_a_rule)
{
    assert_ruled(&create_message_fields);
    assert_ruled(&count_tokens_fields);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        every_field_is_documented_as_it_is,
        counted_fields_are_those_of_a_message,
        every_field_that_is_read_has_a_rule,
    };
    return test_main("anthropic_fields", read_documentation, forget_documentation, tests,
                     sizeof(tests) / sizeof(*tests));
}
