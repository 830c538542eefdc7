/* SPDX-License-Identifier: Apache-2.0 */
/* The end of processes that wait: because they speak unasked, or because the gateway ends. */
#include "support/cli_watch.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;
static struct cli_report *report;

static void start(const char *scenario, const char *config) {
    report = cli_report_create(scenario);
    gateway = gateway_start(
        &(struct gateway_options){.config = config, .environment = cli_report_environment(report)});
}

static void teardown(void) {
    gateway_stop(gateway);
    cli_report_destroy(report);
}

/* The members with which a session goes on that this scenario has begun. */
static char *begin_session(const char *scenario) {
    struct http_response answer = generate(gateway, scenario, NULL);
    http_assert_status(&answer, 200);
    char *fields = scratch_text("{'sessionId':'%s'}", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
    return fields;
}

/* ---- nobody has asked */

static void assert_goes_on_elsewhere(const char *fields) {
    struct http_response answer = generate(gateway, "{'echo':'pid'}", fields);
    http_assert_status(&answer, 200);
    ck_assert_int_ne(strtol(http_string(&answer, "text"), NULL, 10), cli_report_pid(report, 0));
    http_response_finish(&answer);
}

START_TEST(a_process_that_begins_a_turn_by_itself_is_ended)
{
    start(NULL, NULL);
    char *fields = begin_session("{'unasked_ms':100}");
    gateway_await_log(gateway, "has begun a turn by itself");
    await_health(gateway, "processes.idle", 0);
    await_health(gateway, "processes.ending", 0);
    assert_goes_on_elsewhere(fields);
    free(fields);
}
END_TEST

/* ---- the end of the gateway */

static void assert_ends_within(unsigned limit_ms) {
    uint64_t begin = clock_ms();
    gateway_terminate(gateway);
    gateway_join(gateway);
    gateway = NULL;
    ck_assert_uint_lt(clock_ms() - begin, limit_ms);
}

START_TEST(processes_that_wait_do_not_keep_a_gateway_from_ending)
{
    start(NULL, "pool: {warm: 3}\n");
    free(begin_session("{}"));
    free(begin_session("{}"));
    await_health(gateway, "processes.warm", 3);
    assert_health(gateway, "processes.idle", 2);
    assert_ends_within(3000);
}
END_TEST

START_TEST(nor_do_those_that_are_starting_or_stubborn)
{
    start(NULL, NULL);
    free(begin_session("{'hang':{'when':'after_result','ignore_sigterm':true}}"));
    await_health(gateway, "processes.idle", 1);
    assert_ends_within(5000);
    cli_report_destroy(report);
    start("{'start_ms':60000}", "pool: {warm: 2}\n");
    await_health(gateway, "processes.starting", 2);
    assert_ends_within(5000);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_process_that_begins_a_turn_by_itself_is_ended,
        processes_that_wait_do_not_keep_a_gateway_from_ending,
        nor_do_those_that_are_starting_or_stubborn,
    };
    return test_main("pool_ending", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
