/* SPDX-License-Identifier: Apache-2.0 */
/* The module SDK's queries and Accept headers, and whether an answer is still wanted, against a
 * host that is nothing but a request. */
#include <check.h>
#include <jansson.h>
#include <koine-module/request.h>
#include <koine-module/wanted.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a host with one request */

enum { ALLOCATIONS = 16, CALLBACKS = 4 };

struct exchange {
    struct koine_host host; /* first: the host's functions find the rest by it */
    struct koine_http http;
    struct koine_self self;
    const char *query, *accept;
    void *allocated[ALLOCATIONS];
    size_t allocations;
    void (*ended[CALLBACKS])(void *data, koine_request request, int32_t how);
    void *ended_data[CALLBACKS];
    size_t callbacks;
    bool gone;
    char answer[2048]; /* "STATUS CODE message", or "" */
};

/* Counts down to the allocation that fails; below 0: none does. */
static long allocations_left = -1;

static bool allocation_fails(void) {
    return allocations_left >= 0 && allocations_left-- == 0;
}

static void *json_allocate(size_t bytes) {
    return allocation_fails() ? NULL : malloc(bytes);
}

static struct exchange *exchange_of(const struct koine_host *host) {
    return (struct exchange *)(uintptr_t)host;
}

static const void *host_service(const struct koine_host *host, const char *id) {
    return strcmp(id, KOINE_HTTP) ? NULL : &exchange_of(host)->http;
}

static int32_t text_or_none(const char *value, struct koine_text *out) {
    *out = value ? (struct koine_text){value, strlen(value)} : (struct koine_text){NULL, 0};
    return value ? KOINE_OK : KOINE_NOT_FOUND;
}

static int32_t host_query(const struct koine_host *host, koine_request request,
                          struct koine_text *out) {
    (void)request;
    return text_or_none(exchange_of(host)->query, out);
}

static int32_t host_header(const struct koine_host *host, koine_request request, const char *name,
                           struct koine_text *out) {
    (void)request;
    return text_or_none(strcmp(name, "Accept") ? NULL : exchange_of(host)->accept, out);
}

static void *host_alloc(const struct koine_host *host, koine_request request, size_t bytes) {
    struct exchange *exchange = exchange_of(host);
    (void)request;
    if (exchange->gone || allocation_fails())
        return NULL;
    ck_assert_uint_lt(exchange->allocations, ALLOCATIONS);
    return exchange->allocated[exchange->allocations++] = calloc(1, bytes);
}

static int32_t host_on_end(const struct koine_host *host, koine_request request,
                           void (*callback)(void *, koine_request, int32_t), void *data) {
    struct exchange *exchange = exchange_of(host);
    (void)request;
    if (exchange->gone || allocation_fails())
        return exchange->gone ? KOINE_GONE : KOINE_NO_MEMORY;
    ck_assert_uint_lt(exchange->callbacks, CALLBACKS);
    exchange->ended[exchange->callbacks] = callback;
    exchange->ended_data[exchange->callbacks++] = data;
    return KOINE_OK;
}

static void end_request(struct exchange *exchange) {
    exchange->gone = true;
    while (exchange->callbacks) {
        size_t last = --exchange->callbacks;
        exchange->ended[last](exchange->ended_data[last], (koine_request){1},
                              KOINE_END_CLIENT_LEFT);
    }
    while (exchange->allocations)
        free(exchange->allocated[--exchange->allocations]);
}

/* As the host does: the request has ended, with all its memory, when this returns. */
static int32_t host_fail(const struct koine_host *host, koine_request request,
                         const struct koine_failure *failure) {
    struct exchange *exchange = exchange_of(host);
    (void)request;
    if (exchange->gone)
        return KOINE_GONE;
    ck_assert_str_eq(exchange->answer, "");
    snprintf(exchange->answer, sizeof(exchange->answer), "%u %.*s %.*s", failure->status,
             (int)failure->code.size, failure->code.data, (int)failure->message.size,
             failure->message.data);
    end_request(exchange);
    return KOINE_OK;
}

static void begin(struct exchange *exchange, const char *query, const char *accept) {
    *exchange = (struct exchange){
        .host = {sizeof(struct koine_host), 1, 0, host_service},
        .http = {.size = sizeof(struct koine_http),
                 .query = host_query,
                 .header = host_header,
                 .alloc = host_alloc,
                 .on_end = host_on_end,
                 .fail = host_fail},
        .query = query,
        .accept = accept,
    };
    exchange->self.host = &exchange->host;
    exchange->self.http = &exchange->http;
}

/* ---- queries */

struct search {
    struct koine_text words;
    uint32_t limit;
    int64_t offset;
    double ratio;
    bool exact;
};

