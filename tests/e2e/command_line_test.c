/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what each option prints, how it ends, and what a wrong configuration is told.
 * Serving itself is everybody else's subject. */
#include "support/gateway.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define KEY "CLAUDE_CODE_GATEWAY_API_KEY=" GATEWAY_KEY

static char *directory, *binary;

static void setup(void) {
    directory = scratch_directory_create();
    binary = gateway_binary();
}

static void teardown(void) {
    scratch_directory_destroy(directory);
    free(binary);
}

struct outcome {
    int status;
    char *output; /* stdout and stderr */
};

/* Runs the gateway to its end with an environment of its own. */
static struct outcome run(const char *environment, const char *arguments) {
    char *sanitizer = getenv("ASAN_OPTIONS")
                          ? scratch_text("ASAN_OPTIONS='%s'", getenv("ASAN_OPTIONS"))
                          : scratch_text("KOINE_TEST=1");
    char *command =
        scratch_text("cd %s && exec env -i PATH=/usr/bin:/bin HOME=%s "
                     "STATE_DIRECTORY=%s/state %s %s timeout 30 %s %s 2>&1",
                     directory, directory, directory, sanitizer, environment, binary, arguments);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    struct outcome outcome = {.output = NULL};
    size_t capacity = 0;
    if (getdelim(&outcome.output, &capacity, '\0', pipe) < 0) {
        free(outcome.output);
        outcome.output = scratch_text("%s", "");
    }
    int status = pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    free(command);
    free(sanitizer);
    return outcome;
}

static void assert_run(const char *environment, const char *arguments, int status,
                       const char *want) {
    struct outcome outcome = run(environment, arguments);
    ck_assert_msg(outcome.status == status && strstr(outcome.output, want),
                  "%s %s: status %d, expected %d and '%s':\n%s", environment, arguments,
                  outcome.status, status, want, outcome.output);
    ck_assert_msg(!strstr(outcome.output, GATEWAY_KEY), "the key shows: %s", outcome.output);
    free(outcome.output);
}

static void write_config(const char *text) {
    char *path = scratch_text("%s/gateway.yaml", directory);
    scratch_write(path, text);
    free(path);
}

START_TEST(version_and_help)
{
    assert_run("", "--version", 0, "koine-gateway ");
    assert_run("", "-v", 0, "module ABI 1.");
    assert_run("", "--help", 0, "Usage: koine-gateway");
    assert_run("", "-h", 0, "--check-config");
    assert_run("", "-h", 0, "--modules");
}
END_TEST

START_TEST(arguments_that_nobody_knows)
{
    assert_run(KEY, "--nosuch", 2, "--help");
    assert_run(KEY, "serve", 2, "serve");
    assert_run(KEY, "--config", 2, "--help");
    assert_run(KEY, "--listen nonsense:port", 1, "nonsense");
    assert_run(KEY, "--listen 127.0.0.1:99999", 1, "99999");
    assert_run(KEY, "--listen 192.0.2.1:0", 1, "192.0.2.1");
    assert_run(KEY, "--listen 192.0.2.1:0", 1, "no interface of this machine has that address");
}
END_TEST

START_TEST(without_a_key_it_says_how_to_make_one)
{
    assert_run("", "--listen 127.0.0.1:0", 1, "CLAUDE_CODE_GATEWAY_API_KEY");
    assert_run("", "--listen 127.0.0.1:0", 1, "openssl rand");
    assert_run("CLAUDE_CODE_GATEWAY_API_KEY=short", "--listen 127.0.0.1:0", 1,
               "CLAUDE_CODE_GATEWAY_API_KEY");
}
END_TEST

START_TEST(a_variable_that_cannot_be_read_is_an_error)
{
    static const char *const variables[][2] = {
        {"KOINE_ALLOWED_TOOLS=Read", "KOINE_ALLOWED_TOOLS"},
        {"KOINE_DISALLOWED_TOOLS='{}'", "KOINE_DISALLOWED_TOOLS"},
        {"KOINE_ALLOWED_TOOLS='[\"Bash(\"]'", "KOINE_ALLOWED_TOOLS"},
        {"KOINE_MAX_NONSTREAMING_CONCURRENT=many", "KOINE_MAX_NONSTREAMING_CONCURRENT"},
        {"KOINE_MAX_STREAMING_CONCURRENT=-1", "KOINE_MAX_STREAMING_CONCURRENT"},
        {"GATEWAY_PORT=http", "GATEWAY_PORT"},
        {"PORT=65536", "PORT"},
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        char *environment = scratch_text(KEY " %s", variables[i][0]);
        assert_run(environment, "--listen 127.0.0.1:0", 1, variables[i][1]);
        free(environment);
    }
}
END_TEST

