/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in the test host: keys, dialects, limits, threads, timers, and what a test can ask. */
#include "test_host_fixture.h"

static struct koine_test_answer *echo(struct koine_test_host *host, const char *key,
                                      const char *header) {
    const char *const headers[] = {header, NULL};
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.method = "POST",
                                                              .path = "/v1/echo/a%20b%2Fc",
                                                              .body = "hi",
                                                              .key = key,
                                                              .headers = header ? headers : NULL});
    koine_test_await(answer);
    return answer;
}

/* ---- keys and refusals */

START_TEST(keys_in_both_places)
{
    struct koine_test_host *host = fixture("dialect");
    ck_assert_int_eq(koine_test_status(echo(host, NULL, NULL)), 200);
    ck_assert_int_eq(koine_test_status(echo(host, "", "x-api-key: " KOINE_TEST_KEY)), 200);
    ck_assert_int_eq(koine_test_status(echo(host, "", "authorization: bearer  " KOINE_TEST_KEY)),
                     200);
    ck_assert_int_eq(koine_test_status(echo(host, "", "Authorization: Basic x")), 401);
    ck_assert_int_eq(koine_test_status(echo(host, "wrong", NULL)), 403);
    fixture_end(host);
}
END_TEST

START_TEST(refusals_below_the_prefix_speak_the_dialect)
{
    static const char dialect[] = "{\"type\":\"error\",\"error\":{\"type\":\"NOT_FOUND\"}}";
    struct koine_test_host *host =
        fixture_with("dialect", (struct koine_test_options){.max_body_bytes = 10});
    struct koine_test_answer *below = koine_test_send(host, "GET", "/v1/nothing", NULL);
    ck_assert_int_eq(koine_test_status(below), 404);
    assert_text(koine_test_body(below), dialect);
    struct koine_test_answer *elsewhere = koine_test_send(host, "GET", "/v2/nothing", NULL);
    assert_text(koine_test_string(elsewhere, "code"), "NOT_FOUND");
    struct koine_test_answer *method = koine_test_send(host, "GET", "/v1/echo/a", NULL);
    ck_assert_int_eq(koine_test_status(method), 405);
    assert_text(koine_test_header(method, "Allow"), "POST");
    struct koine_test_answer *large = koine_test_send(host, "POST", "/v1/echo/a", "0123456789a");
    ck_assert_int_eq(koine_test_status(large), 413);
    assert_text(koine_test_string(large, "error.type"), "PAYLOAD_TOO_LARGE");
    fixture_end(host);
}
END_TEST

START_TEST(a_key_with_few_rights)
{
    static const char *const routes[] = {"/ask", NULL}, *const rules[] = {"Read", NULL};
    static const struct koine_test_key keys[] = {
        {.name = "few", .secret = "s", .routes = routes, .allowed = rules}};
    struct koine_test_host *host =
        fixture_with("toolbox", (struct koine_test_options){.keys = keys, .key_count = 1});
    ck_assert_int_eq(koine_test_status(koine_test_send(host, "POST", "/functions", "x")), 403);
    koine_test_play(host, "[{\"tool_call\":{\"name\":\"add\"}},{\"text\":\"done\"}]");
    ck_assert_int_eq(koine_test_status(koine_test_send(host, "POST", "/ask", "x")), 200);
    assert_text(koine_test_run_option(host, 0, "policy.allowed"), "[\"Read\"]");
    /* What is offered to every run must be let through by the policy. */
    koine_test_play(host, "[{\"tool_call\":{\"name\":\"shout\"}},{\"text\":\"done\"}]");
    koine_test_send(host, "POST", "/ask", "x");
    assert_finding(host, "script", "the run has no tool \"shout\"");
    fixture_end(host);
}
END_TEST

/* ---- loading */

static void assert_refused(const char *module, const char *settings, const char *part) {
    struct koine_test_error error = {""};
    char *path = fixture_path(module);
    ck_assert_ptr_null(koine_test_host_create(
        &(struct koine_test_options){.module = path, .settings = settings}, &error));
    ck_assert_msg(strstr(error.message, part) != NULL, "\"%s\" does not hold \"%s\"", error.message,
                  part);
    free(path);
}

START_TEST(modules_that_the_gateway_would_refuse)
{
    assert_refused("/nowhere/module.so", NULL, "/nowhere/module.so: No such file");
    assert_refused("dialect", "{\"greeting\":5}", "settings of dialect: greeting");
    assert_refused("dialect", "{\"unknown\":1}", "unknown");
    assert_refused("dialect", "[]", "settings: must be a JSON object");
    assert_refused("misbehaving", "{\"mistake\":\"fail\"}", "init failed (-2): asked to fail");
    setenv("KOINE_TEST_REFUSE", "start", 1); /* whose timer and post would abort */
    assert_refused("refused", NULL, "start failed (-2): no licence");
    setenv("KOINE_TEST_REFUSE", "tool-call", 1);
    assert_refused("refused", NULL, "koine.tools/1: tool 1 (bad): its call is missing");
    setenv("KOINE_TEST_REFUSE", "openapi", 1);
    assert_refused("refused", NULL, "koine.openapi/1 says that it has 4 bytes");
    unsetenv("KOINE_TEST_REFUSE");
}
END_TEST

