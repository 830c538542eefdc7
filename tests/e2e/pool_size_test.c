/* SPDX-License-Identifier: Apache-2.0 */
/* How many processes of the CLI there are: when those that wait go, who makes room for whom, and
 * that there are never more than allowed. */
#include "support/cli_watch.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <signal.h>
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

static json_int_t pid_of(const char *fields) {
    struct http_response answer = generate(gateway, "{'echo':'pid'}", fields);
    json_t *pid = echoed(&answer);
    json_int_t number = json_integer_value(pid);
    json_decref(pid);
    http_response_finish(&answer);
    return number;
}

/* ---- when they go */

START_TEST(spares_that_nobody_asks_for_go)
{
    start(NULL, "pool: {spare_idle_seconds: 1}\n");
    await_health(gateway, "processes.warm", 1);
    await_children(gateway, 0);
    assert_health(gateway, "pool.starts", 1);
    assert_health(gateway, "processes.starting", 0);
    json_int_t pid = pid_of(NULL);
    ck_assert_int_eq(pid, cli_report_pid(report, 1));
    await_health(gateway, "pool.starts", 3);
    await_health(gateway, "processes.warm", 1);
}
END_TEST

/* Each time it takes twice as long until there is another: no loop keeps the machine busy. */
START_TEST(a_spare_that_dies_is_replaced_ever_more_slowly)
{
    start(NULL, NULL);
    for (json_int_t i = 0; i < 3; i++) {
        await_health(gateway, "pool.starts", i + 1);
        await_health(gateway, "processes.warm", 1);
        uint64_t begin = clock_ms(), least_ms = UINT64_C(250) << i;
        json_int_t pid = cli_report_pid(report, (size_t)i);
        ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
        await_health(gateway, "pool.starts", i + 2);
        uint64_t took_ms = clock_ms() - begin;
        ck_assert_msg(took_ms >= least_ms, "replaced after %u ms, expected %u or more",
                      (unsigned)took_ms, (unsigned)least_ms);
    }
    await_health(gateway, "processes.warm", 1);
    ck_assert_int_eq(pid_of(NULL), cli_report_pid(report, 3));
}
END_TEST

/* ---- how many */

START_TEST(as_many_spares_as_configured)
{
    start(NULL, "pool: {warm: 3}\n");
    await_health(gateway, "processes.warm", 3);
    assert_health(gateway, "pool.starts", 3);
    struct http_call *calls[3];
    for (int i = 0; i < 3; i++)
        calls[i] = generate_begin(gateway, "{'first_delay_ms':300}", NULL);
    for (int i = 0; i < 3; i++) {
        struct http_response answer = http_wait(calls[i]);
        http_assert_status(&answer, 200);
        http_response_finish(&answer);
    }
    assert_health(gateway, "pool.hits", 3);
    await_health(gateway, "processes.warm", 3);
    assert_health(gateway, "pool.starts", 6);
}
END_TEST

START_TEST(without_a_pool_each_request_has_a_process_of_its_own)
{
    report = cli_report_create(NULL);
    gateway = gateway_start(
        &(struct gateway_options){.no_pool = true, .environment = cli_report_environment(report)});
    await_children(gateway, 0);
    ck_assert_uint_eq(cli_report_count(report), 0);
    json_int_t first = pid_of(NULL);
    await_children(gateway, 0);
    struct http_response answer = generate(gateway, "{'echo':'pid'}", NULL);
    ck_assert_int_ne(strtol(http_string(&answer, "text"), NULL, 10), first);
    await_children(gateway, 0);
    const char *id = http_string(&answer, "sessionId");
    char *fields = scratch_text("{'sessionId':'%s'}", id), *flag = scratch_text("--resume=%s", id);
    ck_assert(cli_report_has_argument(report, pid_of(fields), flag));
    await_children(gateway, 0);
    assert_health(gateway, "pool.misses", 3);
    assert_health(gateway, "pool.hits", 0);
    assert_health(gateway, "pool.sessionHits", 0);
    assert_health(gateway, "pool.starts", 3);
    http_response_finish(&answer);
    free(fields);
    free(flag);
}
END_TEST

/* An answer's session, and the process that gave it. */
struct turn {
    char *fields; /* to go on with it */
    json_int_t pid;
};

static struct turn begin_session(void) {
    struct http_response answer = generate(gateway, "{'echo':'pid'}", NULL);
    http_assert_status(&answer, 200);
    struct turn turn = {scratch_text("{'sessionId':'%s'}", http_string(&answer, "sessionId")),
                        strtol(http_string(&answer, "text"), NULL, 10)};
    http_response_finish(&answer);
    return turn;
}

START_TEST(the_least_recently_used_makes_room)
{
    start(NULL, "pool: {warm: 0, max_processes: 2}\n");
    struct children_watch *watch = children_watch_begin(gateway);
    struct turn oldest = begin_session(), older = begin_session();
    assert_health(gateway, "processes.idle", 2);
    assert_health(gateway, "processes.limit", 2);
    pid_of(NULL);
    ck_assert_int_eq(kill((pid_t)oldest.pid, 0), -1);
    ck_assert_int_eq(pid_of(older.fields), older.pid);
    ck_assert_int_ne(pid_of(oldest.fields), oldest.pid);
    assert_health(gateway, "pool.sessionHits", 1);
    assert_health(gateway, "pool.misses", 4);
    ck_assert_int_le(children_watch_end(watch), 2);
    free(oldest.fields);
    free(older.fields);
}
END_TEST