static const struct koine_body_field fields[] = {
    KOINE_BODY_FIELD(struct search, words, "q", KOINE_BODY_STRING, KOINE_BODY_REQUIRED),
    KOINE_BODY_LIMITED(struct search, limit, "limit", KOINE_BODY_POSITIVE_INTEGER, 0, 1, 100),
    KOINE_BODY_FIELD(struct search, offset, "offset", KOINE_BODY_INTEGER, 0),
    KOINE_BODY_FIELD(struct search, ratio, "ratio", KOINE_BODY_NUMBER, 0),
    KOINE_BODY_FIELD(struct search, exact, "exact match", KOINE_BODY_BOOLEAN, 0),
};

static bool parse(struct exchange *exchange, struct search *search) {
    return koine_query_parse(&exchange->host, (koine_request){1}, fields, KOINE_COUNT(fields),
                             search);
}

/* What was read, as one text. */
static void assert_reads(const char *query, const char *expected) {
    struct exchange exchange;
    struct search search = {.limit = 10};
    char read[256];
    begin(&exchange, query, NULL);
    ck_assert_msg(parse(&exchange, &search), "%s: %s", query, exchange.answer);
    snprintf(read, sizeof(read), "%.*s|%u|%lld|%g|%d", (int)search.words.size, search.words.data,
             search.limit, (long long)search.offset, search.ratio, search.exact);
    ck_assert_str_eq(read, expected);
    end_request(&exchange);
}

static void assert_refuses(const char *query, const char *sentence) {
    struct exchange exchange;
    struct search search = {.limit = 10};
    char expected[512];
    begin(&exchange, query, NULL);
    ck_assert_msg(!parse(&exchange, &search), "%s was read", query);
    snprintf(expected, sizeof(expected), "400 VALIDATION_ERROR %s", sentence);
    ck_assert_str_eq(exchange.answer, expected);
}

START_TEST(what_cannot_be_read)
{
    assert_refuses(NULL, "q: is required");
    assert_refuses("", "q: is required");
    assert_refuses("Q=a&&=&r", "q: is required");
}
END_TEST

