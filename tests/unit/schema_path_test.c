/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas deep in a body: found by their path, with the text that the client has written. */
#include "body_fixture.h"
#include "support/test_main.h"

#include <koine-module/schema.h>

/* The prepared text, malloc'd; "" where none stands there; NULL: the request has been refused. */
static char *prepared(struct exchange *exchange, const char *body, const char *path) {
    struct koine_text schema = KOINE_TEXT("");
    char *text = NULL;
    begin(exchange, body);
    struct koine_body *read =
        koine_body_read(&exchange->host, (koine_request){1}, NULL, 0, exchange);
    ck_assert_ptr_nonnull(read);
    koine_schema_prepare_at(read, path, &schema);
    if (koine_body_accept(read))
        text = strndup(schema.data, schema.size);
    end_request(exchange);
    return text;
}

static void assert_prepared(const char *body, const char *path, const char *expected) {
    struct exchange exchange;
    char *text = prepared(&exchange, body, path);
    ck_assert_msg(text != NULL, "%s was refused: %s", path, exchange.answer);
    ck_assert_str_eq(text, expected);
    free(text);
}

static void assert_refused(const char *body, const char *path, const char *issues) {
    struct exchange exchange;
    char *text = prepared(&exchange, body, path);
    ck_assert_msg(text == NULL, "%s was taken: %s", path, text);
    ck_assert_str_eq(exchange.issues, issues);
    free(text);
}

START_TEST(members_and_elements_lead_to_a_schema)
{
    assert_prepared(
        "{\"a\":{\"x\":[1,{\"y\":2}],\"b\":{\"type\":\"object\",\"minProperties\":1.0}}}", "a.b",
        "{\"type\":\"object\",\"minProperties\":1.0}");
    assert_prepared(
        "{\"tools\":[ {\"n\":\"]\"} , {\"s\": {\"type\":\"object\",\"format\":\"x\"}} ]}",
        "tools[1].s", "{\"type\":\"object\"}");
}
END_TEST

START_TEST(where_no_object_stands_nothing_is_done)
{
    assert_prepared("{\"a\":{\"b\":\"text\"}}", "a.b", "");
    assert_prepared("{\"a\":{\"b\":\"text\"}}", "a.c", "");
    assert_prepared("{\"a\":{\"b\":\"text\"}}", "a.b.c", "");
    assert_prepared("{\"a\":[{}]}", "a[1]", "");
    assert_prepared("{\"a\":{\"b\":{}}}", "a[0]", "");
    assert_prepared("{\"a\":{\"type\":\"object\"}}", "a.a.a.a.a.a.a.a.a", "");
}
END_TEST

START_TEST(problems_are_told_at_their_place)
{
    assert_refused("{\"tools\":[{},{\"s\":{\"properties\":{\"age\":{\"type\":\"int\"}}}}]}",
                   "tools[1].s",
                   "[{\"path\":[\"tools\",1,\"s\",\"properties\",\"age\",\"type\"],"
                   "\"message\":\"must be one of \\\"array\\\", \\\"boolean\\\", \\\"integer\\\", "
                   "\\\"null\\\", \\\"number\\\", \\\"object\\\", \\\"string\\\", got "
                   "\\\"int\\\"\"}]");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        members_and_elements_lead_to_a_schema,
        where_no_object_stands_nothing_is_done,
        problems_are_told_at_their_place,
    };
    return test_main("schema_path", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
