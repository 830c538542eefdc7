/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module in a test host: without network, CLI or waiting. KOINE_TEST_MODULE names another file
 * than the one in the current folder.
 */
#include <check.h>
#include <koine-test-host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct koine_test_host *host;

static const char *module_file(void) {
    const char *file = getenv("KOINE_TEST_MODULE");
    return file ? file : "./clock.so";
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

/* The stream of a client that goes on for ever unless the test ends it. */
static struct koine_test_answer *subscribe(const char *path, size_t stops_reading_after) {
    return koine_test_request(
        host, &(struct koine_test_request){
                  .path = path, .key = "", .stops_reading_after = stops_reading_after});
}

static double metric(const char *series) {
    double value = -1;
    ck_assert_msg(koine_test_metric(host, series, &value), "there is no %s", series);
    return value;
}

START_TEST(a_time_between_ticks_that_cannot_be)
{
    start(NULL);
    struct koine_test_answer *answer = koine_test_send(host, "GET", "/clock?every_ms=9", NULL);
    ck_assert_int_eq(koine_test_status(answer), 400);
    ck_assert_str_eq(koine_test_string(answer, "issues.0.path.0"), "every_ms");
    ck_assert_double_eq(metric("koine_clock_subscribers"), 0);
    stop();
}
END_TEST

START_TEST(clients_that_leave_are_forgotten)
{
    start(NULL);
    struct koine_test_answer *first = subscribe("/clock", 0), *second = subscribe("/clock", 0);
    struct koine_test_answer *third = subscribe("/clock", 0);
    koine_test_client_leaves(second);
    ck_assert_double_eq(metric("koine_clock_subscribers"), 2);
    koine_test_advance_ms(host, 1000);
    koine_test_client_leaves(third);
    koine_test_client_leaves(first);
    koine_test_advance_ms(host, 10000);
    ck_assert_double_eq(metric("koine_clock_subscribers"), 0);
    ck_assert_double_eq(metric("koine_clock_ticks_total"), 5); /* three, and two a second later */
    stop();
}
END_TEST

START_TEST(a_client_that_does_not_read_misses_ticks)
{
    start(NULL);
    struct koine_test_answer *slow = subscribe("/clock?every_ms=10", 1);
    struct koine_test_answer *other = subscribe("/clock?every_ms=10000", 0);
    koine_test_advance_ms(host, 60 * 1000);
    const double ticks = metric("koine_clock_ticks_total");
    const double skipped = metric("koine_clock_skipped_total");
    ck_assert_double_gt(skipped, 1000);
    ck_assert_double_eq(ticks + skipped, 6001 + 7);
    ck_assert_uint_eq(koine_test_event_count(other), 7);
    koine_test_client_reads(slow);
    koine_test_advance_ms(host, 10);
    const size_t count = koine_test_event_count(slow);
    char missed[64];
    snprintf(missed, sizeof(missed), "\"missed\":%.0f}", skipped);
    const char *last = koine_test_event(slow, count - 1)->data;
    ck_assert_msg(strstr(last, missed), "expected %s, got %s", missed, last);
    stop();
}
END_TEST

START_TEST(the_end_of_the_gateway_ends_the_streams)
{
    start(NULL);
    struct koine_test_answer *first = subscribe("/clock", 0), *second = subscribe("/clock", 0);
    koine_test_stop(host);
    ck_assert_str_eq(koine_test_event_data(first, "end", 0), "{\"reason\":\"shutdown\"}");
    ck_assert_int_eq(koine_test_how(first), 0); /* KOINE_END_ANSWERED */
    ck_assert_int_eq(koine_test_how(second), 0);
    stop();
}
END_TEST

START_TEST(each_client_has_its_own_pace)
{
    start("{\"default_every_ms\":500}");
    struct koine_test_answer *fast = subscribe("/clock?every_ms=100", 0);
    struct koine_test_answer *normal = subscribe("/clock", 0);
    koine_test_advance_ms(host, 1000);
    ck_assert_uint_eq(koine_test_event_count(fast), 11);
    ck_assert_uint_eq(koine_test_event_count(normal), 3);
    ck_assert_str_eq(koine_test_event(fast, 0)->name, "tick");
    stop();
}
END_TEST

static void two_clients(struct koine_test_host *tested, void *data) {
    (void)data;
    for (int i = 0; i < 2; i++)
        koine_test_request(tested, &(struct koine_test_request){.path = "/clock?every_ms=100"});
    koine_test_advance_ms(tested, 300);
}

START_TEST(it_survives_every_allocation_that_fails)
{
    const struct koine_test_options options = {.module = module_file()};
    ck_assert_uint_eq(koine_test_each_allocation(&options, two_clients, NULL, NULL), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("clock");
    TCase *cases = tcase_create("clock");
    tcase_add_test(cases, a_time_between_ticks_that_cannot_be);
    tcase_add_test(cases, clients_that_leave_are_forgotten);
    tcase_add_test(cases, a_client_that_does_not_read_misses_ticks);
    tcase_add_test(cases, the_end_of_the_gateway_ends_the_streams);
    tcase_add_test(cases, each_client_has_its_own_pace);
    tcase_add_test(cases, it_survives_every_allocation_that_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
