/* SPDX-License-Identifier: Apache-2.0 */
/* Scripted runs of the CLI: what modules make of them, and how runs end, wait and are refused. */
#include "test_host_fixture.h"

#define PROMPT "{\"prompt\":\"hello\"}"

static struct koine_test_answer *post(struct koine_test_host *host, const char *path,
                                      const char *body) {
    return koine_test_send(host, "POST", path, body);
}

/* ---- whole answers */

START_TEST(without_a_script_a_run_answers_its_prompt)
{
    struct koine_test_host *host = fixture("text");
    struct koine_test_answer *answer = post(host, "/generate-text", PROMPT);
    ck_assert_int_eq(koine_test_status(answer), 200);
    assert_text(koine_test_string(answer, "text"), "hello");
    assert_text(koine_test_string(answer, "sessionId"), "00000000-0000-8000-8000-000000000001");
    assert_text(koine_test_run_option(host, 0, "prompt"), "hello");
    assert_text(koine_test_run_option(host, 0, "key"), KOINE_TEST_KEY_NAME);
    assert_text(koine_test_run_option(host, 0, "end.reason"), "");
    assert_text(koine_test_run_option(host, 0, "policy"), "{\"allowed\":null,\"disallowed\":[]}");
    ck_assert_ptr_null(koine_test_run_option(host, 0, "system"));
    fixture_end(host);
}
END_TEST

START_TEST(a_script_says_the_result)
{
    struct koine_test_host *host = fixture("text");
    koine_test_play(host, "[{\"text\":\"Hel\"},{\"text\":\"lo\"},{\"pause_ms\":1500},"
                          "{\"result\":{\"cost_usd\":0.25,\"input_tokens\":7,\"num_turns\":3,"
                          "\"model\":\"m\"}}]");
    struct koine_test_answer *answer =
        post(host, "/generate-text",
             "{\"prompt\":\"x\",\"system\":\"Be brief\",\"allowedTools\":[\"Read\"]}");
    assert_text(koine_test_string(answer, "text"), "Hello");
    ck_assert_double_eq(koine_test_number(answer, "costUsd"), 0.25);
    ck_assert_int_eq(koine_test_integer(answer, "usage.inputTokens"), 7);
    ck_assert_int_eq(koine_test_integer(answer, "numTurns"), 3);
    ck_assert_int_eq(koine_test_integer(answer, "durationMs"), 1500);
    assert_text(koine_test_run_option(host, 0, "system"), "Be brief");
    assert_text(koine_test_run_option(host, 0, "policy.allowed.0"), "Read");
    fixture_end(host);
}
END_TEST

START_TEST(an_object)
{
    static const char body[] = "{\"prompt\":\"x\",\"schema\":{\"type\":\"object\"}}";
    struct koine_test_host *host = fixture("object");
    koine_test_play(host, "[{\"object\":\"{\\\"a\\\":\"},{\"object\":\"1}\"}]");
    assert_text(koine_test_json(post(host, "/generate-object", body), "object"), "{\"a\":1}");
    assert_text(koine_test_json(post(host, "/generate-object", body), "object.echo"), "\"x\"");
    koine_test_play(host, "[{\"text\":\"no object\"}]");
    struct koine_test_answer *none = post(host, "/generate-object", body);
    ck_assert_int_eq(koine_test_status(none), 500);
    assert_text(koine_test_string(none, "code"), "PARSE_ERROR");
    fixture_end(host);
}
END_TEST

static void assert_failure(struct koine_test_host *host, const char *script, int status,
                           const char *code, const char *reason) {
    koine_test_play(host, script);
    struct koine_test_answer *answer = post(host, "/generate-text", PROMPT);
    ck_assert_int_eq(koine_test_status(answer), status);
    assert_text(koine_test_string(answer, "code"), code);
    if (reason)
        assert_text(koine_test_run_option(host, koine_test_run_count(host) - 1, "end.reason"),
                    reason);
}

START_TEST(runs_that_fail)
{
    struct koine_test_host *host = fixture("text");
    assert_failure(host, "[{\"failure\":{\"status\":422,\"code\":\"LIMIT_REACHED\"}}]", 422,
                   "LIMIT_REACHED", "");
    assert_failure(host, "[{\"text\":\"half\"},{\"crash\":{\"exit_code\":3}}]", 500,
                   "CLI_EXIT_ERROR", "");
    assert_text(koine_test_run_option(host, 1, "end.exit_code"), "3");
    assert_failure(host, "[{\"crash\":{\"signal\":9}}]", 500, "CLI_EXIT_ERROR", "");
    assert_text(koine_test_run_option(host, 2, "end.signal"), "9");
    assert_failure(host, "[{\"hang\":true}]", 504, "TIMEOUT_ERROR", "timeout");
    fixture_end(host);
}
END_TEST

