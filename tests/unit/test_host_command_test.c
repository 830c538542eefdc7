/* SPDX-License-Identifier: Apache-2.0 */
/* The command koine-test-host: what it prints, and its exit status. */
#include "support/scratch_directory.h"
#include "support/test_modules.h"
#include "test_host_fixture.h"
#include <stdlib.h>
#include <sys/wait.h>

struct output {
    int status;
    char text[65536]; /* standard output and error */
};

/* Beside the gateway. `arguments`: behind the module, for a shell. */
static struct output run_with(const char *module, const char *arguments) {
    struct output output = {0};
    char *binary = gateway_binary();
    char *path = *module ? fixture_path(module) : scratch_text("%s", "");
    *strrchr(binary, '/') = '\0';
    char *line = scratch_text("'%s/koine-test-host' %s %s 2>&1", binary, path, arguments);
    FILE *pipe = popen(line, "r"); /* NOLINT(cert-env33-c): the test's own words */
    ck_assert_ptr_nonnull(pipe);
    size_t size = fread(output.text, 1, sizeof(output.text) - 1, pipe);
    int status = pclose(pipe);
    output.text[size] = '\0';
    output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    free(line);
    free(path);
    free(binary);
    return output;
}

static void assert_holds(const struct output *output, const char *part) {
    ck_assert_msg(strstr(output->text, part) != NULL, "\"%s\" is not in:\n%s", part, output->text);
}

START_TEST(a_good_module)
{
    struct output output = run_with("text", "");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "text\n  route POST /generate-text\n  openapi: a fragment\n");
    assert_holds(&output, "  allocations: each of ");
    ck_assert_ptr_null(strstr(output.text, "warning"));
}
END_TEST

START_TEST(a_route_without_documentation)
{
    struct output output = run_with("ticker", "");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "warning: GET /ticker is not in the module's OpenAPI fragment");
}
END_TEST

/* A copy of the module "routes" that has GET /a and this fragment, in quotes. */
static struct output run_with_fragment(const char *fragment) {
    char *directory = scratch_directory_create();
    char *module = test_module_copy("routes", directory, "alpha");
    char *arguments = scratch_text(
        "'%s' -s '{\"routes\":\"GET /a, GET /a?x-mark\",\"openapi\":\"%s\"}'", module, fragment);
    struct output output = run_with("", arguments);
    free(arguments);
    free(module);
    scratch_directory_destroy(directory);
    return output;
}

START_TEST(a_fragment_is_read_as_the_gateway_does)
{
    struct output output = run_with_fragment("paths: {/a: {get: {}, description: D}}");
    ck_assert_int_eq(output.status, 0);
    ck_assert_ptr_null(strstr(output.text, "warning"));
    output = run_with_fragment("paths: {'\\''/a#mark'\\'': {get: {responses: {x: {$ref: "
                               "'\\''#/components/responses/Forbidden'\\''}}}}}");
    ck_assert_int_eq(output.status, 0);
    ck_assert_ptr_null(strstr(output.text, "warning"));
    output = run_with_fragment("paths:\\n  /a: {get: {}, post: {}}\\n  /b: {get: {}}");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output,
                 "warning: the OpenAPI fragment:2: the module has no route for post of /a");
    assert_holds(&output, "warning: the OpenAPI fragment:3: the module has no route for get of /b");
    output = run_with_fragment("paths: {}");
    assert_holds(&output, "warning: GET /a is not in the module's OpenAPI fragment");
    output = run_with_fragment("paths:\\n- /a");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output,
                 "warning: the OpenAPI fragment:1: paths: found a list, expected a mapping: "
                 "the gateway shows the module's routes without their description");
    ck_assert_ptr_null(strstr(output.text, "is not in"));
}
END_TEST

START_TEST(requests)
{
    struct output output =
        run_with("text", "'POST /generate-text {\"prompt\":\"hello there\"}' 'GET /generate-text'");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "POST /generate-text {\"prompt\":\"hello there\"}\n  200\n");
    assert_holds(&output, "\"text\":\"hello there\"");
    assert_holds(&output, "GET /generate-text\n  405\n");
    assert_holds(&output, "  Allow: POST\n");
}
END_TEST

START_TEST(a_header)
{
    static const char request[] = "'GET /versioned/overloaded'";
    struct output output = run_with("event-lines", request);
    assert_holds(&output, "  404\n");
    output =
        run_with("event-lines", "-H 'api-version: 1' --header=X:y 'GET /versioned/overloaded'");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "GET /versioned/overloaded\n  502\n");
    output = run_with("event-lines", "-H api-version 'GET /versioned/overloaded'");
    ck_assert_int_eq(output.status, 2);
    assert_holds(&output, "api-version: --header takes NAME: VALUE");
    output = run_with("event-lines", "");
    assert_holds(&output, "  route GET /versioned/overloaded (with Api-Version)\n");
    assert_holds(&output, "warning: GET /versioned/overloaded (with Api-Version) is not in the");
}
END_TEST

