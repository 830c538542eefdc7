/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that no proper client sends: broken chunks, broken text, too much, too deep, without a
 * key. Each gets a clear 4xx or the right answer; none costs the gateway memory. */
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>
#include <sys/resource.h>

#define POST "POST /generate-text HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
#define JSON_TYPE "Content-Type: application/json\r\n"
#define CHUNKED POST JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n"
#define BYTES(literal) literal, sizeof(literal) - 1

enum { MEGABYTE = 1 << 20 };

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    struct http_response answer = http_get(gateway, "/livez");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    gateway_stop(gateway);
}

static struct http_response post_bytes(const char *bytes, size_t size) {
    return http_send(gateway, &(struct http_request){
                                  .path = "/generate-text", .body = bytes, .body_size = size});
}

START_TEST(json_that_is_refused)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {BYTES("{\"prompt\":\"a\",\"prompt\":\"b\"}")},
        {BYTES("{\"prompt\":\"a\",\"x\":{\"y\":1,\"y\":2}}")},
        {BYTES("{\"prompt\":\"\xff\xfe\"}")},
        {BYTES("{\"prompt\":\"\xc0\xaf\"}")},
        {BYTES("{\"prompt\":\"\xed\xa0\x80\"}")},
        {BYTES("{\"prompt\":\"\\ud800\"}")},
        {BYTES("{\"prompt\":\"\\udc00 x\"}")},
        {BYTES("{\"prompt\":\"a\0b\"}")},
        {BYTES("{\"prompt\":\"a\nb\"}")},
        {BYTES("{\"prompt\":\"x\"}\0")},
        {BYTES("{\"prompt\":\"x\"}{}")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_response answer = post_bytes(cases[i].bytes, cases[i].size);
        ck_assert_msg(answer.status == 400, "%s: %ld %s", cases[i].bytes, answer.status,
                      answer.body);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        http_response_finish(&answer);
    }
}
END_TEST

