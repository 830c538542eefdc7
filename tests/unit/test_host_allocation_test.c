/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail on demand: each one that a module makes, in a scenario of the test. */
#include "test_host_fixture.h"

static size_t each(const char *name, void (*scenario)(struct koine_test_host *host, void *data),
                   void *data, size_t *rounds) {
    char *path = fixture_path(name);
    const struct koine_test_options options = {.module = path};
    size_t findings = koine_test_each_allocation(&options, scenario, data, rounds);
    free(path);
    return findings;
}

/* Whatever fails, the client is told in due form, or cut where there is no memory to tell it. 400:
 * jansson takes some failures of its own for bad syntax. */
static void ask_for_text(struct koine_test_host *host, void *data) {
    size_t *answered = data;
    struct koine_test_answer *answer =
        koine_test_send(host, "POST", "/generate-text", "{\"prompt\":\"hello\"}");
    int status = koine_test_status(answer);
    ck_assert_msg(status == 200 || status == 400 || status == 500 || status == 0, "%d %s", status,
                  koine_test_body(answer));
    *answered += status == 200;
}

START_TEST(the_stock_module_survives_each_one)
{
    size_t rounds = 0, answered = 0;
    ck_assert_uint_eq(each("text", ask_for_text, &answered, &rounds), 0);
    ck_assert_uint_ge(answered, 1);
    ck_assert_uint_ge(rounds, koine_test_watches_memory() ? 20 : 5);
}
END_TEST

/* ticker gives up without an answer when http->alloc fails, and loses its timer when on_end does.
 */
static void ask_for_ticks(struct koine_test_host *host, void *data) {
    size_t *missing = data;
    koine_test_send(host, "GET", "/ticker", NULL);
    koine_test_stop(host);
    while (koine_test_expect(host, "GET /ticker") || koine_test_expect(host, "timer-left"))
        ++*missing;
}

START_TEST(a_module_that_forgets_its_request_then_is_found_out)
{
    size_t rounds = 0, missing = 0;
    ck_assert_uint_eq(each("ticker", ask_for_ticks, &missing, &rounds), 0);
    ck_assert_uint_ge(missing, 3); /* alloc, stream_begin, on_end */
    ck_assert_uint_ge(rounds, missing);
}
END_TEST

static void leak(struct koine_test_host *host, void *data) {
    (void)data;
    koine_test_send(host, "GET", "/leaks", NULL);
}

START_TEST(findings_of_all_rounds_are_counted)
{
    size_t rounds = 0;
    if (!koine_test_watches_memory())
        return; /* a sanitizer finds it by itself, and would end this test */
    ck_assert_uint_ge(each("misbehaving", leak, NULL, &rounds), 2);
    ck_assert_uint_ge(rounds, 2);
}
END_TEST

START_TEST(one_allocation_of_a_request)
{
    struct koine_test_host *host = fixture("text");
    koine_test_fail_allocation(host, 1);
    struct koine_test_answer *answer =
        koine_test_send(host, "POST", "/generate-text", "{\"prompt\":\"hello\"}");
    ck_assert_int_eq(koine_test_status(answer), 500);
    ck_assert(koine_test_fail_allocation(host, 0));
    ck_assert(!koine_test_fail_allocation(host, 0));
    answer = koine_test_send(host, "POST", "/generate-text", "{\"prompt\":\"hello\"}");
    ck_assert_int_eq(koine_test_status(answer), 200);
    fixture_end(host);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_stock_module_survives_each_one,
        a_module_that_forgets_its_request_then_is_found_out,
        findings_of_all_rounds_are_counted,
        one_allocation_of_a_request,
    };
    return test_main("test host allocation", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
