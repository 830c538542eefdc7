/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which arguments a run of the CLI makes, and that no value of a client becomes a flag.
 */
#include "runner/cli_command.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID "5b1c2f7e-0000-8000-8000-0123456789ab"
#define OLD_ID "11111111-2222-4333-8444-555555555555"
#define ALWAYS                                                                                     \
    "/bin/claude --print --verbose --input-format=stream-json --output-format=stream-json "        \
    "--include-partial-messages --permission-prompt-tool=stdio"
#define DENIED "--disallowedTools=AskUserQuestion,EnterPlanMode,ExitPlanMode"

static struct cli_command_options options;
static struct tool_policy *policy;

static void setup(void) {
    policy = tool_policy_create();
    ck_assert_ptr_nonnull(policy);
    memset(&options, 0, sizeof options);
    options.path = "/bin/claude";
    options.policy = policy;
}

static void teardown(void) {
    tool_policy_unref(policy);
}

/* Comma-less rules, separated by blanks; NULL: no such list. */
static void narrow(const char *allowed, const char *disallowed) {
    struct koine_text lists[2][8];
    size_t counts[2] = {0, 0};
    const char *texts[2] = {allowed, disallowed};
    struct tool_policy_error error;
    for (int i = 0; i < 2; i++) {
        for (const char *at = texts[i]; at != NULL && *at != '\0'; at += *at == ' ') {
            size_t size = strcspn(at, " ");
            lists[i][counts[i]++] = (struct koine_text){at, size};
            at += size;
        }
    }
    struct tool_policy *narrowed = tool_policy_narrow(policy, allowed != NULL ? lists[0] : NULL,
                                                      counts[0], lists[1], counts[1], true, &error);
    ck_assert_msg(narrowed != NULL, "%s", error.reason);
    tool_policy_unref(policy);
    options.policy = policy = narrowed;
}

/* All strings, joined by blanks. */
static char *join(char **strings) {
    size_t size = 1;
    for (size_t i = 0; strings[i] != NULL; i++) {
        size += strlen(strings[i]) + 1;
    }
    char *joined = calloc(1, size);
    ck_assert_ptr_nonnull(joined);
    for (size_t i = 0; strings[i] != NULL; i++) {
        strcat(joined, i > 0 ? " " : "");
        strcat(joined, strings[i]);
    }
    return joined;
}

static void expect_arguments(const char *expected) {
    struct cli_problem problem;
    char **arguments = cli_command_arguments(&options, &problem);
    ck_assert_msg(arguments != NULL, "%s", problem.field != NULL ? problem.message : "no memory");
    char *joined = join(arguments);
    ck_assert_str_eq(joined, expected);
    free(joined);
    free(arguments);
}

static void expect_problem(const char *field) {
    struct cli_problem problem;
    char **arguments = cli_command_arguments(&options, &problem);
    ck_assert_ptr_null(arguments);
    ck_assert_ptr_nonnull(problem.field);
    ck_assert_str_eq(problem.field, field);
    ck_assert_uint_gt(strlen(problem.message), 0);
}

/* ---- arguments */

START_TEST(a_plain_run)
{ expect_arguments(ALWAYS " " DENIED); }
END_TEST

static void expect_with_session(struct cli_session session, const char *expected) {
    char *arguments[] = {(char[]){"/bin/claude"}, (char[]){"--print"}, NULL};
    char **whole = cli_command_with_session(arguments, &session);
    ck_assert_ptr_nonnull(whole);
    char *joined = join(whole);
    ck_assert_str_eq(joined, expected);
    free(joined);
    free(whole);
}

START_TEST(a_session_is_new_continued_or_forked)
{
    expect_with_session((struct cli_session){.id = KOINE_TEXT(ID)},
                        "/bin/claude --print --session-id=" ID);
    expect_with_session((struct cli_session){.id = KOINE_TEXT(ID), .resume_id = KOINE_TEXT(ID)},
                        "/bin/claude --print --resume=" ID);
    expect_with_session(
        (struct cli_session){.id = KOINE_TEXT(ID), .resume_id = KOINE_TEXT(OLD_ID), .fork = true},
        "/bin/claude --print --resume=" OLD_ID " --fork-session --session-id=" ID);
    expect_with_session((struct cli_session){.id = KOINE_TEXT(ID),
                                             .resume_id = KOINE_TEXT(ID),
                                             .resume_at = KOINE_TEXT(OLD_ID)},
                        "/bin/claude --print --resume=" ID " --resume-session-at=" OLD_ID);
    expect_with_session(
        (struct cli_session){.id = KOINE_TEXT(ID), .resume_id = KOINE_TEXT(ID), .passing = true},
        "/bin/claude --print --resume=" ID " --no-session-persistence");
}
END_TEST

