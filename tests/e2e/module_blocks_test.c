/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that keep the event loop: they are named while it lasts and afterwards, and one that
 * hangs is ended with its worker. Modules with other bad manners: module_manners_test.c. */
#include "support/http_client.h"
#include "support/process_table.h"
#include "support/raw_client.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct gateway *gateway;

static void start_with(const char *more, const char *variable) {
    static const char *const modules[] = {"blocker", NULL};
    const char *const environment[] = {variable, NULL};
    char *config = modules_config(modules, more, NULL);
    gateway = gateway_start(
        &(struct gateway_options){.config = config, .environment = environment, .crashes = true});
    free(config);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct raw_client *begin_block(const char *place, int ms) {
    char *request =
        scratch_text("GET /block/%s?%d HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n", place, ms);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, request);
    free(request);
    return client;
}

static void block(const char *place, int ms) {
    struct raw_client *client = begin_block(place, ms);
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 200);
    raw_answer_finish(&answer);
    raw_close(client);
}

static void assert_answers(void) {
    struct http_response answer = http_get(gateway, "/livez");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}

static size_t count_in_log(const char *text) {
    char *log = gateway_log(gateway);
    size_t count = 0;
    for (const char *at = log; (at = strstr(at, text)); at += strlen(text))
        count++;
    free(log);
    return count;
}

static void assert_metric(const char *line) {
    struct http_response metrics = http_get(gateway, "/metrics");
    ck_assert_msg(strstr(metrics.body, line) != NULL, "'%s' is not in:\n%s", line, metrics.body);
    http_response_finish(&metrics);
}

/* ---- slow */

START_TEST(a_slow_call_is_logged_with_what_it_was)
{
    start_with("  slow_call_ms: 300\n", NULL);
    block("handler", 400);
    gateway_await_log(gateway,
                      "warning blocker: handler of GET /block/{place} kept the event loop");
    block("timer", 400);
    gateway_await_log(gateway, "warning blocker: timer kept the event loop for ");
    block("post", 400);
    gateway_await_log(gateway, "warning blocker: post kept the event loop for ");
    block("end", 400);
    gateway_await_log(gateway, "warning blocker: on_end callback of a request of GET");
    assert_metric("\nkoine_module_slow_calls_total{module=\"blocker\"} 4\n");
    assert_metric("\nkoine_module_slow_calls_total{module=\"text\"} 0\n");
}
END_TEST

START_TEST(a_quick_call_is_not)
{
    start_with("  slow_call_ms: 5000\n", NULL);
    block("handler", 20);
    assert_metric("\nkoine_module_slow_calls_total{module=\"blocker\"} 0\n");
    ck_assert_uint_eq(count_in_log("kept the event loop"), 0);
}
END_TEST

START_TEST(slow_calls_are_not_logged_when_nobody_wants_it)
{
    start_with("  slow_call_ms: 0\n", NULL);
    block("handler", 150);
    assert_metric("\nkoine_module_slow_calls_total{module=\"blocker\"} 0\n");
    ck_assert_uint_eq(count_in_log("kept the event loop"), 0);
}
END_TEST

START_TEST(a_slow_start_is_named_too)
{
    start_with("  slow_call_ms: 300\n", "KOINE_TEST_BLOCK_START_MS=400");
    gateway_await_log(gateway, "warning blocker: start kept the event loop for ");
}
END_TEST

/* ---- blocked */

#define BLOCKED                                                                                    \
    "supervisor: module blocker (handler of GET /block/{place}) has kept the event loop for 1 s; " \
    "nothing else is served meanwhile"

START_TEST(a_module_that_blocks_for_five_seconds_is_named_while_it_does)
{
    start_with(NULL, NULL);
    double since = now_s();
    struct raw_client *client = begin_block("handler", 5100);
    gateway_await_log(gateway, BLOCKED);
    double noticed = now_s() - since;
    ck_assert_msg(noticed > 0.9 && noticed < 4, "noticed after %.2f s", noticed);
    struct raw_client *other = raw_connect(gateway);
    raw_send_text(other, "GET /livez HTTP/1.1\r\n" RAW_HOST "\r\n");
    ck_assert(!raw_readable(other, 300)); /* this is what "nothing else" means */
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 200); /* neither request is lost */
    raw_answer_finish(&answer);
    answer = raw_receive(other, false);
    ck_assert_int_eq(answer.status, 200);
    raw_answer_finish(&answer);
    gateway_await_log(gateway, "handler of GET /block/{place} kept the event loop for 5");
    ck_assert_uint_eq(count_in_log(BLOCKED), 1); /* once a block */
    raw_close(other);
    raw_close(client);
}
END_TEST

START_TEST(the_next_block_is_named_again)
{
    start_with(NULL, NULL);
    block("handler", 1500);
    block("handler", 1500);
    ck_assert_uint_eq(count_in_log(BLOCKED), 2);
}
END_TEST

