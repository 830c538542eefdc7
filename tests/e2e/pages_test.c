/* SPDX-License-Identifier: Apache-2.0 */
/* /docs and /console as a browser asks for them: what it may keep, load and run, and no key. */
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <stdlib.h>
#include <string.h>

static struct gateway *gateway;
static char *folder; /* of a gateway that was started beside a viewer */

static void teardown(void) {
    gateway_stop(gateway);
    if (folder)
        scratch_directory_destroy(folder);
}

static struct http_response ask(const char *method, const char *path, const char *header) {
    const char *const headers[] = {header, NULL};
    return http_send(gateway, &(struct http_request){.method = method,
                                                     .path = path,
                                                     .key = "",
                                                     .headers = header ? headers : NULL});
}

static const char *const pages[] = {
    "/docs",           "/docs/docs.css",       "/docs/docs.js",
    "/console",        "/console/console.css", "/console/console.js",
    "/console/turn.js"};
enum { PAGES = sizeof pages / sizeof *pages };

START_TEST(need_no_key_and_are_asked_again_with_their_etag)
{
    gateway = gateway_start(NULL);
    for (size_t i = 0; i < PAGES; i++) {
        struct http_response first = ask("GET", pages[i], NULL);
        http_assert_status(&first, 200);
        ck_assert_uint_gt(first.body_size, 0);
        http_assert_header(&first, "Cache-Control", "no-cache");
        http_assert_header(&first, "X-Content-Type-Options", "nosniff");
        char *etag = http_header(&first, "ETag");
        ck_assert_ptr_nonnull(etag);
        char *again = scratch_text("If-None-Match: \"other\", W/%s", etag);
        struct http_response second = ask("GET", pages[i], again);
        http_assert_status(&second, 304);
        ck_assert_uint_eq(second.body_size, 0);
        http_assert_header(&second, "ETag", etag);
        struct http_response changed = ask("GET", pages[i], "If-None-Match: \"other\"");
        http_assert_status(&changed, 200);
        http_response_finish(&changed);
        http_response_finish(&second);
        http_response_finish(&first);
        free(again);
        free(etag);
    }
}
END_TEST

START_TEST(may_load_and_run_only_what_is_the_gateways)
{
    static const char *const paths[] = {"/docs", "/console"};
    static const char *const parts[] = {"default-src 'none'", "script-src 'self';",
                                        "connect-src 'self';", "frame-ancestors 'none'"};
    gateway = gateway_start(NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_response page = ask("GET", paths[i], NULL);
        char *policy = http_header(&page, "Content-Security-Policy");
        ck_assert_ptr_nonnull(policy);
        for (size_t j = 0; j < sizeof parts / sizeof *parts; j++)
            ck_assert_msg(strstr(policy, parts[j]) != NULL, "expected %s in %s", parts[j], policy);
        http_assert_header(&page, "Content-Type", "text/html; charset=utf-8");
        http_assert_header(&page, "Referrer-Policy", "no-referrer");
        free(policy);
        http_response_finish(&page);
    }
}
END_TEST

START_TEST(are_only_read)
{
    gateway = gateway_start(NULL);
    for (size_t i = 0; i < PAGES; i++) {
        struct http_response answer =
            http_send(gateway, &(struct http_request){.path = pages[i], .key = "", .body = "{}"});
        http_assert_error(&answer, 405, "METHOD_NOT_ALLOWED");
        http_assert_header(&answer, "Allow", "GET, HEAD");
        http_response_finish(&answer);
        answer = ask("HEAD", pages[i], NULL);
        http_assert_status(&answer, 200);
        ck_assert_uint_eq(answer.body_size, 0);
        http_response_finish(&answer);
    }
}
END_TEST

/* The pages name their files relative to themselves. */
START_TEST(a_slash_too_many_leads_to_the_page)
{
    gateway = gateway_start(NULL);
    struct http_response docs = ask("GET", "/docs/", NULL), console = ask("GET", "/console/", NULL);
    http_assert_status(&docs, 308);
    http_assert_header(&docs, "Location", "../docs");
    http_assert_status(&console, 308);
    http_assert_header(&console, "Location", "../console");
    http_response_finish(&console);
    http_response_finish(&docs);
}
END_TEST

