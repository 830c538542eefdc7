/* SPDX-License-Identifier: Apache-2.0 */
/* Heads that no proper client sends: each gets one JSON error, and nothing behind it is taken for
 * another request. Bodies are bad_bodies_test's. */
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define GET "GET /livez HTTP/1.1\r\n"
#define POST "POST /generate-text HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
#define JSON_TYPE "Content-Type: application/json\r\n"
#define BYTES(literal) literal, sizeof(literal) - 1

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

/* Whatever has been sent: the gateway still serves, and ends cleanly. */
static void teardown(void) {
    struct http_response answer = http_get(gateway, "/livez");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    gateway_stop(gateway);
}

static void assert_json_error(const struct raw_answer *answer, int status, const char *what) {
    ck_assert_msg(answer->status == status, "%s: %d, expected %d: %.500s", what, answer->status,
                  status, answer->body);
    json_t *json = json_loads(answer->body, 0, NULL);
    ck_assert_msg(json_is_string(json_object_get(json, "error")) &&
                      json_is_string(json_object_get(json, "code")),
                  "%s: no JSON error: %.500s", what, answer->body);
    ck_assert_msg(strcasestr(answer->head, "\r\nContent-Type: application/json; charset=utf-8\r\n"),
                  "%s: %s", what, answer->head);
    ck_assert_msg(strcasestr(answer->head, "\r\nX-Request-Id: "), "%s: %s", what, answer->head);
    json_decref(json);
}

/* One error, then the end: what follows is never read as a request. */
static void assert_refused(const char *bytes, size_t size, int status) {
    struct raw_client *client = raw_connect(gateway);
    raw_send(client, bytes, size);
    raw_send_text(client, "GET /smuggled HTTP/1.1\r\n" RAW_HOST "\r\n");
    struct raw_answer answer = raw_receive(client, false);
    assert_json_error(&answer, status, bytes);
    ck_assert_msg(raw_ends(client), "%s: the connection goes on", bytes);
    raw_answer_finish(&answer);
    raw_close(client);
}

