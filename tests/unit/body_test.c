/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module SDK's request bodies against a host that is nothing but a request: which bodies are
 * read and as what, which are refused and in which words. What a run does with them is not here.
 */
#include "body_fixture.h"
#include "json_span.h"
#include <koine-module/generate.h>

/* ---- the body of an endpoint ------------------------------------------------------------- */

struct request_body {
    struct koine_generate common;
    struct koine_text schema;
};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct request_body, common),
    KOINE_BODY_FIELD(struct request_body, schema, "schema", KOINE_BODY_OBJECT,
                     KOINE_BODY_NOT_EMPTY),
};

static bool parse(struct exchange *exchange, struct request_body *body) {
    memset(body, 0, sizeof(*body));
    return koine_generate_parse(&exchange->host, (koine_request){1}, fields, COUNT(fields), body,
                                &body->common);
}

/* What the client is told about `body`; "" when it is accepted. */
static const char *answer_to(struct exchange *exchange) {
    struct request_body body;
    bool accepted = parse(exchange, &body);
    ck_assert_int_eq(accepted, !*exchange->answer);
    end_request(exchange);
    return exchange->answer;
}

static void assert_text(struct koine_text text, const char *expected) {
    char copy[1024];
    ck_assert_ptr_nonnull(text.data);
    snprintf(copy, sizeof(copy), "%.*s", (int)text.size, text.data);
    ck_assert_str_eq(copy, expected);
}

/* ---- bodies that are read ---------------------------------------------------------------- */

START_TEST(every_field_arrives)
{
    struct exchange exchange;
    struct request_body body;
    begin(&exchange, "{\"prompt\":\"caf\\u00e9\",\"system\":\"s\",\"appendSystem\":\"a\","
                     "\"sessionId\":\"id\",\"model\":\"opus\",\"effort\":\"low\","
                     "\"profile\":\"bare\",\"allowedTools\":[\"Read\",\"Bash(git:*)\"],"
                     "\"disallowedTools\":[\"*\"],\"maxTokens\":4294967295,\"maxTurns\":1,"
                     "\"timeoutMs\":5e3,\"maxBudgetUsd\":0.25,\"forkSession\":true,"
                     "\"schema\": {\"minimum\": 1.50} }");
    ck_assert_msg(parse(&exchange, &body), "%s", exchange.answer);
    const struct koine_generate *common = &body.common;
    assert_text(common->prompt.text, "café");
    assert_text(common->system, "s");
    assert_text(common->append_system, "a");
    assert_text(common->session_id, "id");
    assert_text(common->model, "opus");
    assert_text(common->effort, "low");
    assert_text(common->profile, "bare");
    ck_assert_uint_eq(common->allowed_tools.count, 2);
    assert_text(common->allowed_tools.items[1], "Bash(git:*)");
    ck_assert_uint_eq(common->disallowed_tools.count, 1);
    assert_text(common->disallowed_tools.items[0], "*");
    ck_assert_uint_eq(common->max_tokens, 4294967295u);
    ck_assert_uint_eq(common->max_turns, 1);
    ck_assert_uint_eq(common->timeout_ms, 5000);
    ck_assert_double_eq(common->max_budget_usd, 0.25);
    ck_assert(common->fork_session);
    assert_text(body.schema, "{\"minimum\": 1.50}");
    ck_assert_uint_eq(koine_generate_options(common).flags, KOINE_RUN_FORK);
    end_request(&exchange);
}
END_TEST

START_TEST(what_is_left_out_is_none)
{
    struct exchange exchange;
    struct request_body body;
    begin(&exchange, "{\"prompt\":\"p\",\"disallowedTools\":[],\"unknown\":[{\"a\":null}]}");
    ck_assert_msg(parse(&exchange, &body), "%s", exchange.answer);
    ck_assert_ptr_null(body.common.system.data);
    ck_assert_ptr_null(body.common.allowed_tools.items);
    ck_assert_ptr_nonnull(body.common.disallowed_tools.items);
    ck_assert_uint_eq(body.common.disallowed_tools.count, 0);
    ck_assert_uint_eq(body.common.max_tokens, 0);
    end_request(&exchange);
}
END_TEST

