/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the gateway's environment reaches the CLI, and where the CLI is found.
 */
#include "runner/cli_command.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ---- environment */

static struct config config;

static void setup_config(void) {
    memset(&config, 0, sizeof config);
}

static void expect_environment(char *const *environment, const char *expected) {
    char **made = cli_command_environment(&config, environment);
    ck_assert_ptr_nonnull(made);
    char *joined = join(made);
    ck_assert_str_eq(joined, expected);
    free(joined);
    free(made);
}

#define VARIABLES(...) ((char *const *)(const char *const[]){__VA_ARGS__, NULL})
#define WALL "CLAUDE_CODE_DISABLE_ATTACHMENTS=1"

START_TEST(what_the_cli_needs_passes)
{
    expect_environment(VARIABLES("PATH=/bin", "HOME=/h", "LC_ALL=C", "LD_PRELOAD=x", "TZ=UTC",
                                 "AWS_SECRET_ACCESS_KEY=s", "ANTHROPIC_BASE_URL=http://x",
                                 "DISABLE_TELEMETRY=1", "https_proxy=p", "NODE_OPTIONS=--inspect",
                                 "CLAUDE_CONFIG_DIR=/c", "CLAUDE_CODE_USE_BEDROCK=1", "PATHS=no",
                                 "not a variable", "=x", "EMPTY"),
                       "PATH=/bin HOME=/h LC_ALL=C TZ=UTC ANTHROPIC_BASE_URL=http://x "
                       "DISABLE_TELEMETRY=1 https_proxy=p CLAUDE_CONFIG_DIR=/c "
                       "CLAUDE_CODE_USE_BEDROCK=1 " WALL);
}
END_TEST

START_TEST(the_gateways_key_never_passes)
{
    char key[] = "CLAUDE_CODE_GATEWAY_API_KEY";
    char value[] = "from the config";
    char *names[] = {key, NULL};
    struct config_pair pair = {key, value};
    char *const *environment = VARIABLES("CLAUDE_CODE_GATEWAY_API_KEY=secret", "HOME=/h");
    expect_environment(environment, "HOME=/h " WALL);
    config.runner.pass = (struct config_list){names, 1};
    config.runner.environment = &pair;
    config.runner.environment_count = 1;
    expect_environment(environment, "HOME=/h " WALL);
}
END_TEST

START_TEST(an_outer_session_is_forgotten)
{
    char *const *environment =
        VARIABLES("CLAUDECODE=1", "CLAUDE_CODE_ENTRYPOINT=cli", "CLAUDE_CODE_SSE_PORT=1",
                  "CLAUDE_CODE_SESSION_ID=x", "CLAUDE_CODE_REMOTE=true", "HOME=/h");
    char name[] = "CLAUDE_CODE_ENTRYPOINT";
    char *names[] = {name, NULL};
    expect_environment(environment, "HOME=/h " WALL);
    config.runner.pass = (struct config_list){names, 1};
    expect_environment(environment, "CLAUDE_CODE_ENTRYPOINT=cli HOME=/h " WALL);
}
END_TEST

START_TEST(an_api_key_wins_over_a_token)
{
    expect_environment(VARIABLES("CLAUDE_CODE_OAUTH_TOKEN=t"), "CLAUDE_CODE_OAUTH_TOKEN=t " WALL);
    expect_environment(VARIABLES("CLAUDE_CODE_OAUTH_TOKEN=t", "ANTHROPIC_API_KEY="),
                       "CLAUDE_CODE_OAUTH_TOKEN=t ANTHROPIC_API_KEY= " WALL);
    expect_environment(VARIABLES("CLAUDE_CODE_OAUTH_TOKEN=t", "ANTHROPIC_API_KEY=k"),
                       "ANTHROPIC_API_KEY=k " WALL);
}
END_TEST

START_TEST(an_api_key_in_the_config_wins_too)
{
    char name[] = "ANTHROPIC_API_KEY";
    char value[] = "k";
    struct config_pair pair = {name, value};
    config.runner.environment = &pair;
    config.runner.environment_count = 1;
    expect_environment(VARIABLES("CLAUDE_CODE_OAUTH_TOKEN=t"), "ANTHROPIC_API_KEY=k " WALL);
}
END_TEST

