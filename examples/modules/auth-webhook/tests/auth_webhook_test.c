/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module in a test host: without network, CLI or waiting. KOINE_TEST_MODULE names another file
 * than the one in the current folder.
 */
#include <check.h>
#include <koine-test-host.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct koine_test_host *host;

static const char *module_file(void) {
    const char *file = getenv("KOINE_TEST_MODULE");
    return file ? file : "./auth-webhook.so";
}

/* Whatever the module did wrong meanwhile (a request it forgot, memory it kept) fails the test. */
static void stop(void) {
    ck_assert_uint_eq(koine_test_host_destroy(host), 0);
    host = NULL;
}

/* printf %s '{"action":"opened"}' | openssl dgst -sha256 -hmac 'correct horse battery staple' */
static const char body[] = "{\"action\":\"opened\"}";
static const char *const signed_headers[] = {
    "X-Hub-Signature-256: "
    "sha256=ab3d75de9deec81ac24d15faf28fc4496942ffa50414efd39ad532510dc00b3f",
    NULL};
static const char *const forged_headers[] = {
    "X-Hub-Signature-256: "
    "sha256=0000000000000000000000000000000000000000000000000000000000000000",
    NULL};

static char secret[] = "/tmp/koine-auth-webhook-XXXXXX";

/* libcrypto makes tables when it is first used and keeps them to the end of the process: that is
 * not the module's memory. */
static void warm_up(void) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size;
    ck_assert_int_eq(RAND_bytes(bytes, 16), 1);
    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), bytes, 16, bytes, 16, bytes, &size));
}

static void make_secret(void) {
    static const char text[] = "correct horse battery staple\n";
    const int fd = mkstemp(secret); /* mode 0600 */
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
    warm_up();
}

static void remove_secret(void) {
    ck_assert_int_eq(unlink(secret), 0);
}

static const char *settings(const char *more) {
    static char text[512];
    snprintf(text, sizeof(text),
             "{\"hooks\":{\"issues\":{\"secret_file\":\"%s\",\"key\":\"builder\","
             "\"prompt\":\"Say what happened\"%s}}}",
             secret, more);
    return text;
}

static struct koine_test_options options(const char *more) {
    static const struct koine_test_key key = {.name = "builder", .secret = "nobody-sends-this-key"};
    return (struct koine_test_options){
        .module = module_file(), .settings = settings(more), .keys = &key, .key_count = 1};
}

static void start_hook(const char *more) {
    struct koine_test_error error;
    const struct koine_test_options started = options(more);
    host = koine_test_host_create(&started, &error);
    ck_assert_msg(host != NULL, "%s", error.message);
}

static struct koine_test_answer *post(struct koine_test_host *to, const char *path,
                                      const char *const *headers) {
    struct koine_test_answer *answer = koine_test_request(
        to, &(struct koine_test_request){
                .method = "POST", .path = path, .key = "", .headers = headers, .body = body});
    koine_test_await(answer);
    return answer;
}

START_TEST(a_secret_that_everybody_may_read)
{
    struct koine_test_error error;
    const struct koine_test_options started = options("");
    ck_assert_int_eq(chmod(secret, 0644), 0);
    host = koine_test_host_create(&started, &error);
    ck_assert_int_eq(chmod(secret, 0600), 0);
    ck_assert_ptr_null(host);
    ck_assert_msg(strstr(error.message, "everybody may read the secret"), "%s", error.message);
}
END_TEST

START_TEST(whom_it_does_not_believe)
{
    start_hook("");
    ck_assert_int_eq(koine_test_status(post(host, "/hooks/issues", NULL)), 401);
    ck_assert_int_eq(koine_test_status(post(host, "/hooks/issues", forged_headers)), 401);
    ck_assert_int_eq(koine_test_status(post(host, "/hooks/other", signed_headers)), 404);
    ck_assert_uint_eq(koine_test_run_count(host), 0);
    stop();
}
END_TEST

START_TEST(a_message_without_time_where_one_is_needed)
{
    start_hook(",\"max_age_s\":300");
    ck_assert_int_eq(koine_test_status(post(host, "/hooks/issues", signed_headers)), 401);
    stop();
}
END_TEST

START_TEST(a_message_acts_under_the_hooks_key)
{
    start_hook("");
    koine_test_play(host, "[{\"text\":\"Somebody opened something.\"}]");
    struct koine_test_answer *answer = post(host, "/hooks/issues", signed_headers);
    ck_assert_int_eq(koine_test_status(answer), 200);
    ck_assert_str_eq(koine_test_string(answer, "text"), "Somebody opened something.");
    ck_assert_str_eq(koine_test_run_option(host, 0, "key"), "builder");
    ck_assert_str_eq(koine_test_run_option(host, 0, "prompt"), body);
    ck_assert_str_eq(koine_test_run_option(host, 0, "system"), "Say what happened");
    ck_assert_ptr_nonnull(strstr(koine_test_run_option(host, 0, "policy"), "\"*\""));
    stop();
}
END_TEST

/* From the message on: jansson 2.14 writes beyond its memory when it lacks some amid a long string,
 * and the settings hold such. */
START_TEST(a_message_survives_every_allocation_that_fails)
{
    bool failed = true;
    for (long n = 1; failed; n++) {
        start_hook("");
        koine_test_fail_allocation(host, n);
        struct koine_test_answer *answer = post(host, "/hooks/issues", signed_headers);
        failed = koine_test_fail_allocation(host, 0);
        const int status = koine_test_status(answer);
        ck_assert_msg(status == 200 || (failed && status == 500), "allocation %ld: %d", n, status);
        koine_test_stop(host);
        if (status == 500) /* libcrypto may have failed, and then keeps a part of what it had */
            koine_test_expect(host, "memory-left");
        stop();
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("auth-webhook");
    TCase *cases = tcase_create("auth-webhook");
    tcase_add_unchecked_fixture(cases, make_secret, remove_secret);
    tcase_add_test(cases, a_secret_that_everybody_may_read);
    tcase_add_test(cases, whom_it_does_not_believe);
    tcase_add_test(cases, a_message_without_time_where_one_is_needed);
    tcase_add_test(cases, a_message_acts_under_the_hooks_key);
    tcase_add_test(cases, a_message_survives_every_allocation_that_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