START_TEST(a_spare_makes_room_for_a_request_of_another_kind)
{
    start(NULL, "pool: {max_processes: 1}\n");
    struct children_watch *watch = children_watch_begin(gateway);
    await_health(gateway, "processes.warm", 1);
    json_int_t pid = pid_of("{'model':'claude-of-tests'}");
    ck_assert(cli_report_has_argument(report, pid, "--model=claude-of-tests"));
    ck_assert_int_le(children_watch_end(watch), 1);
}
END_TEST

static bool has_a_free_slot(const void *nothing) {
    (void)nothing;
    return health_number(gateway, "concurrency.nonStreaming.active") < 2;
}

/* It has been told to go, and takes its time; who leaves meanwhile takes nobody's. */
START_TEST(a_request_waits_until_there_is_room)
{
    start(NULL, "slots: {nonstreaming: 2}\npool: {warm: 0, max_processes: 1}\n");
    struct http_response answer =
        generate(gateway, "{'hang':{'when':'after_result','ignore_sigterm':true}}", NULL);
    http_assert_status(&answer, 200);
    await_health(gateway, "processes.idle", 1);
    struct children_watch *watch = children_watch_begin(gateway);
    const struct sse_request request = {.path = "/generate-text",
                                        .body = scenario_body("{}", NULL)};
    char *text = sse_request_text(&request);
    struct raw_client *leaving = raw_connect(gateway);
    ck_assert(raw_send_text(leaving, text));
    await_health(gateway, "processes.ending", 1);
    struct http_call *staying = generate_begin(gateway, "{'echo':'pid'}", NULL);
    await_active_slots(gateway, 2, 3000);
    raw_close(leaving);
    ck_assert(await(has_a_free_slot, NULL, 3000));
    http_response_finish(&answer);
    answer = http_wait(staying);
    http_assert_status(&answer, 200);
    ck_assert_int_eq(strtol(http_string(&answer, "text"), NULL, 10), cli_report_pid(report, 1));
    ck_assert_int_le(children_watch_end(watch), 1);
    http_response_finish(&answer);
    free(text);
}
END_TEST

START_TEST(a_request_is_refused_when_all_are_at_work)
{
    start(NULL, "pool: {max_processes: 2}\n");
    struct http_call *calls[2];
    for (int i = 0; i < 2; i++)
        calls[i] = generate_begin(gateway, "{'first_delay_ms':1500}", NULL);
    await_health(gateway, "processes.running", 2);
    struct http_response answer = generate(gateway, "{}", NULL);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    ck_assert_str_eq(http_string(&answer, "error"), "Concurrency limit exceeded");
    char *retry = http_header(&answer, "Retry-After");
    ck_assert_pstr_eq(retry, "5");
    assert_health(gateway, "concurrency.nonStreaming.active", 2);
    free(retry);
    http_response_finish(&answer);
    for (int i = 0; i < 2; i++) {
        answer = http_wait(calls[i]);
        http_assert_status(&answer, 200);
        http_response_finish(&answer);
    }
    ck_assert_int_ne(pid_of(NULL), 0);
}
END_TEST

/* Requests of many kinds at once, each wanting processes of its own, and spares besides. */
START_TEST(there_are_never_more_than_allowed)
{
    enum { CALLS = 16 };
    struct http_call *calls[CALLS];
    int answered = 0;
    start("{'start_ms':50}", "slots: {nonstreaming: 16}\npool: {max_processes: 3}\n");
    struct children_watch *watch = children_watch_begin(gateway);
    for (int i = 0; i < CALLS; i++) {
        char *fields = scratch_text("{'model':'claude-%d'}", i % 5);
        calls[i] = generate_begin(gateway, "{'first_delay_ms':20}", fields);
        free(fields);
    }
    for (int i = 0; i < CALLS; i++) {
        struct http_response answer = http_wait(calls[i]);
        if (answer.status == 200)
            answered++;
        else
            http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
        http_response_finish(&answer);
    }
    ck_assert_int_ge(answered, 3);
    ck_assert_int_ne(pid_of("{'model':'claude-of-tests'}"), 0);
    ck_assert_int_le(children_watch_end(watch), 3);
}
END_TEST

/* Of no machine so much is available. */
START_TEST(where_memory_is_short_requests_are_served_and_nothing_is_kept)
{
    start(NULL, "pool: {min_available_bytes: 1024GiB}\n");
    await_children(gateway, 0);
    struct turn first = begin_session();
    await_children(gateway, 0);
    json_int_t second = pid_of(first.fields);
    ck_assert_int_ne(second, first.pid);
    await_children(gateway, 0);
    assert_health(gateway, "pool.starts", 2);
    assert_health(gateway, "pool.misses", 2);
    free(first.fields);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        spares_that_nobody_asks_for_go,
        a_spare_that_dies_is_replaced_ever_more_slowly,
        as_many_spares_as_configured,
        without_a_pool_each_request_has_a_process_of_its_own,
        the_least_recently_used_makes_room,
        a_spare_makes_room_for_a_request_of_another_kind,
        a_request_waits_until_there_is_room,
        a_request_is_refused_when_all_are_at_work,
        there_are_never_more_than_allowed,
        where_memory_is_short_requests_are_served_and_nothing_is_kept,
    };
    return test_main("pool_size", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