START_TEST(a_stream_with_its_times)
{
    struct output output =
        run_with("stream", "'POST /stream {\"prompt\":\"x\"}' "
                           "--script='[{\"text\":\"a\"},{\"pause_ms\":20000},{\"text\":\"b\"}]'");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "  15000 ms (keep-alive)\n    : keep-alive\n");
    assert_holds(&output, "  20000 ms\n    id: 3\n    event: text\n    data: {\"text\":\"b\"}\n");
}
END_TEST

START_TEST(a_script_from_a_file)
{
    char *directory = scratch_directory_create();
    char *file = scratch_text("%s/script.json", directory);
    char *arguments = scratch_text("'POST /generate-text {\"prompt\":\"x\"}' -p %s", file);
    scratch_write(file, "[{\"text\":\"from a file\"}]");
    struct output output = run_with("text", arguments);
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "\"text\":\"from a file\"");
    free(arguments);
    free(file);
    scratch_directory_destroy(directory);
}
END_TEST

START_TEST(findings_make_it_fail)
{
    struct output output = run_with("misbehaving", "'GET /twice' 'GET /forgets'");
    ck_assert_int_eq(output.status, 1);
    assert_holds(&output, "GET /forgets\n  504 (deadline)\n");
    assert_holds(&output, "koine-test-host: misbehaving: [answered-twice] http->respond was");
    assert_holds(&output, "koine-test-host: misbehaving: [not-answered] GET /forgets was");
    output = run_with("misbehaving", "-s '{\"mistake\":\"conflict\"}'");
    ck_assert_int_eq(output.status, 1);
    assert_holds(
        &output,
        "[route-conflict] http->route: GET /twice answers the same requests as GET /twice");
}
END_TEST

START_TEST(each_allocation_of_requests)
{
    struct output output = run_with("text", "-a 'POST /generate-text {\"prompt\":\"x\"}'");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "\"text\":\"x\"");
    assert_holds(&output, "  allocations: each of ");
    output = run_with("toolbox", "-a 'GET /nothing'");
    ck_assert_int_eq(output.status, 0);
    if (!koine_test_watches_memory())
        return; /* a sanitizer finds the leak by itself, and would end the command */
    output = run_with("misbehaving", "--allocations 'GET /leaks'");
    ck_assert_int_eq(output.status, 1);
    assert_holds(&output, "koine-test-host: when allocation ");
    assert_holds(&output, "[memory-left] 77 bytes");
}
END_TEST

START_TEST(every_call)
{
    struct output output = run_with("ticker", "--verbose 'GET /ticker'");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "       0 ms the handler of GET /ticker\n");
    assert_holds(&output, "       0 ms   http->stream_begin = OK\n");
    assert_holds(&output, "      45 ms   http->stream_end = OK\n");
}
END_TEST

/* A module that ends the process with status 0 must not pass for a good one. */
START_TEST(a_module_that_does_not_come_to_its_end_is_told_of)
{
    static const struct {
        const char *place, *sentence;
    } ends[] = {
        {"handler", ": crashed (SIGABRT) in the handler of GET /crash/{place}\n"},
        {"exit", ": ended the process (exit status 7) in the handler of GET /crash/{place}\n"},
        {"end", ": crashed (SIGABRT) in "},
        {"hang", ": did not come back within 1000 ms from the handler of GET /crash/{place}\n"},
        {"fork", ": forked a process that came back to the host"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *arguments = scratch_text("--timeout 1 'GET /crash/%s'", ends[i].place);
        struct output output = run_with("crash", arguments);
        ck_assert_int_eq(output.status, 1);
        assert_holds(&output, ends[i].sentence);
        free(arguments);
    }
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    struct output output = run_with("", "");
    ck_assert_int_eq(output.status, 2);
    assert_holds(&output, "no module was named; see koine-test-host --help");
    output = run_with("", "/nowhere.so");
    ck_assert_int_eq(output.status, 2);
    assert_holds(&output, "module /nowhere.so: No such file or directory");
    output = run_with("text", "GET");
    ck_assert_int_eq(output.status, 2);
    assert_holds(&output, "koine-test-host: GET: a request is METHOD /PATH [BODY]");
    output = run_with("text", "-s /nowhere.json");
    ck_assert_int_eq(output.status, 2);
    assert_holds(&output, "/nowhere.json: No such file or directory");
    output = run_with("dialect", "-s '{\"greeting\":5}'");
    ck_assert_int_eq(output.status, 2);
    assert_holds(&output, "settings of dialect: greeting");
    output = run_with("", "--help");
    ck_assert_int_eq(output.status, 0);
    assert_holds(&output, "Usage: koine-test-host [OPTION]... MODULE.so [REQUEST]...");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_good_module,
        a_route_without_documentation,
        a_fragment_is_read_as_the_gateway_does,
        requests,
        a_header,
        a_stream_with_its_times,
        a_script_from_a_file,
        findings_make_it_fail,
        each_allocation_of_requests,
        every_call,
        a_module_that_does_not_come_to_its_end_is_told_of,
        what_is_wrong_is_said,
    };
    return test_main("koine-test-host", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