START_TEST(arrays_keep_the_text_that_the_client_wrote)
{
    struct exchange exchange;
    struct request_body body;
    begin(&exchange, "{\"x\\\"]}\":[\"}\",{\"\\\\\":1}],\n\"prompt\" : [ {\"type\":\"text\",\n"
                     "\"text\":\"a ] \\\" }\", \"n\": 10000000000000000000000} ] ,"
                     "\"history\":[{\"role\":\"user\",\"content\":\"\\u0041\"}]}");
    ck_assert_msg(parse(&exchange, &body), "%s", exchange.answer);
    struct koine_run_options options = koine_generate_options(&body.common);
    ck_assert_ptr_null(options.prompt.data);
    assert_text(options.prompt_blocks, "[ {\"type\":\"text\",\n\"text\":\"a ] \\\" }\", "
                                       "\"n\": 10000000000000000000000} ]");
    assert_text(options.history, "[{\"role\":\"user\",\"content\":\"\\u0041\"}]");
    end_request(&exchange);
}
END_TEST

START_TEST(an_empty_history_is_a_first_turn)
{
    struct exchange exchange;
    struct request_body body;
    begin(&exchange, "{\"prompt\":\"p\",\"history\":[ ],\"sessionId\":\"id\"}");
    ck_assert_msg(parse(&exchange, &body), "%s", exchange.answer);
    ck_assert_ptr_null(koine_generate_options(&body.common).history.data);
    end_request(&exchange);
}
END_TEST

/* ---- bodies that are refused ------------------------------------------------------------- */

#define BAD(text) "400 VALIDATION_ERROR " text

static const struct {
    const char *body, *answer;
} wrong_fields[] = {
    {"{}", BAD("prompt: is required")},
    {"{\"prompt\":\"\"}", BAD("prompt: must not be empty")},
    {"{\"prompt\":[]}", BAD("prompt: must not be empty")},
    {"{\"prompt\":true}", BAD("prompt: must be a string or an array of content blocks, got true")},
    {"{\"prompt\":null}", BAD("prompt: must be a string or an array of content blocks, got null")},
    {"{\"prompt\":[{\"type\":\"text\"},\"hello\"]}",
     BAD("prompt[1]: must be a content block, an object with a \"type\" such as \"text\"")},
    {"{\"prompt\":\"p\",\"sessionId\":\"\"}", BAD("sessionId: must not be empty")},
    {"{\"prompt\":\"p\",\"system\":null}", BAD("system: must be a string, got null")},
    {"{\"prompt\":\"p\",\"system\":{\"a\":1}}", BAD("system: must be a string, got an object")},
    {"{\"prompt\":\"p\",\"system\":12}", BAD("system: must be a string, got 12")},
    {"{\"prompt\":\"p\",\"maxTokens\":\"5\"}",
     BAD("maxTokens: must be a positive integer, got a string")},
    {"{\"prompt\":\"p\",\"maxTokens\":0}", BAD("maxTokens: must be a positive integer, got 0")},
    {"{\"prompt\":\"p\",\"maxTokens\":-0}", BAD("maxTokens: must be a positive integer, got -0")},
    {"{\"prompt\":\"p\",\"maxTokens\":1.5}", BAD("maxTokens: must be a positive integer, got 1.5")},
    {"{\"prompt\":\"p\",\"maxTokens\":4294967296}",
     BAD("maxTokens: must be at most 4294967295, got 4294967296")},
    {"{\"prompt\":\"p\",\"maxTokens\":18446744073709551616}",
     BAD("maxTokens: must be at most 4294967295, got 18446744073709551616")},
    {"{\"prompt\":\"p\",\"maxTokens\":100000000000000000000000000000000000000000}",
     BAD("maxTokens: must be at most 4294967295, got a number")},
    {"{\"prompt\":\"p\",\"maxBudgetUsd\":-0.5}",
     BAD("maxBudgetUsd: must be a positive number, got -0.5")},
    {"{\"prompt\":\"p\",\"maxBudgetUsd\":false}",
     BAD("maxBudgetUsd: must be a positive number, got false")},
    {"{\"prompt\":\"p\",\"allowedTools\":\"Read\"}",
     BAD("allowedTools: must be an array of strings, got a string")},
    {"{\"prompt\":\"p\",\"allowedTools\":[\"Read\",1]}",
     BAD("allowedTools[1]: must be a string, got a number")},
    {"{\"prompt\":\"p\",\"forkSession\":1,\"sessionId\":\"s\"}",
     BAD("forkSession: must be true or false, got 1")},
    {"{\"prompt\":\"p\",\"forkSession\":true}",
     BAD("forkSession: needs sessionId, the session to copy")},
    {"{\"prompt\":\"p\",\"history\":{}}", BAD("history: must be an array, got an object")},
    {"{\"prompt\":\"p\",\"history\":[{}],\"sessionId\":\"s\"}",
     BAD("history: cannot be combined with sessionId: a session has its own history")},
    {"{\"prompt\":\"p\",\"schema\":{}}", BAD("schema: must not be empty")},
    {"{\"prompt\":\"p\",\"schema\":[]}", BAD("schema: must be an object, got an array")},
    {"{\"maxTokens\":-1,\"model\":7}",
     BAD("3 problems: maxTokens: must be a positive integer, got -1; model: must be a string, "
         "got 7; prompt: is required")},
};