START_TEST(a_run_that_is_refused)
{
    struct koine_test_host *host = fixture("text");
    koine_test_play(host, "[{\"refuse\":{\"status\":429,\"code\":\"CONCURRENCY_LIMIT_ERROR\","
                          "\"message\":\"Full\",\"retry_after_s\":7}}]");
    struct koine_test_answer *answer = post(host, "/generate-text", PROMPT);
    ck_assert_int_eq(koine_test_status(answer), 429);
    assert_text(koine_test_header(answer, "retry-after"), "7");
    assert_text(koine_test_string(answer, "error"), "Full");
    assert_text(koine_test_run_option(host, 0, "refused"), "CONCURRENCY_LIMIT_ERROR");
    fixture_end(host);
}
END_TEST

START_TEST(a_slot_is_held_until_the_result)
{
    struct koine_test_host *host = fixture_with("text", (struct koine_test_options){.slots = 1});
    const struct koine_test_request request = {
        .method = "POST", .path = "/generate-text", .body = PROMPT};
    koine_test_play(host, "[{\"pause_ms\":1000}]");
    struct koine_test_answer *first = koine_test_request(host, &request);
    ck_assert_int_eq(koine_test_status(first), 0);
    ck_assert_int_eq(koine_test_status(post(host, "/generate-text", PROMPT)), 429);
    koine_test_advance_ms(host, 1000);
    ck_assert_int_eq(koine_test_status(first), 200);
    ck_assert_int_eq(koine_test_status(post(host, "/generate-text", PROMPT)), 200);
    fixture_end(host);
}
END_TEST

START_TEST(sessions_belong_to_their_key)
{
    static const struct koine_test_key keys[] = {{.name = "a", .secret = "secret-a"},
                                                 {.name = "b", .secret = "secret-b"}};
    struct koine_test_host *host =
        fixture_with("text", (struct koine_test_options){.keys = keys, .key_count = 2});
    char body[128];
    snprintf(body, sizeof(body), "{\"prompt\":\"x\",\"sessionId\":\"%s\"}",
             koine_test_session(host, "b"));
    struct koine_test_answer *foreign = post(host, "/generate-text", body);
    ck_assert_int_eq(koine_test_status(foreign), 404);
    assert_text(koine_test_string(foreign, "code"), "SESSION_NOT_FOUND");
    struct koine_test_answer *own = koine_test_request(
        host, &(struct koine_test_request){
                  .method = "POST", .path = "/generate-text", .body = body, .key = "secret-b"});
    koine_test_await(own);
    ck_assert_int_eq(koine_test_status(own), 200);
    assert_text(koine_test_string(own, "sessionId"), koine_test_run_option(host, 1, "session_id"));
    fixture_end(host);
}
END_TEST

START_TEST(what_the_gateway_would_not_run_is_refused)
{
    static const char *const bodies[] = {
        "{\"prompt\":\"x\",\"model\":\"--flag\"}",
        "{\"prompt\":\"x\",\"effort\":\"most\"}",
        "{\"prompt\":\"x\",\"profile\":\"none\"}",
        "{\"prompt\":\"x\",\"sessionId\":\"nonsense\"}",
        "{\"prompt\":\"x\",\"allowedTools\":[\"Bash(\"]}",
    };
    struct koine_test_host *host = fixture("text");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct koine_test_answer *answer = post(host, "/generate-text", bodies[i]);
        ck_assert_msg(koine_test_status(answer) == 400, "%s: %d %s", bodies[i],
                      koine_test_status(answer), koine_test_body(answer));
        assert_text(koine_test_string(answer, "code"), "VALIDATION_ERROR");
    }
    fixture_end(host);
}
END_TEST

/* ---- streams */

START_TEST(a_stream_shows_every_event_in_order)
{
    static const char *const names[] = {"session", "thinking", "tool",   "tool", "tool",
                                        "retry",   "text",     "result", "done"};
    struct koine_test_host *host = fixture("stream");
    koine_test_play(host, "[{\"thinking\":\"hm\"},"
                          "{\"tool\":{\"name\":\"Bash\",\"input\":{\"command\":\"ls\"},"
                          "\"output\":\"a.txt\"}},"
                          "{\"message\":{\"stop_reason\":\"tool_use\",\"tool_uses\":1}},"
                          "{\"retry\":{\"attempt\":1,\"max_retries\":10}},{\"text\":\"done\"}]");
    struct koine_test_answer *answer =
        post(host, "/stream", "{\"prompt\":\"x\",\"events\":[\"tool\",\"thinking\",\"retry\"]}");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        assert_text(koine_test_event(answer, i)->name, names[i]);
    ck_assert_uint_eq(koine_test_event_count(answer), sizeof(names) / sizeof(*names));
    ck_assert_ptr_nonnull(strstr(koine_test_event_data(answer, "tool", 1), "\"command\":\"ls\""));
    ck_assert_ptr_nonnull(strstr(koine_test_event_data(answer, "tool", 2), "a.txt"));
    fixture_end(host);
}
END_TEST

