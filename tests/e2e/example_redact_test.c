/* SPDX-License-Identifier: Apache-2.0 */
/* The example in Rust: what Claude is told, and the answer as a stream. The stand-in CLI echoes
 * what it was told. */
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <stdlib.h>
#include <string.h>

static struct gateway *gateway;

static void start(const char *more) {
    char *module = example_module("redact");
    const char *const modules[] = {module, NULL};
    gateway_stop(gateway);
    gateway = NULL;
    gateway = modules_start(modules, more, "slots: {streaming: 1}\n", NULL);
    free(module);
}

static void setup(void) {
    start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static struct http_response ask(const char *prompt) {
    static const char *const headers[] = {"Content-Type: text/plain", NULL};
    return http_send(gateway, &(struct http_request){
                                  .path = "/ask-redacted", .headers = headers, .body = prompt});
}

START_TEST(claude_is_not_told_addresses_and_numbers)
{
    struct http_response answer =
        ask("standin:{\"echo\":\"stdin\"} ada@example.org pays with 4111 1111 1111 1111, not "
            "4111 1111 1111 1112");
    http_assert_status(&answer, 200);
    http_assert_header(&answer, "X-Redacted", "2");
    http_assert_header(&answer, "Content-Type", "text/plain; charset=utf-8");
    ck_assert_msg(strstr(answer.body, "[email] pays with [card], not 4111 1111 1111 1112"), "%s",
                  answer.body);
    ck_assert_msg(!strstr(answer.body, "ada@") && !strstr(answer.body, "1111 1111,"), "%s",
                  answer.body);
    http_response_finish(&answer);
    struct http_response metrics = http_get(gateway, "/metrics");
    ck_assert_msg(strstr(metrics.body, "koine_redact_redacted_total 2\n"), "%s", metrics.body);
    http_response_finish(&metrics);
}
END_TEST

START_TEST(the_answer_is_streamed)
{
    struct http_response answer = ask("standin:{\"text\":\"0123456789\",\"repeat\":100000}");
    http_assert_status(&answer, 200);
    http_assert_header(&answer, "X-Redacted", "0");
    ck_assert_uint_eq(answer.body_size, 1000000);
    ck_assert_int_eq(strncmp(answer.body, "01234567890", 11), 0);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_refusal_before_the_stream_has_its_status)
{
    struct http_response answer = ask("");
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    http_response_finish(&answer);
    answer = http_send(gateway,
                       &(struct http_request){.path = "/ask-redacted", .body = "no UTF-8: \xff"});
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    ck_assert_ptr_nonnull(strstr(http_string(&answer, "error"), "UTF-8"));
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_failure_amid_the_stream_is_told_in_the_text)
{
    struct http_response answer =
        ask("standin:{\"text\":\"The beginning of a longer answer.\","
            "\"delta_bytes\":4,\"exit\":{\"code\":3,\"when\":\"mid_text\"}}");
    http_assert_status(&answer, 200);
    ck_assert_int_eq(strncmp(answer.body, "The ", 4), 0);
    ck_assert_msg(strstr(answer.body, "\n[failed] "), "%s", answer.body);
    ck_assert_msg(!gateway_log_has(gateway, "redact: http->"), "it did what a module may not");
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_slot_is_free_when_the_client_has_left)
{
    static const char prompt[] = "standin:{\"hang\":true}";
    struct raw_client *client = raw_connect(gateway);
    char *request = scratch_text("POST /ask-redacted HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
                                 "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
                                 sizeof prompt - 1, prompt);
    raw_send_text(client, request);
    await_active_streams(gateway, 1, 10000);
    raw_close(client);
    await_active_streams(gateway, 0, 10000);
    struct http_response answer = ask("standin:{\"text\":\"free again\"}");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "free again");
    http_response_finish(&answer);
    free(request);
}
END_TEST

START_TEST(it_has_no_settings)
{
    start("  on_error: continue\n  settings: {redact: {words: 3}}\n");
    ck_assert(gateway_log_has(gateway, "modules.settings.redact"));
    struct http_response answer = ask("anything");
    http_assert_error(&answer, 404, "NOT_FOUND");
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        claude_is_not_told_addresses_and_numbers,   the_answer_is_streamed,
        a_refusal_before_the_stream_has_its_status, a_failure_amid_the_stream_is_told_in_the_text,
        the_slot_is_free_when_the_client_has_left,  it_has_no_settings,
    };
    if (example_is_missing("redact"))
        return EXIT_SUCCESS;
    return test_main("example redact", setup, teardown, tests, sizeof tests / sizeof *tests);
}
