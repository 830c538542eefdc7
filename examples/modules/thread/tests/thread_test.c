/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module in a test host: without network, CLI or waiting. KOINE_TEST_MODULE names another file
 * than the one in the current folder.
 */
#include <check.h>
#include <fcntl.h>
#include <koine-test-host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct koine_test_host *host;

static const char *module_file(void) {
    const char *file = getenv("KOINE_TEST_MODULE");
    return file ? file : "./thread.so";
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

/* A directory with a poem in it, and a file outside. */
static char directory[] = "/tmp/koine-thread-XXXXXX";

static void write_file(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_directory(void) {
    char served[128];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(served, sizeof(served), "%s/served", directory);
    ck_assert_int_eq(mkdir(served, 0755), 0);
    write_file("secret", "not for clients");
    write_file("served/poem", "Roses are red,\nviolets are blue\n");
}

static void remove_directory(void) {
    static const char *const names[] = {"served/poem", "secret", "served", ""};
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        ck_assert_int_eq(remove(path), 0);
    }
}

static const char *settings(const char *more) {
    static char text[256];
    snprintf(text, sizeof(text), "{\"directory\":\"%s/served\"%s}", directory, more);
    return text;
}

START_TEST(a_directory_that_is_not_there)
{
    struct koine_test_error error;
    host = koine_test_host_create(
        &(struct koine_test_options){.module = module_file(),
                                     .settings = "{\"directory\":\"/nowhere/at/all\"}"},
        &error);
    ck_assert_ptr_null(host);
    ck_assert_msg(strstr(error.message, "/nowhere/at/all: No such file"), "%s", error.message);
}
END_TEST

START_TEST(nothing_outside_of_the_directory_is_opened)
{
    static const char *const paths[] = {"/count?file=../secret", "/count?file=%2e%2e%2Fsecret",
                                        "/count?file=/etc/passwd", "/count?file=missing",
                                        "/count?file=."};
    start(settings(""));
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        struct koine_test_answer *answer = koine_test_send(host, "GET", paths[i], NULL);
        ck_assert_msg(koine_test_status(answer) == 404, "%s: %d", paths[i],
                      koine_test_status(answer));
    }
    stop();
}
END_TEST

START_TEST(a_full_queue)
{
    start(settings(",\"threads\":1,\"queue\":0"));
    struct koine_test_request request = {.path = "/count?file=poem"};
    struct koine_test_answer *first = koine_test_request(host, &request);
    struct koine_test_answer *second = koine_test_request(host, &request);
    /* The first answer is posted; until the loop turns its thread counts as busy. */
    koine_test_await(first);
    koine_test_await(second);
    ck_assert_int_eq(koine_test_status(first), 200);
    if (koine_test_status(second) == 503)
        ck_assert_str_eq(koine_test_header(second, "Retry-After"), "2");
    else
        ck_assert_int_eq(koine_test_status(second), 200);
    stop();
}
END_TEST

START_TEST(a_client_that_leaves)
{
    start(settings(""));
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.path = "/count?file=poem"});
    koine_test_client_leaves(answer);
    ck_assert(koine_test_await_posts(host, 1, 5000));
    double jobs = -1;
    ck_assert(koine_test_metric(host, "koine_thread_jobs", &jobs));
    ck_assert_double_eq(jobs, 0);
    stop();
}
END_TEST

START_TEST(the_end_of_the_gateway_waits_for_a_job)
{
    start(settings(""));
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.path = "/count?file=poem"});
    koine_test_stop(host);
    ck_assert_int_eq(koine_test_status(answer), 200);
    stop();
}
END_TEST

START_TEST(it_counts)
{
    start(settings(""));
    struct koine_test_answer *answer = koine_test_send(host, "GET", "/count?file=poem", NULL);
    ck_assert_int_eq(koine_test_status(answer), 200);
    ck_assert_str_eq(koine_test_json(answer, ""), "{\"lines\":2,\"words\":6,\"bytes\":32}");
    stop();
}
END_TEST

static void one_request(struct koine_test_host *tested, void *data) {
    (void)data;
    koine_test_send(tested, "GET", "/count?file=poem", NULL);
}

START_TEST(it_survives_every_allocation_that_fails)
{
    const struct koine_test_options options = {.module = module_file(),
                                               .settings = settings(",\"threads\":1")};
    ck_assert_uint_eq(koine_test_each_allocation(&options, one_request, NULL, NULL), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("thread");
    TCase *cases = tcase_create("thread");
    tcase_add_unchecked_fixture(cases, make_directory, remove_directory);
    tcase_add_test(cases, a_directory_that_is_not_there);
    tcase_add_test(cases, nothing_outside_of_the_directory_is_opened);
    tcase_add_test(cases, a_full_queue);
    tcase_add_test(cases, a_client_that_leaves);
    tcase_add_test(cases, the_end_of_the_gateway_waits_for_a_job);
    tcase_add_test(cases, it_counts);
    tcase_add_test(cases, it_survives_every_allocation_that_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