START_TEST(a_wrong_file_is_told_where)
{
    static const char *const files[][2] = {
        {"listen: 127.0.0.1:0\nslotz: {}\n", "gateway.yaml:2"},
        {"slots:\n  nonstreaming: many\n", "gateway.yaml:2"},
        {"slots: {nonstreaming: -1}\n", "nonstreaming"},
        {"slots: [\n", "gateway.yaml:"},
        {"runner:\n  command: claude\n  command: other\n", "gateway.yaml:3"},
        {"tools: {allowed: Read}\n", "allowed"},
        {"profiles: {mine: {flags: [--dangerously-skip-permissions]}}\n",
         "--dangerously-skip-permissions"},
        {"modules: {load: [nosuch]}\n", "nosuch"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_config(files[i][0]);
        assert_run(KEY, "--check-config --config gateway.yaml", 1, files[i][1]);
    }
    assert_run(KEY, "--config nosuch.yaml", 1, "nosuch.yaml");
}
END_TEST

START_TEST(a_right_file_is_fine)
{
    write_config("slots: {nonstreaming: 2}\ntools: {allowed: [Read]}\n");
    assert_run(KEY, "--check-config --config gateway.yaml", 0, "fine");
    assert_run(KEY, "-t -c gateway.yaml", 0, "fine");
}
END_TEST

START_TEST(the_printed_configuration_masks_secrets)
{
    write_config("slots: {nonstreaming: 2}\nrunner: {environment: {TOKEN: very-secret-value}}\n");
    struct outcome outcome =
        run(KEY " KOINE_MAX_STREAMING_CONCURRENT=9", "--print-config --config gateway.yaml");
    ck_assert_int_eq(outcome.status, 0);
    ck_assert_ptr_nonnull(strstr(outcome.output, "nonstreaming: 2"));
    ck_assert_ptr_nonnull(strstr(outcome.output, "streaming: 9"));
    ck_assert_ptr_nonnull(strstr(outcome.output, "***"));
    ck_assert_ptr_null(strstr(outcome.output, "very-secret-value"));
    ck_assert_ptr_null(strstr(outcome.output, GATEWAY_KEY));
    free(outcome.output);
}
END_TEST

START_TEST(what_the_start_lacks_is_named_with_what_mends_it)
{
    assert_run(KEY, "--config nowhere.yaml", 1,
               "nowhere.yaml: cannot be opened: No such file or directory; --config takes");
    assert_run(KEY " STATE_DIRECTORY=/dev/null", "--listen 127.0.0.1:0", 1,
               "/dev/null: the state directory cannot be used: Not a directory; let the gateway's "
               "user write there, or set state_directory to another place");
    write_config("colour: red\n");
    assert_run(KEY, "--config gateway.yaml", 1,
               "colour: unknown key; koine-gateway --print-config shows those that there are");
    write_config("modules: {load: [nope]}\n");
    assert_run(KEY, "--listen 127.0.0.1:0 --config gateway.yaml", 1,
               "nope.so: No such file or directory; expected the path of a shared object, or the "
               "name of one in modules.directory");
}
END_TEST

START_TEST(a_port_in_use_is_named)
{
    struct gateway *first = gateway_start(NULL);
    char *arguments = scratch_text("--listen 127.0.0.1:%u", gateway_port(first));
    char *port = scratch_text("%u", gateway_port(first));
    assert_run(KEY, arguments, 1, port);
    assert_run(KEY, arguments, 1, "end what listens there (ss -ltnp shows it), or choose another");
    free(port);
    free(arguments);
    gateway_stop(first);
}
END_TEST

/* Whoever starts a gateway shall see that it does not work: it is not tried again. */
START_TEST(a_module_that_crashes_at_the_first_start_ends_the_gateway)
{
    static const char *const modules[] = {"crash", NULL};
    char *config = modules_config(modules, NULL, NULL);
    write_config(config);
    assert_run(KEY " KOINE_TEST_CRASH=gateway.yaml", "--listen 127.0.0.1:0 --config gateway.yaml",
               1, "was killed by SIGABRT in module crash (init) before it served");
    assert_run(KEY, "--check-config --config gateway.yaml", 0, "fine");
    assert_run(KEY " KOINE_TEST_CRASH=gateway.yaml", "--check-config --config gateway.yaml", 1,
               "crash.so: crashed (SIGABRT) while it was created and initialised");
    free(config);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        version_and_help,
        arguments_that_nobody_knows,
        without_a_key_it_says_how_to_make_one,
        a_variable_that_cannot_be_read_is_an_error,
        a_wrong_file_is_told_where,
        a_right_file_is_fine,
        the_printed_configuration_masks_secrets,
        what_the_start_lacks_is_named_with_what_mends_it,
        a_port_in_use_is_named,
        a_module_that_crashes_at_the_first_start_ends_the_gateway,
    };
    return test_main("command_line", setup, teardown, tests, sizeof tests / sizeof *tests);
}