START_TEST(silence_is_filled_in_virtual_time)
{
    struct koine_test_host *host =
        fixture_with("stream", (struct koine_test_options){.keep_alive_ms = 1000});
    koine_test_play(host, "[{\"text\":\"a\"},{\"pause_ms\":2500},{\"text\":\"b\"}]");
    struct koine_test_answer *answer = post(host, "/stream", PROMPT);
    ck_assert(!koine_test_piece(answer, 1)->is_keep_alive);
    ck_assert(koine_test_piece(answer, 2)->is_keep_alive);
    ck_assert_uint_eq(koine_test_piece(answer, 2)->at_ms, 1000);
    ck_assert(koine_test_piece(answer, 3)->is_keep_alive);
    ck_assert_uint_eq(koine_test_piece(answer, 3)->at_ms, 2000);
    ck_assert_uint_eq(koine_test_piece(answer, 4)->at_ms, 2500);
    fixture_end(host);
}
END_TEST

START_TEST(a_client_that_does_not_read_pauses_the_run)
{
    struct koine_test_host *host =
        fixture_with("dialect", (struct koine_test_options){.stream_buffer_bytes = 8});
    koine_test_play(host, "[{\"text\":\"0123456789\"},{\"text\":\"abc\"},{\"text\":\"def\"}]");
    struct koine_test_answer *answer = koine_test_request(
        host,
        &(struct koine_test_request){
            .method = "POST", .path = "/v1/echo/a%20b", .body = "x", .stops_reading_after = 1});
    ck_assert_uint_eq(koine_test_piece_count(answer), 1); /* the run stands still */
    koine_test_advance_ms(host, 1000);
    ck_assert_uint_eq(koine_test_piece_count(answer), 1);
    assert_text(koine_test_body(answer), "0");
    koine_test_client_reads(answer);
    assert_text(koine_test_body(answer), "0123456789abcdef\n[end]");
    assert_text(koine_test_header(answer, "X-Name"), "a b");
    ck_assert_int_eq(koine_test_how(answer), KOINE_END_ANSWERED);
    fixture_end(host);
}
END_TEST

START_TEST(a_client_that_reads_late_gets_the_whole_object)
{
    struct koine_test_host *host =
        fixture_with("stream-object", (struct koine_test_options){.stream_buffer_bytes = 8});
    koine_test_play(host, "[{\"object\":\"{\\\"a\\\":\\\"x\"},{\"object\":\"y\"},"
                          "{\"object\":\"z\\\"}\"}]");
    struct koine_test_answer *answer = koine_test_request(
        host,
        &(struct koine_test_request){.method = "POST",
                                     .path = "/stream-object",
                                     .body = "{\"prompt\":\"x\",\"schema\":{\"type\":\"object\"}}",
                                     .stops_reading_after = 1});
    koine_test_advance_ms(host, 1000);
    ck_assert(!koine_test_is_complete(answer));
    for (int i = 0; i < 20 && !koine_test_is_complete(answer); i++)
        koine_test_client_reads(answer);
    ck_assert_int_eq(koine_test_how(answer), KOINE_END_ANSWERED);
    ck_assert_ptr_nonnull(strstr(koine_test_body(answer), "\"xyz\""));
    fixture_end(host);
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_run)
{
    struct koine_test_host *host = fixture("stream");
    koine_test_play(host, "[{\"text\":\"a\"},{\"hang\":true}]");
    struct koine_test_answer *answer = koine_test_request(
        host, &(struct koine_test_request){.method = "POST", .path = "/stream", .body = PROMPT});
    ck_assert_int_eq(koine_test_how(answer), KOINE_TEST_OPEN);
    koine_test_client_leaves(answer);
    assert_text(koine_test_run_option(host, 0, "end.reason"), "client_left");
    fixture_end(host);
}
END_TEST

START_TEST(a_hanging_run_ends_its_stream_with_the_deadline)
{
    struct koine_test_host *host = fixture("stream");
    koine_test_play(host, "[{\"text\":\"a\"},{\"hang\":true}]");
    struct koine_test_answer *answer = post(host, "/stream", PROMPT);
    ck_assert_ptr_nonnull(strstr(koine_test_event_data(answer, "error", 0), "TIMEOUT_ERROR"));
    ck_assert_ptr_nonnull(strstr(koine_test_event_data(answer, "done", 0), "timeout"));
    ck_assert_uint_eq(koine_test_now_ms(host), 600000);
    fixture_end(host);
}
END_TEST