START_TEST(a_wrong_field_is_named)
{
    struct exchange exchange;
    begin(&exchange, wrong_fields[_i].body);
    ck_assert_str_eq(answer_to(&exchange), wrong_fields[_i].answer);
}
END_TEST

#define NOT_JSON(where, why) BAD("the body is not JSON that can be used: " where ": " why)

static const struct {
    const char *body, *answer;
} not_json[] = {
    {"", BAD("the body is empty: send a JSON object")},
    {"[]", BAD("the body must be a JSON object, got an array")},
    {"\"prompt\"", BAD("the body must be a JSON object, got a string")},
    {"  ", NOT_JSON("line 1 column 2", "unexpected token near end of file")},
    {"hello", NOT_JSON("line 1 column 5", "invalid token near 'hello'")},
    {"{\"prompt\":\n\"p\"", NOT_JSON("line 2 column 3", "'}' expected near end of file")},
    {"{\"prompt\":\"p\"} {}", NOT_JSON("line 1 column 16", "end of file expected near '{'")},
    {"{\"prompt\":\"p\",\"prompt\":\"q\"}",
     NOT_JSON("line 1 column 22", "duplicate object key near '\"prompt\"'")},
    {"{\"prompt\":\"a\\u0000b\"}",
     NOT_JSON("line 1 column 20", "a NUL character (\\u0000) is not allowed")},
    {"{\"\\u0000\":1}", NOT_JSON("line 1 column 9", "a NUL character (\\u0000) is not allowed")},
    {"{\"prompt\":\"\\ud800\"}",
     NOT_JSON("line 1 column 18", "invalid Unicode '\\uD800' near '\"\\ud800\"'")},
    {"{\"prompt\":\"\\udc00\"}",
     NOT_JSON("line 1 column 18", "invalid Unicode '\\uDC00' near '\"\\udc00\"'")},
    {"{\"prompt\":\"\xff\"}", NOT_JSON("line 1 column 11", "unable to decode byte 0xff near '\"'")},
    {"{\"prompt\":\"\xed\xa0\x80\"}",
     NOT_JSON("line 1 column 11", "unable to decode byte 0xed near '\"'")},
    {"{\"maxBudgetUsd\":1e400}", NOT_JSON("line 1 column 21", "real number overflow near '1e400'")},
    {"{\"maxTokens\":NaN}", NOT_JSON("line 1 column 16", "invalid token near 'NaN'")},
};

