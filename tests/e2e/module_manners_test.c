/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when a module misbehaves: it cannot leak a slot, a request or a run, every refused
 * call is answered by its code and logged with the module's name, and others are served as before.
 * Modules that crash are worker_crash_test.c's, ones that block module_blocks_test.c's.
 */
#include "support/http_client.h"
#include "support/process_table.h"
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_MS = 10000 };

/* Codes: 0 OK, -1 GONE, -2 INVALID, -3 UNSUPPORTED, -4 REFUSED, -6 WRONG_STATE. */

/* A turn that uses a tool of a module. */
#define ASK(server, tool)                                                                          \
    "standin:{\"call_host_tool\":[{\"server\":\"" server "\",\"name\":\"" tool                     \
    "\",\"arguments\":{}}]}"

static struct gateway *gateway;

static void start_with(const char *rest, const char *variable) {
    static const char *const modules[] = {"manners", "stray", "toolbox", NULL};
    const char *const environment[] = {variable, NULL};
    char *config = modules_config(modules, NULL, rest);
    gateway = gateway_start(
        &(struct gateway_options){.config = config, .environment = environment, .crashes = true});
    free(config);
}

static void setup(void) {
    start_with(NULL, NULL);
}

static char *noted(void) {
    struct http_response answer = http_get(gateway, "/noted");
    http_assert_status(&answer, 200);
    char *notes = scratch_text("%s", answer.body);
    http_response_finish(&answer);
    return notes;
}

/* The codes that the module was answered since the last time, "0 -1 -6". */
static void assert_noted(const char *expected) {
    char *notes = noted();
    ck_assert_str_eq(notes, expected);
    free(notes);
}

static bool has_noted(const void *data) {
    const char *expected = data;
    static char all[1024]; /* notes are given once: they are put together here */
    char *notes = noted();
    if (*notes) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", used ? " " : "", notes);
    }
    free(notes);
    return strcmp(all, expected) == 0;
}

static void await_noted(const char *expected) {
    ck_assert_msg(await(has_noted, expected, 5000), "'%s' was not noted", expected);
}

/* After each case: nothing of it is held, and others are served. */
static void assert_all_is_well(void) {
    await_active_slots(gateway, 0, SLOT_MS);
    struct http_response answer = http_get(gateway, "/answer");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    answer = generate(gateway, "{'text':'still here'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "still here");
    http_response_finish(&answer);
}

/* Draining ends at once when no request is open: one that were left would hold it up. */
static void teardown(void) {
    if (!gateway)
        return;
    assert_all_is_well();
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining 0 open requests");
    gateway_await_log(gateway, "info manners: in destroy: post -6, timer_start -6");
    gateway_join(gateway);
}

static struct http_response deed_of(const char *name, const char *body) {
    char *path = scratch_text("/manners/%s", name);
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = path, .body = body});
    free(path);
    return answer;
}

/* Does it, and asserts that the client has got a whole answer. */
static void do_deed(const char *name, const char *body, long status) {
    struct http_response answer = deed_of(name, body);
    http_assert_status(&answer, status);
    http_response_finish(&answer);
}

static void assert_logged(const char *line) {
    gateway_await_log(gateway, line);
}

static size_t count_in_log(const char *text) {
    char *log = gateway_log(gateway);
    size_t count = 0;
    for (const char *at = log; (at = strstr(at, text)); at += strlen(text))
        count++;
    free(log);
    return count;
}

static void assert_unanswered(int count) {
    char *line =
        scratch_text("\nkoine_module_unanswered_requests_total{module=\"manners\"} %d\n", count);
    struct http_response metrics = http_get(gateway, "/metrics");
    ck_assert_msg(strstr(metrics.body, line) != NULL, "'%s' is not in:\n%s", line, metrics.body);
    http_response_finish(&metrics);
    free(line);
}

/* ---- forgotten */

START_TEST(a_forgotten_request_is_answered_by_the_host)
{
    struct http_response answer = http_get(gateway, "/forget");
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    assert_logged("warning manners: ");
    assert_logged("manners: GET /forget was not answered within 300 ms");
    assert_unanswered(1);
}
END_TEST

START_TEST(its_slot_is_free_with_the_answer_and_not_before)
{
    for (int i = 0; i < 6; i++) { /* one more than there are slots */
        struct http_response answer = http_get(gateway, "/forget");
        http_assert_error(&answer, 504, "TIMEOUT_ERROR");
        http_response_finish(&answer);
    }
    assert_noted("0 0 0 0 0 0"); /* each got one */
    assert_unanswered(6);
}
END_TEST