/* The supervisor sleeps while nothing happens: the first call after that wakes it. */
START_TEST(a_block_after_a_long_rest_is_named)
{
    start_with(NULL, NULL);
    block("handler", 1);
    nanosleep(&(struct timespec){3, 500000000}, NULL); /* the rest is what is tested */
    struct raw_client *client = begin_block("handler", 2500);
    gateway_await_log(gateway, BLOCKED);
    raw_close(client);
}
END_TEST

/* ---- hung */

#define HUNG                                                                                       \
    "supervisor: module blocker (handler of GET /block/{place}) has kept the event loop for "

START_TEST(a_module_that_hangs_is_ended_with_its_worker)
{
    start_with("  hang_timeout_ms: 1200\n", NULL);
    pid_t before = gateway_pid(gateway);
    struct raw_client *client = begin_block("handler", 600000);
    gateway_await_log(gateway, "(modules.hang_timeout_ms is 1200): worker");
    gateway_await_log(gateway, "was killed by SIGABRT in module blocker (handler of GET "
                               "/block/{place})");
    gateway_await_log(gateway, "; a new one starts at once");
    ck_assert(raw_ends(client));
    assert_answers();
    ck_assert_int_ne(gateway_pid(gateway), before);
    struct http_response health = http_get(gateway, "/health");
    ck_assert_int_eq(http_integer(&health, "workerRestarts"), 1);
    http_response_finish(&health);
    raw_close(client);
}
END_TEST

START_TEST(the_next_worker_is_watched_too)
{
    start_with("  hang_timeout_ms: 300\n", NULL);
    for (int i = 1; i <= 2; i++) {
        struct raw_client *client = begin_block("timer", 600000);
        ck_assert(raw_ends(client));
        raw_close(client);
        assert_answers();
    }
    ck_assert_uint_eq(count_in_log("in module blocker (timer)"), 2);
}
END_TEST

START_TEST(a_worker_that_a_debugger_stops_does_not_hang)
{
    start_with("  hang_timeout_ms: 1500\n", NULL);
    struct raw_client *client = begin_block("handler", 1000);
    pid_t worker = gateway_pid(gateway);
    gateway_await_log(gateway, "the loop is blocked from here on");
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    nanosleep(&(struct timespec){4, 0}, NULL); /* longer than the limit */
    ck_assert_int_eq(kill(worker, SIGCONT), 0);
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(gateway_pid(gateway), worker);
    raw_answer_finish(&answer);
    raw_close(client);
}
END_TEST

START_TEST(a_start_that_hangs_ends_the_gateway)
{
    static const char *const modules[] = {"blocker", NULL};
    char *config = modules_config(modules, "  hang_timeout_ms: 300\n", NULL);
    char *directory = scratch_directory_create();
    char *file = scratch_text("%s/gateway.yaml", directory), *binary = gateway_binary();
    scratch_write(file, config);
    char *command = scratch_text("KOINE_TEST_BLOCK_START_MS=600000 STATE_DIRECTORY=%s "
                                 "CLAUDE_CODE_GATEWAY_API_KEY=" GATEWAY_KEY
                                 " timeout 20 %s -c %s -l 127.0.0.1:0 "
                                 "2>%s/log",
                                 directory, binary, file, directory);
    int status = system(command); /* NOLINT(cert-env33-c): a test */
    char *log_file = scratch_text("%s/log", directory), *log = scratch_read(log_file);
    ck_assert_int_ne(status, 0);
    ck_assert_msg(strstr(log, "was killed by SIGABRT in module blocker (start)") != NULL, "%s",
                  log);
    free(log);
    free(log_file);
    free(command);
    free(binary);
    free(file);
    scratch_directory_destroy(directory);
    free(config);
}
END_TEST

/* ---- cost */

static long voluntary_switches(pid_t pid) {
    char *path = scratch_text("/proc/%d/status", (int)pid), *text = scratch_read(path);
    ck_assert_ptr_nonnull(text);
    const char *at = strstr(text, "\nvoluntary_ctxt_switches:");
    long count = at ? strtol(at + strlen("\nvoluntary_ctxt_switches:"), NULL, 10) : -1;
    free(text);
    free(path);
    return count;
}

START_TEST(a_gateway_at_rest_is_not_looked_at)
{
    start_with(NULL, NULL);
    block("handler", 1);
    pid_t supervisor = gateway_supervisor_pid(gateway);
    nanosleep(&(struct timespec){4, 0}, NULL);
    long before = voluntary_switches(supervisor);
    nanosleep(&(struct timespec){3, 0}, NULL);
    ck_assert_int_eq(voluntary_switches(supervisor) - before, 0);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_slow_call_is_logged_with_what_it_was,
        a_quick_call_is_not,
        slow_calls_are_not_logged_when_nobody_wants_it,
        a_slow_start_is_named_too,
        a_module_that_blocks_for_five_seconds_is_named_while_it_does,
        the_next_block_is_named_again,
        a_block_after_a_long_rest_is_named,
        a_module_that_hangs_is_ended_with_its_worker,
        the_next_worker_is_watched_too,
        a_worker_that_a_debugger_stops_does_not_hang,
        a_start_that_hangs_ends_the_gateway,
        a_gateway_at_rest_is_not_looked_at,
    };
    return test_main("module_blocks", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
