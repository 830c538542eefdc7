/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's word on routes (modules.routes), and what becomes of modules that ask for the same
 * one. What the entries of the configuration may look like is tests/unit/config_routes_test.c. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>
#include <sys/wait.h>

#define CONTINUE "  on_error: continue\n"

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

/* Starts with text and alpha; `more` of the section "modules", `rest` behind it. */
static void start_alpha(const char *more, const char *rest) {
    const char *const modules[] = {alpha, NULL};
    gateway = modules_start(modules, more, rest, NULL);
}

static void start_both(const char *more) {
    const char *const modules[] = {alpha, beta, NULL};
    gateway = modules_start(modules, more, NULL, NULL);
}

static void assert_status(const char *method, const char *path, const char *key, long status) {
    const struct http_request request = {
        .method = method, .path = path, .key = key, .body = *method == 'P' ? "{}" : NULL};
    struct http_response answer = http_send(gateway, &request);
    ck_assert_msg(answer.status == status, "%s %s: status %ld, expected %ld: %s", method, path,
                  answer.status, status, answer.body);
    http_response_finish(&answer);
}

/* GET `path` is answered by the module. */
static void assert_answers(const char *path, const char *module) {
    struct http_response answer = http_get(gateway, path);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "module"), module);
    http_response_finish(&answer);
}

static void assert_logged(const char *text) {
    char *log = gateway_log(gateway);
    ck_assert_msg(strstr(log, text) != NULL, "'%s' is not in the log:\n%s", text, log);
    free(log);
}

/* ---- moved, disabled, another class */

START_TEST(a_route_is_moved)
{
    start_alpha("  routes:\n    text:\n      POST /generate-text: {path: /ask}\n", NULL);
    struct http_response answer = http_post(gateway, "/ask", scenario_body("{'text':'yes'}", NULL));
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "yes");
    http_response_finish(&answer);
    assert_status("POST", "/generate-text", NULL, 404);
    assert_status("GET", "/ask", NULL, 405);
}
END_TEST

START_TEST(parameters_keep_their_names_where_they_go)
{
    start_alpha("  settings: {alpha: {routes: 'GET /v1/{a}/of/{b}'}}\n"
                "  routes:\n    alpha:\n      GET /v1/{a}/of/{b}: {path: '/v2/{b}/{a}'}\n",
                NULL);
    struct http_response answer = http_get(gateway, "/v2/one/tw%6f");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "path"), "/v2/one/two");
    ck_assert_str_eq(http_string(&answer, "a"), "two");
    ck_assert_str_eq(http_string(&answer, "b"), "one");
    http_response_finish(&answer);
    assert_status("GET", "/v1/two/of/one", NULL, 404);
}
END_TEST

START_TEST(a_route_is_disabled)
{
    start_alpha("  settings: {alpha: {routes: 'GET /a, GET /b'}}\n"
                "  routes:\n    alpha:\n      GET /a: {enabled: false}\n",
                NULL);
    assert_status("GET", "/a", NULL, 404);
    assert_answers("/b", "alpha");
}
END_TEST

START_TEST(a_moved_route_is_what_keys_may_use)
{
    start_alpha("  routes:\n    text:\n      POST /generate-text: {path: /ask}\n",
                "keys:\n"
                "- name: narrow\n"
                "  sha256: 9629a3e928d035f13ba38239878c6c0157b4c103305a6b6814ccd5e5f78c243f\n"
                "  routes: [/generate-text]\n");
    assert_status("POST", "/ask", "another-key-for-this-test", 403);
}
END_TEST

START_TEST(a_route_takes_another_class)
{
    start_alpha("  routes:\n    text:\n      POST /generate-text: {slot_class: closed}\n",
                "slots: {classes: {closed: 0}}\n");
    struct http_response answer = generate(gateway, "{'text':'no'}", NULL);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_route_takes_no_slot)
{
    start_alpha("  routes:\n    text:\n      POST /generate-text: {slot_class: none}\n",
                "slots: {nonstreaming: 0}\n");
    struct http_response answer = generate(gateway, "{'text':'yes'}", NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

/* POST `path` without a key is refused in the words of the module "dialect", or in the host's. */
static void assert_dialect(const char *path, bool of_module) {
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = path, .key = "", .body = "x"});
    http_assert_status(&answer, 401);
    ck_assert_msg((http_json_at(answer.json, "error.type") != NULL) == of_module, "%s: %s", path,
                  answer.body);
    http_response_finish(&answer);
}