START_TEST(a_forgotten_stream_is_cut)
{
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, "GET /forget/stream HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n");
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "data: begun"));
    ck_assert_ptr_null(strstr(answer.body, "\r\n0\r\n")); /* not as if it were whole */
    raw_answer_finish(&answer);
    raw_close(client);
    assert_logged("manners: the stream of GET /forget/stream was not ended within 300 ms");
    assert_unanswered(1);
}
END_TEST

/* The call that ends the request leaves its memory until the module's handler has returned. */
START_TEST(a_stream_that_is_overfilled_is_cut)
{
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, "GET /manners/overfill HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n");
    gateway_await_log(gateway, "wrote on although its stream was full: the request is cut");
    raw_close(client);
    assert_noted("-1 1");
}
END_TEST

static void assert_drains_what_is_forgotten(const char *path, const char *sentence) {
    gateway_stop(gateway);
    start_with("drain_seconds: 1\n", NULL);
    char *request = scratch_text("GET %s HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n", path);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, request);
    await_active_slots(gateway, 1, SLOT_MS);
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining 1 open requests, 1 s at most");
    gateway_await_log(gateway, sentence);
    gateway_join(gateway);
    gateway = NULL;
    raw_close(client);
    free(request);
}

START_TEST(draining_does_not_wait_for_what_is_forgotten)
{
    assert_drains_what_is_forgotten(
        "/forget/long", "GET /forget/long is ended: the module had not answered it when "
                        "drain_seconds were over");
}
END_TEST

START_TEST(nor_for_a_stream)
{
    assert_drains_what_is_forgotten("/forget/long-stream",
                                    "GET /forget/long-stream is ended: the module had not ended it "
                                    "when drain_seconds were over");
}
END_TEST

/* The module could still answer after END, so the time of the request decides. */
START_TEST(a_run_whose_result_is_ignored_holds_its_slot_until_the_answer)
{
    struct http_response answer = deed_of("ignore-result", "standin:{\"text\":\"unheard\"}");
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    assert_logged("manners: POST /manners/{deed} was not answered within 3000 ms");
    assert_unanswered(1);
}
END_TEST

/* ---- answered wrongly */

START_TEST(the_first_of_two_answers_counts)
{
    do_deed("twice", NULL, 200);
    assert_noted("0 -1 -1");
    assert_logged("http->respond: GET /manners/{deed} has been answered already");
    assert_logged("http->fail: GET /manners/{deed} has been answered already");
}
END_TEST

START_TEST(a_stream_is_begun_once_written_between_and_ended_once)
{
    struct http_response answer = deed_of("stream", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "data: whole\n\n");
    http_response_finish(&answer);
    assert_noted("-6 -6 0 -6 -6 -6 -6 0 0 -1 -1");
    assert_logged("error manners: http->stream_write: no stream has begun");
    assert_logged("error manners: http->respond: a stream has begun");
}
END_TEST

START_TEST(an_answer_after_the_client_left_finds_nobody)
{
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, "GET /manners/late HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n");
    ck_assert(!raw_readable(client, 100));
    raw_close(client);
    gateway_await_log(gateway, "tried when it was over");
    assert_noted("0 1 -1 -1 0");
}
END_TEST

START_TEST(an_answer_after_the_deadline_does_too)
{
    struct http_response answer = deed_of("late", NULL);
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    gateway_await_log(gateway, "tried when it was over");
    assert_noted("0 2 -1 -1 0");
    assert_unanswered(1);
}
END_TEST

/* ---- handles */

START_TEST(handles_that_are_made_up_lead_nowhere)
{
    do_deed("handles", NULL, 200);
    assert_noted("-1 -1 -1 -1");
    assert_logged("error manners: http->respond: the request is none: the handle is made up");
}
END_TEST

START_TEST(handles_of_another_kind_lead_nowhere)
{
    do_deed("other-kinds", NULL, 200);
    assert_noted("-1 -1 -1 -1 -1");
    assert_logged("error manners: http->respond: the request is none: the handle is made up, or of "
                  "another kind");
    assert_logged("error manners: loop->timer_stop: the timer is none");
    assert_logged("error manners: loop->unwatch: the watch is none");
    assert_logged("error manners: runner->cancel: the run is none");
    assert_logged("error manners: metrics->add: the handle is none of the module's metrics");
}
END_TEST

