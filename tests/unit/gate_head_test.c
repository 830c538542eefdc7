/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of request heads, as a table of good and bad ones. No socket is involved: what a
 * connection does with the verdict is in gate_test.c.
 */
#include "http/gate_head.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct bad_head {
    int status;
    const char *bytes;
    size_t size;
};

#define BAD(status, bytes)                                                                         \
    { status, bytes, sizeof(bytes) - 1 }
#define FIELD(line) "POST /x HTTP/1.1\r\nHost: t\r\n" line "\r\n\r\n"

static const struct bad_head bad_heads[] = {
    /* the request line */
    BAD(400, "\r\n\r\n"),
    BAD(400, "GET\r\n\r\n"),
    BAD(400, "GET /\r\n\r\n"),
    BAD(400, "GET / \r\n\r\n"),
    BAD(400, "GET  / HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET /  HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, " GET / HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET\t/ HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "G\0T / HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "G(T / HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET x HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET * HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "CONNECT t:443 HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET http://t/ HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET /a b HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET /a\tb HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET /a\x01 HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET /a\x7f HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET /a\0b HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET /\xc3\xa4 HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET /#part HTTP/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1 \r\nHost: t\r\n\r\n"),
    BAD(400, "GET / HTTP/1.\r\nHost: t\r\n\r\n"),
    BAD(400, "GET / HTTP/1.-1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET / HTTP/1.10\r\nHost: t\r\n\r\n"),
    BAD(400, "GET / http/1.1\r\nHost: t\r\n\r\n"),
    BAD(400, "GET / HTCPCP/1.0\r\nHost: t\r\n\r\n"),
    BAD(505, "GET / HTTP/1.9\r\nHost: t\r\n\r\n"),
    BAD(505, "GET / HTTP/0.9\r\nHost: t\r\n\r\n"),
    BAD(505, "GET / HTTP/2.0\r\nHost: t\r\n\r\n"),
    /* lines */
    BAD(400, "GET / HTTP/1.1\nHost: t\n\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: t\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: t\r\n\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: t\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: t\r\n\r\nrest"),
    BAD(400, "GET / HTTP/1.1\r\nHost: t\r\nA: b\rC: d\r\n\r\n"),
    BAD(400, FIELD("A: b\r\n folded")),
    BAD(400, FIELD("A: b\r\n\tfolded")),
    BAD(400, FIELD(" A: b")),
    BAD(400, FIELD("no colon")),
    BAD(400, FIELD(": no name")),
    BAD(400, FIELD("A : b")),
    BAD(400, FIELD("Content-Length : 5")),
    BAD(400, FIELD("Content-Length\t: 5")),
    BAD(400, FIELD("A\0: b")),
    BAD(400, FIELD("\0A: b")),
    BAD(400, FIELD("A: b\0c")),
    BAD(400, FIELD("A: \x01")),
    BAD(400, FIELD("A: \x7f")),
    BAD(400, FIELD("A\xc3\xa4: b")),
    /* Host */
    BAD(400, "GET / HTTP/1.1\r\n\r\n"),
    BAD(400, FIELD("Host: t")),
    BAD(400, FIELD("host: other")),
    BAD(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: user@t\r\n\r\n"),
    BAD(400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    /* where the body ends */
    BAD(400, FIELD("Content-Length: +5")),
    BAD(400, FIELD("Content-Length: -5")),
    BAD(400, FIELD("Content-Length: 0x5")),
    BAD(400, FIELD("Content-Length: 5 5")),
    BAD(400, FIELD("Content-Length: 5, 5")),
    BAD(400, FIELD("Content-Length: 5.")),
    BAD(400, FIELD("Content-Length:")),
    BAD(400, FIELD("Content-Length: ")),
    BAD(400, FIELD("Content-Length: 9223372036854775808")),
    BAD(400, FIELD("Content-Length: 18446744073709551621")),
    BAD(400, FIELD("Content-Length: 99999999999999999999999999")),
    BAD(400, FIELD("Content-Length: 5\r\nContent-Length: 6")),
    BAD(400, FIELD("Content-Length: 5\r\ncontent-length: 5")),
    BAD(400, FIELD("Content-Length: 5\r\nTransfer-Encoding: chunked")),
    BAD(400, FIELD("Transfer-Encoding: chunked\r\nContent-Length: 0")),
    BAD(400, FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
    BAD(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(501, FIELD("Transfer-Encoding: gzip, chunked")),
    BAD(501, FIELD("Transfer-Encoding: chunked, identity")),
    BAD(501, FIELD("Transfer-Encoding: xchunked")),
    BAD(501, FIELD("Transfer-Encoding:")),
    BAD(501, FIELD("Transfer-Encoding: \"chunked\"")),
    BAD(501, FIELD("Transfer-Encoding: identity")),
    BAD(400, "HEAD / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"),
    BAD(400, "HEAD / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(400, "TRACE / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"),
    BAD(400, "BREW / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"),
    BAD(400, "post / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"),
    /* what is understood only once */
    BAD(417, FIELD("Expect: 200-ok")),
    BAD(417, FIELD("Expect: 100-continue, x")),
    BAD(400, FIELD("Authorization: Bearer a\r\nauthorization: Bearer b")),
    BAD(400, FIELD("X-Api-Key: a\r\nX-Api-Key: b")),
};

static const int bad_count = (int)(sizeof(bad_heads) / sizeof(bad_heads[0]));

START_TEST(a_bad_head_is_refused_and_told_why)
{
    const struct bad_head *bad = &bad_heads[_i];
    struct gate_parsed_head parsed;
    struct gate_refusal refusal = {0, NULL, NULL};
    int result = gate_head_parse((struct koine_text){bad->bytes, bad->size}, &parsed, &refusal);
    ck_assert_msg(result == -1, "accepted: %s", bad->bytes);
    ck_assert_msg(refusal.status == bad->status, "%d, expected %d, for: %s", refusal.status,
                  bad->status, bad->bytes);
    ck_assert_ptr_nonnull(refusal.code);
    ck_assert_ptr_nonnull(refusal.message);
}
END_TEST

static struct gate_parsed_head parse_good(const char *bytes) {
    struct gate_parsed_head parsed;
    struct gate_refusal refusal = {0, "", ""};
    int result = gate_head_parse((struct koine_text){bytes, strlen(bytes)}, &parsed, &refusal);
    ck_assert_msg(result == 0, "refused with %d %s: %s", refusal.status, refusal.message, bytes);
    return parsed;
}

static void assert_text(struct koine_text text, const char *expected) {
    if (expected == NULL) {
        ck_assert_ptr_null(text.data);
        return;
    }
    char copy[256] = "";
    ck_assert_uint_lt(text.size, sizeof(copy));
    ck_assert_ptr_nonnull(text.data);
    memcpy(copy, text.data, text.size);
    ck_assert_str_eq(copy, expected);
}

START_TEST(a_head_is_taken_apart)
{
    struct gate_head head = parse_good("POST /a/%20b?c=d?e HTTP/1.1\r\n"
                                       "HOST:localhost:3100\r\n"
                                       "authorization: \t Bearer  key \t\r\n"
                                       "X-API-Key: other\r\n"
                                       "x-request-id: r-1\r\n"
                                       "Content-Type: application/json\r\n"
                                       "Content-Length: 0005\r\n\r\n")
                                .head;
    assert_text(head.method, "POST");
    assert_text(head.target, "/a/%20b?c=d?e");
    assert_text(head.path, "/a/%20b");
    assert_text(head.query, "c=d?e");
    assert_text(head.authorization, "Bearer  key");
    assert_text(head.api_key, "other");
    assert_text(head.request_id, "r-1");
    assert_text(head.content_type, "application/json");
    ck_assert_int_eq(head.content_length, 5);
    ck_assert(head.has_body && !head.chunked && !head.is_head);
    ck_assert_uint_eq(head.minor_version, 1);
}
END_TEST

START_TEST(what_is_absent_is_none)
{
    struct gate_head head = parse_good("GET /x HTTP/1.0\r\n\r\n").head;
    assert_text(head.query, NULL);
    assert_text(head.authorization, NULL);
    assert_text(head.request_id, NULL);
    ck_assert_int_eq(head.content_length, -1);
    ck_assert_uint_eq(head.fields.size, 0);
    ck_assert_uint_eq(head.minor_version, 0);
    ck_assert(!head.has_body);
    assert_text(parse_good("GET /x? HTTP/1.0\r\n\r\n").head.query, "");
}
END_TEST

START_TEST(odd_but_legal_heads_pass)
{
    parse_good("GET / HTTP/1.1\r\nHost:\r\n\r\n");
    parse_good("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
    parse_good("GET // HTTP/1.1\r\nHost: t\r\n\r\n");
    parse_good("GET /{a}|\"<>\\^` HTTP/1.1\r\nHost: t\r\n\r\n");
    parse_good("GET / HTTP/1.1\r\nHost: t\r\nA: \xe4\tb\r\nA:\r\n\r\n");
    parse_good("BREW /pot HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
    parse_good("OPTIONS / HTTP/1.1\r\nHost: t\r\n\r\n");
    ck_assert(parse_good("DELETE / HTTP/1.1\r\nHost: t\r\ntransfer-encoding: Chunked\r\n\r\n")
                  .head.chunked);
    ck_assert_int_eq(parse_good("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: "
                                "9223372036854775799\r\n\r\n")
                         .head.content_length,
                     INT64_MAX - 8);
    ck_assert(parse_good("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n").head.is_head);
}
END_TEST

START_TEST(connection_options_are_read_as_a_list)
{
    ck_assert(parse_good("GET / HTTP/1.1\r\nHost: t\r\n\r\n").keep_alive);
    ck_assert(!parse_good("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").keep_alive);
    ck_assert(
        !parse_good("GET / HTTP/1.1\r\nHost: t\r\nConnection: foo, Close\r\n\r\n").keep_alive);
    ck_assert(!parse_good("GET / HTTP/1.1\r\nHost: t\r\nConnection: keep-alive\r\n"
                          "Connection: ,close,\r\n\r\n")
                   .keep_alive);
    ck_assert(parse_good("GET / HTTP/1.1\r\nHost: t\r\nConnection: closed\r\n\r\n").keep_alive);
    ck_assert(!parse_good("GET / HTTP/1.0\r\n\r\n").keep_alive);
    ck_assert(parse_good("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}
END_TEST

START_TEST(an_expectation_counts_only_with_a_body_and_in_1_1)
{
    ck_assert(parse_good("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n"
                         "Expect: 100-Continue\r\n\r\n")
                  .expects_continue);
    ck_assert(
        !parse_good("GET / HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n\r\n").expects_continue);
    ck_assert(!parse_good("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
                   .expects_continue);
}
END_TEST

static enum gate_scan scan(const char *bytes, size_t size, size_t *end) {
    size_t scanned = 0;
    return gate_head_scan((struct koine_text){bytes, size}, &scanned, end);
}

START_TEST(the_end_of_a_head_is_found_at_any_split)
{
    static const char bytes[] = "GET / HTTP/1.1\r\nHost: t\r\n\r\nGET /next";
    size_t head_size = strlen(bytes) - strlen("GET /next");
    size_t scanned = 0;
    size_t end = 0;
    for (size_t size = 1; size < head_size; size++) {
        struct koine_text arrived = {bytes, size};
        ck_assert_int_eq(gate_head_scan(arrived, &scanned, &end), GATE_SCAN_MORE);
    }
    ck_assert_int_eq(gate_head_scan((struct koine_text){bytes, head_size}, &scanned, &end),
                     GATE_SCAN_COMPLETE);
    ck_assert_uint_eq(end, head_size);
    ck_assert_int_eq(scan(bytes, strlen(bytes), &end), GATE_SCAN_COMPLETE);
    ck_assert_uint_eq(end, head_size);
}
END_TEST

START_TEST(what_can_become_no_head_is_seen_at_once)
{
    size_t end = 0;
    ck_assert_int_eq(scan("GET / HTTP/1.1\n", 15, &end), GATE_SCAN_BAD);
    ck_assert_int_eq(scan("\n", 1, &end), GATE_SCAN_BAD);
    ck_assert_int_eq(scan("\x16\x03\x01", 3, &end), GATE_SCAN_BAD);
    ck_assert_int_eq(scan("\0GET", 4, &end), GATE_SCAN_BAD);
    ck_assert_int_eq(scan("G", 1, &end), GATE_SCAN_MORE);
    ck_assert_int_eq(scan("", 0, &end), GATE_SCAN_MORE);
}
END_TEST

START_TEST(fields_are_found_without_regard_to_case)
{
    struct koine_text fields = KOINE_TEXT("A: 1\r\nLong-Name:  two \r\na: 3\r\nEmpty:\r\n");
    struct koine_text value = {NULL, 0};
    ck_assert(gate_field(fields, "a", &value));
    assert_text(value, "1");
    ck_assert(gate_field(fields, "long-name", &value));
    assert_text(value, "two");
    ck_assert(gate_field(fields, "EMPTY", &value));
    assert_text(value, "");
    ck_assert(!gate_field(fields, "long", &value));
    ck_assert(!gate_field((struct koine_text){NULL, 0}, "a", &value));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gate_head");
    TCase *tests = tcase_create("heads");
    tcase_add_loop_test(tests, a_bad_head_is_refused_and_told_why, 0, bad_count);
    tcase_add_test(tests, a_head_is_taken_apart);
    tcase_add_test(tests, what_is_absent_is_none);
    tcase_add_test(tests, odd_but_legal_heads_pass);
    tcase_add_test(tests, connection_options_are_read_as_a_list);
    tcase_add_test(tests, an_expectation_counts_only_with_a_body_and_in_1_1);
    tcase_add_test(tests, the_end_of_a_head_is_found_at_any_split);
    tcase_add_test(tests, what_can_become_no_head_is_seen_at_once);
    tcase_add_test(tests, fields_are_found_without_regard_to_case);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
