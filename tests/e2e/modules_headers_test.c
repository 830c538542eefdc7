/* SPDX-License-Identifier: Apache-2.0 */
/* Routes that want a header: who answers when two modules share a path, in whose words a request is
 * refused, and what the operator reads. Which routes there may be is modules_routes_test.c. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>

#define CONTINUE "  on_error: continue\n"
#define WITH "Api-Version: 2023-06-01"

/* alpha's routes want the header, beta's do not. */
#define SETTINGS(a, b)                                                                             \
    "  settings: {alpha: {renders: true, routes: '" a "'}, beta: {renders: true, routes: '" b      \
    "'}}\n"

static struct gateway *gateway;
static char *directory, *alpha, *beta;

static void setup(void) {
    directory = scratch_directory_create();
    alpha = test_module_copy("routes", directory, "alpha");
    beta = test_module_copy("routes", directory, "beta");
}

static void teardown(void) {
    gateway_stop(gateway);
    free(alpha);
    free(beta);
    scratch_directory_destroy(directory);
}

/* `first` is loaded before the other. */
static void start(const char *first, const char *more) {
    const char *const modules[] = {first, first == alpha ? beta : alpha, NULL};
    gateway = modules_start(modules, more, NULL, NULL);
}

/* One request, and what is answered: the module that did, or the refusal as it is rendered. */
struct probe {
    const char *method, *path, *header;
    long status;
    const char *answer, *allow;
};

static void assert_probe(const struct probe *probe) {
    const char *const headers[] = {probe->header, NULL};
    struct http_response answer =
        http_send(gateway, &(struct http_request){.method = probe->method,
                                                  .path = probe->path,
                                                  .headers = probe->header ? headers : NULL});
    const char *found =
        probe->status == 200 && answer.json ? http_string(&answer, "module") : answer.body;
    char *allow = http_header(&answer, "Allow");
    ck_assert_msg(answer.status == probe->status && strcmp(found, probe->answer) == 0,
                  "%s %s (%s): %ld %s instead of %ld %s", probe->method, probe->path,
                  probe->header ? probe->header : "no header", answer.status, found, probe->status,
                  probe->answer);
    ck_assert_msg((!allow && !probe->allow) ||
                      (allow && probe->allow && strcmp(allow, probe->allow) == 0),
                  "%s %s: Allow is %s instead of %s", probe->method, probe->path,
                  allow ? allow : "(none)", probe->allow ? probe->allow : "(none)");
    free(allow);
    http_response_finish(&answer);
}

START_TEST(two_modules_share_a_path)
{
    static const struct probe probes[] = {
        {"GET", "/v1/models", WITH, 200, "alpha", NULL},
        {"GET", "/v1/models", "api-version:", 200, "beta", NULL},  /* libcurl sends none */
        {"GET", "/v1/models", "api-version;", 200, "alpha", NULL}, /* … and here an empty one */
        {"GET", "/v1/models", "X-Api-Version: 1", 200, "beta", NULL},
        {"GET", "/v1/models", NULL, 200, "beta", NULL},
        {"GET", "/v1/models/x", WITH, 200, "alpha", NULL},
        {"GET", "/v1/models/x", NULL, 200, "beta", NULL},
        {"GET", "/v1/models/fixed", WITH, 200, "beta", NULL}, /* what is fixed comes first */
        {"DELETE", "/v1/models", WITH, 405, "alpha METHOD_NOT_ALLOWED", "GET, HEAD, PUT"},
        {"DELETE", "/v1/models", NULL, 405, "beta METHOD_NOT_ALLOWED", "GET, HEAD"},
        {"PUT", "/v1/models", WITH, 200, "alpha", NULL},
        {"PUT", "/v1/models", NULL, 405, "beta METHOD_NOT_ALLOWED", "GET, HEAD"},
        {"POST", "/v1/messages", NULL, 404, "beta NOT_FOUND", NULL},
        {"GET", "/v1/messages", WITH, 405, "alpha METHOD_NOT_ALLOWED", "POST"},
        {"GET", "/v1/nothing", WITH, 404, "alpha NOT_FOUND", NULL},
        {"GET", "/v1/nothing", NULL, 404, "beta NOT_FOUND", NULL},
    };
    for (int first = 0; first < 2; first++) {
        start(first ? beta : alpha,
              SETTINGS("GET /v1/models?api-version, PUT /v1/models?API-VERSION, "
                       "POST /v1/messages?api-version, GET /v1/models/{a}?api-version",
                       "GET /v1/models, GET /v1/models/{b}, GET /v1/models/fixed"));
        for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
            assert_probe(&probes[i]);
        gateway_stop(gateway);
        gateway = NULL;
    }
}
END_TEST