START_TEST(a_route_of_another_module)
{
    static const char *const taken[] = {"POST /ask", NULL};
    struct koine_test_error error;
    char *path = fixture_path("toolbox");
    ck_assert_ptr_null(koine_test_host_create(
        &(struct koine_test_options){.module = path, .taken = taken}, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "init failed"));
    free(path);
}
END_TEST

START_TEST(what_a_module_is)
{
    struct koine_test_host *host = fixture("toolbox");
    assert_text(koine_test_module_name(host), "toolbox");
    assert_text(koine_test_route(host, 0), "POST /ask");
    assert_text(koine_test_route(host, 2), "POST /functions/{run}/{call}");
    ck_assert_ptr_null(koine_test_route(host, 3));
    ck_assert_ptr_null(koine_test_openapi(host));
    fixture_end(host);
    host = fixture("stream-object");
    ck_assert_ptr_nonnull(strstr(koine_test_openapi(host), "/stream-object"));
    ck_assert_ptr_nonnull(strstr(koine_test_config_schema(host), "\"type\""));
    fixture_end(host);
}
END_TEST

/* ---- time and threads */

START_TEST(timers_run_in_virtual_time)
{
    struct koine_test_host *host = fixture("ticker");
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.path = "/ticker"});
    double ticks;
    ck_assert_uint_eq(koine_test_event_count(answer), 1);
    koine_test_advance_ms(host, 24);
    ck_assert_uint_eq(koine_test_event_count(answer), 5);
    ck_assert_uint_eq(koine_test_piece(answer, 4)->at_ms, 20);
    koine_test_await(answer);
    ck_assert_uint_eq(koine_test_event_count(answer), 10);
    assert_text(koine_test_event_data(answer, "tick", 9), "10");
    ck_assert_uint_eq(koine_test_now_ms(host), 45);
    ck_assert(koine_test_metric(host, "koine_ticker_ticks_total", &ticks));
    ck_assert_double_eq(ticks, 10);
    ck_assert(!koine_test_metric(host, "koine_ticker_ticks", &ticks));
    fixture_end(host);
}
END_TEST

START_TEST(a_thread_answers_through_post)
{
    struct koine_test_host *host = fixture("ticker");
    struct koine_test_answer *answer = koine_test_send(host, "GET", "/slow", NULL);
    assert_text(koine_test_string(answer, "from"), "thread");
    ck_assert_uint_lt(koine_test_now_ms(host), 600000);
    fixture_end(host);
}
END_TEST

START_TEST(an_answer_after_the_client_left_is_harmless)
{
    struct koine_test_host *host = fixture("ticker");
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.path = "/late"});
    koine_test_client_leaves(answer);
    ck_assert(koine_test_await_posts(host, 1, 10000));
    ck_assert(koine_test_logged(host, "info: the late answer found its request gone"));
    ck_assert(!koine_test_await_posts(host, 1, 10));
    fixture_end(host);
}
END_TEST

START_TEST(a_module_moves_its_deadline)
{
    struct koine_test_host *host = fixture("services");
    ck_assert_int_eq(koine_test_status(koine_test_send(host, "GET", "/deadline", NULL)), 504);
    ck_assert_uint_eq(koine_test_now_ms(host), 50);
    assert_finding(host, "not-answered", "GET /deadline");
    fixture_end(host);
}
END_TEST

START_TEST(a_head_request_has_no_body)
{
    struct koine_test_host *host = fixture("ticker");
    struct koine_test_answer *answer = koine_test_send(host, "HEAD", "/slow", NULL);
    ck_assert_int_eq(koine_test_status(answer), 200);
    ck_assert_uint_eq(koine_test_body_size(answer), 0);
    fixture_end(host);
}
END_TEST

/* ---- the trace */

START_TEST(every_call_is_traced)
{
    char *text = NULL;
    size_t size = 0;
    FILE *trace = open_memstream(&text, &size);
    struct koine_test_host *host =
        fixture_with("text", (struct koine_test_options){.trace = trace});
    koine_test_send(host, "POST", "/generate-text", "{\"prompt\":\"x\"}");
    fixture_end(host);
    fclose(trace);
    const char *at = text;
    static const char *const lines[] = {" koine_module.create\n",
                                        "http->route = OK\n",
                                        " the handler of POST /generate-text\n",
                                        "runner->start = OK\n",
                                        " the run's event RESULT\n",
                                        "http->respond = OK\n",
                                        " the run's event END\n",
                                        " koine_module.destroy\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        at = strstr(at, lines[i]);
        ck_assert_msg(at != NULL, "\"%s\" is not in its place in:\n%s", lines[i], text);
    }
    free(text);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        keys_in_both_places,
        refusals_below_the_prefix_speak_the_dialect,
        a_key_with_few_rights,
        modules_that_the_gateway_would_refuse,
        a_route_of_another_module,
        what_a_module_is,
        timers_run_in_virtual_time,
        a_thread_answers_through_post,
        an_answer_after_the_client_left_is_harmless,
        a_module_moves_its_deadline,
        a_head_request_has_no_body,
        every_call_is_traced,
    };
    return test_main("test host requests", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
