/* SPDX-License-Identifier: Apache-2.0 */
/* koine-gateway --modules and --check-config: what they say of modules, and that they do nothing
 * else. Why a module is refused is modules_refused_test.c and modules_routes_test.c. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct gateway *gateway;
static char *directory, *said;

static void setup(void) {
    directory = scratch_directory_create();
}

static void teardown(void) {
    gateway_stop(gateway);
    free(said);
    scratch_directory_destroy(directory);
}

/* Runs `binary` with the configuration and without a key: its exit status; `said` is its output. */
static int run_binary(const char *binary, const char *config, const char *environment,
                      const char *arguments) {
    char *file = scratch_text("%s/gateway.yaml", directory);
    char *sanitizer = getenv("ASAN_OPTIONS")
                          ? scratch_text("ASAN_OPTIONS='%s'", getenv("ASAN_OPTIONS"))
                          : scratch_text("KOINE_TEST=1");
    scratch_write(file, config);
    char *command = scratch_text("cd '%s' && env -i PATH=/usr/bin:/bin HOME='%s' %s %s timeout 50 "
                                 "'%s' %s --config gateway.yaml 2>&1",
                                 directory, directory, sanitizer, environment, binary, arguments);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    free(said);
    said = calloc(1, 65536);
    ck_assert_ptr_nonnull(said);
    said[fread(said, 1, 65535, output)] = '\0';
    int status = pclose(output);
    free(command);
    free(sanitizer);
    free(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run(const char *config, const char *environment, const char *arguments) {
    char *binary = gateway_binary();
    int status = run_binary(binary, config, environment, arguments);
    free(binary);
    return status;
}

static int list(const char *const *modules, const char *more, const char *rest,
                const char *environment) {
    char *config = modules_config(modules, more, rest);
    int status = run(config, environment, "--modules");
    free(config);
    return status;
}

static void assert_said(const char *text) {
    ck_assert_msg(strstr(said, text) != NULL, "'%s' is not in:\n%s", text, said);
}

static void assert_path_said(const char *format, const char *module) {
    char *path = test_module(module);
    char *text =
        scratch_text("%.*s%s%s", (int)strcspn(format, "%"), format, path, strstr(format, "%s") + 2);
    assert_said(text);
    free(text);
    free(path);
}

static void assert_not_said(const char *text) {
    ck_assert_msg(strstr(said, text) == NULL, "'%s' is in:\n%s", text, said);
}

/* ---- the list */

START_TEST(the_stock_modules_are_listed)
{
    int status = run("", "", "--modules");
    ck_assert_int_eq(status, 0);
    assert_said("loaded   text ");
    assert_said(" (module ABI 1.1): POST /generate-text: a whole answer as text\n");
    assert_said(
        "/modules/text.so\n"
        "         POST   /generate-text                               slot class nonStreaming  "
        "authentication required\n");
    assert_said(
        "         POST   /stream                                      slot class streaming     "
        "authentication required\n");
    assert_said(
        "         GET    /v1/models                                   slot class none          "
        "authentication required\n");
    assert_said(
        "         GET    /v1/models (with anthropic-version)          slot class none          "
        "authentication required\n");
    assert_said("\n6 loaded, 0 refused, 0 problems\n");
    run("", "", "-m");
    assert_said("6 loaded");
}
END_TEST

START_TEST(what_the_operator_changed_is_shown)
{
    static const char *const modules[] = {"dialect", NULL};
    int status = list(modules,
                      "  routes:\n    text:\n      POST /generate-text: {path: /ask, slot_class: "
                      "none, authentication: none}\n    dialect:\n      POST /v1/echo/{name}: "
                      "{enabled: false}\n",
                      NULL, "");
    ck_assert_msg(status == 0, "status %d:\n%s", status, said);
    assert_said("POST /ask             slot class none       authentication none      moved from "
                "/generate-text\n");
    assert_said("POST /v1/echo/{name}  slot class streaming  authentication required  disabled\n");
}
END_TEST

START_TEST(a_header_that_a_route_wants_is_shown)
{
    static const char *const modules[] = {"routes", NULL};
    int status =
        list(modules, "  settings: {routes: {routes: 'GET /models?api-version, GET /models'}}\n",
             NULL, "");
    ck_assert_msg(status == 0, "status %d:\n%s", status, said);
    assert_said("GET  /models (with api-version)  slot class none          authentication "
                "required\n");
    assert_said("GET  /models                     slot class none          authentication "
                "required\n");
}
END_TEST

START_TEST(what_is_refused_is_listed_with_the_reason)
{
    static const char *const modules[] = {"throwing", "refused", "undefined", "clock", NULL};
    int status = list(modules, "  settings: {nosuch: {}}\n", NULL, "KOINE_TEST_REFUSE=init");
    ck_assert_int_eq(status, 1);
    assert_said("loaded   text ");
    assert_said("loaded   clock ");
    assert_path_said("refused  %s\n         one of its constructors crashed (SIGABRT)", "throwing");
    assert_said("what():  no database");
    assert_path_said(
        "refused  refused 1.0.0\n         %s\n         init failed (-2): the answer is "
        "not 42\n",
        "refused");
    assert_path_said("refused  %s\n         it uses the symbol a_function_of_nobody", "undefined");
    assert_said("problem  gateway.yaml:");
    assert_said(": modules.settings.nosuch: no module of this name is loaded\n");
    assert_said("\n2 loaded, 3 refused, 1 problems\n");
}
END_TEST

START_TEST(one_that_crashes_in_its_init_is_named_and_the_others_are_listed)
{
    static const char *const modules[] = {"refused", "clock", NULL};
    int status = list(modules, NULL, NULL, "KOINE_TEST_REFUSE=init-crash");
    ck_assert_int_eq(status, 1);
    assert_path_said("refused  %s\n         crashed (SIGABRT) while it was created and initialised",
                     "refused");
    assert_said("loaded   text ");
    assert_said("loaded   clock ");
    assert_said("\n2 loaded, 1 refused, 0 problems\n");
}
END_TEST

/* The document is made when somebody asks for it: what is wrong is found before. */
START_TEST(one_whose_fragment_is_nowhere_is_named)
{
    static const char *const modules[] = {"refused", NULL};
    int status = list(modules, NULL, NULL, "KOINE_TEST_REFUSE=openapi-memory");
    ck_assert_int_eq(status, 1);
    assert_path_said("refused  %s\n         ", "refused");
    assert_said("while it was created and initialised");
}
END_TEST

START_TEST(one_that_crashes_in_its_destroy_is_named)
{
    static const char *const modules[] = {"refused", NULL};
    int status = list(modules, NULL, NULL, "KOINE_TEST_REFUSE=destroy-crash");
    ck_assert_int_eq(status, 1);
    assert_said("loaded   refused ");
    assert_said("koine-gateway: module refused (destroy) crashed (SIGABRT)\n");
}
END_TEST

START_TEST(a_directory_that_is_not_there)
{
    int status = run("modules: {directory: /nowhere}\n", "", "--modules");
    ck_assert_int_eq(status, 1);
    assert_said("problem  the module directory /nowhere cannot be read");
}
END_TEST

/* ---- what it leaves alone */

START_TEST(a_look_disturbs_nobody)
{
    static const char *const modules[] = {"routes", NULL};
    char *config = modules_config(modules, "  settings: {routes: {keeps: true}}\n", NULL);
    gateway = gateway_start(&(struct gateway_options){.config = config});
    gateway_await_log(gateway, "the CLI is available");
    char *kept = gateway_path(gateway, "state/modules/routes/kept");
    ck_assert_int_eq(unlink(kept), 0);
    char *arguments = scratch_text("--modules --listen 127.0.0.1:%u", gateway_port(gateway));
    char *state = scratch_text("STATE_DIRECTORY=%s/state", gateway_directory(gateway));
    char *before = gateway_log(gateway);
    int status = run(config, state, arguments);
    ck_assert_msg(status == 0, "status %d:\n%s", status, said);
    assert_said("loaded   routes ");
    ck_assert_int_ne(access(kept, F_OK), 0); /* what init writes is elsewhere, and thrown away */
    char *after = gateway_log(gateway);
    ck_assert_str_eq(before, after);
    struct http_response answer = generate(gateway, "{'text':'still here'}", NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    free(after);
    free(before);
    free(state);
    free(arguments);
    free(kept);
    free(config);
}
END_TEST

START_TEST(a_wrong_file_is_told_as_ever)
{
    ck_assert_int_eq(run("slotz: {}\n", "", "--modules"), 1);
    assert_said("gateway.yaml:1: slotz: unknown key");
}
END_TEST

/* ---- --check-config */

#define KEY "CLAUDE_CODE_GATEWAY_API_KEY=" GATEWAY_KEY

START_TEST(a_check_looks_as_deep)
{
    static const char *const modules[] = {"refused", NULL};
    char *config = modules_config(modules, NULL, NULL);
    ck_assert_int_eq(run(config, KEY, "--check-config"), 0);
    assert_said("gateway.yaml: the configuration is fine\n");
    assert_not_said("loaded");
    ck_assert_int_eq(run(config, KEY " KOINE_TEST_REFUSE=init", "--check-config"), 1);
    assert_said("init failed (-2): the answer is not 42");
    assert_not_said("fine");
    ck_assert_int_eq(run(config, KEY " KOINE_TEST_REFUSE=init-crash", "--check-config"), 1);
    assert_path_said("koine-gateway: module %s: crashed (SIGABRT) while", "refused");
    ck_assert_int_eq(run(config, KEY " KOINE_TEST_REFUSE=route", "--check-config"), 1);
    assert_said("its route POST /generate-text answers the same requests as");
    free(config);
    ck_assert_int_eq(run("modules: {routes: {text: {POST /nosuch: {}}}}\n", KEY, "-t"), 1);
    assert_said("gateway.yaml:1: modules.routes.text.POST /nosuch: the module text has no such");
}
END_TEST

/* ---- where modules are found */

static void copy(const char *from, const char *to) {
    char *command =
        scratch_text("mkdir -p '%s/%s' && cp '%s' '%s/%s/'", directory, to, from, directory, to);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c) */
    free(command);
}

START_TEST(an_installation_can_be_moved)
{
    char *binary = gateway_binary(), *module = test_module("clock");
    char *other = test_module("heap");
    copy(binary, "usr/bin");
    copy(module, "usr/lib/koine-gateway/modules");
    char *moved = scratch_text("%s/usr/bin/koine-gateway", directory);
    char *place = scratch_text("%s/usr/lib/koine-gateway/modules/clock.so\n", directory);
    ck_assert_int_eq(run_binary(moved, "", "", "--modules"), 0);
    assert_said(place);
    assert_said("\n1 loaded, ");
    copy(other, "usr/bin/modules"); /* beside the binary wins */
    ck_assert_int_eq(run_binary(moved, "", "", "--modules"), 0);
    assert_said("/usr/bin/modules/heap.so\n");
    assert_not_said("clock");
    free(place);
    free(moved);
    free(other);
    free(module);
    free(binary);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_stock_modules_are_listed,
        what_the_operator_changed_is_shown,
        a_header_that_a_route_wants_is_shown,
        what_is_refused_is_listed_with_the_reason,
        one_that_crashes_in_its_init_is_named_and_the_others_are_listed,
        one_whose_fragment_is_nowhere_is_named,
        one_that_crashes_in_its_destroy_is_named,
        a_directory_that_is_not_there,
        a_look_disturbs_nobody,
        a_wrong_file_is_told_as_ever,
        a_check_looks_as_deep,
        an_installation_can_be_moved,
    };
    return test_main("modules_listing", setup, teardown, tests, sizeof tests / sizeof *tests);
}