static const struct {
    const char *bytes;
    size_t size;
    int status;
} bad_heads[] = {
    {BYTES("GET /livez HTTP/1.1\nHost: x\n\n"), 400},
    {BYTES(GET RAW_HOST "Fold: a\r\n b\r\n\r\n"), 400},
    {BYTES(GET RAW_HOST "Bare: a\nLine: b\r\n\r\n"), 400},
    {BYTES(POST JSON_TYPE "Content-Length : 5\r\n\r\nhello"), 400},
    {BYTES(POST JSON_TYPE "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), 400},
    {BYTES(POST JSON_TYPE "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), 400},
    {BYTES(POST JSON_TYPE "Content-Length: 5, 5\r\n\r\nhello"), 400},
    {BYTES(POST JSON_TYPE "Content-Length: +5\r\n\r\nhello"), 400},
    {BYTES(POST JSON_TYPE "Content-Length: -5\r\n\r\nhello"), 400},
    {BYTES(POST JSON_TYPE "Content-Length: 0x5\r\n\r\nhello"), 400},
    {BYTES(POST JSON_TYPE "Content-Length:\r\n\r\nhello"), 400},
    {BYTES(POST JSON_TYPE "Content-Length: 99999999999999999999\r\n\r\nhello"), 400},
    {BYTES(POST JSON_TYPE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {BYTES(POST JSON_TYPE "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"), 400},
    {BYTES(POST JSON_TYPE "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501},
    {BYTES(POST JSON_TYPE "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 501},
    {BYTES(POST JSON_TYPE "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
     400},
    {BYTES(GET RAW_HOST "Nul: a\0b\r\n\r\n"), 400},
    {BYTES(GET RAW_HOST "\0\r\n\r\n"), 400},
    {BYTES(GET RAW_HOST "N\0l: a\r\n\r\n"), 400},
    {BYTES(GET RAW_HOST "Return: a\rb\r\n\r\n"), 400},
    {BYTES(GET RAW_HOST "Bell: \a\r\n\r\n"), 400},
    {BYTES(GET RAW_HOST ": no name\r\n\r\n"), 400},
    {BYTES(GET RAW_HOST "no colon\r\n\r\n"), 400},
    {BYTES(GET RAW_HOST "Two words: x\r\n\r\n"), 400},
    {BYTES(GET "\r\n"), 400},
    {BYTES(GET RAW_HOST RAW_HOST "\r\n"), 400},
    {BYTES(GET "Host: a b\r\n\r\n"), 400},
    {BYTES("GET /livez HTTP/1.9\r\n" RAW_HOST "\r\n"), 505},
    {BYTES("GET /livez HTTP/2.0\r\n" RAW_HOST "\r\n"), 505},
    {BYTES("GET /livez HTTP/0.9\r\n" RAW_HOST "\r\n"), 505},
    {BYTES("GET /livez HTTP/1.-1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("GET /livez\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("GET /livez HTTP/1.1 \r\n" RAW_HOST "\r\n"), 400},
    {BYTES("GET  /livez HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("GET /li vez HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("GET /\tvez HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("GET /\0vez HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("GET livez HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("GET http://gateway/livez HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("CONNECT gateway:443 HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("G@T /livez HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("\r\n\r\nGET /livez HTTP/1.1\r\n" RAW_HOST "\r\n"), 400},
    {BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400},
    {BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {BYTES("HEAD /livez HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
           "Content-Length: 44\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: gateway\r\n\r\n"),
     400},
    {BYTES("TRACE /livez HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "Content-Length: 5\r\n\r\nhello"),
     400},
    {BYTES("WEIRD /livez HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "Content-Length: 5\r\n\r\nhello"),
     400},
    {BYTES(POST JSON_TYPE "Expect: miracles\r\nContent-Length: 5\r\n\r\nhello"), 417},
    {BYTES(GET RAW_HOST RAW_AUTHORIZATION RAW_AUTHORIZATION "\r\n"), 400},
};

START_TEST(bad_heads_get_one_json_error)
{
    for (size_t i = 0; i < sizeof bad_heads / sizeof *bad_heads; i++)
        assert_refused(bad_heads[i].bytes, bad_heads[i].size, bad_heads[i].status);
}
END_TEST

START_TEST(bad_heads_in_single_bytes)
{
    for (size_t i = 0; i < sizeof bad_heads / sizeof *bad_heads; i += 5) {
        struct raw_client *client = raw_connect(gateway);
        for (size_t at = 0; at < bad_heads[i].size; at++)
            if (!raw_send(client, bad_heads[i].bytes + at, 1))
                break;
        struct raw_answer answer = raw_receive(client, false);
        ck_assert_int_ge(answer.status, 400);
        raw_answer_finish(&answer);
        raw_close(client);
    }
}
END_TEST

START_TEST(a_head_of_100_kB)
{
    size_t size = 100000;
    char *padding = malloc(size + 1);
    ck_assert_ptr_nonnull(padding);
    memset(padding, 'x', size);
    padding[size] = '\0';
    char *one = scratch_text(GET RAW_HOST "Padding: %s\r\n\r\n", padding);
    char *target = scratch_text("GET /%s HTTP/1.1\r\n" RAW_HOST "\r\n", padding);
    assert_refused(one, strlen(one), 431);
    assert_refused(target, strlen(target), 431);
    free(one);
    free(target);
    free(padding);
}
END_TEST

START_TEST(a_head_that_never_ends)
{
    gateway_stop(gateway);
    gateway = gateway_start(&(struct gateway_options){.config = "http: {head_timeout_ms: 500}\n"});
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, GET "Slow: ");
    while (!raw_readable(client, 50) && raw_send_text(client, "x"))
        ;
    struct raw_answer answer = raw_receive(client, false);
    assert_json_error(&answer, 408, "a slow head");
    raw_answer_finish(&answer);
    raw_close(client);
}
END_TEST

START_TEST(an_answer_to_head_has_no_body)
{
    static const char *const paths[] = {"/livez", "/health", "/nothing", "/generate-text"};
    struct raw_client *client = raw_connect(gateway);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *request = scratch_text(
            "HEAD %s HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n" GET RAW_HOST "\r\n", paths[i]);
        raw_send_text(client, request);
        struct raw_answer head = raw_receive(client, true), get = raw_receive(client, false);
        ck_assert_int_ne(head.status, 0);
        ck_assert_msg(get.status == 200, "after HEAD %s: %d %.300s", paths[i], get.status,
                      get.head);
        raw_answer_finish(&head);
        raw_answer_finish(&get);
        free(request);
    }
    raw_close(client);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    struct raw_client *client = raw_connect(gateway);
    static const char three[] =
        GET RAW_HOST "\r\nGET /nothing HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n" GET RAW_HOST
                     "Connection: foo, close\r\n\r\n";
    static const int want[] = {200, 404, 200};
    raw_send_text(client, three);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct raw_answer answer = raw_receive(client, false);
        ck_assert_int_eq(answer.status, want[i]);
        raw_answer_finish(&answer);
    }
    ck_assert(raw_ends(client));
    raw_close(client);
}
END_TEST

START_TEST(bytes_that_arrive_while_a_handler_works_wait)
{
    json_t *body = scenario_body("{'text':'slow','first_delay_ms':300}", NULL);
    char *text = json_dumps(body, 0);
    char *request =
        scratch_text(POST JSON_TYPE "Content-Length: %zu\r\n\r\n%s", strlen(text), text);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, request);
    await_active_slots(gateway, 1, 5000);
    raw_send_text(client, "G");
    raw_send_text(client, "ET /livez HTTP/1.1\r\n" RAW_HOST "\r\n");
    struct raw_answer first = raw_receive(client, false), second = raw_receive(client, false);
    ck_assert_int_eq(first.status, 200);
    ck_assert_ptr_nonnull(strstr(first.body, "slow"));
    ck_assert_int_eq(second.status, 200);
    ck_assert_ptr_nonnull(strstr(second.head, "HTTP/1.1 200"));
    raw_answer_finish(&first);
    raw_answer_finish(&second);
    raw_close(client);
    free(request);
    free(text);
    json_decref(body);
}
END_TEST

START_TEST(a_half_closed_client_is_answered_or_left)
{
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, GET RAW_HOST "\r\n");
    raw_half_close(client);
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_msg(answer.status == 200 || answer.status == 0, "%d", answer.status);
    ck_assert(raw_ends(client));
    raw_answer_finish(&answer);
    raw_close(client);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        bad_heads_get_one_json_error,
        bad_heads_in_single_bytes,
        a_head_of_100_kB,
        a_head_that_never_ends,
        an_answer_to_head_has_no_body,
        pipelined_requests_are_answered_in_order,
        bytes_that_arrive_while_a_handler_works_wait,
        a_half_closed_client_is_answered_or_left,
    };
    return test_main("bad_bytes", setup, teardown, tests, sizeof tests / sizeof *tests);
}