/* ---- tools of modules */

START_TEST(the_model_uses_tools_of_the_run)
{
    struct koine_test_host *host = fixture("toolbox");
    koine_test_play(host, "[{\"tool_call\":{\"name\":\"add\",\"expect\":\"added up\"}},"
                          "{\"tool_calls\":[{\"name\":\"slow\"},"
                          "{\"name\":\"shout\",\"expect\":\"SHOUTED\"}]},{\"text\":\"so\"}]");
    assert_text(koine_test_body(post(host, "/ask", "x")), "so");
    assert_text(koine_test_run_option(host, 0, "tools.1.name"), "slow");
    assert_text(koine_test_run_option(host, 0, "tool_results.0.text"), "added up");
    assert_text(koine_test_run_option(host, 0, "tool_results.1.name"), "shout");
    assert_text(koine_test_run_option(host, 0, "tool_results.2.text"), "slow is done");
    fixture_end(host);
}
END_TEST

START_TEST(a_result_that_the_script_does_not_expect)
{
    struct koine_test_host *host = fixture("toolbox");
    koine_test_play(host, "[{\"tool_call\":{\"name\":\"add\",\"expect\":\"4\"}},"
                          "{\"tool_call\":{\"name\":\"subtract\"}}]");
    post(host, "/ask", "x");
    assert_finding(host, "script", "answered \"added up\", the script expects \"4\"");
    assert_finding(host, "script", "the run has no tool \"subtract\"");
    fixture_end(host);
}
END_TEST

START_TEST(a_parked_run_goes_on_with_the_next_request)
{
    struct koine_test_host *host = fixture_with("toolbox", (struct koine_test_options){.slots = 1});
    char path[128];
    koine_test_play(host, "[{\"tool_call\":{\"name\":\"client\",\"expect\":\"42\"}},"
                          "{\"text\":\"It is 42\"}]");
    struct koine_test_answer *call = post(host, "/functions", "x");
    snprintf(path, sizeof(path), "/functions/%s", koine_test_body(call));
    assert_text(koine_test_body(post(host, path, "42")), "It is 42");
    ck_assert_int_eq(koine_test_status(post(host, path, "42")), 410);
    fixture_end(host);
}
END_TEST

START_TEST(a_parked_run_that_nobody_adopts_is_ended)
{
    struct koine_test_host *host = fixture("toolbox");
    koine_test_play(host, "[{\"tool_call\":{\"name\":\"client\"}}]");
    post(host, "/functions", "x");
    ck_assert_ptr_null(koine_test_run_option(host, 0, "end"));
    koine_test_advance_ms(host, 300000);
    assert_text(koine_test_run_option(host, 0, "end.reason"), "timeout");
    fixture_end(host);
}
END_TEST

START_TEST(draining_ends_parked_runs_and_lets_others_finish)
{
    struct koine_test_host *host = fixture("toolbox");
    koine_test_play(host, "[{\"tool_call\":{\"name\":\"client\"}}]");
    koine_test_play(host, "[{\"pause_ms\":2000},{\"text\":\"late\"}]");
    post(host, "/functions", "x");
    struct koine_test_answer *open = koine_test_request(
        host, &(struct koine_test_request){.method = "POST", .path = "/ask", .body = "x"});
    koine_test_stop(host);
    assert_text(koine_test_run_option(host, 0, "end.reason"), "shutdown");
    assert_text(koine_test_body(open), "late");
    fixture_end(host);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        without_a_script_a_run_answers_its_prompt,
        a_script_says_the_result,
        an_object,
        runs_that_fail,
        a_run_that_is_refused,
        a_slot_is_held_until_the_result,
        sessions_belong_to_their_key,
        what_the_gateway_would_not_run_is_refused,
        a_stream_shows_every_event_in_order,
        silence_is_filled_in_virtual_time,
        a_client_that_does_not_read_pauses_the_run,
        a_client_that_reads_late_gets_the_whole_object,
        a_client_that_leaves_ends_the_run,
        a_hanging_run_ends_its_stream_with_the_deadline,
        the_model_uses_tools_of_the_run,
        a_result_that_the_script_does_not_expect,
        a_parked_run_goes_on_with_the_next_request,
        a_parked_run_that_nobody_adopts_is_ended,
        draining_ends_parked_runs_and_lets_others_finish,
    };
    return test_main("test host runs", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
