/* SPDX-License-Identifier: Apache-2.0 */
/* What takes too long: each limit says which it was, and a turn is interrupted before its process
 * is ended. */
#include "support/cli_watch.h"
#include "support/process_search.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define NO_SPARES "pool: {warm: 0}\n"

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

static void assert_timed_out(const struct http_response *answer, const char *what) {
    char *sentence = scratch_text("No result in time: %s took too long.", what);
    http_assert_error(answer, 504, "TIMEOUT_ERROR");
    ck_assert_str_eq(http_string(answer, "error"), sentence);
    free(sentence);
}

static void time_out(const char *scenario, const char *fields, const char *what) {
    struct http_response answer = generate(gateway, scenario, fields);
    assert_timed_out(&answer, what);
    http_response_finish(&answer);
}

static void assert_all_over(void) {
    await_children(gateway, 0);
    await_active_slots(gateway, 0, 3000);
}

/* ---- each limit by its name */

START_TEST(the_start_of_the_cli)
{
    start("{'hang':'start'}", NO_SPARES "runner: {start_timeout_ms: 300}\n");
    time_out("{}", NULL, "the start of the CLI (runner.start_timeout_ms)");
    assert_all_over();
}
END_TEST

/* One that was started ahead has had some of its time. */
START_TEST(the_start_of_a_spare)
{
    start("{'hang':{'when':'start','ignore_sigterm':true}}", "runner: {start_timeout_ms: 1500}\n");
    await_health(gateway, "processes.starting", 1);
    uint64_t begin = clock_ms();
    time_out("{}", NULL, "the start of the CLI (runner.start_timeout_ms)");
    ck_assert_uint_lt(clock_ms() - begin, 3000);
    await_active_slots(gateway, 0, 3000);
    ck_assert_int_ge(health_number(gateway, "pool.startFailures"), 1);
}
END_TEST

START_TEST(the_first_line_of_a_turn)
{
    start(NULL, NO_SPARES "runner: {first_byte_timeout_ms: 300}\n");
    time_out("{'hang':'start'}", NULL, "the CLI's first line (runner.first_byte_timeout_ms)");
    assert_all_over();
}
END_TEST

START_TEST(the_first_line_of_a_later_turn)
{
    start(NULL, NO_SPARES "runner: {first_byte_timeout_ms: 300}\n");
    struct http_response answer = generate(gateway, "{'text':'hello'}", NULL);
    http_assert_status(&answer, 200);
    char *fields = scratch_text("{'sessionId':'%s'}", http_string(&answer, "sessionId"));
    time_out("{'hang':'start'}", fields, "the CLI's first line (runner.first_byte_timeout_ms)");
    assert_health(gateway, "pool.sessionHits", 1);
    assert_all_over();
    http_response_finish(&answer);
    free(fields);
}
END_TEST

/* The process of before must go first, and does not. */
START_TEST(the_time_to_wait_for_a_process)
{
    start(NULL, "pool: {warm: 0, max_processes: 1}\nrunner: {start_timeout_ms: 500}\n");
    struct http_response answer =
        generate(gateway, "{'hang':{'when':'after_result','ignore_sigterm':true}}", NULL);
    http_assert_status(&answer, 200);
    await_health(gateway, "processes.idle", 1);
    time_out("{}", NULL, "waiting for a process of the CLI (pool.max_processes)");
    assert_all_over();
    http_response_finish(&answer);
}
END_TEST

START_TEST(silence_amid_a_turn)
{
    start(NULL, NO_SPARES "runner: {silence_timeout_ms: 300, interrupt_grace_ms: 100}\n");
    time_out("{'text':'half of it','hang':'mid_text'}", NULL,
             "silence of the CLI (runner.silence_timeout_ms)");
    assert_all_over();
}
END_TEST

START_TEST(the_time_that_the_request_gives_itself)
{
    start(NULL, NO_SPARES "runner: {interrupt_grace_ms: 100}\n");
    time_out("{'hang':'mid_text'}", "{'timeoutMs':300}", "the whole request (timeoutMs)");
    assert_all_over();
}
END_TEST

START_TEST(the_time_that_the_gateway_gives_a_request)
{
    start(NULL, NO_SPARES "runner: {interrupt_grace_ms: 100}\nhttp: {request_timeout_ms: 500}\n");
    time_out("{'hang':'mid_text'}", "{'timeoutMs':60000}",
             "the whole request (http.request_timeout_ms)");
    assert_all_over();
}
END_TEST

/* ---- interrupted first */

/* The process that does this turn. */
static json_int_t pid_of(const char *fields) {
    struct http_response answer = generate(gateway, "{'echo':'pid'}", fields);
    json_t *pid = echoed(&answer);
    json_int_t number = json_integer_value(pid);
    json_decref(pid);
    http_response_finish(&answer);
    return number;
}

