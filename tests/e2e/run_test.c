/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/run, the end of `make run`: the real CLI where it can answer, else a demo, and in either
 * case a first request to copy. What is installed and built before it is not tested here. */
#include "support/http_client.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct gateway *gateway;
static char *directory;

/* What starts a gateway elsewhere in the tests starts gateway/run here, on any free port. */
static void setup(void) {
    char here[PATH_MAX], *binary = gateway_binary();
    directory = scratch_directory_create();
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    *strrchr(binary, '/') = '\0';
    char *script = scratch_text("%s/run", directory);
    char *text = scratch_text("#!/bin/sh\n"
                              "[ -z \"$NO_CREDENTIALS\" ] || unset ANTHROPIC_API_KEY\n"
                              "GATEWAY_PORT=0 exec %s/gateway/run %s\n",
                              here, binary);
    scratch_write(script, text);
    ck_assert_int_eq(chmod(script, 0700), 0);
    ck_assert_int_eq(setenv("KOINE_GATEWAY", script, 1), 0);
    free(text);
    free(script);
    free(binary);
}

static void teardown(void) {
    gateway_stop(gateway);
    scratch_directory_destroy(directory);
}

static void assert_demo(bool wanted) {
    gateway_await_log(gateway, "the CLI is available");
    struct http_response health =
        http_send(gateway, &(struct http_request){.path = "/health", .key = ""});
    ck_assert_int_eq(json_is_true(json_object_get(health.json, "demo")), wanted);
    http_response_finish(&health);
}

START_TEST(without_a_cli_it_is_a_demo)
{
    gateway =
        gateway_start(&(struct gateway_options){.cli = "/nonexistent/claude", .no_key = true});
    gateway_await_log(gateway, "WARNING: THE ANSWERS ARE NOT CLAUDE'S");
    gateway_await_log(gateway, "there is no 'claude' on PATH");
    gateway_await_log(gateway, "npm install -g @anthropic-ai/claude-code");
    gateway_await_log(gateway, "try: curl -N http://127.0.0.1:");
    assert_demo(true);
}
END_TEST

START_TEST(without_credentials_it_is_a_demo)
{
    static const char *const environment[] = {"NO_CREDENTIALS=1", NULL};
    gateway = gateway_start(&(struct gateway_options){.environment = environment});
    gateway_await_log(gateway, "'claude' has no credentials");
    gateway_await_log(gateway, "set ANTHROPIC_API_KEY");
    assert_demo(true);
    struct http_response answer =
        http_post(gateway, "/generate-text", json_pack("{ss}", "prompt", "Hello"));
    http_assert_status(&answer, 200); /* with the key of the environment */
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_helper_that_gives_the_key_is_credentials)
{
    char *settings = scratch_text("%s/settings.json", directory);
    char *folder = scratch_text("CLAUDE_CONFIG_DIR=%s", directory);
    scratch_write(settings, "{\"apiKeyHelper\": \"/usr/local/bin/key\"}\n");
    const char *const environment[] = {"NO_CREDENTIALS=1", folder, NULL};
    gateway = gateway_start(&(struct gateway_options){.environment = environment});
    assert_demo(false);
    free(folder);
    free(settings);
}
END_TEST

START_TEST(with_the_cli_it_makes_a_key_and_says_it)
{
    gateway = gateway_start(&(struct gateway_options){.no_key = true});
    gateway_await_log(gateway, "-d '{\"prompt\":\"Say hello\"}'");
    assert_demo(false);
    static const char before[] = "Authorization: Bearer ";
    char *log = gateway_log(gateway), *key = strstr(log, before);
    ck_assert_msg(key && !strstr(log, "WARNING"), "the log: %s", log);
    key += strlen(before);
    key[strcspn(key, "'")] = '\0';
    ck_assert_uint_eq(strlen(key), 48);
    struct http_response answer =
        http_post_as(gateway, key, "/generate-text", json_pack("{ss}", "prompt", "Hello"));
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    free(log);
}
END_TEST

START_TEST(a_key_that_is_there_is_taken)
{
    gateway = gateway_start(NULL);
    assert_demo(false);
    ck_assert(!gateway_log_has(gateway, "A key was made"));
    struct http_response answer =
        http_post(gateway, "/generate-text", json_pack("{ss}", "prompt", "Hello"));
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        without_a_cli_it_is_a_demo,
        without_credentials_it_is_a_demo,
        a_helper_that_gives_the_key_is_credentials,
        with_the_cli_it_makes_a_key_and_says_it,
        a_key_that_is_there_is_taken,
    };
    return test_main("run", setup, teardown, tests, sizeof tests / sizeof *tests);
}