START_TEST(models_efforts_and_limits)
{
    options.model = KOINE_TEXT("claude-opus-5[1m]");
    options.effort = KOINE_TEXT("xhigh");
    options.max_turns = 4294967295u;
    options.max_budget_usd = 0.25;
    expect_arguments(ALWAYS " --model=claude-opus-5[1m] --effort=xhigh "
                            "--max-turns=4294967295 --max-budget-usd=0.250000 " DENIED);
}
END_TEST

START_TEST(a_budget_is_written_plainly)
{
    static const struct {
        double budget_usd;
        const char *written;
    } budgets[] = {{1e-9, "0.000001"},
                   {0.1, "0.100000"},
                   {0.3, "0.300000"},
                   {3, "3.000000"},
                   {1234.5678901, "1234.567890"},
                   {1e300, "1000000000000.000000"}};
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        char expected[512];
        options.max_budget_usd = budgets[i].budget_usd;
        snprintf(expected, sizeof expected, ALWAYS " --max-budget-usd=%s " DENIED,
                 budgets[i].written);
        expect_arguments(expected);
    }
    options.max_budget_usd = NAN;
    expect_problem("maxBudgetUsd");
    options.max_budget_usd = INFINITY;
    expect_problem("maxBudgetUsd");
    options.max_budget_usd = -1;
    expect_problem("maxBudgetUsd");
}
END_TEST

START_TEST(an_allow_list_takes_the_other_tools_away)
{
    narrow("Read Glob", NULL);
    expect_arguments(ALWAYS " --tools=Read,Glob --allowedTools=Read,Glob " DENIED
                            " --strict-mcp-config");
}
END_TEST

START_TEST(an_allow_list_with_mcp_tools_keeps_their_servers)
{
    narrow("Read mcp__srv__tool", NULL);
    expect_arguments(ALWAYS " --tools=Read --allowedTools=Read,mcp__srv__tool " DENIED);
}
END_TEST

START_TEST(denied_rules_reach_the_cli_without_an_allow_list)
{
    narrow(NULL, "Bash(rm:*) WebFetch");
    expect_arguments(ALWAYS " --disallowedTools=Bash(rm:*),WebFetch,"
                            "AskUserQuestion,EnterPlanMode,ExitPlanMode");
}
END_TEST

START_TEST(no_tools_at_all)
{
    narrow(NULL, "*");
    expect_arguments(ALWAYS " --tools= --allowedTools= " DENIED " --strict-mcp-config");
}
END_TEST

START_TEST(an_empty_allow_list_means_no_tools)
{
    narrow("", NULL);
    expect_arguments(ALWAYS " --tools= --allowedTools= " DENIED " --strict-mcp-config");
}
END_TEST

/* What was denied from the beginning is said at the start, a request's own pattern later; a whole
 * tool must be gone from the start, for only then does the model not see it. */
START_TEST(patterns_that_only_the_request_denies_are_left_to_its_turn)
{
    narrow(NULL, "Bash(rm:*)");
    struct tool_policy *base = tool_policy_ref(policy);
    options.base = base;
    narrow(NULL, "Bash(dd:*) WebFetch");
    expect_arguments(ALWAYS " --disallowedTools=Bash(rm:*),WebFetch,"
                            "AskUserQuestion,EnterPlanMode,ExitPlanMode");
    char *later = tool_policy_disallowed_later(policy, base);
    ck_assert_str_eq(later, "[\"Bash(dd:*)\"]");
    free(later);
    tool_policy_unref(base);
}
END_TEST

