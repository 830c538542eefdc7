/* SPDX-License-Identifier: Apache-2.0 */
/* A module against the ABI that speaks another API's dialect and streams through a client that is
 * slower than the CLI. */
#include "support/http_client.h"
#include "support/process_table.h"
#include "support/raw_client.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <stdlib.h>
#include <string.h>

static struct gateway *gateway;

static void setup(void) {
    static const char *const modules[] = {"dialect", NULL};
    gateway = modules_start(modules, NULL, "http: {max_body_bytes: 4KiB}\n", NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* ---- dialect */

static struct http_response echo(const char *key, const char *header, const char *body) {
    const char *const headers[] = {header, NULL};
    return http_send(gateway, &(struct http_request){.path = "/v1/echo/a%20b%2Fc",
                                                     .key = key,
                                                     .headers = header ? headers : NULL,
                                                     .body = body});
}

START_TEST(a_stream_and_a_decoded_path_parameter)
{
    struct http_response answer = echo(NULL, NULL, "standin:{\"text\":\"hi\",\"repeat\":3}");
    char *name = http_header(&answer, "X-Name"), *type = http_header(&answer, "Content-Type");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "hihihi\n[end]");
    ck_assert_str_eq(name, "a b/c");
    ck_assert_str_eq(type, "text/plain");
    free(type);
    free(name);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_key_in_x_api_key)
{
    struct http_response answer = echo("", "x-api-key: " GATEWAY_KEY, "standin:{\"text\":\"hi\"}");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "hi\n[end]");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_key_in_x_api_key_where_the_route_does_not_take_it)
{
    static const char *const headers[] = {"x-api-key: " GATEWAY_KEY, NULL};
    struct http_response answer = http_send(
        gateway, &(struct http_request){
                     .path = "/generate-text", .key = "", .headers = headers, .body = "{}"});
    http_assert_error(&answer, 401, "UNAUTHORIZED");
    http_response_finish(&answer);
}
END_TEST

static void assert_dialect(struct http_response answer, long status, const char *code) {
    char *expected = scratch_text("{\"type\":\"error\",\"error\":{\"type\":\"%s\"}}", code);
    http_assert_status(&answer, status);
    ck_assert_str_eq(answer.body, expected);
    free(expected);
    http_response_finish(&answer);
}

START_TEST(failures_below_the_prefix_speak_the_dialect)
{
    char *large = scratch_text("%05000d", 0);
    assert_dialect(echo("", NULL, "x"), 401, "UNAUTHORIZED");
    assert_dialect(echo("wrong", NULL, "x"), 403, "AUTH_ERROR");
    assert_dialect(echo("", "x-api-key: wrong", "x"), 403, "AUTH_ERROR");
    assert_dialect(http_get(gateway, "/v1/nothing"), 404, "NOT_FOUND");
    assert_dialect(http_get(gateway, "/v1/echo/a"), 405, "METHOD_NOT_ALLOWED");
    assert_dialect(echo(NULL, NULL, large), 413, "PAYLOAD_TOO_LARGE");
    free(large);
    struct http_response elsewhere = http_get(gateway, "/v2/nothing");
    http_assert_error(&elsewhere, 404, "NOT_FOUND");
    http_response_finish(&elsewhere);
}
END_TEST

START_TEST(a_failure_within_a_stream_ends_it)
{
    struct http_response answer =
        echo(NULL, NULL, "standin:{\"text\":\"half\",\"exit\":{\"code\":3,\"when\":\"mid_text\"}}");
    http_assert_status(&answer, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\n[failed] CLI_EXIT_ERROR\n[end]"));
    http_response_finish(&answer);
}
END_TEST

/* ---- a client that does not read */

enum { MEBIBYTE = 1024 * 1024, PIECE_BYTES = 1000, PIECES = 50000 };

/* The gateway has begun to read from the CLI, and has then stopped for a while. */
struct standstill {
    uint64_t begun, seen;
    int same;
};

static bool stands_still(const void *data) {
    struct standstill *still = *(struct standstill *const *)data;
    uint64_t read = process_bytes_read(gateway_pid(gateway));
    /* More than http.stream_buffer_bytes: before that nothing has been paused. */
    bool begun = read > still->begun + MEBIBYTE / 4;
    still->same = read == still->seen && begun ? still->same + 1 : 0;
    still->seen = read;
    return still->same >= 60; /* 0.3 s */
}

static uint64_t await_standstill(uint64_t begun) {
    struct standstill still = {.begun = begun}, *pointer = &still;
    ck_assert_msg(await(stands_still, &pointer, 30000), "%lu bytes read and no end",
                  (unsigned long)(still.seen - begun));
    return still.seen - begun;
}

static size_t count_byte(const struct raw_answer *answer, char byte) {
    size_t count = 0;
    for (size_t i = 0; i < answer->body_size; i++)
        count += answer->body[i] == byte;
    return count;
}

START_TEST(a_client_that_does_not_read_stops_the_cli)
{
    char *body = scratch_text("standin:{\"text\":\"%0*d\",\"delta_bytes\":%d,\"repeat\":%d,"
                              "\"short_result\":true}",
                              PIECE_BYTES, 0, PIECE_BYTES, PIECES);
    char *head = scratch_text("POST /v1/echo/a HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
                              "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                              strlen(body), body);
    uint64_t begun = process_bytes_read(gateway_pid(gateway));
    uint64_t resident = gateway_resident_bytes(gateway);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, head);
    uint64_t read = await_standstill(begun);
    ck_assert_uint_lt(read, (uint64_t)PIECES * PIECE_BYTES / 2); /* the kernel holds some */
    /* A sanitizer keeps up to 256 MB of what has been freed. */
    uint64_t bound = (getenv("KOINE_SLOW") ? 512 : 16) * MEBIBYTE;
    ck_assert_uint_lt(gateway_resident_bytes(gateway), resident + bound);

    struct raw_answer answer = raw_receive(client, false); /* now it reads: nothing is lost */
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "[end]"));
    ck_assert_uint_ge(count_byte(&answer, '0'), (size_t)PIECES * PIECE_BYTES);
    ck_assert_uint_lt(gateway_resident_bytes(gateway), resident + bound);
    raw_answer_finish(&answer);
    raw_close(client);
    free(head);
    free(body);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_stream_and_a_decoded_path_parameter,
        a_key_in_x_api_key,
        a_key_in_x_api_key_where_the_route_does_not_take_it,
        failures_below_the_prefix_speak_the_dialect,
        a_failure_within_a_stream_ends_it,
        a_client_that_does_not_read_stops_the_cli,
    };
    return test_main("modules", setup, teardown, tests, sizeof tests / sizeof *tests);
}
