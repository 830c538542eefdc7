/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tool rule: which texts are rules, how the others are refused, what covers what.
 * Lists of rules are tool_policy_test.c's.
 */
#include "policy/tool_rule.h"

#include "policy/tool_policy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

/* The normalised form, or "refused: …" with the whole sentence. Good until the next call. */
static const char *read_text(struct koine_text text) {
    static char result[TOOL_RULE_MAX_BYTES + 1];
    struct tool_rule rule;
    const char *problem = NULL;
    if (tool_rule_parse(&rule, text, &problem) == KOINE_OK)
        snprintf(result, sizeof(result), "%.*s", (int)rule.size, rule.text);
    else
        tool_rule_explain(result, sizeof(result), text, problem);
    return result;
}

static const struct {
    const char *written, *normalised;
} valid_rules[] = {
    {"*", "*"},
    {"Read", "Read"},
    {"Read(*)", "Read"},
    {"Notebook_Edit-2", "Notebook_Edit-2"},
    {"Bash(git:*)", "Bash(git:*)"},
    {"Bash(git log --format=%H, -p)", "Bash(git log --format=%H, -p)"},
    {"Bash(git *)", "Bash(git *)"},
    {"Read(/srv/**/*.c)", "Read(/srv/**/*.c)"},
    {"Read(/home/zoë/日本.txt)", "Read(/home/zoë/日本.txt)"},
    {"WebFetch(domain:example.com)", "WebFetch(domain:example.com)"},
    {"Read(a\\b)", "Read(a\\b)"},
    {"mcp__*", "mcp__*"},
    {"mcp__srv", "mcp__srv"},
    {"mcp__srv__*", "mcp__srv"},
    {"mcp__srv__tool", "mcp__srv__tool"},
    {"mcp__my-srv_2__a__b", "mcp__my-srv_2__a__b"},
    {"mcp", "mcp"}, /* a name like another: only "mcp__" makes it one of a server */
    {"mcp_", "mcp_"},
};

START_TEST(a_valid_rule_is_kept_in_its_shorter_form)
{ ck_assert_str_eq(read_text(text_of(valid_rules[_i].written)), valid_rules[_i].normalised); }
END_TEST

START_TEST(normalising_twice_changes_nothing)
{ ck_assert_str_eq(read_text(text_of(valid_rules[_i].normalised)), valid_rules[_i].normalised); }
END_TEST