/* The CLI would run `ls` unasked whatever the rules for Bash allow. */
START_TEST(a_part_of_bash_is_asked_about)
{
    narrow("Bash(git:*)", NULL);
    expect_arguments(ALWAYS " --settings={\"permissions\":{\"ask\":[\"Bash\"]}} --tools=Bash "
                            "--allowedTools=Bash(git:*) " DENIED " --strict-mcp-config");
}
END_TEST

START_TEST(all_of_bash_is_not_asked_about)
{
    narrow("Bash", NULL);
    expect_arguments(ALWAYS " --tools=Bash --allowedTools=Bash " DENIED " --strict-mcp-config");
}
END_TEST

START_TEST(a_profile_stands_first)
{
    char bare[] = "--bare";
    char model[] = "--model=from the profile";
    char *flags[] = {bare, model, NULL};
    struct config_profile profile = {.flags = {flags, 2}};
    options.profile = &profile;
    options.model = KOINE_TEXT("mine");
    expect_arguments(ALWAYS " --bare --model=from the profile --model=mine " DENIED);
}
END_TEST

START_TEST(settings_of_a_profile_are_kept_beside_ours)
{
    char settings[] = "--settings={\"env\":{\"A\":\"b\"}}";
    char *flags[] = {settings, NULL};
    struct config_profile profile = {.flags = {flags, 1}};
    options.profile = &profile;
    expect_arguments(ALWAYS " --settings={\"env\":{\"A\":\"b\"}} " DENIED);
    narrow("Bash(git:*)", NULL);
    expect_arguments(ALWAYS
                     " --settings={\"env\":{\"A\":\"b\"},\"permissions\":{\"ask\":[\"Bash\"]}} "
                     "--tools=Bash --allowedTools=Bash(git:*) " DENIED " --strict-mcp-config");
}
END_TEST

START_TEST(settings_in_a_file_are_merged_too)
{
    char file[] = "/tmp/cli-command-test-XXXXXX";
    char flag[64];
    char *flags[] = {flag, NULL};
    struct config_profile profile = {.flags = {flags, 1}};
    int descriptor = mkstemp(file);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_gt(dprintf(descriptor, "{\"permissions\":{\"deny\":[\"Read\"],\"ask\":[]}}\n"),
                     0);
    close(descriptor);
    snprintf(flag, sizeof flag, "--settings=%s", file);
    options.profile = &profile;
    narrow("Bash(git:*)", NULL);
    expect_arguments(ALWAYS
                     " --settings={\"permissions\":{\"deny\":[\"Read\"],\"ask\":[\"Bash\"]}} "
                     "--tools=Bash --allowedTools=Bash(git:*) " DENIED " --strict-mcp-config");
    unlink(file);
    expect_problem("profile");
}
END_TEST

/* ---- hostile values */

static const char *const hostile[] = {
    "",
    "-",
    "--dangerously-skip-permissions",
    " --bare",
    "a b",
    "a\n--bare",
    "a=b",
    "a,b",
    "$(id)",
    "\xC3\xBC",
    (ID " "),
    (" " ID),
    "5b1c2f7e-0000-8000-8000-0123456789a",
    "5b1c2f7e-0000-8000-8000-0123456789abc",
    "5b1c2f7e-0000-8000-8000-0123456789ag",
    "../../../etc/passwd",
};

START_TEST(no_hostile_value_is_taken)
{
    struct koine_text text = {hostile[_i], strlen(hostile[_i])};
    options.effort = text;
    expect_problem("effort");
    char *arguments[] = {(char[]){"/bin/claude"}, NULL};
    ck_assert_ptr_null(cli_command_with_session(arguments, &(struct cli_session){.id = text}));
    ck_assert_ptr_null(cli_command_with_session(
        arguments, &(struct cli_session){.id = KOINE_TEXT(ID), .resume_id = text}));
    ck_assert_ptr_null(cli_command_with_session(
        arguments, &(struct cli_session){
                       .id = KOINE_TEXT(ID), .resume_id = KOINE_TEXT(ID), .resume_at = text}));
}
END_TEST

START_TEST(models_that_are_none)
{
    static const char *const bad[] = {"",    "-opus", "--bare", " opus",    "op us", "opus\n",
                                      "a=b", "a,b",   "$(id)",  "\xC3\xBC", "[1m]",  "@a"};
    struct cli_problem problem;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct koine_text model = {bad[i], strlen(bad[i])};
        ck_assert_msg(!cli_valid_model(model, &problem), "taken: %s", bad[i]);
        ck_assert_str_eq(problem.field, "model");
        options.model = model;
        expect_problem("model");
    }
    ck_assert(!cli_valid_model(KOINE_TEXT("a\0b"), &problem));
}
END_TEST

