/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of endpoints that ignore nothing silently: members by name, rules for each of them, and
 * problems that lie deep in a body.
 */
#include "body_fixture.h"
#include "support/test_main.h"

struct chat_body {
    struct koine_text model;
};

static const struct koine_body_field fields[] = {
    KOINE_BODY_FIELD(struct chat_body, model, "model", KOINE_BODY_STRING,
                     KOINE_BODY_REQUIRED | KOINE_BODY_NULLABLE),
};

static const struct koine_body_rule rules[] = {
    {"model", KOINE_BODY_HONOURED, NULL, NULL},
    {"temperature", KOINE_BODY_WITHOUT_EFFECT, NULL, NULL},
    {"n", KOINE_BODY_REFUSED, "1", "one answer is made"},
    {"store", KOINE_BODY_REFUSED, "false true", "nothing is kept"},
    {"logit_bias", KOINE_BODY_REFUSED, "{}", "the CLI has none"},
    {"tools", KOINE_BODY_REFUSED, "[] [[1],{\"a\":\"b\"}]", "there are none"},
    {"audio", KOINE_BODY_REFUSED, NULL, NULL},
};

static const struct {
    const char *members, *problems; /* "": none */
} judged[] = {
    {"", ""},
    {",\"temperature\":{\"any\":1}", ""},
    {",\"n\":1", ""},
    {",\"n\":1.0", ""},
    {",\"n\":10e-1", ""},
    {",\"n\":null", ""},
    {",\"n\":2", "n: is not supported: one answer is made"},
    {",\"n\":\"1\"", "n: is not supported: one answer is made"},
    {",\"n\":true", "n: is not supported: one answer is made"},
    {",\"store\":false", ""},
    {",\"store\":true", ""},
    {",\"store\":1", "store: is not supported: nothing is kept"},
    {",\"logit_bias\": { } ", ""},
    {",\"logit_bias\":{\"50256\":-100}", "logit_bias: is not supported: the CLI has none"},
    {",\"tools\":[]", ""},
    {",\"tools\":[[1.0], {\"a\":\"\\u0062\"}]", ""},
    {",\"tools\":[[1]]", "tools: is not supported: there are none"},
    {",\"audio\":null", ""},
    {",\"audio\":{}", "audio: is not supported"},
    {",\"voice\":null", "voice: is not known here"},
    {",\"Model\":\"m\"", "Model: is not known here"},
    {",\"\":1", ": is not known here"},
    {",\"b\":1,\"a\":2,\"n\":3", "3 problems: b: is not known here; a: is not known here; n: is "
                                 "not supported: one answer is made"},
};

/* What the client is told; "" when nothing. */
static const char *judge(struct exchange *exchange, const char *json) {
    struct chat_body chat = {{NULL, 0}};
    begin(exchange, json);
    struct koine_body *body =
        koine_body_read(&exchange->host, (koine_request){1}, fields, COUNT(fields), &chat);
    if (body) {
        koine_body_rules(body, rules, COUNT(rules));
        ck_assert_int_eq(koine_body_accept(body), !*exchange->answer);
    }
    end_request(exchange);
    const char *bad = "400 VALIDATION_ERROR ";
    return strncmp(exchange->answer, bad, strlen(bad)) ? exchange->answer
                                                       : exchange->answer + strlen(bad);
}

START_TEST(every_member_has_a_rule)
{
    for (size_t i = 0; i < COUNT(judged); i++) {
        struct exchange exchange;
        char json[256];
        snprintf(json, sizeof(json), "{\"model\":\"m\"%s}", judged[i].members);
        ck_assert_str_eq(judge(&exchange, json), judged[i].problems);
    }
}
END_TEST

START_TEST(a_required_member_that_is_null_is_required)
{
    struct exchange exchange;
    ck_assert_str_eq(judge(&exchange, "{\"model\":null}"), "model: is required");
    ck_assert_str_eq(exchange.issues, "[{\"path\":[\"model\"],\"message\":\"is required\"}]");
}
END_TEST

START_TEST(a_long_name_is_cut_between_characters)
{
    struct exchange exchange;
    char name[512] = "x", json[1024], expected[128] = "x";
    for (size_t i = 0; i < 100; i++)
        strcat(name, "€");
    for (size_t i = 0; i < 21; i++)
        strcat(expected, "€");
    strcat(expected, "…: is not known here");
    snprintf(json, sizeof(json), "{\"model\":\"m\",\"%s\":1}", name);
    ck_assert_str_eq(judge(&exchange, json), expected);
}
END_TEST

