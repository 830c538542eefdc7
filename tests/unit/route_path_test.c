/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of routes: what may stand there, how two compare, and which of two routes answers. */
#include "http/router.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(what_a_path_may_be)
{
    static const char *const good[] = {"/",        "/a",  "/v1/models/{model}",
                                       "/{a}/{b}", "/a/", "/\xc3\xa9"};
    static const char *const bad[] = {"",    "a",   "/a?b", "/a b",      "/a%20", "/a{b}",
                                      "/{a", "/\"", NULL,   "/a\x1b[2J", "/\x7f", "/\xff"};
    ck_assert_ptr_null(route_path_problem("/a"));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(!route_path_problem(good[i]), "%s: %s", good[i], route_path_problem(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(route_path_problem(bad[i]) != NULL, "'%s' is let", bad[i] ? bad[i] : "NULL");
    ck_assert_ptr_nonnull(route_path_problem("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"));
    ck_assert_ptr_nonnull(route_method_problem("get"));
    ck_assert_ptr_nonnull(route_method_problem("HEAD"));
    ck_assert_ptr_null(route_method_problem("PATCH"));
}
END_TEST

static const struct {
    const char *a, *b;
    bool same, same_params;
} pairs[] = {
    {"/a", "/a", true, true},
    {"/a", "/b", false, true},
    {"/v1/{a}", "/v1/{b}", true, false},
    {"/v1/{a}", "/v2/{a}", false, true},
    {"/{a}/{b}", "/{b}/{a}", true, true},
    {"/{a}/x", "/x/{a}", false, true},
    {"/{a}", "/{a}/", false, true},
    {"/{a}/{a}", "/{a}", false, false},
};

START_TEST(two_paths)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *a = pairs[i].a, *b = pairs[i].b;
        ck_assert_msg(route_path_same(a, b) == pairs[i].same, "%s %s", a, b);
        ck_assert_msg(route_path_same(b, a) == pairs[i].same, "%s %s", b, a);
        ck_assert_msg(route_path_same_params(a, b) == pairs[i].same_params, "%s %s", a, b);
        ck_assert_msg(route_path_same_params(b, a) == pairs[i].same_params, "%s %s", b, a);
    }
}
END_TEST

static void handler(void *self, koine_request request) {
    (void)self;
    (void)request;
}

/* The path of the route that answers GET `path`, whatever the order in which they were added. */
static void assert_match(const char *path, const char *expected) {
    static const char *const paths[] = {"/{a}/{b}", "/x/{b}", "/{a}/x", "/x/x", "/{a}", "/x"};
    enum { COUNT = sizeof paths / sizeof *paths };
    for (size_t first = 0; first < COUNT; first++) {
        struct router *router = router_create();
        ck_assert_ptr_nonnull(router);
        for (size_t i = 0; i < COUNT; i++) {
            const char *added = paths[(first + i) % COUNT];
            struct route route = {.as = {.method = "GET", .path = added, .handler = handler},
                                  .given_path = added};
            ck_assert_ptr_null(router_taken(router, &route.as));
            ck_assert_int_eq(router_add(router, &route), KOINE_OK);
            ck_assert_ptr_nonnull(router_taken(router, &route.as));
        }
        struct route_match match;
        const struct route_request request = {.method = KOINE_TEXT("GET"),
                                              .path = {path, strlen(path)}};
        router_match(router, &request, &match);
        ck_assert_ptr_nonnull(match.route);
        ck_assert_str_eq(match.route->as.path, expected);
        router_destroy(router);
    }
}

START_TEST(the_first_fixed_segment_decides)
{
    assert_match("/x", "/x");
    assert_match("/y", "/{a}");
    assert_match("/x/x", "/x/x");
    assert_match("/x/y", "/x/{b}");
    assert_match("/y/x", "/{a}/x");
    assert_match("/y/y", "/{a}/{b}");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("route_path");
    TCase *tcase = tcase_create("route_path");
    tcase_add_test(tcase, what_a_path_may_be);
    tcase_add_test(tcase, two_paths);
    tcase_add_test(tcase, the_first_fixed_segment_decides);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
