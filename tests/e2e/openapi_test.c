/* SPDX-License-Identifier: Apache-2.0 */
/* GET /openapi.yaml and /openapi.json: the document of what this gateway serves, and --openapi. How
 * fragments are merged is tests/unit/openapi_*_test.c. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>
#include <sys/wait.h>

static struct gateway *gateway;
static char *directory, *alpha;

static void setup(void) {
    directory = scratch_directory_create();
    alpha = test_module_copy("routes", directory, "alpha");
}

static void teardown(void) {
    gateway_stop(gateway);
    free(alpha);
    scratch_directory_destroy(directory);
}

/* Starts with text and alpha; `more` of the section "modules". */
static void start_alpha(const char *more) {
    const char *const modules[] = {alpha, NULL};
    gateway = modules_start(modules, more, NULL, NULL);
}

static struct http_response document(void) {
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = "/openapi.json", .key = ""});
    http_assert_status(&answer, 200);
    ck_assert_msg(answer.json != NULL, "no JSON: %s", answer.body);
    return answer;
}

/* A place of the document as JSON text, names separated by blanks; "" when nothing is there. */
static void assert_at(const struct http_response *answer, const char *path, const char *expected) {
    char name[256];
    json_t *value = answer->json;
    const char *at = path;
    for (int size = 0; value && sscanf(at, "%255s%n", name, &size) == 1; at += size)
        value = json_object_get(value, name);
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("");
    ck_assert_msg(strcmp(text, expected) == 0, "%s: found %s, expected %s", path, text, expected);
    free(text);
}

/* ---- the stock modules */

/* The file at the top but for its comment and for where the gateway is. */
static char *committed(const char *server) {
    char *file = scratch_read("openapi.yaml");
    ck_assert_ptr_nonnull(file);
    char *body = strchr(file, '\n') + 1, *url = strstr(body, "http://127.0.0.1:3100\n");
    ck_assert_ptr_nonnull(url);
    char *text = scratch_text("%.*s%s%s", (int)(url - body), body, server,
                              url + strlen("http://127.0.0.1:3100"));
    free(file);
    return text;
}

/* Compares texts that are too long for a message, by lines. */
static void assert_same(const char *found, const char *expected) {
    for (unsigned line = 1; *found || *expected; line++) {
        const int size = (int)strcspn(found, "\n"), other = (int)strcspn(expected, "\n");
        ck_assert_msg(size == other && memcmp(found, expected, (size_t)size) == 0,
                      "line %u: found '%.*s', expected '%.*s'", line, size, found, other, expected);
        found += size + (found[size] != '\0');
        expected += other + (expected[other] != '\0');
    }
}

START_TEST(the_stock_modules_are_served_as_committed)
{
    gateway = gateway_start(NULL);
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = "/openapi.yaml", .key = ""});
    char *expected = committed("/");
    http_assert_status(&answer, 200);
    http_assert_header(&answer, "Content-Type", "application/yaml; charset=utf-8");
    http_assert_header(&answer, "Cache-Control", "no-cache");
    assert_same(answer.body, expected);
    free(expected);
    http_response_finish(&answer);
    answer = document();
    http_assert_header(&answer, "Content-Type", "application/json; charset=utf-8");
    assert_at(&answer, "openapi", "\"3.1.0\"");
    assert_at(&answer, "servers", "[{\"url\":\"/\"}]");
    assert_at(&answer, "paths /generate-text post operationId", "\"generateText\"");
    http_response_finish(&answer);
}
END_TEST

START_TEST(without_modules_the_hosts_pages_are_left)
{
    gateway = gateway_start(&(struct gateway_options){.config = "modules: {load: []}\n"});
    struct http_response answer = document();
    assert_at(&answer, "paths /generate-text", "");
    assert_at(&answer, "paths /health get operationId", "\"health\"");
    assert_at(&answer, "components schemas GenerateRequest", "");
    http_response_finish(&answer);
}
END_TEST

/* ---- HTTP */

static struct http_response ask_with(const char *path, const char *tags) {
    char *header = scratch_text("If-None-Match: %s", tags);
    const char *const headers[] = {header, NULL};
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = path, .key = "", .headers = headers});
    free(header);
    return answer;
}

static void assert_status_with(const char *path, const char *tags, long status) {
    struct http_response answer = ask_with(path, tags);
    ck_assert_msg(answer.status == status, "%s with %s: status %ld, expected %ld", path, tags,
                  answer.status, status);
    ck_assert_int_eq(answer.body_size == 0, status == 304);
    http_response_finish(&answer);
}