/* \u0000 is a character of JSON: it arrives, or it is refused with a reason. */
START_TEST(an_escaped_nul)
{
    static const char body[] = "{\"prompt\":\"before \\u0000 after\"}";
    struct http_response answer = post_bytes(body, sizeof body - 1);
    if (answer.status == 200)
        ck_assert_ptr_nonnull(strstr(answer.body, "after"));
    else
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(json_of_100000_levels)
{
    enum { LEVELS = 100000 };
    static const char *const opens[] = {"[", "{\"a\":"};
    for (size_t kind = 0; kind < 2; kind++) {
        size_t unit = strlen(opens[kind]);
        char *body = malloc(LEVELS * unit + 16);
        ck_assert_ptr_nonnull(body);
        char *at = stpcpy(body, "{\"prompt\":");
        for (int i = 0; i < LEVELS; i++)
            at = stpcpy(at, opens[kind]);
        struct http_response answer = post_bytes(body, (size_t)(at - body));
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        http_response_finish(&answer);
        free(body);
    }
}
END_TEST

START_TEST(chunked_uploads_work)
{
    static const char request[] = CHUNKED "5\r\n{\"pro\r\nA\r\nmpt\":\"x\"} \r\n0\r\n\r\n";
    struct raw_answer answer = raw_exchange(gateway, request, sizeof request - 1);
    ck_assert_msg(answer.status == 200, "%d %.500s", answer.status, answer.body);
    raw_answer_finish(&answer);
}
END_TEST

START_TEST(broken_chunks_are_refused)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {BYTES(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n")},
        {BYTES(CHUNKED "+5\r\nhello\r\n0\r\n\r\n")},
        {BYTES(CHUNKED "-5\r\nhello\r\n0\r\n\r\n")},
        {BYTES(CHUNKED " 5\r\nhello\r\n0\r\n\r\n")},
        {BYTES(CHUNKED "5\r\nhelloXX0\r\n\r\n")},
        {BYTES(CHUNKED "5\nhello\n0\n\n")},
        {BYTES(CHUNKED "\r\nhello\r\n0\r\n\r\n")},
        {BYTES(CHUNKED "zz\r\nhello\r\n0\r\n\r\n")},
        {BYTES(CHUNKED "FFFFFFFFFFFFFFFFFF\r\nhello")},
        {BYTES(CHUNKED "7FFFFFFFFFFFFFFF\r\nhello")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raw_client *client = raw_connect(gateway);
        raw_send(client, cases[i].bytes, cases[i].size);
        struct raw_answer answer = raw_receive(client, false);
        ck_assert_msg(answer.status == 400 || answer.status == 413, "%s: %d %.300s", cases[i].bytes,
                      answer.status, answer.body);
        ck_assert_msg(raw_ends(client), "%s: the connection goes on", cases[i].bytes);
        raw_answer_finish(&answer);
        raw_close(client);
    }
}
END_TEST

/* Sends `unit` again and again until the gateway answers; how much it took. */
static size_t flood(struct raw_client *client, const char *unit, size_t limit) {
    size_t sent = 0, size = strlen(unit);
    while (sent < limit && !raw_readable(client, 0) && raw_send(client, unit, size))
        sent += size;
    return sent;
}

START_TEST(endless_input_is_cut)
{
    static const struct {
        const char *head, *unit;
    } cases[] = {{CHUNKED, "1111111111111111"},
                 {CHUNKED "5;", "extension=extension;"},
                 {CHUNKED "0\r\nTrailer: ", "endless-trailer"},
                 {"GET /livez HTTP/1.1\r\nHost: ", "endless"},
                 {"", "METHOD"}};
    uint64_t before = gateway_resident_bytes(gateway);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raw_client *client = raw_connect(gateway);
        raw_send_text(client, cases[i].head);
        size_t sent = flood(client, cases[i].unit, 16 * MEGABYTE);
        ck_assert_msg(sent < 16 * MEGABYTE, "%s…: took it all", cases[i].unit);
        struct raw_answer answer = raw_receive(client, false);
        ck_assert_msg(answer.status / 100 == 4, "%s…: %d", cases[i].unit, answer.status);
        raw_answer_finish(&answer);
        raw_close(client);
    }
    uint64_t after = gateway_resident_bytes(gateway);
    ck_assert_uint_lt(after, before + 16 * MEGABYTE);
}
END_TEST

START_TEST(a_body_over_the_limit)
{
    static const char head[] = POST JSON_TYPE "Content-Length: 10485761\r\n\r\n";
    struct raw_answer answer = raw_exchange(gateway, head, sizeof head - 1);
    ck_assert_int_eq(answer.status, 413);
    ck_assert_ptr_nonnull(strstr(answer.body, "PAYLOAD_TOO_LARGE"));
    raw_answer_finish(&answer);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, CHUNKED);
    for (int i = 0; i < 12 && raw_send_text(client, "100000\r\n"); i++) {
        char *chunk = malloc(MEGABYTE + 2);
        ck_assert_ptr_nonnull(chunk);
        memset(chunk, ' ', MEGABYTE);
        memcpy(chunk + MEGABYTE, "\r\n", 2);
        bool taken = raw_send(client, chunk, MEGABYTE + 2);
        free(chunk);
        if (!taken)
            break;
    }
    answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 413);
    raw_answer_finish(&answer);
    raw_close(client);
}
END_TEST

