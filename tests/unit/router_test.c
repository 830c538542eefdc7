/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several routes speaks for a request that carries headers. How paths compare is
 * route_path_test.c. */
#include "http/router.h"
#include "support/test_main.h"
#include <string.h>
#include <strings.h>

static struct router *router;
static const char *carried; /* by the requests: one header, or NULL */
static unsigned looked_up;

static void setup(void) {
    router = router_create();
    ck_assert_ptr_nonnull(router);
    carried = NULL;
    looked_up = 0;
}

static void teardown(void) {
    router_destroy(router);
}

static void handler(void *self, koine_request request) {
    (void)self;
    (void)request;
}

static bool carries(const void *data, const char *header) {
    ck_assert_ptr_eq(data, &carried);
    looked_up++;
    return carried && strcasecmp(carried, header) == 0;
}

static struct route_request request_of(const char *method, const char *path) {
    return (struct route_request){
        {method, strlen(method)}, {path, strlen(path)}, carries, &carried};
}

/* `prefix` may be NULL. */
static void add(const char *method, const char *path, const char *header, const char *prefix) {
    const struct route route = {.as = {.method = method,
                                       .path = path,
                                       .handler = handler,
                                       .header = header,
                                       .failure_prefix = prefix},
                                .given_path = path};
    ck_assert_ptr_null(router_problem(&route.as));
    ck_assert_ptr_null(router_taken(router, &route.as));
    ck_assert_int_eq(router_add(router, &route), KOINE_OK);
}

static const char *name_of(const struct route *route) {
    static struct route_name name;
    return route ? route_name(&route->as, &name) : "none";
}

static void assert_matches(const char *method, const char *path, const char *expected) {
    const struct route_request request = request_of(method, path);
    struct route_match match;
    router_match(router, &request, &match);
    ck_assert_str_eq(name_of(match.route), expected);
}

/* Who speaks for 405, and what it allows. */
static void assert_refuses(const char *method, const char *path, const char *expected,
                           const char *allowed) {
    const struct route_request request = request_of(method, path);
    struct route_match match;
    char allow[128];
    router_match(router, &request, &match);
    ck_assert_ptr_null(match.route);
    ck_assert_str_eq(name_of(match.same_path), expected);
    router_allow(router, &request, allow, sizeof(allow));
    ck_assert_str_eq(allow, allowed);
}

static void assert_speaks(const char *path, const char *expected) {
    const struct route_request request = request_of("GET", path);
    ck_assert_str_eq(name_of(router_failure_route(router, &request)), expected);
}

START_TEST(a_route_with_a_header_comes_first)
{
    add("GET", "/a/{x}", NULL, NULL);
    add("GET", "/a/{y}", "Version", NULL);
    add("GET", "/a/{z}", "Other", NULL);
    add("GET", "/a/b", NULL, NULL);
    assert_matches("GET", "/a/c", "GET /a/{x}");
    carried = "VERSION";
    assert_matches("GET", "/a/c", "GET /a/{y} (with Version)");
    assert_matches("HEAD", "/a/c", "GET /a/{y} (with Version)");
    assert_matches("GET", "/a/b", "GET /a/b");
    carried = "other";
    assert_matches("GET", "/a/c", "GET /a/{z} (with Other)");
}
END_TEST

START_TEST(parameters_are_those_of_the_route_that_matches)
{
    add("GET", "/{a}/{b}", "Version", NULL);
    add("GET", "/{a}/x", NULL, NULL);
    const struct route_request request = request_of("GET", "/one/x");
    struct route_match match;
    router_match(router, &request, &match);
    ck_assert_str_eq(name_of(match.route), "GET /{a}/x");
    ck_assert_uint_eq(match.param_count, 1);
    ck_assert_uint_eq(match.params[0].size, 3);
}
END_TEST

START_TEST(refusals_know_of_no_route_whose_header_is_missing)
{
    add("GET", "/a", NULL, NULL);
    add("GET", "/a", "Version", NULL);
    add("PUT", "/a", "Version", NULL);
    add("DELETE", "/a", "Other", NULL);
    add("POST", "/b", "Version", NULL);
    assert_refuses("POST", "/a", "GET /a", "GET, HEAD");
    assert_refuses("PUT", "/b", "none", "");
    carried = "version";
    assert_refuses("POST", "/b/c", "none", "");
    assert_refuses("PUT", "/b", "POST /b (with Version)", "POST");
    const struct route_request request = request_of("POST", "/a");
    struct route_match match;
    router_match(router, &request, &match);
    ck_assert_str_eq(match.same_path->as.header, "Version");
}
END_TEST

START_TEST(the_longest_prefix_speaks_and_then_the_one_with_a_header)
{
    add("GET", "/v1/a", NULL, "/v1/");
    add("GET", "/v1/b", "Version", "/v1/");
    add("GET", "/v1/c", "Other", "/v1/");
    add("GET", "/v1/long/d", NULL, "/v1/long/");
    assert_speaks("/v1/x", "GET /v1/a");
    assert_speaks("/v2/x", "none");
    carried = "version";
    assert_speaks("/v1/x", "GET /v1/b (with Version)");
    assert_speaks("/v1/long/x", "GET /v1/long/d");
    assert_speaks("/v1", "none");
}
END_TEST

START_TEST(a_header_makes_another_route)
{
    const struct koine_route same = {.method = "GET", .path = "/{b}", .header = "VERSION"};
    const struct koine_route other = {.method = "GET", .path = "/{b}", .header = "Other"};
    add("GET", "/{a}", "version", NULL);
    ck_assert_str_eq(name_of(router_taken(router, &same)), "GET /{a} (with version)");
    ck_assert_ptr_null(router_taken(router, &other));
    ck_assert_ptr_null(
        router_taken(router, &(struct koine_route){.method = "GET", .path = "/{b}"}));
}
END_TEST

START_TEST(what_no_route_asks_for_is_not_looked_up)
{
    add("GET", "/a", NULL, "/a");
    add("GET", "/b", "Version", "/b");
    carried = "Version";
    assert_matches("GET", "/a", "GET /a");
    assert_refuses("PUT", "/a", "GET /a", "GET, HEAD");
    assert_speaks("/a/c", "GET /a");
    ck_assert_uint_eq(looked_up, 0);
    assert_matches("GET", "/b", "GET /b (with Version)");
    ck_assert_uint_eq(looked_up, 1);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_route_with_a_header_comes_first,
        parameters_are_those_of_the_route_that_matches,
        refusals_know_of_no_route_whose_header_is_missing,
        the_longest_prefix_speaks_and_then_the_one_with_a_header,
        a_header_makes_another_route,
        what_no_route_asks_for_is_not_looked_up,
    };
    return test_main("router", setup, teardown, tests, sizeof tests / sizeof *tests);
}
