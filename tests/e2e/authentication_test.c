/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask: keys, schemes, routes and limits of keys. Keys never show in an answer or the log.
 */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define OTHER_KEY "other-key-0123456789abcdef"
#define OTHER_HASH "ef930a905aa029f128cd4ccc511beea86303b75a64904812bf9637466c2b82d9"

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static void restart(const char *config) {
    gateway_stop(gateway);
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

static struct http_response ask(const char *path, const char *key, const char *header) {
    const char *const headers[] = {header, NULL};
    return http_send(
        gateway, &(struct http_request){
                     .path = path, .key = key, .headers = headers, .body = "{\"prompt\":\"x\"}"});
}

START_TEST(without_a_key_it_is_401)
{
    static const char *const headers[] = {NULL, "Authorization: Basic dXNlcjpwYXNz",
                                          "Authorization: Bearer", "Authorization: " GATEWAY_KEY,
                                          "Authorization: Bearer" GATEWAY_KEY};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct http_response answer = ask("/generate-text", "", headers[i]);
        ck_assert_msg(answer.status == 401, "%s: %ld %s", headers[i] ? headers[i] : "no header",
                      answer.status, answer.body);
        http_assert_error(&answer, 401, "UNAUTHORIZED");
        char *challenge = http_header(&answer, "WWW-Authenticate");
        ck_assert_ptr_nonnull(challenge);
        ck_assert_int_eq(strncmp(challenge, "Bearer", 6), 0);
        free(challenge);
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(a_wrong_key_is_403)
{
    static const char *const keys[] = {"wrong", GATEWAY_KEY "x", "test-key-0123456789abcde",
                                       "TEST-KEY-0123456789ABCDEF", OTHER_KEY};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct http_response answer = ask("/generate-text", keys[i], NULL);
        http_assert_error(&answer, 403, "AUTH_ERROR");
        ck_assert_ptr_null(strstr(answer.body, keys[i]));
        ck_assert(!gateway_log_has(gateway, keys[i]));
        http_response_finish(&answer);
    }
    ck_assert(!gateway_log_has(gateway, GATEWAY_KEY));
}
END_TEST

START_TEST(the_scheme_is_read_in_any_case)
{
    struct http_response answer = ask("/generate-text", "", "authorization: bearer " GATEWAY_KEY);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

START_TEST(unknown_paths_show_only_to_those_with_a_key)
{
    struct http_response answer = ask("/nothing", "", NULL);
    http_assert_error(&answer, 401, "UNAUTHORIZED");
    http_response_finish(&answer);
    answer = ask("/nothing", "wrong", NULL);
    http_assert_error(&answer, 403, "AUTH_ERROR");
    http_response_finish(&answer);
    answer = ask("/nothing", NULL, NULL);
    http_assert_error(&answer, 404, "NOT_FOUND");
    http_response_finish(&answer);
}
END_TEST

START_TEST(public_paths_need_no_key)
{
    static const char *const paths[] = {"/health", "/livez", "/readyz"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_response answer =
            http_send(gateway, &(struct http_request){.path = paths[i], .key = ""});
        ck_assert_msg(answer.status == 200 || answer.status == 503, "%s: %ld", paths[i],
                      answer.status);
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(a_key_of_the_file_is_known_by_its_hash)
{
    restart("keys:\n- {name: other, sha256: " OTHER_HASH "}\n");
    struct http_response answer = ask("/generate-text", OTHER_KEY, NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    answer = ask("/generate-text", OTHER_HASH, NULL);
    http_assert_error(&answer, 403, "AUTH_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_key_may_use_its_routes_only)
{
    restart("keys:\n- {name: other, sha256: " OTHER_HASH ", routes: [/other]}\n");
    struct http_response answer = ask("/generate-text", OTHER_KEY, NULL);
    http_assert_error(&answer, 403, "AUTH_ERROR");
    http_response_finish(&answer);
    answer = ask("/generate-text", NULL, NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_key_may_use_its_tools_and_profiles_only)
{
    restart("keys:\n- {name: other, sha256: " OTHER_HASH
            ", allowed_tools: [Read], profiles: [bare]}\n");
    struct http_request request = {.path = "/generate-text",
                                   .key = OTHER_KEY,
                                   .body = "{\"prompt\":\"x\",\"profile\":\"full\"}"};
    struct http_response answer = http_send(gateway, &request);
    http_assert_error(&answer, 403, "AUTH_ERROR");
    http_response_finish(&answer);
    request.body = "{\"prompt\":\"x\",\"profile\":\"bare\",\"allowedTools\":[\"Bash\"]}";
    answer = http_send(gateway, &request);
    http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
    http_response_finish(&answer);
    request.body = "{\"prompt\":\"x\",\"profile\":\"bare\"}";
    answer = http_send(gateway, &request);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_key_has_its_own_slots)
{
    restart("keys:\n- {name: other, sha256: " OTHER_HASH ", max_nonstreaming: 0}\n");
    struct http_response answer = ask("/generate-text", OTHER_KEY, NULL);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    http_response_finish(&answer);
    answer = ask("/generate-text", NULL, NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_session_belongs_to_the_key_that_began_it)
{
    restart("keys:\n- {name: other, sha256: " OTHER_HASH "}\n");
    struct http_response begun = ask("/generate-text", NULL, NULL);
    char *body =
        scratch_text("{\"prompt\":\"x\",\"sessionId\":\"%s\"}", http_string(&begun, "sessionId"));
    struct http_request request = {.path = "/generate-text", .key = OTHER_KEY, .body = body};
    struct http_response answer = http_send(gateway, &request);
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
    request.key = NULL;
    answer = http_send(gateway, &request);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    http_response_finish(&begun);
    free(body);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        without_a_key_it_is_401,        a_wrong_key_is_403,
        the_scheme_is_read_in_any_case, unknown_paths_show_only_to_those_with_a_key,
        public_paths_need_no_key,       a_key_of_the_file_is_known_by_its_hash,
        a_key_may_use_its_routes_only,  a_key_may_use_its_tools_and_profiles_only,
        a_key_has_its_own_slots,        a_session_belongs_to_the_key_that_began_it,
    };
    return test_main("authentication", setup, teardown, tests, sizeof tests / sizeof *tests);
}
