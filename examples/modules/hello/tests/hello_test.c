/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module in a test host: without network, CLI or waiting. KOINE_TEST_MODULE names another file
 * than the one in the current folder.
 */
#include <check.h>
#include <koine-test-host.h>
#include <stdlib.h>

static struct koine_test_host *host;

static const char *module_file(void) {
    const char *file = getenv("KOINE_TEST_MODULE");
    return file ? file : "./hello.so";
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

START_TEST(it_greets)
{
    start(NULL);
    struct koine_test_answer *answer =
        koine_test_send(host, "POST", "/hello", "{\"name\":\"Ada\"}");
    ck_assert_int_eq(koine_test_status(answer), 200);
    ck_assert_str_eq(koine_test_string(answer, "greeting"), "Hello, Ada.");
    stop();
}
END_TEST

START_TEST(the_operator_chooses_the_words)
{
    start("{\"greeting\":\"Good day\"}");
    struct koine_test_answer *answer =
        koine_test_send(host, "POST", "/hello", "{\"name\":\"Ada\",\"excited\":true}");
    ck_assert_str_eq(koine_test_string(answer, "greeting"), "Good day, Ada!");
    stop();
}
END_TEST

START_TEST(all_that_is_wrong_with_a_body_is_told_at_once)
{
    start(NULL);
    struct koine_test_answer *answer =
        koine_test_send(host, "POST", "/hello", "{\"name\":\"\",\"excited\":\"very\"}");
    ck_assert_int_eq(koine_test_status(answer), 400);
    ck_assert_str_eq(koine_test_string(answer, "code"), "VALIDATION_ERROR");
    ck_assert_str_eq(koine_test_string(answer, "issues.0.path.0"), "name");
    ck_assert_str_eq(koine_test_string(answer, "issues.1.path.0"), "excited");
    stop();
}
END_TEST

static void one_request(struct koine_test_host *tested, void *data) {
    (void)data;
    koine_test_send(tested, "POST", "/hello", "{\"name\":\"Ada\"}");
}

START_TEST(it_survives_every_allocation_that_fails)
{
    const struct koine_test_options options = {.module = module_file()};
    ck_assert_uint_eq(koine_test_each_allocation(&options, one_request, NULL, NULL), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("hello");
    TCase *cases = tcase_create("hello");
    tcase_add_test(cases, it_greets);
    tcase_add_test(cases, the_operator_chooses_the_words);
    tcase_add_test(cases, all_that_is_wrong_with_a_body_is_told_at_once);
    tcase_add_test(cases, it_survives_every_allocation_that_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
