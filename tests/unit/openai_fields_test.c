/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of modules/openai against each other and against what README.md and openapi.yaml say.
 */
#include "../../modules/openai/chat_fields.h"
#include "../../modules/openai/responses_fields.h"
#include "support/test_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define README "modules/openai/README.md"
#define OPENAPI "modules/openai/openapi.yaml"

static const char *const effects[] = {
    [KOINE_BODY_HONOURED] = "honoured",
    [KOINE_BODY_WITHOUT_EFFECT] = "without effect",
    [KOINE_BODY_REFUSED] = "refused",
};

/* "| `name` | effect |": false: the line is no row of members. */
static bool read_row(const char *line, char *name, char *effect) {
    return sscanf(line, "| `%63[a-z_]` | %31[a-z ] |", name, effect) == 2;
}

static const struct koine_body_rule *find(const struct koine_body_rule *rules, size_t count,
                                          const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

/* Compares the rows below the heading, to the next one. */
static void assert_documented(const char *heading, const struct koine_body_rule *rules,
                              size_t count) {
    FILE *file = fopen(README, "r");
    char line[1000], name[64], effect[32];
    size_t rows = 0;
    bool inside = false;
    ck_assert_msg(file != NULL, "cannot read %s: run this in the top folder", README);
    while (fgets(line, sizeof line, file)) {
        if (*line == '#')
            inside = strncmp(line, heading, strlen(heading)) == 0;
        if (!inside || !read_row(line, name, effect))
            continue;
        effect[strcspn(effect, "|")] = '\0';
        for (size_t end = strlen(effect); end && effect[end - 1] == ' ';)
            effect[--end] = '\0';
        const struct koine_body_rule *rule = find(rules, count, name);
        ck_assert_msg(rule != NULL, "%s: %s is in %s alone", heading, name, README);
        ck_assert_msg(strcmp(effects[rule->effect], effect) == 0, "%s: %s is %s, but %s in %s",
                      heading, name, effects[rule->effect], effect, README);
        rows++;
    }
    fclose(file);
    ck_assert_msg(rows == count, "%s: %zu members, %zu rows in %s", heading, count, rows, README);
}

START_TEST(the_readme_says_what_becomes_of_each_member)
{
    assert_documented("### POST /v1/chat/completions", chat_rules, chat_rule_count);
    assert_documented("### POST /v1/responses", responses_rules, responses_rule_count);
}
END_TEST

/* The members below "    NAME:" and "properties:", eight blanks deep. */
static void assert_described(const char *schema, const struct koine_body_rule *rules,
                             size_t count) {
    FILE *file = fopen(OPENAPI, "r");
    char line[1000], name[64];
    size_t members = 0;
    bool inside = false;
    ck_assert_msg(file != NULL, "cannot read %s: run this in the top folder", OPENAPI);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "    ", 4) == 0 && line[4] != ' ')
            inside = strncmp(line + 4, schema, strlen(schema)) == 0;
        if (!inside || strncmp(line, "        ", 8) != 0 ||
            sscanf(line + 8, "%63[a-z_]:", name) != 1)
            continue;
        ck_assert_msg(find(rules, count, name) != NULL, "%s: %s is in %s alone", schema, name,
                      OPENAPI);
        members++;
    }
    fclose(file);
    ck_assert_msg(members == count, "%s: %zu members, %zu in %s", schema, count, members, OPENAPI);
}

START_TEST(the_openapi_document_has_each_member)
{
    assert_described("OpenAiChatRequest:", chat_rules, chat_rule_count);
    assert_described("OpenAiResponseRequest:", responses_rules, responses_rule_count);
}
END_TEST

static void assert_honoured(const struct koine_body_rule *rules, size_t rule_count,
                            const struct koine_body_field *fields, size_t field_count) {
    size_t honoured = 0;
    for (size_t i = 0; i < rule_count; i++) {
        honoured += rules[i].effect == KOINE_BODY_HONOURED;
        ck_assert_msg(find(rules, i, rules[i].name) == NULL, "%s stands twice", rules[i].name);
        ck_assert_msg(!rules[i].why == (rules[i].effect != KOINE_BODY_REFUSED),
                      "%s: only what is refused has a reason", rules[i].name);
    }
    for (size_t i = 0; i < field_count; i++) {
        const struct koine_body_rule *rule = find(rules, rule_count, fields[i].name);
        ck_assert_msg(rule && rule->effect == KOINE_BODY_HONOURED, "%s is read but not honoured",
                      fields[i].name);
    }
    ck_assert_msg(honoured == field_count, "%zu members are honoured, %zu are read", honoured,
                  field_count);
}

START_TEST(what_is_honoured_is_read)
{
    assert_honoured(chat_rules, chat_rule_count, chat_field_table, chat_field_count);
    assert_honoured(responses_rules, responses_rule_count, responses_field_table,
                    responses_field_count);
}
END_TEST

/* The whole file, which the caller frees. */
static char *contents(const char *path) {
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    ck_assert_msg(file != NULL, "cannot read %s: run this in the top folder", path);
    ck_assert_msg(getdelim(&text, &size, '\0', file) > 0, "%s is empty", path);
    fclose(file);
    return text;
}

START_TEST(the_settings_are_those_of_every_chat)
{
    char *own = contents("modules/openai/config-schema.json");
    char *all = contents("sdk/module/chat-settings.json");
    ck_assert_str_eq(own, all);
    free(all);
    free(own);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_readme_says_what_becomes_of_each_member,
        the_openapi_document_has_each_member,
        what_is_honoured_is_read,
        the_settings_are_those_of_every_chat,
    };
    return test_main("openai_fields", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