START_TEST(who_types_the_address_into_a_browser_is_led_to_them)
{
    static const char browser[] = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    gateway = gateway_start(NULL);
    struct http_response answer = ask("GET", "/", browser);
    http_assert_status(&answer, 302);
    http_assert_header(&answer, "Location", "docs");
    http_response_finish(&answer);
    answer = ask("HEAD", "/", browser);
    http_assert_status(&answer, 302);
    http_response_finish(&answer);
    answer = ask("GET", "/", "Accept: */*");
    http_assert_error(&answer, 401, "UNAUTHORIZED");
    http_response_finish(&answer);
    answer = ask("POST", "/", browser);
    http_assert_error(&answer, 401, "UNAUTHORIZED");
    http_response_finish(&answer);
}
END_TEST

START_TEST(without_the_reference_the_console_is_what_they_see)
{
    static const char browser[] = "Accept: text/html";
    gateway = gateway_start(&(struct gateway_options){.config = "pages: {docs: false}\n"});
    struct http_response answer = ask("GET", "/", browser);
    http_assert_header(&answer, "Location", "console");
    http_response_finish(&answer);
    gateway_stop(gateway);
    gateway = gateway_start(
        &(struct gateway_options){.config = "pages: {docs: false, console: false}\n"});
    answer = ask("GET", "/", browser);
    http_assert_error(&answer, 401, "UNAUTHORIZED");
    http_response_finish(&answer);
}
END_TEST

START_TEST(other_paths_below_them_are_not_served)
{
    static const char *const paths[] = {"/docs/../../etc/passwd",
                                        "/docs/%2e%2e/health",
                                        "/docsx",
                                        "/console/main.c",
                                        "/docs/scalar/standalone.esm.js.gz",
                                        "/docs/scalar/../docs.js",
                                        "/docs/scalar/chunks/../a.js",
                                        "/docs/scalar/.a.js",
                                        "/docs/scalar/other/a.js",
                                        "/docs/scalar//a.js",
                                        "/docs/scalar/.js",
                                        "/docs/scalar/%2e%2e/a.js",
                                        "/docs/scalar/package.json"};
    gateway = gateway_start(NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *request = scratch_text("GET %s HTTP/1.1\r\n" RAW_HOST "\r\n", paths[i]);
        struct raw_answer answer = raw_exchange(gateway, request, strlen(request));
        ck_assert_msg(answer.status == 401, "%s: found %d, expected 401", paths[i], answer.status);
        raw_answer_finish(&answer);
        free(request);
    }
}
END_TEST

/* Served or not: /docs and what it is made of, the console likewise. */
static void expect_served(bool docs, bool console) {
    for (size_t i = 0; i < PAGES; i++) {
        bool served = strncmp(pages[i], "/docs", 5) == 0 ? docs : console;
        struct http_response page = ask("GET", pages[i], NULL);
        ck_assert_msg(page.status == (served ? 200 : 401), "%s: found %ld", pages[i], page.status);
        http_response_finish(&page);
    }
}

START_TEST(the_console_can_be_turned_off)
{
    gateway = gateway_start(&(struct gateway_options){.config = "pages: {console: false}\n"});
    expect_served(true, false);
    struct http_response known = http_get(gateway, "/console/");
    http_assert_error(&known, 404, "NOT_FOUND");
    http_response_finish(&known);
}
END_TEST

START_TEST(the_reference_can_be_turned_off)
{
    gateway = gateway_start(&(struct gateway_options){.config = "pages: {docs: false}\n"});
    expect_served(false, true);
}
END_TEST

/* A gateway of its own folder, as the viewer is looked for beside the binary; without one there
 * unless `viewer` says what is in it. */