START_TEST(what_is_not_json_is_refused_with_its_place)
{
    struct exchange exchange;
    begin(&exchange, not_json[_i].body);
    ck_assert_str_eq(answer_to(&exchange), not_json[_i].answer);
    ck_assert_ptr_nonnull(strstr(exchange.issues, "\"path\":[]"));
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
    struct exchange exchange;
    static const char body[] = "{\"prompt\":\"p\"}\0";
    begin_bytes(&exchange, body, sizeof(body) - 1);
    ck_assert_ptr_nonnull(strstr(answer_to(&exchange), "400 VALIDATION_ERROR"));
}
END_TEST

START_TEST(nesting_has_a_limit)
{
    enum { DEPTH = 100000 };
    struct exchange exchange;
    char *body = malloc(DEPTH);
    ck_assert_ptr_nonnull(body);
    memset(body, '[', DEPTH);
    memcpy(body, "{\"prompt\":", strlen("{\"prompt\":"));
    begin_bytes(&exchange, body, DEPTH);
    ck_assert_str_eq(answer_to(&exchange),
                     NOT_JSON("line 1 column 2058", "maximum parsing depth reached near '['"));
    free(body);
}
END_TEST

START_TEST(issues_are_for_programs)
{
    struct exchange exchange;
    begin(&exchange, "{\"prompt\":\"p\",\"maxTokens\":-1,\"allowedTools\":[1]}");
    answer_to(&exchange);
    ck_assert_str_eq(
        exchange.issues,
        "[{\"path\":[\"maxTokens\"],\"message\":\"must be a positive integer, got -1\"},"
        "{\"path\":[\"allowedTools\",0],\"message\":\"must be a string, got a number\"}]");
}
END_TEST

START_TEST(many_problems_are_counted_not_listed)
{
    struct exchange exchange;
    begin(&exchange, "{\"prompt\":\"p\",\"allowedTools\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"
                     "17,18,19,20]}");
    const char *answer = answer_to(&exchange);
    ck_assert_msg(strstr(answer, "20 problems: allowedTools[0]: "), "%s", answer);
    ck_assert_msg(strstr(answer, "allowedTools[15]: "), "%s", answer);
    ck_assert_msg(!strstr(answer, "allowedTools[16]: "), "%s", answer);
    ck_assert_msg(strstr(answer, "; and 4 more"), "%s", answer);
}
END_TEST

/* ---- limits, choices, further kinds ------------------------------------------------------- */

struct limited_body {
    struct koine_text name, size, any, optional;
    struct koine_body_strings tags;
    struct koine_body_array rows;
    uint32_t times;
    double ratio, number;
    int64_t integer;
};

static const char *const sizes[] = {"small", "middle", "large", NULL};

static const struct koine_body_field limited[] = {
    KOINE_BODY_LIMITED(struct limited_body, name, "name", KOINE_BODY_STRING, 0, 2, 4),
    KOINE_BODY_CHOICE(struct limited_body, size, "size", 0, sizes),
    KOINE_BODY_FIELD(struct limited_body, any, "any", KOINE_BODY_JSON, 0),
    KOINE_BODY_LIMITED(struct limited_body, tags, "tags", KOINE_BODY_STRINGS, 0, 1, 2),
    KOINE_BODY_LIMITED(struct limited_body, rows, "rows", KOINE_BODY_ARRAY, 0, 0, 2),
    KOINE_BODY_LIMITED(struct limited_body, times, "times", KOINE_BODY_POSITIVE_INTEGER, 0, 1, 9),
    KOINE_BODY_LIMITED(struct limited_body, ratio, "ratio", KOINE_BODY_POSITIVE_NUMBER, 0, 0, 1),
    KOINE_BODY_FIELD(struct limited_body, number, "number", KOINE_BODY_NUMBER, 0),
    KOINE_BODY_LIMITED(struct limited_body, integer, "integer", KOINE_BODY_INTEGER, 0, -5, 1e15),
    KOINE_BODY_FIELD(struct limited_body, optional, "optional", KOINE_BODY_STRING,
                     KOINE_BODY_NULLABLE | KOINE_BODY_NOT_EMPTY),
};

