/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/models and /v1/models/{model}, and the counting of tokens: the smaller routes of
 * Anthropic's API. */
#include "anthropic_fixture.h"

#define ALIASES                                                                                    \
    "modules:\n  settings:\n    anthropic:\n      models: {claude-one: sonnet, claude-two: "       \
    "opus}\n"

static struct http_response get(const char *path) {
    static const char *const headers[] = {"anthropic-version: 2023-06-01", NULL};
    return http_send(gateway, &(struct http_request){.path = path, .headers = headers});
}

/* The ids of a page, and "+" when there are more: "a b +". */
static void assert_page(const char *path, const char *expected) {
    struct http_response answer = get(path);
    char list[512] = "";
    size_t at;
    json_t *model;
    http_assert_status(&answer, 200);
    json_array_foreach(http_member(&answer, "data"), at, model) {
        strcat(list, at ? " " : "");
        strcat(list, json_string_value(json_object_get(model, "id")));
    }
    if (json_is_true(http_member(&answer, "has_more")))
        strcat(list, " +");
    ck_assert_str_eq(list, expected);
    http_response_finish(&answer);
}

START_TEST(models_are_listed_aliases_first)
{
    start_with(ALIASES);
    struct http_response answer = get("/v1/models");
    http_assert_status(&answer, 200);
    assert_member(&answer, "data.0",
                  "{'type':'model','id':'claude-one','display_name':'claude-one','created_at':"
                  "'1970-01-01T00:00:00Z','max_input_tokens':null,'max_tokens':null,'line':null,"
                  "'capabilities':null}");
    assert_member(&answer, "first_id", "'claude-one'");
    assert_member(&answer, "last_id", "'haiku'");
    http_response_finish(&answer);
    assert_page("/v1/models", "claude-one claude-two sonnet opus haiku");
}
END_TEST

START_TEST(models_come_in_pages)
{
    start_with(ALIASES);
    assert_page("/v1/models?limit=2", "claude-one claude-two +");
    assert_page("/v1/models?limit=2&after_id=claude-two", "sonnet opus +");
    assert_page("/v1/models?limit=2&after_id=opus", "haiku");
    assert_page("/v1/models?after_id=haiku", "");
    assert_page("/v1/models?limit=2&before_id=haiku", "sonnet opus +");
    assert_page("/v1/models?limit=2&before_id=sonnet", "claude-one claude-two");
    assert_page("/v1/models?before_id=claude-one", "");
}
END_TEST

START_TEST(a_page_that_is_nowhere_is_refused)
{
    static const char *const paths[] = {"/v1/models?limit=0", "/v1/models?limit=1001",
                                        "/v1/models?after_id=x", "/v1/models?before_id=x",
                                        "/v1/models?after_id=opus&before_id=opus"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        struct http_response answer = get(paths[i]);
        assert_api_error(&answer, 400, "invalid_request_error", "");
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(one_model_is_told_by_any_name_that_is_taken)
{
    struct http_response known = get("/v1/models/claude-sonnet-4-5");
    http_assert_status(&known, 200);
    assert_member(&known, "id", "'claude-sonnet-4-5'");
    struct http_response unknown = get("/v1/models/gpt-9");
    assert_api_error(&unknown, 404, "not_found_error", "model: gpt-9");
    http_response_finish(&unknown);
    http_response_finish(&known);
}
END_TEST

/* Without the header that every client of this API sends the path is free for others. */
START_TEST(without_the_header_there_are_no_models)
{
    struct http_response answer = http_get(gateway, "/v1/models");
    ck_assert_ptr_null(json_object_get(answer.json, "first_id"));
    http_response_finish(&answer);
}
END_TEST

/* ---- counting */

static json_t *count_body(const char *fields) {
    json_t *body = ask_scenario("{'text':'x'}", fields);
    json_object_del(body, "max_tokens");
    return body;
}

START_TEST(tokens_are_counted)
{
    struct http_response answer = http_post(
        gateway, MESSAGES "/count_tokens",
        count_body("{'system':'Be terse.','tools':[{'name':'a','input_schema':{'type':'object'}}],"
                   "'thinking':{'type':'adaptive'},'output_config':{"
                   "'format':{'type':'json_schema','schema':{'type':'object'}}}}"));
    http_assert_status(&answer, 200);
    ck_assert_int_gt(http_integer(&answer, "input_tokens"), 0);
    ck_assert_uint_eq(json_object_size(answer.json), 1);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_count_has_no_fields_of_an_answer)
{
    struct http_response answer =
        http_post(gateway, MESSAGES "/count_tokens", ask_scenario("{'text':'x'}", NULL));
    assert_api_error(&answer, 400, "invalid_request_error", "max_tokens: is not known here");
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        models_are_listed_aliases_first,        models_come_in_pages,
        a_page_that_is_nowhere_is_refused,      one_model_is_told_by_any_name_that_is_taken,
        without_the_header_there_are_no_models, tokens_are_counted,
        a_count_has_no_fields_of_an_answer,
    };
    return test_main("anthropic_models", setup, teardown, tests, sizeof(tests) / sizeof(*tests));
}
