/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests can take each other's processes, and what a process is told when it changes hands.
 */
#include "runner/cli_kind.h"
#include "runner/cli_settings.h"

#include "support/test_main.h"

#include <stdlib.h>
#include <string.h>

static struct tool_policy *policy;
static struct cli_command_options options;

static void setup(void) {
    policy = tool_policy_create();
    ck_assert_ptr_nonnull(policy);
    options = (struct cli_command_options){.path = "/bin/claude", .policy = policy, .base = policy};
}

static void teardown(void) {
    tool_policy_unref(policy);
}

static struct cli_kind *kind_in(const char *owner, const char *directory) {
    struct cli_problem problem;
    struct cli_kind *kind = cli_kind_create(&options, owner, directory, &problem);
    ck_assert_msg(kind != NULL, "%s", problem.field ? problem.message : "no memory");
    return kind;
}

static struct cli_kind *kind_now(void) {
    return kind_in("default", "/work");
}

/* Takes both. */
static bool are_same(struct cli_kind *a, struct cli_kind *b) {
    bool same = cli_kind_same(a, b);
    ck_assert_int_eq(cli_kind_same(b, a), same);
    cli_kind_unref(a);
    cli_kind_unref(b);
    return same;
}

static struct tool_policy *narrowed(const char *allowed, const char *disallowed) {
    struct koine_text lists[2] = {{allowed, allowed ? strlen(allowed) : 0},
                                  {disallowed, disallowed ? strlen(disallowed) : 0}};
    struct tool_policy_error error;
    struct tool_policy *result = tool_policy_narrow(policy, allowed ? &lists[0] : NULL, 1,
                                                    &lists[1], disallowed != NULL, true, &error);
    ck_assert_msg(result != NULL, "%s", error.reason);
    return result;
}

START_TEST(what_is_asked_alike_is_of_one_kind)
{ ck_assert(are_same(kind_now(), kind_now())); }
END_TEST

START_TEST(a_key_never_takes_the_process_of_another)
{ ck_assert(!are_same(kind_in("a", "/work"), kind_in("b", "/work"))); }
END_TEST

START_TEST(a_directory_of_its_own_is_a_kind_of_its_own)
{ ck_assert(!are_same(kind_in("a", "/work"), kind_in("a", "/work2"))); }
END_TEST

START_TEST(what_only_a_start_can_say_makes_another_kind)
{
    struct cli_kind *plain = kind_now();
    struct cli_command_options variants[] = {
        {.model = KOINE_TEXT("haiku")},
        {.effort = KOINE_TEXT("low")},
        {.max_turns = 1},
        {.max_budget_usd = 0.5},
    };
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        variants[i].path = options.path;
        variants[i].policy = variants[i].base = policy;
        options = variants[i];
        struct cli_kind *other = kind_now();
        ck_assert_msg(!cli_kind_same(plain, other), "variant %zu", i);
        ck_assert_msg(plain->plain && !other->plain, "variant %zu", i);
        cli_kind_unref(other);
    }
    cli_kind_unref(plain);
}
END_TEST

/* The model sees the same tools: the pattern is said later. A whole tool must be gone at the start.
 */
START_TEST(a_pattern_that_is_denied_makes_no_other_kind_but_a_tool_does)
{
    struct cli_kind *plain = kind_now();
    struct tool_policy *pattern = narrowed(NULL, "Bash(rm:*)"), *tool = narrowed(NULL, "WebFetch"),
                       *only = narrowed("Read", NULL);
    options.policy = pattern;
    ck_assert(are_same(cli_kind_ref(plain), kind_now()));
    options.policy = tool;
    ck_assert(!are_same(cli_kind_ref(plain), kind_now()));
    options.policy = only;
    ck_assert(!are_same(plain, kind_now()));
    tool_policy_unref(pattern);
    tool_policy_unref(tool);
    tool_policy_unref(only);
}
END_TEST

START_TEST(a_budget_is_of_the_whole_process)
{
    options.max_budget_usd = 1;
    struct cli_kind *kind = kind_now();
    ck_assert_int_eq(kind->counts_budget, true);
    cli_kind_unref(kind);
}
END_TEST

static void expect_settings(struct cli_turn_settings settings, const char *expected) {
    char *text = cli_settings_of_turn(&settings);
    ck_assert_pstr_eq(text, expected);
    free(text);
}

/* Permissions are said as a whole: those that are left out would be those of the turn before. */
START_TEST(what_a_turn_sets)
{
    expect_settings((struct cli_turn_settings){.allow = "[]", .deny = "[]"}, "");
    expect_settings((struct cli_turn_settings){.allow = "[]", .deny = "[\"Bash(rm:*)\"]"},
                    "{\"permissions\":{\"allow\":[],\"deny\":[\"Bash(rm:*)\"]}}");
    expect_settings(
        (struct cli_turn_settings){.allow = "[]", .deny = "[]", .max_tokens = 4294967295u},
        "{\"permissions\":{\"allow\":[],\"deny\":[]},"
        "\"env\":{\"CLAUDE_CODE_MAX_OUTPUT_TOKENS\":\"4294967295\"}}");
    expect_settings(
        (struct cli_turn_settings){
            .allow = "[\"mcp__a__b\"]", .deny = "[]", .asks_about_bash = true, .max_tokens = 7},
        "{\"permissions\":{\"allow\":[\"mcp__a__b\"],\"deny\":[],\"ask\":[\"Bash\"]},"
        "\"env\":{\"CLAUDE_CODE_MAX_OUTPUT_TOKENS\":\"7\"}}");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        what_is_asked_alike_is_of_one_kind,
        a_key_never_takes_the_process_of_another,
        a_directory_of_its_own_is_a_kind_of_its_own,
        what_only_a_start_can_say_makes_another_kind,
        a_pattern_that_is_denied_makes_no_other_kind_but_a_tool_does,
        a_budget_is_of_the_whole_process,
        what_a_turn_sets,
    };
    return test_main("cli_kind", setup, teardown, tests, sizeof tests / sizeof *tests);
}
