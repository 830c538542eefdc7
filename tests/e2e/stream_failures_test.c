/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which the CLI can fail after the head has gone out: an error event, then done, then
 * the end in due form; the slot is free and nothing is given away. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>
#include <unistd.h>

static struct gateway *gateway;

static void start(const char *config, const char *const *environment, const char *cli) {
    gateway = gateway_start(
        &(struct gateway_options){.config = config, .environment = environment, .cli = cli});
}

static void teardown(void) {
    gateway_stop(gateway);
}

struct failing {
    const char *scenario, *fields;
    const char *outline, *code;
    const char *done; /* its data, as JSON with ' for "; without `signal` any will do */
};

static bool done_is(const struct sse_event *done, const char *data) {
    json_t *wanted = quoted_json(data), *got = json_deep_copy(done->json);
    sse_member(done, "signal");
    if (!json_object_get(wanted, "signal"))
        json_object_del(got, "signal");
    bool equal = json_equal(got, wanted);
    json_decref(wanted);
    json_decref(got);
    return equal;
}

/* One slot only: a slot that is not given back shows in the very next request. */
static void assert_failure(const struct failing *failing) {
    struct sse_recording all = stream_all(gateway, failing->scenario, failing->fields);
    ck_assert_msg(strcmp(all.outline, failing->outline) == 0, "%s: %s, expected %s",
                  failing->scenario, all.outline, failing->outline);
    const struct sse_event *error = sse_find(&all, "error"), *done = sse_find(&all, "done");
    ck_assert_uint_eq(sse_count(&all, "error"), 1);
    ck_assert_msg(strcmp(sse_string(error, "code"), failing->code) == 0, "%s: %s, expected %s",
                  failing->scenario, error->data, failing->code);
    ck_assert_uint_gt(strlen(sse_string(error, "error")), 0);
    ck_assert_msg(done_is(done, failing->done), "%s: done %s, expected %s", failing->scenario,
                  done->data, failing->done);
    for (size_t i = 0; i < all.count; i++)
        ck_assert_msg(!strstr(all.events[i].data, "sk-secret"), "a secret shows: %s",
                      all.events[i].data);
    sse_recording_finish(&all);
    await_active_streams(gateway, 0, 3000);
    ck_assert(!gateway_log_has(gateway, "sk-secret"));
}

#define EXIT(code) "{'code':" code ",'signal':null}"
#define TIMED_OUT "{'code':null,'signal':'SIGTERM','reason':'timeout'}"
/* One that still listens may end by itself when its input does, before the signal is there. */
#define TIMED_OUT_SOMEHOW "{'code':null,'reason':'timeout'}"
#define EARLY "session error done"
#define AMID "session text error done"