/* The module's failures serve a prefix, /v1/, for as long as its route is below it. */
START_TEST(a_dialect_stays_where_it_belongs)
{
    static const char *const modules[] = {"dialect", NULL};
    gateway = modules_start(
        modules, "  routes: {dialect: {'POST /v1/echo/{name}': {path: '/v1/say/{name}'}}}\n", NULL,
        NULL);
    assert_dialect("/v1/say/x", true);
    assert_dialect("/v1/nothing", true);
    gateway_stop(gateway);
    gateway = modules_start(
        modules, "  routes: {dialect: {'POST /v1/echo/{name}': {path: '/say/{name}'}}}\n", NULL,
        NULL);
    assert_dialect("/say/x", true);
    assert_dialect("/v1/nothing", false);
    assert_dialect("/say", false);
}
END_TEST

/* ---- authentication */

/* POST /generate-text by nobody. */
static struct http_response ask(const char *scenario, const char *fields) {
    return http_post_as(gateway, "", "/generate-text", scenario_body(scenario, fields));
}

START_TEST(a_public_route_asks_for_a_key_when_told)
{
    start_alpha("  settings: {alpha: {routes: 'GET /a', public: true}}\n", NULL);
    assert_status("GET", "/a", "", 200);
    gateway_stop(gateway);
    start_alpha("  settings: {alpha: {routes: 'GET /a', public: true}}\n"
                "  routes:\n    alpha:\n      GET /a: {authentication: required}\n",
                NULL);
    assert_status("GET", "/a", "", 401);
    assert_answers("/a", "alpha");
}
END_TEST