START_TEST(handles_of_another_module_are_not_for_this_one)
{
    struct http_response parked = http_send(
        gateway, &(struct http_request){.path = "/functions", .body = ASK("toolbox", "client")});
    http_assert_status(&parked, 200);
    ck_assert_msg(strspn(parked.body, "0123456789/") == parked.body_size, "%s", parked.body);
    do_deed("foreign", parked.body, 200);
    assert_noted("-1 -1 -1 -1 -1");
    assert_logged("error manners: runner->cancel: the run is another module's");
    assert_logged("error manners: runner->tool_result: the call is another module's");
    char *path = scratch_text("/functions/%s", parked.body); /* its owner still can */
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = path, .body = "the real result"});
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    http_response_finish(&parked);
    free(path);
}
END_TEST

/* ---- structs and arguments */

START_TEST(structs_of_a_wrong_size_are_refused)
{
    do_deed("sizes", NULL, 400);
    assert_noted("-2 -3 -2 -2 -3 0");
    assert_logged("error manners: http->fail: the struct's size is too small");
    assert_logged("error manners: http->fail: the struct is longer than this gateway's and the "
                  "rest is not zero");
    assert_logged("error manners: http->fail: the struct is missing");
    assert_logged("error manners: http->stream_begin: the struct's size is too small");
    assert_logged("error manners: http->stream_begin: the struct is longer");
}
END_TEST

START_TEST(those_of_runs_too)
{
    do_deed("run-sizes", NULL, 200);
    assert_noted("-2 -3 -2 -2 -2");
    assert_logged("error manners: runner->start: the struct's size is too small");
    assert_logged("error manners: runner->start: the struct is longer");
    assert_logged("error manners: runner->start: failure.size must be sizeof");
    assert_logged("error manners: runner->start (struct koine_tool): the struct's size");
    assert_logged("error manners: slots->acquire: failure.size must be sizeof");
}
END_TEST

START_TEST(and_all_others)
{
    do_deed("other-sizes", NULL, 200);
    assert_noted("-3 -2 -2 -2 -2");
    assert_logged("error manners: runner->tool_result: the struct is longer");
    assert_logged("error manners: metrics->define: the struct's size is too small");
    assert_logged("error manners: http->respond: a text has a size and no data");
    assert_logged("error manners: http->respond: the status must be 200 to 599");
    assert_logged("error manners: http->body: out must be given");
}
END_TEST

START_TEST(create_may_call_the_log_alone_and_extension_not_much_more)
{
    gateway_stop(gateway);
    start_with(NULL, "KOINE_TEST_TOO_EARLY=1");
    assert_noted("-6 -6 -6 -6");
    assert_logged("error manners: config->section was called before init");
    assert_logged("error manners: config->text was called before init");
    assert_logged("error manners: loop->timer_start was called before start");
    assert_logged("error manners: runner->cancel was called before start");
}
END_TEST

START_TEST(what_comes_too_early_or_too_late_is_refused)
{
    gateway_stop(gateway);
    start_with(NULL, "KOINE_TEST_EARLY=1");
    assert_noted("-3 -2 -6 -6 -6 -6");
    assert_logged("error manners: http->route: the struct is longer");
    assert_logged("error manners: http->route: the struct's size is too small");
    assert_logged("error manners: loop->timer_start was called before start");
    assert_logged("error manners: loop->post: was called before start or after the end");
    assert_logged("error manners: http->route: may be called in init only");
}
END_TEST

/* ---- threads */

/* Each of the calls was answered WRONG_STATE. */
static void assert_all_refused(const char *path, size_t count) {
    struct http_response answer = http_get(gateway, path);
    http_assert_status(&answer, 200);
    size_t refused = 0;
    const char *at = answer.body;
    for (; strncmp(at, "-6", 2) == 0; at += at[2] == ' ' ? 3 : 2)
        refused++;
    ck_assert_msg(!*at && refused == count, "%zu calls expected, each -6: %s", count, answer.body);
    http_response_finish(&answer);
}

START_TEST(a_thread_may_not_call_http)
{
    assert_all_refused("/stray/http", 17);
    assert_logged("error stray: http->method was called on another thread than the loop's; use "
                  "loop->post");
    assert_logged("warning stray: 12 more complaints about this module were not logged");
}
END_TEST