START_TEST(a_limit_of_tokens)
{
    char *const *environment = VARIABLES("CLAUDE_CODE_MAX_OUTPUT_TOKENS=9");
    expect_environment(environment, "CLAUDE_CODE_MAX_OUTPUT_TOKENS=9 " WALL);
}
END_TEST

START_TEST(the_config_adds_and_replaces)
{
    char more[] = "AWS_REGION";
    char home[] = "HOME";
    char wall[] = "CLAUDE_CODE_DISABLE_ATTACHMENTS";
    char value[] = "/new";
    char none[] = "";
    char *names[] = {more, NULL};
    struct config_pair pairs[] = {{home, value}, {wall, none}};
    config.runner.pass = (struct config_list){names, 1};
    config.runner.environment = pairs;
    config.runner.environment_count = 2;
    expect_environment(VARIABLES("AWS_REGION=eu", "AWS_PROFILE=x", "HOME=/old"),
                       "AWS_REGION=eu HOME=/new CLAUDE_CODE_DISABLE_ATTACHMENTS=");
}
END_TEST

/* ---- the executable */

static char directory[64];

static void make_directory(void) {
    strcpy(directory, "/tmp/cli-command-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void) {
    char command[128];
    ck_assert_int_eq(chdir("/"), 0); /* a test may have gone into it */
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static void make_file(const char *name, mode_t mode) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void expect_found(const char *name, const char *path, const char *expected) {
    char variable[256];
    char *environment[] = {variable, NULL};
    snprintf(variable, sizeof variable, "PATH=%s", path);
    errno = 0;
    char *found = cli_command_find(name, environment);
    ck_assert_msg(found != NULL, "not found: %s", strerror(errno));
    ck_assert_str_eq(found, expected);
    free(found);
}

static void expect_missing(const char *name, const char *path, int error) {
    char variable[256];
    char *environment[] = {variable, NULL};
    snprintf(variable, sizeof variable, "PATH=%s", path);
    errno = 0;
    ck_assert_ptr_null(cli_command_find(name, environment));
    ck_assert_int_eq(errno, error);
}

START_TEST(the_cli_is_found_on_the_path)
{
    char path[256];
    char expected[128];
    make_file("claude", 0755);
    snprintf(path, sizeof path, "/no/such:%s:/bin", directory);
    snprintf(expected, sizeof expected, "%s/claude", directory);
    expect_found("claude", path, expected);
    expect_found(expected, "", expected);
    expect_missing("claude", "/no/such", ENOENT);
    expect_missing("claude", "", ENOENT);
    expect_missing("", path, ENOENT);
    expect_missing("/no/such/claude", path, ENOENT);
}
END_TEST

START_TEST(a_relative_place_becomes_absolute)
{
    char expected[128];
    make_file("claude", 0755);
    ck_assert_int_eq(chdir(directory), 0);
    snprintf(expected, sizeof expected, "%s/./claude", directory);
    expect_found("./claude", "/bin", expected);
    expect_found("claude", ".", expected);
    snprintf(expected, sizeof expected, "%s/claude", directory);
    expect_found("claude", "/no/such:", expected);
}
END_TEST

START_TEST(what_cannot_be_run_is_said_so)
{
    char path[128];
    make_file("claude", 0644);
    expect_missing("claude", directory, EACCES);
    snprintf(path, sizeof path, "%s/claude", directory);
    expect_missing(path, "/bin", EACCES);
    expect_missing(directory, "/bin", EACCES); /* a directory may be "executable" too */
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli_environment");
    TCase *environment = tcase_create("environment");
    TCase *executable = tcase_create("executable");
    tcase_add_checked_fixture(environment, setup_config, NULL);
    tcase_add_checked_fixture(executable, make_directory, remove_directory);
    tcase_add_test(environment, what_the_cli_needs_passes);
    tcase_add_test(environment, the_gateways_key_never_passes);
    tcase_add_test(environment, an_outer_session_is_forgotten);
    tcase_add_test(environment, an_api_key_wins_over_a_token);
    tcase_add_test(environment, an_api_key_in_the_config_wins_too);
    tcase_add_test(environment, a_limit_of_tokens);
    tcase_add_test(environment, the_config_adds_and_replaces);
    tcase_add_test(executable, the_cli_is_found_on_the_path);
    tcase_add_test(executable, a_relative_place_becomes_absolute);
    tcase_add_test(executable, what_cannot_be_run_is_said_so);
    suite_add_tcase(suite, environment);
    suite_add_tcase(suite, executable);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