START_TEST(a_route_that_runs_is_made_public)
{
    start_alpha("  routes:\n    text:\n      POST /generate-text: {authentication: none}\n", NULL);
    struct http_response answer = ask("{'text':'welcome'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "welcome");
    http_response_finish(&answer);
    assert_status("GET", "/metrics", "", 401);
}
END_TEST

/* Neither a session of a key nor one of another nobody, even where one key may continue any. */
START_TEST(nobody_continues_a_session)
{
    start_alpha("  routes:\n    text:\n      POST /generate-text: {authentication: none}\n",
                "sessions: {accept_foreign: true}\n");
    struct http_response answer = ask("{'text':'hello'}", NULL);
    http_assert_status(&answer, 200);
    static const char *const more[] = {"", ",'forkSession':true"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        char *fields =
            scratch_text("{'sessionId':'%s'%s}", http_string(&answer, "sessionId"), more[i]);
        struct http_response refused = ask("{'text':'again'}", fields);
        http_assert_error(&refused, 404, "SESSION_NOT_FOUND");
        http_response_finish(&refused);
        free(fields);
    }
    http_response_finish(&answer);
}
END_TEST

START_TEST(nobody_has_the_gateways_tool_rules)
{
    start_alpha("  routes:\n    text:\n      POST /generate-text: {authentication: none}\n",
                "tools: {allowed: [Read, 'Bash(git log:*)']}\n");
    struct http_response answer = ask("{'echo':'argv'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_msg(strstr(answer.body, "--tools=Read,Bash") != NULL, "%s", answer.body);
    http_response_finish(&answer);
    answer = ask("{'text':'no'}", "{'allowedTools':['Write']}");
    http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
    http_response_finish(&answer);
}
END_TEST

/* ---- two for one */

#define SETTINGS(a, b) "  settings: {alpha: {routes: '" a "'}, beta: {routes: '" b "'}}\n"

START_TEST(the_second_module_of_a_route_is_left_out_as_a_whole)
{
    start_both(CONTINUE SETTINGS("GET /a, GET /v1/{a}", "GET /b, GET /v1/{b}"));
    assert_answers("/v1/x", "alpha");
    assert_status("GET", "/b", NULL, 404);
    char *sentence =
        scratch_text("module %s: its route GET /v1/{b} answers the same requests as GET "
                     "/v1/{a} of the module alpha (%s), so the module beta is left "
                     "out; move or disable one of them: below \"modules: routes: "
                     "beta:\" write \"GET /v1/{b}: {path: '/another'}\"",
                     beta, alpha);
    assert_logged(sentence);
    free(sentence);
}
END_TEST

START_TEST(a_module_that_does_not_care_is_left_out_all_the_same)
{
    start_both(CONTINUE "  settings: {alpha: {routes: 'GET /a'},\n"
                        "    beta: {routes: 'GET /a, GET /b', ignores: true}}\n");
    assert_answers("/a", "alpha");
    assert_status("GET", "/b", NULL, 404);
    assert_logged("of the module alpha (");
}
END_TEST

START_TEST(another_method_or_a_fixed_segment_is_another_route)
{
    start_both(SETTINGS("GET /a, GET /v1/{a}, GET /{a}/x", "POST /a, GET /v1/b, GET /y/{b}"));
    assert_answers("/v1/x", "alpha");
    assert_answers("/v1/b", "beta");
    assert_answers("/y/x", "beta"); /* whoever came first */
    assert_status("POST", "/a", NULL, 200);
}
END_TEST

START_TEST(a_conflict_is_solved_by_the_operator)
{
    start_both(SETTINGS("GET /a",
                        "GET /a, GET /b") "  routes:\n    beta:\n      GET /a: {path: /beta/a}\n");
    assert_answers("/a", "alpha");
    assert_answers("/beta/a", "beta");
    gateway_stop(gateway);
    start_both(SETTINGS(
        "GET /a", "GET /a, GET /b") "  routes:\n    alpha:\n      GET /a: {enabled: false}\n");
    assert_answers("/a", "beta");
}
END_TEST

START_TEST(a_route_is_moved_onto_anothers)
{
    start_both(
        CONTINUE SETTINGS("GET /a", "GET /b") "  routes:\n    beta:\n      GET /b: {path: /a}\n");
    assert_answers("/a", "alpha");
    assert_logged("its route GET /a (moved from /b) answers the same requests as GET /a of the");
}
END_TEST

START_TEST(the_hosts_own_pages_are_taken)
{
    static const char *const pages[] = {"/health", "/livez", "/readyz", "/metrics"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        char *more =
            scratch_text(CONTINUE "  settings: {alpha: {routes: 'GET /a, POST %s'}}\n", pages[i]);
        char *sentence = scratch_text(
            "its route POST %s answers the same requests as one of the gateway's own pages",
            pages[i]);
        start_alpha(more, NULL);
        assert_logged(sentence);
        assert_status("GET", "/a", NULL, 404);
        gateway_stop(gateway);
        gateway = NULL;
        free(sentence);
        free(more);
    }
}
END_TEST

/* ---- entries that fit nothing */

START_TEST(an_entry_for_a_module_that_is_not_there)
{
    start_alpha(CONTINUE "  routes:\n    txet:\n      POST /generate-text: {enabled: false}\n",
                NULL);
    assert_logged("gateway.yaml:8: modules.routes.txet.POST /generate-text: no module of this name "
                  "is loaded");
    assert_status("POST", "/generate-text", NULL, 400);
}
END_TEST

/* Whoever disables a route and mistypes it must not find it open. */
START_TEST(an_entry_for_a_route_that_is_not_there_leaves_the_module_out)
{
    start_alpha(CONTINUE "  settings: {alpha: {routes: 'GET /a'}}\n"
                         "  routes:\n    text:\n      POST /generate-txt: {enabled: false}\n"
                         "    alpha:\n      DELETE /quite/another: {enabled: false}\n",
                NULL);
    assert_logged("gateway.yaml:9: modules.routes.text.POST /generate-txt: the module text has no "
                  "such route; did you mean \"POST /generate-text\"?");
    assert_logged("gateway.yaml:11: modules.routes.alpha.DELETE /quite/another: the module alpha "
                  "has no such route; it has \"GET /a\"");
    assert_status("POST", "/generate-text", NULL, 404);
    assert_status("GET", "/a", NULL, 404);
}
END_TEST

START_TEST(an_entry_for_a_slot_class_that_is_not_there)
{
    start_alpha(CONTINUE "  settings: {alpha: {routes: 'GET /a'}}\n"
                         "  routes:\n    alpha:\n      GET /a: {slot_class: fast}\n",
                NULL);
    assert_logged("gateway.yaml:9: modules.routes.alpha.GET /a: there is no slot class \"fast\"");
    assert_status("GET", "/a", NULL, 404);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_route_is_moved,
        parameters_keep_their_names_where_they_go,
        a_route_is_disabled,
        a_moved_route_is_what_keys_may_use,
        a_route_takes_another_class,
        a_route_takes_no_slot,
        a_dialect_stays_where_it_belongs,
        a_public_route_asks_for_a_key_when_told,
        a_route_that_runs_is_made_public,
        nobody_continues_a_session,
        nobody_has_the_gateways_tool_rules,
        the_second_module_of_a_route_is_left_out_as_a_whole,
        a_module_that_does_not_care_is_left_out_all_the_same,
        another_method_or_a_fixed_segment_is_another_route,
        a_conflict_is_solved_by_the_operator,
        a_route_is_moved_onto_anothers,
        the_hosts_own_pages_are_taken,
        an_entry_for_a_module_that_is_not_there,
        an_entry_for_a_route_that_is_not_there_leaves_the_module_out,
        an_entry_for_a_slot_class_that_is_not_there,
    };
    return test_main("modules_routes", setup, teardown, tests, sizeof tests / sizeof *tests);
}
