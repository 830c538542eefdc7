/* SPDX-License-Identifier: Apache-2.0 */
/* GET /health, /livez and /readyz. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>
#include <sys/stat.h>

static struct gateway *gateway;

static void teardown(void) {
    gateway_stop(gateway);
}

/* Asks until the first probe of the CLI has ended. */
static struct http_response probed_health(void) {
    gateway_await_log(gateway, "the CLI is ");
    return http_get(gateway, "/health");
}

START_TEST(a_healthy_gateway)
{
    gateway = gateway_start(
        &(struct gateway_options){.config = "slots: {streaming: 2, nonstreaming: 4}\n"});
    struct http_response health = probed_health();
    http_assert_status(&health, 200);
    ck_assert_str_eq(http_string(&health, "status"), "healthy");
    ck_assert_str_eq(http_string(&health, "claudeCli"), "available");
    ck_assert_int_eq(http_integer(&health, "concurrency.streaming.active"), 0);
    ck_assert_int_eq(http_integer(&health, "concurrency.streaming.limit"), 2);
    ck_assert_int_eq(http_integer(&health, "concurrency.nonStreaming.active"), 0);
    ck_assert_int_eq(http_integer(&health, "concurrency.nonStreaming.limit"), 4);
    ck_assert_int_ge(http_integer(&health, "uptimeSeconds"), 0);
    ck_assert_int_eq(http_integer(&health, "workerRestarts"), 0);
    ck_assert_uint_gt(strlen(http_string(&health, "version")), 0);
    ck_assert_ptr_null(http_json_at(health.json, "error"));
    int year, month, day, hour, minute, milliseconds, end = 0;
    sscanf(http_string(&health, "timestamp"), "%4d-%2d-%2dT%2d:%2d:%2d.%*3dZ%n", &year, &month,
           &day, &hour, &minute, &milliseconds, &end);
    ck_assert_int_eq(end, 24);
    http_response_finish(&health);
}
END_TEST

START_TEST(a_gateway_without_a_cli)
{
    gateway = gateway_start(
        &(struct gateway_options){.config = "runner: {command: /nonexistent/claude}\n"});
    struct http_response health = probed_health();
    http_assert_status(&health, 503);
    ck_assert_str_eq(http_string(&health, "status"), "unhealthy");
    ck_assert_str_eq(http_string(&health, "claudeCli"), "unavailable");
    ck_assert_uint_gt(strlen(http_string(&health, "error")), 0);
    http_response_finish(&health);
    health = http_get(gateway, "/livez");
    http_assert_status(&health, 200);
    http_response_finish(&health);
}
END_TEST

START_TEST(a_cli_whose_version_fails)
{
    gateway = gateway_start(&(struct gateway_options){.cli = "/bin/false"});
    struct http_response health = probed_health();
    http_assert_status(&health, 503);
    ck_assert_str_eq(http_string(&health, "claudeCli"), "unavailable");
    http_response_finish(&health);
}
END_TEST

START_TEST(a_probe_that_hangs_is_ended)
{
    char *directory = scratch_directory_create();
    char *script = scratch_text("%s/claude", directory);
    scratch_write(script, "#!/bin/sh\nexec sleep 1000\n");
    ck_assert_int_eq(chmod(script, 0700), 0);
    gateway = gateway_start(
        &(struct gateway_options){.cli = script, .config = "health: {probe_timeout_ms: 300}\n"});
    struct http_response health = probed_health();
    http_assert_status(&health, 503);
    http_response_finish(&health);
    scratch_directory_destroy(directory);
    free(script);
}
END_TEST

START_TEST(questions_start_no_process)
{
    char *report = scratch_directory_create();
    char *variable = scratch_text("CLAUDE_CODE_STANDIN={\"report\":\"%s/starts\"}", report);
    const char *const environment[] = {variable, NULL};
    gateway = gateway_start(&(struct gateway_options){.environment = environment, .no_pool = true});
    struct http_response health = probed_health();
    for (int i = 0; i < 100; i++) {
        http_response_finish(&health);
        health = http_get(gateway, "/health");
        http_assert_status(&health, 200);
    }
    http_response_finish(&health);
    char *path = scratch_text("%s/starts", report), *starts = scratch_read(path);
    int count = 0;
    for (const char *at = starts; at && (at = strchr(at, '\n')); at++)
        count++;
    ck_assert_int_eq(count, 1);
    free(starts);
    free(path);
    free(variable);
    scratch_directory_destroy(report);
}
END_TEST

START_TEST(probes_for_an_orchestrator)
{
    static const char *const paths[] = {"/livez", "/readyz"};
    gateway = gateway_start(NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_response answer = http_get(gateway, paths[i]);
        http_assert_status(&answer, 200);
        http_response_finish(&answer);
        answer = http_send(gateway, &(struct http_request){.path = paths[i], .method = "HEAD"});
        http_assert_status(&answer, 200);
        ck_assert_uint_eq(answer.body_size, 0);
        http_response_finish(&answer);
        answer = http_send(gateway, &(struct http_request){.path = paths[i], .method = "DELETE"});
        http_assert_error(&answer, 405, "METHOD_NOT_ALLOWED");
        http_response_finish(&answer);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_healthy_gateway,           a_gateway_without_a_cli,    a_cli_whose_version_fails,
        a_probe_that_hangs_is_ended, questions_start_no_process, probes_for_an_orchestrator,
    };
    return test_main("health", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