static void start_beside_with(const char *viewer, const char *compressed, const char *more) {
    char *built = gateway_binary(), *end = strrchr(built, '/');
    folder = scratch_directory_create();
    char *copy = scratch_text("%s/koine-gateway", folder);
    char *command = scratch_text("cp %s %s && mkdir -p %s/docs/scalar/chunks", built, copy, folder);
    ck_assert_int_eq(system(command), 0);
    char *plain_path = scratch_text("%s/docs/scalar/standalone.esm.js", folder);
    char *compressed_path = scratch_text("%s/docs/scalar/standalone.esm.js.gz", folder);
    if (viewer)
        scratch_write(plain_path, viewer);
    if (compressed)
        scratch_write(compressed_path, compressed);
    ck_assert_int_eq(setenv("KOINE_GATEWAY", copy, 1), 0);
    *end = '\0';
    char *config = scratch_text("modules: {directory: %s/modules}\n%s", built, more);
    gateway = gateway_start(&(struct gateway_options){.config = config});
    free(config);
    free(compressed_path);
    free(plain_path);
    free(command);
    free(copy);
    free(built);
}

static void start_beside(const char *viewer, const char *compressed) {
    start_beside_with(viewer, compressed, "");
}

static void expect_viewer(const char *accept_encoding, const char *body, const char *encoding) {
    struct http_response viewer = ask("GET", "/docs/scalar/standalone.esm.js", accept_encoding);
    http_assert_status(&viewer, 200);
    ck_assert_str_eq(viewer.body, body);
    http_assert_header(&viewer, "Vary", "Accept-Encoding");
    char *found = http_header(&viewer, "Content-Encoding");
    ck_assert_msg(!encoding == !found && (!found || strcmp(found, encoding) == 0),
                  "%s: found %s, expected %s", accept_encoding, found ? found : "none",
                  encoding ? encoding : "none");
    free(found);
    http_response_finish(&viewer);
}

START_TEST(the_viewer_is_sent_compressed_to_those_who_take_it)
{
    start_beside("plain", "compressed");
    expect_viewer("Accept-Encoding: gzip, deflate, br", "compressed", "gzip");
    expect_viewer("Accept-Encoding: br;q=1, GZIP;q=0.5", "compressed", "gzip");
    expect_viewer("Accept-Encoding: gzip;q=0", "plain", NULL);
    expect_viewer("Accept-Encoding: gzip ; q = 0.0, br", "plain", NULL);
    expect_viewer("Accept-Encoding: br", "plain", NULL);
    expect_viewer("Accept-Encoding:", "plain", NULL);
}
END_TEST

START_TEST(the_viewer_comes_in_parts)
{
    start_beside("plain", NULL);
    char *path = scratch_text("%s/docs/scalar/chunks/vendor-A_b.part.js", folder);
    scratch_write(path, "a part");
    for (size_t i = 0; i < 2; i++) {
        struct http_response part = ask("GET", "/docs/scalar/chunks/vendor-A_b.part.js", NULL);
        http_assert_status(&part, 200);
        ck_assert_str_eq(part.body, "a part");
        http_assert_header(&part, "Content-Type", "text/javascript; charset=utf-8");
        http_response_finish(&part);
        expect_viewer("Accept-Encoding: gzip", "plain", NULL);
    }
    free(path);
}
END_TEST

START_TEST(a_viewer_that_comes_later_is_found)
{
    start_beside(NULL, NULL);
    struct http_response missing = ask("GET", "/docs/scalar/standalone.esm.js", NULL);
    http_assert_error(&missing, 404, "NOT_FOUND");
    http_response_finish(&missing);
    char *path = scratch_text("%s/docs/scalar/standalone.esm.js", folder);
    scratch_write(path, "later");
    expect_viewer("Accept-Encoding: gzip", "later", NULL);
    free(path);
}
END_TEST