START_TEST(who_has_it_already_is_told_so)
{
    static const char *const paths[] = {"/openapi.yaml", "/openapi.json"};
    char *tags[2];
    gateway = gateway_start(NULL);
    for (size_t i = 0; i < 2; i++) {
        struct http_response answer = http_get(gateway, paths[i]);
        tags[i] = http_header(&answer, "ETag");
        ck_assert_ptr_nonnull(tags[i]);
        http_response_finish(&answer);
        char *weak = scratch_text("\"x\", W/%s", tags[i]);
        assert_status_with(paths[i], tags[i], 304);
        assert_status_with(paths[i], weak, 304);
        assert_status_with(paths[i], "*", 304);
        assert_status_with(paths[i], "\"x\"", 200);
        answer = ask_with(paths[i], tags[i]);
        http_assert_header(&answer, "ETag", tags[i]);
        http_response_finish(&answer);
        free(weak);
    }
    ck_assert_str_ne(tags[0], tags[1]);
    free(tags[0]);
    free(tags[1]);
}
END_TEST

START_TEST(it_is_read_alone)
{
    static const char *const paths[] = {"/openapi.yaml", "/openapi.json"};
    gateway = gateway_start(NULL);
    for (size_t i = 0; i < 2; i++) {
        struct http_response whole = http_get(gateway, paths[i]), head;
        char *size = scratch_text("%zu", whole.body_size);
        head = http_send(gateway, &(struct http_request){.path = paths[i], .method = "HEAD"});
        http_assert_status(&head, 200);
        http_assert_header(&head, "Content-Length", size);
        ck_assert_uint_eq(head.body_size, 0);
        http_response_finish(&head);
        http_response_finish(&whole);
        free(size);
        head = http_send(gateway, &(struct http_request){.path = paths[i], .method = "PUT"});
        http_assert_error(&head, 405, "METHOD_NOT_ALLOWED");
        http_assert_header(&head, "Allow", "GET, HEAD");
        http_response_finish(&head);
    }
}
END_TEST

/* ---- other modules, other routes */

START_TEST(a_module_without_fragment_is_shown)
{
    start_alpha("  settings: {alpha: {routes: 'GET /v1/{a}, POST /b'}}\n");
    struct http_response answer = document();
    assert_at(&answer, "paths /v1/{a} get summary", "\"Not described by its module.\"");
    assert_at(&answer, "paths /b post tags", "[\"alpha\"]");
    assert_at(&answer, "paths /generate-text post operationId", "\"generateText\"");
    http_response_finish(&answer);
}
END_TEST

#define FRAGMENT "paths: {/a: {get: {summary: Alphas, security: []}}, /b: {get: {summary: B}}}"

START_TEST(the_operators_word_is_in_it)
{
    start_alpha("  settings: {alpha: {routes: 'GET /a, GET /b', public: true, openapi: '" FRAGMENT
                "'}}\n"
                "  routes:\n"
                "    text: {'POST /generate-text': {path: /ask, authentication: none}}\n"
                "    alpha: {'GET /a': {authentication: required}, 'GET /b': {enabled: false}}\n");
    struct http_response answer = document();
    assert_at(&answer, "paths /generate-text", "");
    assert_at(&answer, "paths /ask post operationId", "\"generateText\"");
    assert_at(&answer, "paths /ask post security", "[]");
    assert_at(&answer, "paths /a get summary", "\"Alphas\"");
    assert_at(&answer, "paths /a get security", "");
    assert_at(&answer, "paths /b", "");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_fragment_that_cannot_be_used_is_told_of_once)
{
    start_alpha("  settings:\n    alpha:\n      routes: GET /a\n      openapi: |\n"
                "        paths:\n          /a: [get]\n");
    struct http_response answer = document();
    assert_at(&answer, "paths /a get summary", "\"Not described by its module.\"");
    http_response_finish(&answer);
    answer = http_get(gateway, "/openapi.yaml");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    static const char warning[] =
        "the OpenAPI fragment:2: \"/a\": found a list, expected a mapping of operations; its "
        "routes are shown without their description";
    char *log = gateway_log(gateway), *found = strstr(log, warning);
    ck_assert_msg(found != NULL, "not in the log: %s", log);
    ck_assert_ptr_null(strstr(found + 1, warning));
    ck_assert_msg(strstr(log, "alpha: the OpenAPI fragment") != NULL, "%s", log);
    free(log);
}
END_TEST

START_TEST(an_example_describes_itself)
{
    static const char *const modules[] = {"hello", NULL};
    gateway = modules_start(modules, NULL, NULL, NULL);
    struct http_response answer = document();
    assert_at(&answer, "paths /hello post summary", "\"Greets who asks\"");
    assert_at(&answer, "paths /hello post tags", "[\"hello\"]");
    http_response_finish(&answer);
}
END_TEST