START_TEST(models_that_are_some)
{
    static const char *const good[] = {
        "opus",      "claude-opus-5-5",          "claude-sonnet-5[1m]",
        "7",         "us.anthropic.claude-v1:0", "arn:aws:bedrock:eu:1:inference-profile/x_y",
        "a@20260101"};
    char longest[129];
    struct cli_problem problem;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct koine_text model = {good[i], strlen(good[i])};
        ck_assert_msg(cli_valid_model(model, &problem), "refused: %s", good[i]);
    }
    memset(longest, 'm', sizeof longest);
    ck_assert(cli_valid_model((struct koine_text){longest, 128}, &problem));
    ck_assert(!cli_valid_model((struct koine_text){longest, 129}, &problem));
}
END_TEST

START_TEST(efforts)
{
    static const char *const good[] = {"low", "medium", "high", "xhigh", "max"};
    static const char *const bad[] = {"", "lo", "lowest", "LOW", "auto", "--bare"};
    struct cli_problem problem;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(cli_valid_effort((struct koine_text){good[i], strlen(good[i])}, &problem),
                      "refused: %s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!cli_valid_effort((struct koine_text){bad[i], strlen(bad[i])}, &problem),
                      "taken: %s", bad[i]);
    }
    ck_assert_str_eq(problem.message, "must be one of low, medium, high, xhigh and max");
}
END_TEST

/* The kernel takes 131,071 bytes an argument. */
START_TEST(an_argument_has_a_limit)
{
    const size_t most = 128 * 1024 - 1;
    char *flag = malloc(most + 2);
    ck_assert_ptr_nonnull(flag);
    memset(flag, 'm', most + 1);
    flag[most] = '\0';
    char *flags[] = {flag, NULL};
    struct config_profile profile = {.flags = {flags, 1}};
    options.profile = &profile;
    struct cli_problem problem;
    char **arguments = cli_command_arguments(&options, &problem);
    ck_assert_ptr_nonnull(arguments);
    ck_assert_uint_eq(strlen(arguments[7]), most);
    free(arguments);
    flag[most] = 'm';
    flag[most + 1] = '\0';
    expect_problem("profile");
    free(flag);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli_command");
    TCase *arguments = tcase_create("arguments");
    TCase *values = tcase_create("values");
    tcase_add_checked_fixture(arguments, setup, teardown);
    tcase_add_checked_fixture(values, setup, teardown);
    tcase_add_test(arguments, a_plain_run);
    tcase_add_test(arguments, a_session_is_new_continued_or_forked);
    tcase_add_test(arguments, models_efforts_and_limits);
    tcase_add_test(arguments, a_budget_is_written_plainly);
    tcase_add_test(arguments, an_allow_list_takes_the_other_tools_away);
    tcase_add_test(arguments, an_allow_list_with_mcp_tools_keeps_their_servers);
    tcase_add_test(arguments, denied_rules_reach_the_cli_without_an_allow_list);
    tcase_add_test(arguments, no_tools_at_all);
    tcase_add_test(arguments, an_empty_allow_list_means_no_tools);
    tcase_add_test(arguments, patterns_that_only_the_request_denies_are_left_to_its_turn);
    tcase_add_test(arguments, a_part_of_bash_is_asked_about);
    tcase_add_test(arguments, all_of_bash_is_not_asked_about);
    tcase_add_test(arguments, a_profile_stands_first);
    tcase_add_test(arguments, settings_of_a_profile_are_kept_beside_ours);
    tcase_add_test(arguments, settings_in_a_file_are_merged_too);
    tcase_add_loop_test(values, no_hostile_value_is_taken, 0, sizeof hostile / sizeof *hostile);
    tcase_add_test(values, models_that_are_none);
    tcase_add_test(values, models_that_are_some);
    tcase_add_test(values, efforts);
    tcase_add_test(values, an_argument_has_a_limit);
    suite_add_tcase(suite, arguments);
    suite_add_tcase(suite, values);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