static const struct {
    const char *body, *problem; /* NULL: none */
} limited_bodies[] = {
    {"{\"name\":\"ab\"}", NULL},
    {"{\"name\":\"\\u00e4\\u20ac\\ud83d\\ude00d\"}", NULL}, /* 4 characters, 10 bytes */
    {"{\"name\":\"a\"}", "name: must have at least 2 characters, got 1"},
    {"{\"name\":\"abcde\"}", "name: must have at most 4 characters, got 5"},
    {"{\"size\":\"large\"}", NULL},
    {"{\"size\":\"\"}", "size: must be \"small\", \"middle\" or \"large\""},
    {"{\"size\":\"larger\"}", "size: must be \"small\", \"middle\" or \"large\""},
    {"{\"tags\":[\"a\",\"b\"]}", NULL},
    {"{\"tags\":[]}", "tags: must hold at least 1 item, got 0"},
    {"{\"tags\":[\"a\",\"b\",\"c\"]}", "tags: must hold at most 2 items, got 3"},
    {"{\"rows\":[]}", NULL},
    {"{\"rows\":[1,2,3]}", "rows: must hold at most 2 items, got 3"},
    {"{\"times\":9}", NULL},
    {"{\"times\":10}", "times: must be at most 9, got 10"},
    {"{\"ratio\":0.5}", NULL},
    {"{\"ratio\":1.5}", "ratio: must be at most 1, got 1.5"},
    {"{\"number\":-1e300}", NULL},
    {"{\"number\":\"1\"}", "number: must be a number, got a string"},
    {"{\"integer\":-5}", NULL},
    {"{\"integer\":1e3}", NULL},
    {"{\"integer\":-6}", "integer: must be at least -5, got -6"},
    {"{\"integer\":1.5}", "integer: must be an integer of at most 53 bits, got 1.5"},
    {"{\"integer\":9007199254740992}",
     "integer: must be an integer of at most 53 bits, got 9007199254740992"},
    {"{\"integer\":null}", "integer: must be an integer of at most 53 bits, got null"},
    {"{\"optional\":null}", NULL},
    {"{\"optional\":\"\"}", "optional: must not be empty"},
};

START_TEST(a_field_has_limits)
{
    struct exchange exchange;
    struct limited_body body = {.times = 1};
    const char *problem = limited_bodies[_i].problem;
    char expected[256] = "";
    begin(&exchange, limited_bodies[_i].body);
    bool accepted =
        koine_body_parse(&exchange.host, (koine_request){1}, limited, COUNT(limited), &body);
    if (problem)
        snprintf(expected, sizeof(expected), "400 VALIDATION_ERROR %s", problem);
    ck_assert_str_eq(exchange.answer, expected);
    ck_assert_int_eq(accepted, !problem);
    end_request(&exchange);
}
END_TEST

START_TEST(further_kinds_arrive_and_defaults_stay)
{
    struct exchange exchange;
    struct limited_body body = {.times = 3, .name = KOINE_TEXT("nobody")};
    begin(&exchange, "{\"any\": [1, {\"a\": 2.50}] ,\"integer\":-4,\"number\":-0.25}");
    ck_assert_msg(
        koine_body_parse(&exchange.host, (koine_request){1}, limited, COUNT(limited), &body), "%s",
        exchange.answer);
    assert_text(body.any, "[1, {\"a\": 2.50}]");
    ck_assert_int_eq(body.integer, -4);
    ck_assert_double_eq(body.number, -0.25);
    ck_assert_uint_eq(body.times, 3);
    assert_text(body.name, "nobody");
    end_request(&exchange);
}
END_TEST

/* ---- content types ----------------------------------------------------------------------- */