START_TEST(a_member_is_lent_as_it_was_read)
{
    struct exchange exchange;
    struct chat_body chat;
    begin(&exchange, "{\"model\":\"m\",\"a\":{\"inner\":[1,\"x\"]}}");
    struct koine_body *body =
        koine_body_read(&exchange.host, (koine_request){1}, fields, COUNT(fields), &chat);
    ck_assert_ptr_nonnull(body);
    json_t *inner = json_object_get(koine_body_json(body, "a"), "inner");
    ck_assert_uint_eq(json_array_size(inner), 2);
    ck_assert(json_is_real(json_array_get(inner, 0)));
    ck_assert_ptr_null(koine_body_json(body, "inner"));
    ck_assert(koine_body_accept(body));
    end_request(&exchange);
}
END_TEST

START_TEST(members_come_in_the_order_of_the_client)
{
    struct exchange exchange;
    struct chat_body chat;
    begin(&exchange, "{\"z\":1,\"model\":\"m\",\"a\":{\"inner\":1}}");
    struct koine_body *body =
        koine_body_read(&exchange.host, (koine_request){1}, fields, COUNT(fields), &chat);
    ck_assert_ptr_nonnull(body);
    for (int round = 0; round < 2; round++) {
        ck_assert_str_eq(koine_body_member(body, 0), "z");
        ck_assert_str_eq(koine_body_member(body, 1), "model");
        ck_assert_str_eq(koine_body_member(body, 2), "a");
        ck_assert_ptr_null(koine_body_member(body, 3));
    }
    ck_assert_str_eq(koine_body_member(body, 2), "a");
    ck_assert_str_eq(koine_body_member(body, 1), "model");
    ck_assert_ptr_null(koine_body_member(body, 99));
    ck_assert(koine_body_accept(body));
    end_request(&exchange);
}
END_TEST

static const struct {
    const char *path, *issue_path, *told;
} paths[] = {
    {"model", "[\"model\"]", "model: "},
    {"messages[2].content[0].type", "[\"messages\",2,\"content\",0,\"type\"]",
     "messages[2].content[0].type: "},
    {"a[0][12]", "[\"a\",0,12]", "a[0][12]: "},
    {"a.b", "[\"a\",\"b\"]", "a.b: "},
    {"", "[]", ""},
};

START_TEST(a_problem_may_lie_deep_in_the_body)
{
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct exchange exchange;
        struct chat_body chat;
        char answer[256], issues[256];
        begin(&exchange, "{\"model\":\"m\"}");
        struct koine_body *body =
            koine_body_read(&exchange.host, (koine_request){1}, fields, COUNT(fields), &chat);
        ck_assert_ptr_nonnull(body);
        koine_body_problem_at(body, paths[i].path, "must be %s, got %d", "less", 7);
        ck_assert(!koine_body_accept(body));
        snprintf(answer, sizeof(answer), "400 VALIDATION_ERROR %smust be less, got 7",
                 paths[i].told);
        snprintf(issues, sizeof(issues), "[{\"path\":%s,\"message\":\"must be less, got 7\"}]",
                 paths[i].issue_path);
        ck_assert_str_eq(exchange.answer, answer);
        ck_assert_str_eq(exchange.issues, issues);
        end_request(&exchange);
    }
}
END_TEST

START_TEST(no_failed_allocation_is_accepted_or_called_unsupported)
{
    struct exchange exchange;
    long n = 0;
    json_set_alloc_funcs(json_allocate, free);
    for (;; n++) {
        allocations_left = n;
        judge(&exchange, "{\"model\":\"m\",\"n\":1,\"store\":true,\"tools\":[]}");
        if (allocations_left >= 0)
            break;
        ck_assert_msg(*exchange.answer, "allocation %ld failed unseen", n);
        ck_assert_msg(!strstr(exchange.answer, "not supported"), "allocation %ld: %s", n,
                      exchange.answer);
    }
    ck_assert_int_gt(n, 5);
    ck_assert_str_eq(exchange.answer, "");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        every_member_has_a_rule,
        a_required_member_that_is_null_is_required,
        a_long_name_is_cut_between_characters,
        a_member_is_lent_as_it_was_read,
        members_come_in_the_order_of_the_client,
        a_problem_may_lie_deep_in_the_body,
        no_failed_allocation_is_accepted_or_called_unsupported,
    };
    return test_main("body_rules", NULL, NULL, tests, COUNT(tests));
}