static char *begin_session(json_int_t *pid) {
    struct http_response answer = generate(gateway, "{'echo':'pid'}", NULL);
    http_assert_status(&answer, 200);
    char *fields = scratch_text("{'sessionId':'%s'}", http_string(&answer, "sessionId"));
    *pid = strtol(http_string(&answer, "text"), NULL, 10);
    http_response_finish(&answer);
    return fields;
}

static char *with_limit(const char *fields) {
    return scratch_text("%.*s,'timeoutMs':300}", (int)strlen(fields) - 1, fields);
}

START_TEST(a_cli_that_obeys_keeps_its_process)
{
    start(NULL, "runner: {silence_timeout_ms: 500}\n");
    json_int_t pid;
    char *fields = begin_session(&pid), *limited = with_limit(fields);
    time_out("{'first_delay_ms':60000}", limited, "the whole request (timeoutMs)");
    ck_assert_int_eq(pid_of(fields), pid);
    time_out("{'first_delay_ms':60000}", fields, "silence of the CLI (runner.silence_timeout_ms)");
    ck_assert_int_eq(pid_of(fields), pid);
    struct sse_stream *stream =
        begin_stream(gateway, "{'text':'half of it, and more','delay_ms':60000}", limited);
    struct sse_recording all = sse_read_all(stream);
    sse_assert_outline(&all, "session text error done");
    ck_assert_int_eq(pid_of(fields), pid);
    await_active_slots(gateway, 0, 3000);
    assert_health(gateway, "killed", 0);
    sse_recording_finish(&all);
    sse_stream_close(stream);
    free(limited);
    free(fields);
}
END_TEST

/* Whether its process stays depends on how fast the tool's own processes die: it may be that some
 * are still seen, and then it does not. */
START_TEST(an_interrupted_tool_is_gone_and_its_session_goes_on)
{
    start(NULL, NULL);
    json_int_t pid;
    char *fields = begin_session(&pid);
    char *mark = scratch_text("MARK-%d-%u", (int)gateway_pid(gateway), gateway_port(gateway));
    char *scenario = scratch_text(
        "{'tool':{'name':'Bash','run':'sh -c \\\"while :; do sleep 1000; done\\\" %s'}}", mark);
    char *limited = scratch_text("%.*s,'allowedTools':['Bash'],'timeoutMs':3000}",
                                 (int)strlen(fields) - 1, fields);
    struct http_call *call = generate_begin(gateway, scenario, limited);
    ck_assert(process_search_await(mark, 1, 10000));
    struct http_response answer = http_wait(call);
    assert_timed_out(&answer, "the whole request (timeoutMs)");
    ck_assert_msg(process_search_await(mark, 0, 3000), "%d processes are left",
                  process_search_count(mark));
    ck_assert_int_ne(pid_of(fields), 0);
    http_response_finish(&answer);
    free(scenario);
    free(limited);
    free(fields);
    free(mark);
}
END_TEST

/* It has its grace, then it goes with all that it has started. */
START_TEST(a_cli_that_does_not_obey_is_ended_with_its_tree)
{
    start(NULL, "runner: {interrupt_grace_ms: 1000}\n");
    json_int_t pid;
    char *fields = begin_session(&pid), *limited = with_limit(fields);
    char *mark = scratch_text("MARK-%d-%u", (int)gateway_pid(gateway), gateway_port(gateway));
    char *scenario =
        scratch_text("{'stray_daemon':'exec sh -c \\\"while :; do sleep 1000; done\\\" %s',"
                     "'ignore_sigterm':true,'text':'half of it','hang':'mid_text'}",
                     mark);
    time_out(scenario, limited, "the whole request (timeoutMs)");
    uint64_t told_ms = clock_ms();
    ck_assert_msg(process_search_await(mark, 0, 10000), "%d processes are left",
                  process_search_count(mark));
    uint64_t took_ms = clock_ms() - told_ms;
    ck_assert_msg(took_ms >= 900, "ended %u ms after the interrupt, expected 1000 or more",
                  (unsigned)took_ms);
    await_active_slots(gateway, 0, 3000);
    assert_health(gateway, "killed", 1);
    ck_assert_int_ne(pid_of(fields), pid);
    free(scenario);
    free(limited);
    free(fields);
    free(mark);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_start_of_the_cli,
        the_start_of_a_spare,
        the_first_line_of_a_turn,
        the_first_line_of_a_later_turn,
        the_time_to_wait_for_a_process,
        silence_amid_a_turn,
        the_time_that_the_request_gives_itself,
        the_time_that_the_gateway_gives_a_request,
        a_cli_that_obeys_keeps_its_process,
        an_interrupted_tool_is_gone_and_its_session_goes_on,
        a_cli_that_does_not_obey_is_ended_with_its_tree,
    };
    return test_main("watchdogs", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