static const struct {
    const char *written, *explained;
} refused_rules[] = {
    {"", "rule \"\" is empty; write a tool's name such as Read, or Bash(git:*)"},
    {"-p", "rule \"-p\" begins with '-'; a tool's name begins with a letter"},
    {"--dangerously-skip-permissions", "begins with '-'"},
    {"9Read", "does not begin with a letter"},
    {"_Read", "does not begin with a letter"},
    {"(git)", "has no tool's name before the '('"},
    {" Read", "holds a comma or a space"},
    {"Read ", "holds a comma or a space"},
    {"Read,Write", "holds a comma or a space; write one rule for each list entry"},
    {"Read (x)", "holds a comma or a space"},
    {"Read\tWrite", "rule \"Read?Write\" holds a control character"},
    {"Read\nWrite", "rule \"Read?Write\" holds a line break"},
    {"Bash(a\rb)", "holds a line break"},
    {"Bash(a\x7f)", "holds a control character"},
    {"Bash(a\xc2\x85)", "rule \"Bash(a?)\" holds a control character"},
    {"Bash(a\xe2\x80\xa8)", "holds a control character"},
    {"Read(a\xff)", "rule \"Read(a?)\" is not valid UTF-8"},
    {"Read(\xc0\xaf)", "is not valid UTF-8"},         /* a longer form of '/' */
    {"Read(\xe0\x80\xaf)", "is not valid UTF-8"},     /* the same in three bytes */
    {"Read(\xed\xa0\x80)", "is not valid UTF-8"},     /* a surrogate */
    {"Read(\xf4\x90\x80\x80)", "is not valid UTF-8"}, /* over U+10FFFF */
    {"Read(\xe2\x82", "is not valid UTF-8"},          /* ends within a character */
    {"Rëad", "holds a character that no tool's name has"},
    {"Read.x", "holds a character that no tool's name has"},
    {"Read\"", "holds a character that no tool's name has"},
    {"Read*", "has a '*' that stands neither alone"},
    {"**", "has a '*' that stands neither alone"},
    {"*(git:*)", "has a '*' that stands neither alone"},
    {"Bash)", "has a ')' without a '('"},
    {"Bash(git:*", "has a '(' that is never closed"},
    {"Bash(", "has a '(' that is never closed"},
    {"Bash()", "has nothing between the parentheses"},
    {"Bash(:*)", "has no command before ':*'; write Bash for all commands"},
    {"Bash(a(b))", "holds a '(' inside the parentheses"},
    {"Bash(a)(b)", "goes on behind the ')'"},
    {"Bash(a),Write", "goes on behind the ')'"},
    {"Bash(a))", "goes on behind the ')'"},
    {"Bash(a\\)", "has a backslash before the ')', which escapes it"},
    {"mcp__", "names no server"},
    {"mcp____tool", "names a server that begins with neither a letter nor a digit"},
    {"mcp__-srv", "names a server that begins with neither a letter nor a digit"},
    {"mcp__srv__", "names no tool behind the server"},
    {"mcp__srv*", "has a '*' that stands neither alone"},
    {"mcp__srv__get_*", "has a '*' that stands neither alone"},
    {"mcp__*__tool", "has a '*' that stands neither alone"},
    {"mcp__**", "has a '*' that stands neither alone"},
    {"mcp__srv.x__tool", "holds a character that no tool's name has"},
    {"mcp__srv__tool(x)", "has a specifier, which MCP tools do not take"},
    {"mcp__srv,Read", "holds a comma or a space"},
};

START_TEST(a_text_that_is_no_rule_is_refused_with_the_reason)
{
    const char *explained = read_text(text_of(refused_rules[_i].written));
    if (strstr(explained, refused_rules[_i].explained) == NULL)
        ck_assert_str_eq(explained, refused_rules[_i].explained);
    ck_assert_uint_lt(strlen(explained), sizeof(((struct tool_policy_error *)0)->reason) - 1);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
    ck_assert_str_eq(read_text((struct koine_text){"Re\0ad", 5}),
                     "rule \"Re?ad\" holds a NUL byte");
    ck_assert_str_eq(read_text((struct koine_text){"\0", 1}), "rule \"?\" holds a NUL byte");
}
END_TEST

START_TEST(a_rule_has_at_most_1024_bytes)
{
    char rule[TOOL_RULE_MAX_BYTES + 2];
    memset(rule, 'x', sizeof(rule));
    memcpy(rule, "Bash(", 5);
    rule[TOOL_RULE_MAX_BYTES - 1] = ')';
    ck_assert_mem_eq(read_text((struct koine_text){rule, TOOL_RULE_MAX_BYTES}), rule,
                     TOOL_RULE_MAX_BYTES);
    rule[TOOL_RULE_MAX_BYTES - 1] = 'x';
    rule[TOOL_RULE_MAX_BYTES] = ')';
    ck_assert_ptr_nonnull(strstr(read_text((struct koine_text){rule, TOOL_RULE_MAX_BYTES + 1}),
                                 "has more than 1024 bytes"));
}
END_TEST

START_TEST(a_name_has_at_most_128_bytes)
{
    char name[TOOL_NAME_MAX_BYTES + 2] = {0};
    memset(name, 'x', TOOL_NAME_MAX_BYTES);
    ck_assert_str_eq(read_text(text_of(name)), name);
    name[TOOL_NAME_MAX_BYTES] = 'x';
    ck_assert_ptr_nonnull(strstr(read_text(text_of(name)), "has a name of more than 128 bytes"));
}
END_TEST

