/* SPDX-License-Identifier: Apache-2.0 */
/* What the record of exchanges keeps: enough to judge an answer, and no key. */
#include "support/exchange_record.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *folder;

static void setup(void) {
    folder = scratch_directory_create();
    setenv("KOINE_EXCHANGES", folder, 1);
}

static void teardown(void) {
    unsetenv("KOINE_EXCHANGES");
    scratch_directory_destroy(folder);
}

static void record(const char *request, const char *head, const char *body) {
    exchange_record(&(struct exchange){.request = request,
                                       .request_size = strlen(request),
                                       .head = head,
                                       .body = body,
                                       .body_size = strlen(body)});
}

/* The file of this program; the caller frees. */
static char *recorded(void) {
    char *path = scratch_text("%s/%s", folder, program_invocation_short_name);
    char *text = scratch_read(path);
    free(path);
    return text;
}

static size_t count(const char *text, const char *part) {
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        found++;
    return found;
}

START_TEST(keeps_what_an_answer_depends_on_and_no_key)
{
    record("POST /stream HTTP/1.1\r\nAuthorization: Bearer secret\r\nX-Api-Key: secret\r\n"
           "content-type: application/json\r\n\r\n{}",
           "HTTP/1.1 200 OK\r\n\r\n", "data");
    char *text = recorded();
    ck_assert_str_eq(text, "exchange 55 2 19 4 whole\n"
                           "POST /stream HTTP/1.1\r\ncontent-type: application/json\r\n"
                           "{}HTTP/1.1 200 OK\r\n\r\ndata\n");
    free(text);
}
END_TEST

START_TEST(cuts_what_is_long)
{
    size_t size = EXCHANGE_BODY_BYTES + 1;
    char *body = malloc(size + 1);
    memset(body, 'x', size);
    body[size] = '\0';
    record("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", body);
    char *text = recorded();
    char *first = scratch_text("exchange 16 0 19 %d cut\n", (int)EXCHANGE_BODY_BYTES);
    ck_assert_msg(strncmp(text, first, strlen(first)) == 0, "found %.60s, expected %s", text,
                  first);
    ck_assert_uint_eq(strlen(text), strlen(first) + 16 + 19 + EXCHANGE_BODY_BYTES + 1);
    free(first);
    free(text);
    free(body);
}
END_TEST

/* Tests poll /health; a request with a body may be answered otherwise each time. */
START_TEST(keeps_the_first_of_a_row_of_polls)
{
    for (int i = 0; i < 100; i++)
        record("GET /health HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "{}");
    record("GET /health HTTP/1.1\r\n\r\n", "HTTP/1.1 503 No\r\n\r\n", "{}");
    for (int i = 0; i < 100; i++)
        record("POST /stream HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "{}");
    char *text = recorded();
    ck_assert_uint_eq(count(text, "GET /health"), 9);
    ck_assert_uint_eq(count(text, "POST /stream"), 100);
    free(text);
}
END_TEST

START_TEST(finds_the_first_of_several_requests)
{
    static const char two[] =
        "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n";
    static const char chunked[] =
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    ck_assert_uint_eq(exchange_request_size(two, strlen(two)), strlen(two) - 18);
    ck_assert_uint_eq(exchange_request_size(two + 40, 18), 18);
    ck_assert_uint_eq(exchange_request_size(chunked, strlen(chunked)), strlen(chunked));
    ck_assert_uint_eq(exchange_request_size("no request", 10), 10);
    ck_assert_uint_eq(exchange_request_size(NULL, 0), 0);
}
END_TEST

START_TEST(does_nothing_unless_it_is_asked_to)
{
    unsetenv("KOINE_EXCHANGES");
    record("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "{}");
    ck_assert_ptr_null(recorded());
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        keeps_what_an_answer_depends_on_and_no_key, cuts_what_is_long,
        keeps_the_first_of_a_row_of_polls,          finds_the_first_of_several_requests,
        does_nothing_unless_it_is_asked_to,
    };
    return test_main("exchange_record", setup, teardown, tests, sizeof tests / sizeof *tests);
}