static const struct {
    const char *content_type;
    bool accepted;
} content_types[] = {
    {NULL, true},
    {"application/json", true},
    {"Application/JSON ; charset=utf-8", true},
    {"application/vnd.example+json", true},
    {"text/plain", false},
    {"application/jsonp", false},
    {"application/x-www-form-urlencoded", false},
    {"multipart/form-data; boundary=+json", false},
    {"+json", false},
};

START_TEST(a_body_says_that_it_is_json_or_nothing)
{
    struct exchange exchange;
    begin(&exchange, "{\"prompt\":\"p\"}");
    exchange.content_type = content_types[_i].content_type;
    ck_assert_str_eq(answer_to(&exchange),
                     content_types[_i].accepted
                         ? ""
                         : "415 UNSUPPORTED_MEDIA_TYPE The body must be JSON: send it with "
                           "Content-Type: application/json");
}
END_TEST

START_TEST(an_empty_body_is_empty_whatever_it_says_to_be)
{
    struct exchange exchange;
    begin(&exchange, "");
    exchange.content_type = "text/plain";
    ck_assert_str_eq(answer_to(&exchange), BAD("the body is empty: send a JSON object"));
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------ */

/* jansson calls some failed allocations a syntax error; accepted is none. */
START_TEST(no_failed_allocation_is_accepted)
{
    static const char *const bodies[] = {"{\"prompt\":\"p\",\"allowedTools\":[\"Read\"]}",
                                         "{\"maxTokens\":-1}"};
    struct exchange exchange;
    long n = 0;
    json_set_alloc_funcs(json_allocate, free);
    for (;; n++) {
        begin(&exchange, bodies[_i]);
        allocations_left = n;
        answer_to(&exchange);
        if (allocations_left >= 0)
            break;
        ck_assert_msg(*exchange.answer, "allocation %ld failed unseen", n);
    }
    ck_assert_int_gt(n, 5);
    ck_assert_str_eq(exchange.answer,
                     _i == 0 ? ""
                             : BAD("2 problems: maxTokens: must be a positive integer, got -1; "
                                   "prompt: is required"));
}
END_TEST

/* Whatever it is given, the scanner stays within it; the sanitizers watch. */
START_TEST(a_scanner_stays_within_its_text)
{
    static const char body[] = "{\"a\" : [1,\"\\\"]\"] , \"b\":\"\\\\\" }";
    for (size_t size = 0; size < sizeof(body); size++) {
        char *cut = malloc(size ? size : 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, body, size);
        struct koine_text rest = {cut, size};
        int members = 0;
        while (json_span_next_member(&rest).size)
            members++;
        ck_assert_int_le(members, 2);
        ck_assert(rest.data <= cut + size);
        free(cut);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("body");
    TCase *read = tcase_create("read"), *refused = tcase_create("refused");
    tcase_add_test(read, every_field_arrives);
    tcase_add_test(read, what_is_left_out_is_none);
    tcase_add_test(read, arrays_keep_the_text_that_the_client_wrote);
    tcase_add_test(read, an_empty_history_is_a_first_turn);
    tcase_add_test(read, a_scanner_stays_within_its_text);
    tcase_add_loop_test(read, a_body_says_that_it_is_json_or_nothing, 0, COUNT(content_types));
    tcase_add_test(read, further_kinds_arrive_and_defaults_stay);
    tcase_add_loop_test(refused, a_field_has_limits, 0, COUNT(limited_bodies));
    tcase_add_loop_test(refused, a_wrong_field_is_named, 0, COUNT(wrong_fields));
    tcase_add_loop_test(refused, what_is_not_json_is_refused_with_its_place, 0, COUNT(not_json));
    tcase_add_test(refused, a_nul_byte_is_refused);
    tcase_add_test(refused, nesting_has_a_limit);
    tcase_add_test(refused, issues_are_for_programs);
    tcase_add_test(refused, many_problems_are_counted_not_listed);
    tcase_add_test(refused, an_empty_body_is_empty_whatever_it_says_to_be);
    tcase_add_loop_test(refused, no_failed_allocation_is_accepted, 0, 2);
    suite_add_tcase(suite, read);
    suite_add_tcase(suite, refused);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