START_TEST(an_error_quotes_64_bytes_and_cuts_no_character)
{
    char rule[200] = "-", expected[200] = "rule \"-";
    for (int i = 0; i < 40; i++)
        strcat(rule, "ë");
    for (int i = 0; i < 31; i++)
        strcat(expected, "ë"); /* 1 + 31 * 2 bytes; one more would be 65 */
    strcat(expected, "...\" begins with '-'; a tool's name begins with a letter");
    ck_assert_str_eq(read_text(text_of(rule)), expected);
}
END_TEST

enum { APART, WITHIN, EQUAL };

/* How the second rule lies to the first. */
static const struct {
    const char *outer;
    int relation;
    const char *inner;
} relations[] = {
    {"*", WITHIN, "Bash"},
    {"*", WITHIN, "Bash(git:*)"},
    {"*", WITHIN, "mcp__*"},
    {"*", EQUAL, "*"},

    {"Bash", EQUAL, "Bash(*)"},
    {"Bash", WITHIN, "Bash(git:*)"},
    {"Bash", WITHIN, "Bash(git log)"},
    {"Bash", WITHIN, "Bash(rm -rf $HOME; :)"},
    {"Bash", APART, "BashOutput"},
    {"Bash", APART, "bash"},
    {"Bash", APART, "Read"},

    {"Bash(git:*)", EQUAL, "Bash(git:*)"},
    {"Bash(git:*)", WITHIN, "Bash(git log:*)"},
    {"Bash(git:*)", WITHIN, "Bash(git log -p:*)"},
    {"Bash(git log:*)", WITHIN, "Bash(git log -p:*)"},
    {"Bash(git:*)", APART, "Bash(gitk:*)"},
    {"Bash(git log:*)", APART, "Bash(git logs:*)"},
    {"Bash(git log:*)", APART, "Bash(git push:*)"},
    {"Bash(git:*)", APART, "BashOutput(git log:*)"},

    {"Bash(git:*)", WITHIN, "Bash(git)"},
    {"Bash(git:*)", WITHIN, "Bash(git log --format=%H,%s src/a.c:12 user@host)"},
    {"Bash(git:*)", APART, "Bash(gitk)"},
    {"Bash(git log)", APART, "Bash(git log -p)"}, /* one command, not a prefix */
    {"Bash(git log)", EQUAL, "Bash(git log)"},

    /* What a shell, or the CLI, could read in another way: certain only when equal. */
    {"Bash(git:*)", APART, "Bash(git log; rm -rf x)"},
    {"Bash(git:*)", APART, "Bash(git log && rm x:*)"},
    {"Bash(git:*)", APART, "Bash(git $X:*)"},
    {"Bash(git:*)", APART, "Bash(git log > x)"},
    {"Bash(git:*)", APART, "Bash(git log | sh)"},
    {"Bash(git:*)", APART, "Bash(git \"log\")"},
    {"Bash(git:*)", APART, "Bash(git `x`)"},
    {"Bash(git:*)", APART, "Bash(git ~)"},
    {"Bash(git:*)", APART, "Bash(git ë)"},
    {"Bash(git:*)", APART, "Bash(git a\\b)"},
    {"Bash(git:*)", APART, "Bash(git *)"},
    {"Bash(git:*)", APART, "Bash(git  log)"}, /* two spaces */
    {"Bash(git:*)", APART, "Bash(git log )"}, /* one at the end */
    {"Bash(git:*)", APART, "Bash( git log)"}, /* or at the start */
    {"Bash(git :*)", APART, "Bash(git log:*)"},
    {"Bash(git *)", APART, "Bash(git log)"},
    {"Bash(a;b:*)", EQUAL, "Bash(a;b:*)"},
    {"Bash(a;b:*)", APART, "Bash(a;b c:*)"},

    /* Other tools' specifiers are theirs to read. */
    {"Read", WITHIN, "Read(/srv/**)"},
    {"Read(/srv/**)", EQUAL, "Read(/srv/**)"},
    {"Read(/srv/**)", APART, "Read(/srv/a)"},
    {"WebFetch(domain:example.com)", APART, "WebFetch(domain:www.example.com)"},
    {"Other(git:*)", APART, "Other(git log:*)"},

    {"mcp__*", EQUAL, "mcp__*"},
    {"mcp__*", WITHIN, "mcp__srv"},
    {"mcp__*", WITHIN, "mcp__srv__tool"},
    {"mcp__*", APART, "Read"},
    {"mcp__*", APART, "mcp"},
    {"mcp__srv", EQUAL, "mcp__srv__*"},
    {"mcp__srv", WITHIN, "mcp__srv__tool"},
    {"mcp__srv", WITHIN, "mcp__srv__a__b"}, /* the first "__" ends the server's name */
    {"mcp__srv__a", APART, "mcp__srv__a__b"},
    {"mcp__srv", APART, "mcp__srv2"},
    {"mcp__srv", APART, "mcp__srv2__tool"},
    {"mcp__srv", APART, "mcp__srv_2__tool"},
    {"mcp__srv__tool", EQUAL, "mcp__srv__tool"},
    {"mcp__srv__tool", APART, "mcp__srv__tool2"},

    {"not a rule", APART, "Read"},
    {"*", APART, "not a rule"},
};