START_TEST(no_module_may_have_its_paths)
{
    start_alpha("  on_error: continue\n  settings: {alpha: {routes: 'POST /openapi.yaml'}}\n");
    ck_assert(gateway_log_has(gateway, "its route POST /openapi.yaml answers the same requests as "
                                       "one of the gateway's own pages"));
}
END_TEST

START_TEST(a_demo_says_so)
{
    static const char *const arguments[] = {"--demo", NULL};
    gateway = gateway_start(&(struct gateway_options){.no_key = true, .arguments = arguments});
    struct http_response answer = document();
    const char *description = http_string(&answer, "info.description");
    ck_assert_msg(strncmp(description, "**This is a demo.** ", 20) == 0, "%.200s", description);
    http_response_finish(&answer);
}
END_TEST

/* ---- --openapi */

/* What it prints with this configuration, without a key; stderr too with `errors`. */
static char *printed(const char *config, const char *errors, int expected) {
    char *file = scratch_text("%s/gateway.yaml", directory), *binary = gateway_binary();
    const char *sanitizer = getenv("ASAN_OPTIONS");
    scratch_write(file, config);
    char *command = scratch_text("env -i HOME='%s' ASAN_OPTIONS='%s' timeout 50 '%s' --openapi "
                                 "--config '%s' %s",
                                 directory, sanitizer ? sanitizer : "", binary, file, errors);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    char *text = calloc(1, 1 << 20);
    ck_assert_ptr_nonnull(text);
    text[fread(text, 1, (1 << 20) - 1, output)] = '\0';
    const int status = pclose(output);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected,
                  "status %d, expected %d: %s", status, expected, text);
    free(command);
    free(binary);
    free(file);
    return text;
}

START_TEST(it_is_printed)
{
    char *text = printed("log: {level: info}\n", "", 0),
         *expected = committed("http://127.0.0.1:3100");
    assert_same(text, expected);
    free(expected);
    free(text);
}
END_TEST

START_TEST(it_is_printed_of_what_is_configured)
{
    const char *const modules[] = {alpha, NULL};
    char *config = modules_config(
        modules, "  settings: {alpha: {routes: 'GET /a', openapi: 'paths: 1'}}\n", NULL);
    char *text = printed(config, "2>&1", 0);
    ck_assert_msg(strstr(text, "/a:\n    get:\n      operationId: alpha_GET_a\n") != NULL, "%s",
                  text);
    ck_assert_msg(strstr(text, "alpha: the OpenAPI fragment:1: paths: found the number 1") != NULL,
                  "%s", text);
    free(text);
    free(config);
}
END_TEST

START_TEST(a_module_that_is_refused_shows)
{
    const char *const modules[] = {alpha, NULL};
    char *config =
        modules_config(modules, "  settings: {alpha: {routes: 'POST /generate-text'}}\n", NULL);
    char *text = printed(config, "2>&1 >/dev/null", 1);
    ck_assert_msg(strstr(text, "its route POST /generate-text answers the same requests") != NULL,
                  "%s", text);
    free(text);
    free(config);
}
END_TEST

/* Its modules may keep state for that long. */
START_TEST(nothing_is_left_when_the_reader_leaves_early)
{
    char *binary = gateway_binary(), *temporary = scratch_text("%s/temporary", directory);
    char *command =
        scratch_text("mkdir %s && env -i HOME=%s TMPDIR=%s %s --openapi 2>&1 | head -c 1 && "
                     "rmdir %s",
                     temporary, directory, temporary, binary, temporary);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    ck_assert_int_eq(fgetc(output), 'o'); /* of "openapi: 3.1.0" */
    const int status = pclose(output);
    ck_assert_msg(status == 0, "status %d, expected 0: is %s empty?", status, temporary);
    free(command);
    free(temporary);
    free(binary);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_stock_modules_are_served_as_committed,
        without_modules_the_hosts_pages_are_left,
        who_has_it_already_is_told_so,
        it_is_read_alone,
        a_module_without_fragment_is_shown,
        the_operators_word_is_in_it,
        a_fragment_that_cannot_be_used_is_told_of_once,
        an_example_describes_itself,
        no_module_may_have_its_paths,
        a_demo_says_so,
        it_is_printed,
        it_is_printed_of_what_is_configured,
        a_module_that_is_refused_shows,
        nothing_is_left_when_the_reader_leaves_early,
    };
    return test_main("openapi", setup, teardown, tests, sizeof tests / sizeof *tests);
}