/* Nobody needs a key for it, so nobody may fill the memory with it. */
START_TEST(those_who_do_not_read_cost_no_memory)
{
    enum { SIZE = 8 * 1000 * 1000, CLIENTS = 40 };
    static const char request[] = "GET /docs/scalar/standalone.esm.js HTTP/1.1\r\n" RAW_HOST "\r\n";
    char *viewer = malloc(SIZE + 1);
    ck_assert_ptr_nonnull(viewer);
    memset(viewer, 'x', SIZE);
    viewer[SIZE] = '\0';
    start_beside(viewer, NULL);
    struct http_response whole = ask("GET", "/docs/scalar/standalone.esm.js", NULL);
    ck_assert(whole.body_size == SIZE && memcmp(whole.body, viewer, SIZE) == 0);
    http_response_finish(&whole);
    free(viewer);
    uint64_t before = gateway_resident_bytes(gateway);
    struct raw_client *clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = raw_connect_narrow(gateway, 4096);
        ck_assert(raw_send_text(clients[i], request));
        ck_assert(raw_readable(clients[i], 10000));
    }
    ck_assert_uint_lt(gateway_resident_bytes(gateway), before + CLIENTS / 10 * SIZE);
    for (size_t i = 0; i < CLIENTS; i++)
        raw_close(clients[i]);
}
END_TEST

enum { LONG_PAGE = 8 * 1000 * 1000 };

/* Has asked for a page that does not fit the kernel's buffers, and has read nothing of it. */
static struct raw_client *ask_for_a_long_page(const char *config) {
    char *viewer = calloc(1, LONG_PAGE + 1);
    ck_assert_ptr_nonnull(viewer);
    memset(viewer, 'x', LONG_PAGE);
    start_beside_with(viewer, NULL, config);
    free(viewer);
    struct raw_client *client = raw_connect_narrow(gateway, 4096);
    ck_assert(
        raw_send_text(client, "GET /docs/scalar/standalone.esm.js HTTP/1.1\r\n" RAW_HOST "\r\n"));
    ck_assert(raw_readable(client, 10000));
    return client;
}

static void receive_it(struct raw_client *client) {
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.body_size, LONG_PAGE);
    raw_answer_finish(&answer);
}

START_TEST(who_says_that_nothing_more_will_be_asked_gets_them_whole)
{
    struct raw_client *client = ask_for_a_long_page("");
    ck_assert(raw_send_text(client, "GET /health HTTP/1.1\r\n" RAW_HOST "\r\n"));
    raw_half_close(client);
    receive_it(client);
    struct raw_answer health = raw_receive(client, false);
    ck_assert_int_eq(health.status, 200);
    raw_answer_finish(&health);
    ck_assert(raw_ends(client));
    raw_close(client);
}
END_TEST

static struct raw_client *drain_during_a_long_page(const char *config) {
    struct raw_client *client = ask_for_a_long_page(config);
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining 1 open requests");
    return client;
}

START_TEST(draining_sends_them_to_their_end)
{
    struct raw_client *client = drain_during_a_long_page("");
    receive_it(client);
    raw_close(client);
    gateway_join(gateway);
    gateway = NULL;
}
END_TEST

START_TEST(draining_does_not_wait_for_one_who_has_left)
{
    raw_reset(drain_during_a_long_page("drain_seconds: 3600\n"));
    gateway_join(gateway);
    gateway = NULL;
}
END_TEST

START_TEST(draining_does_not_wait_for_ever_for_one_who_does_not_read)
{
    struct raw_client *client = drain_during_a_long_page("drain_seconds: 0\n");
    gateway_join(gateway);
    gateway = NULL;
    raw_close(client);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        need_no_key_and_are_asked_again_with_their_etag,
        may_load_and_run_only_what_is_the_gateways,
        are_only_read,
        a_slash_too_many_leads_to_the_page,
        who_types_the_address_into_a_browser_is_led_to_them,
        without_the_reference_the_console_is_what_they_see,
        other_paths_below_them_are_not_served,
        the_console_can_be_turned_off,
        the_reference_can_be_turned_off,
        the_viewer_is_sent_compressed_to_those_who_take_it,
        the_viewer_comes_in_parts,
        a_viewer_that_comes_later_is_found,
        those_who_do_not_read_cost_no_memory,
        who_says_that_nothing_more_will_be_asked_gets_them_whole,
        draining_sends_them_to_their_end,
        draining_does_not_wait_for_one_who_has_left,
        draining_does_not_wait_for_ever_for_one_who_does_not_read,
    };
    return test_main("pages", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