static const char *relation_name(struct koine_text outer, struct koine_text inner) {
    bool down = tool_rule_covers(outer, inner), up = tool_rule_covers(inner, outer);
    if (down)
        return up ? "equal" : "within";
    return up ? "around" : "apart";
}

START_TEST(rules_nest_by_what_they_cover)
{
    static const char *const names[] = {"apart", "within", "equal"};
    ck_assert_str_eq(relation_name(text_of(relations[_i].outer), text_of(relations[_i].inner)),
                     names[relations[_i].relation]);
}
END_TEST

START_TEST(a_rule_covers_itself)
{
    struct koine_text rule = text_of(valid_rules[_i].written);
    ck_assert_str_eq(relation_name(rule, rule), "equal");
}
END_TEST

/* Over all rules of the table: a ⊇ b and b ⊇ c give a ⊇ c, and what lies within two rules
 * makes these nest, on which the intersection of lists relies. */
START_TEST(covering_is_transitive_and_makes_a_forest)
{
    struct koine_text a = text_of(relations[_i].outer);
    for (size_t j = 0; j < COUNT(relations); j++) {
        struct koine_text b = text_of(relations[j].inner);
        for (size_t k = 0; k < COUNT(relations); k++) {
            struct koine_text c = text_of(relations[k].inner);
            bool a_b = tool_rule_covers(a, b), a_c = tool_rule_covers(a, c);
            if (a_b && tool_rule_covers(b, c))
                ck_assert_msg(a_c, "%s, %s, %s", a.data, b.data, c.data);
            if (a_c && tool_rule_covers(b, c))
                ck_assert_msg(a_b || tool_rule_covers(b, a), "%s, %s, %s", a.data, b.data, c.data);
        }
    }
}
END_TEST

static Suite *suite(void) {
    Suite *rules = suite_create("tool rule");
    TCase *reading = tcase_create("reading");
    tcase_add_loop_test(reading, a_valid_rule_is_kept_in_its_shorter_form, 0, COUNT(valid_rules));
    tcase_add_loop_test(reading, normalising_twice_changes_nothing, 0, COUNT(valid_rules));
    tcase_add_loop_test(reading, a_text_that_is_no_rule_is_refused_with_the_reason, 0,
                        COUNT(refused_rules));
    tcase_add_test(reading, a_nul_byte_is_refused);
    tcase_add_test(reading, a_rule_has_at_most_1024_bytes);
    tcase_add_test(reading, a_name_has_at_most_128_bytes);
    tcase_add_test(reading, an_error_quotes_64_bytes_and_cuts_no_character);
    suite_add_tcase(rules, reading);
    TCase *covering = tcase_create("covering");
    tcase_add_loop_test(covering, rules_nest_by_what_they_cover, 0, COUNT(relations));
    tcase_add_loop_test(covering, a_rule_covers_itself, 0, COUNT(valid_rules));
    tcase_add_loop_test(covering, covering_is_transitive_and_makes_a_forest, 0, COUNT(relations));
    suite_add_tcase(rules, covering);
    return rules;
}

int main(void) {
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