START_TEST(head_finds_get)
{
    start(alpha, SETTINGS("GET /v1/models?api-version", "POST /v1/models"));
    assert_probe(&(struct probe){"HEAD", "/v1/models", WITH, 200, "", NULL});
    assert_probe(&(struct probe){"HEAD", "/v1/models", NULL, 405, "", "POST"});
}
END_TEST

START_TEST(who_has_no_key_is_told_in_the_dialect_of_the_route)
{
    static const char *const headers[] = {WITH, NULL};
    start(beta, SETTINGS("GET /v1/models?api-version", "GET /v1/models"));
    struct http_response answer = http_send(
        gateway, &(struct http_request){.path = "/v1/models", .key = "", .headers = headers});
    http_assert_status(&answer, 401);
    ck_assert_str_eq(answer.body, "alpha UNAUTHORIZED");
    http_response_finish(&answer);
    answer = http_send(gateway, &(struct http_request){.path = "/v1/models", .key = ""});
    http_assert_status(&answer, 401);
    ck_assert_str_eq(answer.body, "beta UNAUTHORIZED");
    http_response_finish(&answer);
}
END_TEST

static void assert_logged(const char *text) {
    char *log = gateway_log(gateway);
    ck_assert_msg(strstr(log, text) != NULL, "'%s' is not in the log:\n%s", text, log);
    free(log);
}

START_TEST(the_same_header_is_the_same_route)
{
    start(alpha, CONTINUE SETTINGS("GET /v1/{a}?api-version", "GET /v1/{b}?API-Version"));
    assert_logged("its route GET /v1/{b} (with API-Version) answers the same requests as GET "
                  "/v1/{a} (with api-version) of the module alpha (");
    assert_logged("below \"modules: routes: beta:\" write \"GET /v1/{b}: {path: '/another'}\"");
}
END_TEST

START_TEST(what_is_no_header_is_refused)
{
    static const struct {
        const char *header, *why;
    } wrong[] = {
        {"api:version", "the header must be a name as \"anthropic-version\""},
        {"", "the header must be a name as \"anthropic-version\""},
        {"Authorization", "the header carries credentials, which modules do not see"},
        {"x-api-key", "the header carries credentials, which modules do not see"},
        {"cookie", "the header carries credentials, which modules do not see"},
        {"PROXY-authorization", "the header carries credentials, which modules do not see"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *more = scratch_text(CONTINUE "  settings: {alpha: {routes: \"GET /a?%s\"}}\n",
                                  wrong[i].header);
        start(alpha, more);
        assert_logged(wrong[i].why);
        assert_logged("GET /a cannot be had");
        gateway_stop(gateway);
        gateway = NULL;
        free(more);
    }
}
END_TEST

/* The config knows method and path. */
START_TEST(an_entry_means_both_routes_of_its_module)
{
    start(alpha,
          SETTINGS("GET /v1/models?api-version, GET /v1/models",
                   "GET /b") "  routes:\n    alpha:\n      GET /v1/models: {path: /models}\n");
    assert_probe(&(struct probe){"GET", "/models", WITH, 200, "alpha", NULL});
    assert_probe(&(struct probe){"GET", "/models", NULL, 200, "alpha", NULL});
    assert_probe(&(struct probe){"GET", "/v1/models", WITH, 404, "beta NOT_FOUND", NULL});
}
END_TEST

START_TEST(a_wrong_entry_is_answered_with_each_name_once)
{
    start(alpha,
          CONTINUE SETTINGS("GET /v1/models?api-version, GET /v1/models, GET /c",
                            "GET /b") "  routes:\n    alpha:\n      DELETE /quite: {enabled: "
                                      "false}\n");
    assert_logged("modules.routes.alpha.DELETE /quite: the module alpha has no such route; it has "
                  "\"GET /v1/models\", \"GET /c\"");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        two_modules_share_a_path,
        head_finds_get,
        who_has_no_key_is_told_in_the_dialect_of_the_route,
        the_same_header_is_the_same_route,
        what_is_no_header_is_refused,
        an_entry_means_both_routes_of_its_module,
        a_wrong_entry_is_answered_with_each_name_once,
    };
    return test_main("modules_headers", setup, teardown, tests, sizeof tests / sizeof *tests);
}