START_TEST(nor_any_other_service_of_the_loop)
{
    assert_all_refused("/stray/others", 26);
    assert_logged("error stray: runner->start was called on another thread");
    assert_logged("warning stray: 21 more complaints about this module were not logged");
}
END_TEST

static void assert_thread_is_named(const char *path, const char *sentence) {
    char *request = scratch_text("GET %s HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n", path);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, request);
    gateway_await_log(gateway, sentence);
    raw_close(client);
    free(request);
}

START_TEST(a_thread_that_crashes_is_not_laid_on_the_loop)
{
    assert_thread_is_named("/stray/crash", "was killed by SIGABRT in a thread of module stray");
    assert_thread_is_named("/stray/trap", "was killed by SIGILL in a thread of module stray");
}
END_TEST

/* ---- without end */

START_TEST(a_module_cannot_fill_the_log)
{
    do_deed("flood", NULL, 200);
    assert_logged("995 more complaints about this module were not logged");
    ck_assert_uint_le(count_in_log("the status must be 200 to 599"), 5);
}
END_TEST

START_TEST(timers_and_watches_that_are_left_over_harm_nobody)
{
    do_deed("leave-behind", NULL, 200);
    assert_noted("0 0 -2");
}
END_TEST

START_TEST(a_timer_is_stopped_once_and_may_end_its_own_request)
{
    do_deed("stop-twice", NULL, 200);
    assert_noted("0 0 -1 0 0 -1");
}
END_TEST

/* ---- runs */

START_TEST(no_run_is_started_for_a_request_that_is_answered)
{
    do_deed("run-too-late", NULL, 200);
    assert_noted("-1");
}
END_TEST

START_TEST(a_request_has_one_run_and_it_is_ended_once)
{
    do_deed("run-twice", "standin:{\"hang\":\"mid_text\"}", 200);
    await_noted("0 -6 -6 0 0 -6 0");
    assert_logged("error manners: runner->start: the request has a run already");
    assert_logged("error manners: slots->release: the request's run holds the slot");
    assert_logged("error manners: runner->park: no call of a tool is open");
}
END_TEST

START_TEST(a_call_of_a_tool_is_answered_once)
{
    do_deed("tool-twice", ASK("manners", "act"), 200);
    await_noted("0 0 -1 0 -1");
}
END_TEST

START_TEST(a_call_of_a_tool_that_is_forgotten_ends_with_the_request)
{
    struct http_response answer = deed_of("forget-tool", ASK("manners", "act"));
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    assert_logged("manners: the call of the tool act was not answered in the time of its run");
    assert_unanswered(0); /* of the request the run had the word */
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_forgotten_request_is_answered_by_the_host,
        its_slot_is_free_with_the_answer_and_not_before,
        a_forgotten_stream_is_cut,
        a_stream_that_is_overfilled_is_cut,
        draining_does_not_wait_for_what_is_forgotten,
        nor_for_a_stream,
        a_run_whose_result_is_ignored_holds_its_slot_until_the_answer,
        the_first_of_two_answers_counts,
        a_stream_is_begun_once_written_between_and_ended_once,
        an_answer_after_the_client_left_finds_nobody,
        an_answer_after_the_deadline_does_too,
        handles_that_are_made_up_lead_nowhere,
        handles_of_another_kind_lead_nowhere,
        handles_of_another_module_are_not_for_this_one,
        structs_of_a_wrong_size_are_refused,
        those_of_runs_too,
        and_all_others,
        create_may_call_the_log_alone_and_extension_not_much_more,
        what_comes_too_early_or_too_late_is_refused,
        a_thread_may_not_call_http,
        nor_any_other_service_of_the_loop,
        a_thread_that_crashes_is_not_laid_on_the_loop,
        a_module_cannot_fill_the_log,
        timers_and_watches_that_are_left_over_harm_nobody,
        a_timer_is_stopped_once_and_may_end_its_own_request,
        no_run_is_started_for_a_request_that_is_answered,
        a_request_has_one_run_and_it_is_ended_once,
        a_call_of_a_tool_is_answered_once,
        a_call_of_a_tool_that_is_forgotten_ends_with_the_request,
    };
    return test_main("module_manners", setup, teardown, tests, sizeof tests / sizeof *tests);
}