START_TEST(a_cli_that_ends_early)
{
    static const struct failing cases[] = {
        {"{'exit':{'code':1,'when':'after_init','stderr':'sk-secret'}}", NULL, EARLY,
         "CLI_EXIT_ERROR", EXIT("1")},
        {"{'text':'half of it','exit':{'code':1,'when':'mid_text'}}", NULL, AMID, "CLI_EXIT_ERROR",
         EXIT("1")},
        {"{'text':'half of it','exit':{'code':0,'when':'mid_text'}}", NULL, AMID, "CLI_EXIT_ERROR",
         EXIT("0")},
        {"{'text':'half of it','exit':{'code':255,'when':'mid_text','partial_line':true}}", NULL,
         AMID, "CLI_EXIT_ERROR", EXIT("255")},
        {"{'text':'all','no_result':true,'exit':{'code':0,'when':'after_result'}}", NULL, AMID,
         "CLI_EXIT_ERROR", EXIT("0")},
        {"{'text':'half of it','signal':{'number':9,'when':'mid_text'}}", NULL, AMID,
         "CLI_EXIT_ERROR", "{'code':null,'signal':'SIGKILL'}"},
        {"{'signal':{'number':15,'when':'after_init'}}", NULL, EARLY, "CLI_EXIT_ERROR",
         "{'code':null,'signal':'SIGTERM'}"},
    };
    start("slots: {streaming: 1}\n", NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failure(&cases[i]);
    struct sse_recording all = stream_all(gateway, "{'text':'fine'}", NULL);
    sse_assert_outline(&all, "session text result done");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_result_that_is_none)
{
    static const struct failing cases[] = {
        {"{'is_error':{'text':'API Error: 529 busy','api_error_status':529}}", NULL, EARLY,
         "UPSTREAM_ERROR", EXIT("0")},
        {"{'is_error':{'text':'bad key sk-secret','api_error_status':401}}", NULL, EARLY,
         "UPSTREAM_ERROR", EXIT("0")},
        {"{'text':'so far','is_error':{'text':'API Error: gone','api_error_status':500}}", NULL,
         AMID, "UPSTREAM_ERROR", EXIT("0")},
        {"{'subtype':'error_max_turns'}", "{'maxTurns':1}", EARLY, "LIMIT_REACHED", EXIT("0")},
        {"{'subtype':'error_max_budget_usd'}", "{'maxBudgetUsd':0.01}", EARLY, "LIMIT_REACHED",
         EXIT("0")},
        {"{'subtype':'error_during_execution'}", NULL, EARLY, "CLI_EXIT_ERROR", EXIT("0")},
        {"{'subtype':'error_of_tomorrow'}", NULL, EARLY, "CLI_EXIT_ERROR", EXIT("0")},
    };
    start("slots: {streaming: 1}\n", NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failure(&cases[i]);
}
END_TEST

START_TEST(a_limit_names_its_field)
{
    start(NULL, NULL, NULL);
    struct sse_recording all =
        stream_all(gateway, "{'subtype':'error_max_turns'}", "{'maxTurns':1}");
    ck_assert_ptr_nonnull(strstr(sse_string(sse_find(&all, "error"), "error"), "maxTurns"));
    sse_recording_finish(&all);
}
END_TEST

/* Long enough for the CLI to have begun its answer, also on a machine that is busy. */
static const char *time_to_begin(void) {
    return getenv("KOINE_SLOW") ? "{'timeoutMs':2000}" : "{'timeoutMs':600}";
}

START_TEST(the_requests_own_time_limit)
{
    const char *limit = time_to_begin();
    const struct failing cases[] = {
        {"{'hang':{'when':'after_init'}}", "{'timeoutMs':300}", EARLY, "TIMEOUT_ERROR", TIMED_OUT},
        {"{'text':'half of it','hang':'mid_text'}", limit, AMID, "TIMEOUT_ERROR", TIMED_OUT},
        {"{'text':'all','no_result':true}", limit, AMID, "TIMEOUT_ERROR", TIMED_OUT_SOMEHOW},
        {"{'text':'half of it','hang':{'when':'mid_text','ignore_sigterm':true}}", limit, AMID,
         "TIMEOUT_ERROR", "{'code':null,'signal':'SIGKILL','reason':'timeout'}"},
        {"{'text':'drip ','repeat':1000,'delay_ms':20}", limit, AMID, "TIMEOUT_ERROR",
         TIMED_OUT_SOMEHOW},
    };
    start("slots: {streaming: 1}\n", NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failure(&cases[i]);
}
END_TEST

START_TEST(the_gateways_own_time_limit)
{
    start(getenv("KOINE_SLOW") ? "slots: {streaming: 1}\nhttp: {request_timeout_ms: 2000}\n"
                               : "slots: {streaming: 1}\nhttp: {request_timeout_ms: 600}\n",
          NULL, NULL);
    assert_failure(&(struct failing){"{'text':'half of it','hang':'mid_text'}",
                                     "{'timeoutMs':100000}", AMID, "TIMEOUT_ERROR", TIMED_OUT});
}
END_TEST

START_TEST(a_cli_that_never_says_a_word)
{
    const char *const environment[] = {"CLAUDE_CODE_STANDIN={\"hang\":\"start\"}", NULL};
    start("slots: {streaming: 1}\nrunner: {start_timeout_ms: 300}\n", environment, NULL);
    assert_failure(&(struct failing){"{}", NULL, EARLY, "TIMEOUT_ERROR", TIMED_OUT});
}
END_TEST

START_TEST(a_cli_that_says_nothing_of_its_turn)
{
    start("slots: {streaming: 1}\nrunner: {first_byte_timeout_ms: 300}\n", NULL, NULL);
    assert_failure(&(struct failing){"{'hang':'start'}", NULL, EARLY, "TIMEOUT_ERROR", TIMED_OUT});
}
END_TEST

START_TEST(a_cli_that_falls_silent)
{
    start("slots: {streaming: 1}\nrunner: {silence_timeout_ms: 300}\n", NULL, NULL);
    assert_failure(&(struct failing){"{'text':'half of it','hang':'mid_text'}", NULL, AMID,
                                     "TIMEOUT_ERROR", TIMED_OUT});
}
END_TEST

START_TEST(a_line_too_long)
{
    start("slots: {streaming: 1}\nrunner: {max_line_bytes: 64KiB}\n", NULL, NULL);
    struct sse_recording all = stream_all(gateway, "{'long_line_bytes':200000}", NULL);
    sse_assert_outline(&all, EARLY);
    ck_assert_str_eq(sse_string(sse_find(&all, "error"), "code"), "PARSE_ERROR");
    const struct sse_event *done = sse_find(&all, "done");
    ck_assert_str_eq(sse_string(done, "reason"), "line_too_long");
    ck_assert(json_is_null(sse_member(done, "code")));
    sse_recording_finish(&all);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

START_TEST(a_cli_that_exits_at_once)
{
    const char *const environment[] = {
        "CLAUDE_CODE_STANDIN={\"exit\":{\"code\":7,\"when\":\"start\",\"stderr\":\"sk-secret\"}}",
        NULL};
    /* No process ahead: one that has failed already would be refused before the stream begins. */
    start("slots: {streaming: 1}\npool: {warm: 0}\n", environment, NULL);
    assert_failure(&(struct failing){"{}", NULL, EARLY, "CLI_EXIT_ERROR", EXIT("7")});
}
END_TEST

/* Known before anything was sent, so it is refused as what it is. */
static void assert_spawn_error(void) {
    struct sse_stream *stream = begin_stream(gateway, "{}", NULL);
    struct http_response answer = sse_refusal(stream);
    http_assert_error(&answer, 500, "SPAWN_ERROR");
    http_response_finish(&answer);
    sse_stream_close(stream);
    await_active_streams(gateway, 0, 3000);
}

START_TEST(a_cli_that_cannot_be_started)
{
    start("slots: {streaming: 1}\nrunner: {command: /nonexistent/claude}\n", NULL, NULL);
    assert_spawn_error();
    gateway_await_log(gateway, "/nonexistent/claude");
    assert_spawn_error();
}
END_TEST

START_TEST(a_cli_that_is_no_program)
{
    start("slots: {streaming: 1}\n", NULL, "/etc/hostname");
    assert_spawn_error();
    assert_spawn_error();
}
END_TEST

/* The result was there: what the process does then is not the client's concern. */
START_TEST(a_cli_that_fails_after_its_result)
{
    static const char *const scenarios[] = {
        "{'text':'all of it','exit':{'code':3,'when':'after_result'}}",
        "{'text':'all of it','signal':{'number':9,'when':'after_result'}}",
    };
    start("slots: {streaming: 1}\n", NULL, NULL);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        struct sse_recording all = stream_all(gateway, scenarios[i], NULL);
        sse_assert_outline(&all, "session text result done");
        ck_assert_str_eq(all.text, "all of it");
        ck_assert_int_eq(sse_integer(sse_find(&all, "done"), "code"), 0);
        ck_assert(json_is_null(sse_member(sse_find(&all, "done"), "signal")));
        sse_recording_finish(&all);
    }
}
END_TEST

/* A turn that waits for the CLI of the turn before, which does not end by itself, is refused like
 * any other when it turns out that there is no CLI left to start. */
START_TEST(a_cli_that_vanishes_while_a_turn_waits_for_it)
{
    start("slots: {streaming: 1}\npool: {warm: 0, session_idle_seconds: 0}\n", NULL, NULL);
    struct sse_recording all =
        stream_all(gateway, "{'text':'x','hang':{'when':'after_result'}}", NULL);
    sse_assert_outline(&all, "session text result done");
    char *fields =
        scratch_text("{'sessionId':'%s'}", sse_string(sse_find(&all, "session"), "sessionId"));
    struct http_call *waiting = http_begin_post(gateway, "/stream", scenario_body("{}", fields));
    await_active_streams(gateway, 1, 3000);
    char *cli = gateway_path(gateway, "bin/claude");
    ck_assert_int_eq(unlink(cli), 0);
    struct http_response answer = http_wait(waiting);
    http_assert_error(&answer, 500, "SPAWN_ERROR");
    http_response_finish(&answer);
    await_active_streams(gateway, 0, 3000);
    sse_recording_finish(&all);
    free(fields);
    free(cli);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_cli_that_ends_early,
        a_result_that_is_none,
        a_limit_names_its_field,
        the_requests_own_time_limit,
        the_gateways_own_time_limit,
        a_cli_that_never_says_a_word,
        a_cli_that_says_nothing_of_its_turn,
        a_cli_that_falls_silent,
        a_line_too_long,
        a_cli_that_exits_at_once,
        a_cli_that_cannot_be_started,
        a_cli_that_is_no_program,
        a_cli_that_fails_after_its_result,
        a_cli_that_vanishes_while_a_turn_waits_for_it,
    };
    return test_main("stream_failures", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