START_TEST(a_client_without_a_key_makes_nothing_be_kept)
{
    enum { CLIENTS = 20, ROUNDS = 4 };
    static const char head[] =
        "POST /generate-text HTTP/1.1\r\n" RAW_HOST JSON_TYPE "Content-Length: 9000000\r\n\r\n";
    struct raw_client *clients[CLIENTS];
    char *bytes = calloc(1, MEGABYTE);
    ck_assert_ptr_nonnull(bytes);
    uint64_t before = gateway_resident_bytes(gateway);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = raw_connect(gateway);
        raw_send_text(clients[i], head);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CLIENTS; i++)
            raw_send_some(clients[i], bytes, MEGABYTE);
    for (int i = 0; i < CLIENTS; i++) {
        struct raw_answer answer = raw_receive(clients[i], false);
        ck_assert_int_eq(answer.status, 401);
        raw_answer_finish(&answer);
    }
    uint64_t after = gateway_resident_bytes(gateway);
    ck_assert_uint_lt(after, before + 32 * MEGABYTE);
    for (int i = 0; i < CLIENTS; i++)
        raw_close(clients[i]);
    free(bytes);
}
END_TEST

START_TEST(expect_is_answered_after_the_key)
{
    static const char anonymous[] = "POST /generate-text HTTP/1.1\r\n" RAW_HOST JSON_TYPE
                                    "Expect: 100-continue\r\nContent-Length: 14\r\n\r\n";
    struct raw_answer answer = raw_exchange(gateway, anonymous, sizeof anonymous - 1);
    ck_assert_int_eq(answer.status, 401);
    raw_answer_finish(&answer);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, POST JSON_TYPE "Expect: 100-continue\r\nContent-Length: 14\r\n\r\n");
    answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 100);
    raw_answer_finish(&answer);
    raw_send_text(client, "{\"prompt\":\"x\"}");
    answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 200);
    raw_answer_finish(&answer);
    raw_close(client);
}
END_TEST

START_TEST(a_body_that_stops)
{
    gateway_stop(gateway);
    gateway = gateway_start(&(struct gateway_options){.config = "http: {body_timeout_ms: 500}\n"});
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, POST JSON_TYPE "Content-Length: 14\r\n\r\n{\"prompt");
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_msg(answer.status == 408 || answer.status == 0, "%d", answer.status);
    raw_answer_finish(&answer);
    raw_close(client);
    client = raw_connect(gateway);
    raw_send_text(client, POST JSON_TYPE "Content-Length: 14\r\n\r\n{\"prompt");
    raw_half_close(client);
    answer = raw_receive(client, false);
    ck_assert_int_ne(answer.status, 200);
    raw_answer_finish(&answer);
    raw_close(client);
}
END_TEST

/* More connections than descriptors: no spinning, no flood of log lines, and it recovers. */
START_TEST(no_descriptors_left)
{
    enum { CLIENTS = 60 };
    struct raw_client *clients[CLIENTS];
    struct rlimit limit = {40, 40};
    ck_assert_int_eq(prlimit(gateway_pid(gateway), RLIMIT_NOFILE, &limit, NULL), 0);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = raw_connect(gateway);
    raw_send_text(clients[0], "GET /livez HTTP/1.1\r\n" RAW_HOST "\r\n");
    struct raw_answer answer = raw_receive(clients[0], false);
    ck_assert_int_eq(answer.status, 200);
    raw_answer_finish(&answer);
    raw_readable(clients[CLIENTS - 1], 500); /* time to spin in, if it does */
    for (int i = 0; i < CLIENTS; i++)
        raw_close(clients[i]);
    struct http_response recovered = http_get(gateway, "/livez");
    http_assert_status(&recovered, 200);
    http_response_finish(&recovered);
    char *log = gateway_log(gateway);
    ck_assert_msg(strlen(log) < 20000, "%zu bytes were logged", strlen(log));
    free(log);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        json_that_is_refused,
        an_escaped_nul,
        json_of_100000_levels,
        chunked_uploads_work,
        broken_chunks_are_refused,
        endless_input_is_cut,
        a_body_over_the_limit,
        a_client_without_a_key_makes_nothing_be_kept,
        expect_is_answered_after_the_key,
        a_body_that_stops,
        no_descriptors_left,
    };
    return test_main("bad_bodies", setup, teardown, tests, sizeof tests / sizeof *tests);
}
