/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules.routes: what is read from it, and how each mistake is reported. What it does to modules
 * is tests/e2e/modules_routes_test.c.
 */
#include "unit/config_fixture.h"

static const struct config_route *route(size_t index) {
    ck_assert_uint_lt(index, config->modules.route_count);
    return &config->modules.routes[index];
}

START_TEST(an_entry_holds_what_it_says_and_nothing_else)
{
    load("modules:\n"
         "  routes:\n"
         "    text:\n"
         "      POST /generate-text: {path: /ask, slot_class: batch}\n"
         "    hello:\n"
         "      GET /hello/{name}:\n"
         "        enabled: false\n"
         "        authentication: none\n"
         "      DELETE /hello:\n");
    ck_assert_uint_eq(config->modules.route_count, 3);
    ck_assert_str_eq(route(0)->module, "text");
    ck_assert_str_eq(route(0)->method, "POST");
    ck_assert_str_eq(route(0)->path, "/generate-text");
    ck_assert_str_eq(route(0)->moved_to, "/ask");
    ck_assert_str_eq(route(0)->slot_class, "batch");
    ck_assert_int_eq(route(0)->authentication, -1);
    ck_assert_int_eq(route(0)->enabled, true);
    ck_assert_uint_eq(route(0)->line, 4);
    ck_assert_str_eq(route(1)->module, "hello");
    ck_assert_str_eq(route(1)->path, "/hello/{name}");
    ck_assert_ptr_null(route(1)->moved_to);
    ck_assert_ptr_null(route(1)->slot_class);
    ck_assert_int_eq(route(1)->authentication, 1);
    ck_assert_int_eq(route(1)->enabled, false);
    ck_assert_str_eq(route(2)->method, "DELETE");
    ck_assert_int_eq(route(2)->enabled, true);
    ck_assert_uint_eq(route(2)->line, 9);
}
END_TEST

START_TEST(nothing_given_is_nothing)
{
    load("modules: {routes: }\n");
    ck_assert_uint_eq(config->modules.route_count, 0);
    load("modules: {routes: {text: , object: {}}}\n");
    ck_assert_uint_eq(config->modules.route_count, 0);
}
END_TEST

START_TEST(a_moved_path_has_the_same_parameters)
{
    load("modules:\n  routes:\n    a:\n      GET /v1/{a}/{b}: {path: '/{b}/x/{a}'}\n");
    ck_assert_str_eq(route(0)->moved_to, "/{b}/x/{a}");
    static const char *const wrong[] = {"/v2", "/v2/{a}", "/v2/{a}/{c}", "/v2/{a}/{b}/{c}",
                                        "/v2/{a}/{a}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[160];
        snprintf(text, sizeof text,
                 "modules:\n  routes:\n    a:\n      GET /v1/{a}/{b}:\n        path: '%s'\n",
                 wrong[i]);
        refuse(text, "gateway.yaml:5: modules.routes.a.GET /v1/{a}/{b}: found the path \"");
        refuse(text, "expected one with the same {parameters} as \"/v1/{a}/{b}\"");
    }
}
END_TEST

START_TEST(a_mistake_is_told_with_its_place)
{
    static const char *const mistakes[][2] = {
        {"[]", "gateway.yaml:3: modules.routes.a: found a list"},
        {"{GET: {}}", "modules.routes.a.GET: found the name \"GET\", expected method and path"},
        {"{/x: {}}", "found the name \"/x\", expected method and path"},
        {"{get /x: {}}", "expected method and path of a route as the module calls it"},
        {"{HEAD /x: {}}", "found the name \"HEAD /x\""},
        {"{GET  /x: {}}", "found the name \"GET  /x\""},
        {"{GET x: {}}", "found the name \"GET x\""},
        {"{GET /x: [1]}", "modules.routes.a.GET /x: found a list, expected a mapping"},
        {"{GET /x: {pth: /y}}", "modules.routes.a.GET /x.pth: unknown key; did you mean \"path\"?"},
        {"{GET /x: {path: y}}",
         "modules.routes.a.GET /x.path: found the text \"y\", expected a path such as"},
        {"{GET /x: {path: /y?z}}", "expected a path such as"},
        {"{GET /x: {enabled: maybe}}",
         "GET /x.enabled: found the text \"maybe\", expected true or false"},
        {"{GET /x: {authentication: off}}",
         "found the text \"off\", expected one of: required, none"},
        {"{GET /x: {slot_class: 'a b'}}",
         "GET /x.slot_class: found the text \"a b\", expected 1 to 64 of"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char text[200];
        snprintf(text, sizeof text, "modules:\n  routes:\n    a: %s\n", mistakes[i][0]);
        refuse(text, mistakes[i][1]);
    }
    refuse("modules: {routes: {'a b': {}}}\n", "found the name \"a b\", expected a module's name");
    refuse("modules: {routes: 3}\n", "modules.routes: found the number 3, expected a mapping");
    refuse("modules:\n  routes:\n    a:\n      GET /x: {}\n      GET /x: {}\n", "gateway.yaml:5");
}
END_TEST

START_TEST(a_look_needs_no_key)
{
    char *const *environment = ENVIRONMENT(HOME);
    ck_assert_ptr_null(config_load(NULL, environment, &error));
    config = config_load_without_keys(NULL, environment, &error);
    ck_assert_msg(config != NULL, "refused: %s", error.message);
    ck_assert_uint_eq(config->key_count, 0);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_entry_holds_what_it_says_and_nothing_else,
        nothing_given_is_nothing,
        a_moved_path_has_the_same_parameters,
        a_mistake_is_told_with_its_place,
        a_look_needs_no_key,
    };
    Suite *suite = suite_create("config_routes");
    TCase *tcase = tcase_create("config_routes");
    tcase_add_checked_fixture(tcase, fixture_begin, fixture_end);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