START_TEST(values_that_do_not_fit)
{
    assert_refuses("q=a&limit=0", "limit: must be a positive integer, got 0");
    assert_refuses("q=a&limit=101", "limit: must be at most 100, got 101");
    assert_refuses("q=a&limit=1x", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=+1", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=%201", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=01", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=1.", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=1e", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=1e999", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=[1]", "limit: must be a positive integer, got a string");
    assert_refuses("q=a&limit=1&limit=1", "limit: must be given once");
    assert_refuses("q=a&exact+match=yes", "exact match: must be true or false, got a string");
}
END_TEST

START_TEST(all_problems_at_once)
{
    assert_refuses("limit=0&ratio=much", "3 problems: limit: must be a positive integer, got 0; "
                                         "ratio: must be a number, got a string; q: is required");
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    static const char *const values[] = {"%",   "%4",     "%zz",       "a%00b",  "%ff",
                                         "%c3", "%c0%af", "%ed%a0%80", "%e2%82", "%f5%80%80%80"};
    for (size_t i = 0; i < KOINE_COUNT(values); i++) {
        char query[64];
        snprintf(query, sizeof(query), "q=%s", values[i]);
        struct exchange exchange;
        struct search search = {.limit = 10};
        begin(&exchange, query, NULL);
        ck_assert_msg(!parse(&exchange, &search), "%s was read", query);
        ck_assert_msg(strstr(exchange.answer, "q: must be UTF-8, percent-encoded"), "%s: %s", query,
                      exchange.answer);
    }
}
END_TEST

START_TEST(values_are_decoded)
{
    assert_reads("q=a", "a|10|0|0|0");
    assert_reads("q=", "|10|0|0|0");
    assert_reads("q=a+b%20c%2B%26%3d=d", "a b c+&==d|10|0|0|0");
    assert_reads("%71=%C3%A4%e2%82%ac%22%5C%0a", "\xc3\xa4\xe2\x82\xac\"\\\n|10|0|0|0");
    assert_reads("q=12&limit=%35&offset=-7&ratio=1.5e2&exact%20match=true", "12|5|-7|150|1");
    assert_reads("&&other=%zz&%zz=1&q=true&exact+match=false&", "true|10|0|0|0");
}
END_TEST

START_TEST(a_request_that_is_gone)
{
    struct exchange exchange;
    struct search search = {.limit = 10};
    begin(&exchange, "q=a", NULL);
    end_request(&exchange);
    ck_assert(!parse(&exchange, &search));
    ck_assert_str_eq(exchange.answer, "");
}
END_TEST

START_TEST(every_allocation_that_fails)
{
    long failing = 0;
    bool read = false;
    json_set_alloc_funcs(json_allocate, free);
    for (; !read; failing++) {
        struct exchange exchange;
        struct search search = {.limit = 10};
        begin(&exchange, "q=a&limit=5&exact+match=true", NULL);
        allocations_left = failing;
        read = parse(&exchange, &search);
        allocations_left = -1;
        if (!read)
            ck_assert_msg(strncmp(exchange.answer, "500 ", 4) == 0, "allocation %ld: %s", failing,
                          exchange.answer);
        end_request(&exchange);
        ck_assert_int_lt(failing, 1000);
    }
    ck_assert_int_gt(failing, 5);
}
END_TEST

/* ---- Accept */

static bool accepts(const char *header) {
    struct exchange exchange;
    begin(&exchange, NULL, header);
    return koine_accepts(&exchange.self, (koine_request){1}, "text/event-stream");
}

START_TEST(headers_that_do_not_ask_for_it)
{
    static const char *const headers[] = {
        NULL,
        "",
        "*/*",
        "text/*",
        "application/json",
        "text/event-stream;q=0",
        "text/ev",
        ",;,=q, ;",
        "text",
        "text/event-streams",
        "text/event-stream; a=b ; Q=0.000",
    };
    for (size_t i = 0; i < KOINE_COUNT(headers); i++)
        ck_assert_msg(!accepts(headers[i]), "%s", headers[i]);
}
END_TEST

START_TEST(headers_that_ask_for_it)
{
    static const char *const headers[] = {
        "text/event-stream",
        "Text/Event-Stream",
        "application/json, text/event-stream",
        "\ttext/event-stream ;q=0.1, */*;q=0",
        "text/event-stream;q=0.01",
        "text/event-stream;charset=utf-8",
        "text/event-stream,",
    };
    for (size_t i = 0; i < KOINE_COUNT(headers); i++)
        ck_assert_msg(accepts(headers[i]), "%s", headers[i]);
}
END_TEST

/* ---- wanted */

START_TEST(what_cannot_be_followed)
{
    struct exchange exchange;
    struct koine_wanted wanted;
    for (long failing = 0; failing < 2; failing++) {
        begin(&exchange, NULL, NULL);
        allocations_left = failing;
        ck_assert_int_eq(koine_wanted_follow(&wanted, &exchange.self, (koine_request){1}),
                         KOINE_NO_MEMORY);
        allocations_left = -1;
        end_request(&exchange);
    }
    begin(&exchange, NULL, NULL);
    end_request(&exchange);
    ck_assert_int_ne(koine_wanted_follow(&wanted, &exchange.self, (koine_request){1}), KOINE_OK);
    ck_assert(!koine_wanted(&wanted));
}
END_TEST

START_TEST(the_request_ends_first)
{
    struct exchange exchange;
    struct koine_wanted *wanted = malloc(sizeof(*wanted));
    begin(&exchange, NULL, NULL);
    ck_assert_int_eq(koine_wanted_follow(wanted, &exchange.self, (koine_request){1}), KOINE_OK);
    ck_assert(koine_wanted(wanted));
    end_request(&exchange);
    ck_assert(!koine_wanted(wanted));
    koine_wanted_forget(wanted);
    free(wanted);
}
END_TEST

START_TEST(the_owner_ends_first)
{
    struct exchange exchange;
    struct koine_wanted *wanted = malloc(sizeof(*wanted));
    begin(&exchange, NULL, NULL);
    ck_assert_int_eq(koine_wanted_follow(wanted, &exchange.self, (koine_request){1}), KOINE_OK);
    koine_wanted_forget(wanted);
    free(wanted);
    end_request(&exchange); /* touches nothing that is freed: the sanitizer would tell */
    ck_assert_uint_eq(exchange.callbacks, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("request");
    TCase *cases = tcase_create("request");
    tcase_add_test(cases, what_cannot_be_read);
    tcase_add_test(cases, values_that_do_not_fit);
    tcase_add_test(cases, all_problems_at_once);
    tcase_add_test(cases, bytes_that_are_no_text);
    tcase_add_test(cases, values_are_decoded);
    tcase_add_test(cases, a_request_that_is_gone);
    tcase_add_test(cases, every_allocation_that_fails);
    tcase_add_test(cases, headers_that_do_not_ask_for_it);
    tcase_add_test(cases, headers_that_ask_for_it);
    tcase_add_test(cases, what_cannot_be_followed);
    tcase_add_test(cases, the_request_ends_first);
    tcase_add_test(cases, the_owner_ends_first);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
