/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module in a test host: without network, CLI or waiting. KOINE_TEST_MODULE names another file
 * than the one in the current folder.
 */
#include <check.h>
#include <koine-test-host.h>
#include <stdlib.h>
#include <string.h>

static struct koine_test_host *host;

static const char *module_file(void) {
    const char *file = getenv("KOINE_TEST_MODULE");
    return file ? file : "./summarize.so";
}

static void start(const char *settings) {
    struct koine_test_error error;
    host = koine_test_host_create(
        &(struct koine_test_options){.module = module_file(), .settings = settings}, &error);
    ck_assert_msg(host != NULL, "%s", error.message);
}

/* Whatever the module did wrong meanwhile (a request it forgot, memory it kept) fails the test. */
static void stop(void) {
    ck_assert_uint_eq(koine_test_host_destroy(host), 0);
    host = NULL;
}

static const char *const as_events[] = {"Accept: text/event-stream", NULL};

static struct koine_test_answer *ask(const char *const *headers, const char *body) {
    struct koine_test_answer *answer = koine_test_request(
        host, &(struct koine_test_request){
                  .method = "POST", .path = "/summarize", .headers = headers, .body = body});
    koine_test_await(answer);
    return answer;
}

START_TEST(all_that_is_wrong_with_a_body_is_told_at_once)
{
    start(NULL);
    struct koine_test_answer *answer = ask(NULL, "{\"text\":\"\",\"maxWords\":1}");
    ck_assert_int_eq(koine_test_status(answer), 400);
    ck_assert_str_eq(koine_test_string(answer, "issues.0.path.0"), "text");
    ck_assert_str_eq(koine_test_string(answer, "issues.1.path.0"), "maxWords");
    ck_assert_uint_eq(koine_test_run_count(host), 0);
    stop();
}
END_TEST

START_TEST(a_run_that_is_refused)
{
    start(NULL);
    koine_test_play_always(
        host,
        "[{\"refuse\":{\"status\":429,\"code\":\"CONCURRENCY_LIMIT_ERROR\",\"message\":\"No\"}}]");
    struct koine_test_answer *answer = ask(as_events, "{\"text\":\"Long\"}");
    ck_assert_int_eq(koine_test_status(answer), 429);
    ck_assert_str_eq(koine_test_string(answer, "code"), "CONCURRENCY_LIMIT_ERROR");
    stop();
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_run)
{
    start(NULL);
    koine_test_play(host, "[{\"text\":\"Sh\"},{\"hang\":true}]");
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.method = "POST",
                                                              .path = "/summarize",
                                                              .headers = as_events,
                                                              .body = "{\"text\":\"Long\"}"});
    koine_test_advance_ms(host, 100);
    ck_assert(!koine_test_is_complete(answer));
    koine_test_client_leaves(answer);
    koine_test_advance_ms(host, 100);
    ck_assert_str_eq(koine_test_run_option(host, 0, "end.reason"), "client_left");
    stop();
}
END_TEST

START_TEST(a_failure_amid_a_stream)
{
    start(NULL);
    koine_test_play(host, "[{\"text\":\"Sh\"},{\"crash\":{\"exit_code\":3}}]");
    struct koine_test_answer *answer = ask(as_events, "{\"text\":\"Long\"}");
    ck_assert_ptr_nonnull(koine_test_event_data(answer, "error", 0));
    ck_assert_ptr_nonnull(koine_test_event_data(answer, "done", 0));
    stop();
}
END_TEST

START_TEST(the_run_has_the_operators_prompt_and_no_tools)
{
    start("{\"system\":\"Be brief.\"}");
    koine_test_play(host, "[{\"text\":\"Sh\"},{\"text\":\"ort\"}]");
    struct koine_test_answer *answer = ask(NULL, "{\"text\":\"Long\",\"maxWords\":7}");
    ck_assert_int_eq(koine_test_status(answer), 200);
    ck_assert_str_eq(koine_test_string(answer, "text"), "Short");
    ck_assert_str_eq(koine_test_run_option(host, 0, "prompt"), "Long");
    ck_assert_str_eq(koine_test_run_option(host, 0, "system"), "Be brief. Use at most 7 words.");
    ck_assert_ptr_nonnull(strstr(koine_test_run_option(host, 0, "policy"), "\"*\""));
    stop();
}
END_TEST

START_TEST(it_streams_to_who_asks_for_events)
{
    start(NULL);
    koine_test_play(host, "[{\"text\":\"Sh\"},{\"text\":\"ort\"}]");
    struct koine_test_answer *answer = ask(as_events, "{\"text\":\"Long\"}");
    ck_assert_str_eq(koine_test_header(answer, "Content-Type"), "text/event-stream");
    ck_assert_str_eq(koine_test_event_data(answer, "text", 0), "{\"text\":\"Sh\"}");
    ck_assert_str_eq(koine_test_event_data(answer, "text", 1), "{\"text\":\"ort\"}");
    ck_assert_ptr_nonnull(koine_test_event_data(answer, "done", 0));
    stop();
}
END_TEST

static void both_forms(struct koine_test_host *tested, void *data) {
    (void)data;
    koine_test_send(tested, "POST", "/summarize", "{\"text\":\"Long\",\"maxWords\":7}");
    koine_test_await(
        koine_test_request(tested, &(struct koine_test_request){.method = "POST",
                                                                .path = "/summarize",
                                                                .headers = as_events,
                                                                .body = "{\"text\":\"Long\"}"}));
}

START_TEST(it_survives_every_allocation_that_fails)
{
    const struct koine_test_options options = {.module = module_file()};
    ck_assert_uint_eq(koine_test_each_allocation(&options, both_forms, NULL, NULL), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("summarize");
    TCase *cases = tcase_create("summarize");
    tcase_add_test(cases, all_that_is_wrong_with_a_body_is_told_at_once);
    tcase_add_test(cases, a_run_that_is_refused);
    tcase_add_test(cases, a_client_that_leaves_ends_the_run);
    tcase_add_test(cases, a_failure_amid_a_stream);
    tcase_add_test(cases, the_run_has_the_operators_prompt_and_no_tools);
    tcase_add_test(cases, it_streams_to_who_asks_for_events);
    tcase_add_test(cases, it_survives_every_allocation_that_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
