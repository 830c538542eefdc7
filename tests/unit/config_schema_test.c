/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON Schema of a module's section: which schemas are taken, and what a section is told.
 * In the tables a single quote stands for a double one.
 */
#include "modules/config_schema.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *parse(const char *written) {
    char text[2048];
    ck_assert_uint_lt(strlen(written), sizeof(text));
    snprintf(text, sizeof(text), "%s", written);
    for (char *quote; (quote = strchr(text, '\'')) != NULL;) {
        *quote = '"';
    }
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
    ck_assert_msg(value != NULL, "%s: %s", text, error.text);
    return value;
}

/* ---- schemas --------------------------------------------------------------------------------- */

static const char *const good_schemas[] = {
    "{}",
    "{'type':'object','additionalProperties':false}",
    "{'type':['object','null'],'properties':{'a':{'type':'integer'},'b':true},'required':['a']}",
    "{'additionalProperties':{'type':'string'}}",
    "{'properties':{'a':{'items':{'enum':[1,'x',null]},'minItems':0,'maxItems':2}}}",
    "{'properties':{'a':{'minimum':0.5,'maximum':9,'minLength':1,'maxLength':2,'const':null}}}",
    "{'$schema':'x','$id':'y','$comment':'z','title':'t','description':'d','default':{}}",
    "{'examples':[],'default':3}",
};

START_TEST(a_schema_of_known_keywords_is_taken)
{
    char message[256] = "";
    json_t *schema = parse(good_schemas[_i]);
    ck_assert_msg(config_schema_check(schema, message, sizeof(message)) == 0, "%s", message);
    json_decref(schema);
}
END_TEST

static const struct bad_schema {
    const char *schema;
    const char *message; /* how it begins */
} bad_schemas[] = {
    {"[]", "the schema: expected an object"},
    {"true", "the schema: expected an object"},
    {"{'pattern':'a'}", "pattern: this keyword of JSON Schema is not supported, use type, "},
    {"{'properties':{'a':{'oneOf':[]}}}", "properties.a.oneOf: this keyword of JSON Schema"},
    {"{'items':{'items':{'$ref':'#'}}}", "items.items.$ref: this keyword of JSON Schema"},
    {"{'additionalProperties':{'not':{}}}", "additionalProperties.not: this keyword"},
    {"{'type':'text'}", "type: expected null, boolean, object, array, number, integer or string"},
    {"{'type':[]}", "type: expected null"},
    {"{'type':['string','int']}", "type[1]: expected null"},
    {"{'type':3}", "type: expected null"},
    {"{'properties':[]}", "properties: expected an object whose members are schemas"},
    {"{'properties':{'a b':1}}", "properties[\"a b\"]: expected a schema: an object, true or"},
    {"{'required':'a'}", "required: expected an array of names"},
    {"{'required':['a',1]}", "required[1]: expected the name of a member"},
    {"{'additionalProperties':'no'}", "additionalProperties: expected a schema"},
    {"{'items':[{}]}", "items: expected a schema"},
    {"{'enum':[]}", "enum: expected a non-empty array of values"},
    {"{'enum':{}}", "enum: expected a non-empty array of values"},
    {"{'minimum':'1'}", "minimum: expected a number"},
    {"{'maximum':true}", "maximum: expected a number"},
    {"{'minLength':-1}", "minLength: expected an integer from 0"},
    {"{'maxLength':1.5}", "maxLength: expected an integer from 0"},
    {"{'minItems':null}", "minItems: expected an integer from 0"},
    {"{'maxItems':'9'}", "maxItems: expected an integer from 0"},
    {"{'description':1}", "description: expected a string"},
    {"{'examples':1}", "examples: expected an array"},
};

START_TEST(any_other_schema_is_refused_with_the_place)
{
    char message[512] = "";
    const struct bad_schema *row = &bad_schemas[_i];
    json_t *schema = parse(row->schema);
    ck_assert_int_eq(config_schema_check(schema, message, sizeof(message)), -1);
    ck_assert_msg(strncmp(message, row->message, strlen(row->message)) == 0,
                  "\"%s\" does not begin with \"%s\"", message, row->message);
    json_decref(schema);
}
END_TEST

/* ---- values ---------------------------------------------------------------------------------- */

static const char server_schema[] =
    "{'type':'object','additionalProperties':false,'required':['url'],'properties':{"
    "'url':{'type':'string','minLength':3,'maxLength':8,'description':'where the server is'},"
    "'port':{'type':['integer','null'],'minimum':1,'maximum':65535},"
    "'mode':{'enum':['fast','safe',3]},"
    "'ratio':{'type':'number','maximum':0.5},"
    "'tables':{'type':'array','minItems':1,'maxItems':3,'items':{'type':'object',"
    "'required':['id'],'properties':{'id':{}},'additionalProperties':{'type':'boolean'}}},"
    "'never':false,'kind':{'const':{'a':[1,'x']}}}}";

static const char *const good_values[] = {
    "{'url':'abc'}",
    "{'url':'abc','port':1}",
    "{'url':'abc','port':65535}",
    "{'url':'abc','port':null}",
    "{'url':'\\u00e4\\u00f6\\u00fc\\u00df\\u00e4\\u00f6\\u00fc\\u00df'}",
    "{'url':'abc','mode':'safe'}",
    "{'url':'abc','mode':3}",
    "{'url':'abc','mode':3.0}",
    "{'url':'abc','ratio':0.5}",
    "{'url':'abc','ratio':-7}",
    "{'url':'abc','tables':[{'id':null},{'id':1,'hidden':true}]}",
    "{'url':'abc','kind':{'a':[1.0,'x']}}",
};

START_TEST(a_section_that_fits_is_taken)
{
    char message[256] = "";
    json_t *schema = parse(server_schema);
    json_t *value = parse(good_values[_i]);
    ck_assert_int_eq(config_schema_check(schema, message, sizeof(message)), 0);
    ck_assert_msg(config_schema_validate(schema, value, message, sizeof(message)) == 0, "%s",
                  message);
    json_decref(value);
    json_decref(schema);
}
END_TEST

static const struct bad_value {
    const char *value;
    const char *message;
} bad_values[] = {
    {"[]", "the section: found array, expected object"},
    {"{}", "url: missing, expected string (where the server is)"},
    {"{'url':7}", "url: found integer, expected string"},
    {"{'url':'ab'}", "url: found 2 characters, expected at least 3"},
    {"{'url':'abcdefghi'}", "url: found 9 characters, expected at most 8"},
    {"{'url':'\\u00e4\\u00f6'}", "url: found 2 characters, expected at least 3"},
    {"{'url':'abc','port':'80'}", "port: found string, expected integer or null"},
    {"{'url':'abc','port':80.5}", "port: found number, expected integer or null"},
    {"{'url':'abc','port':80.0}", "port: found number, expected integer or null"},
    {"{'url':'abc','port':0}", "port: found 0, expected at least 1"},
    {"{'url':'abc','port':65536}", "port: found 65536, expected at most 65535"},
    {"{'url':'abc','ratio':0.75}", "ratio: found 0.75, expected at most 0.5"},
    {"{'url':'abc','ratio':true}", "ratio: found boolean, expected number"},
    {"{'url':'abc','mode':'fats'}", "mode: found \"fats\", expected one of \"fast\", \"safe\", 3"},
    {"{'url':'abc','mode':true}", "mode: found true, expected one of \"fast\", \"safe\", 3"},
    {"{'url':'abc','tables':[]}", "tables: found 0 elements, expected at least 1"},
    {"{'url':'abc','tables':[1,2,3,4]}", "tables: found 4 elements, expected at most 3"},
    {"{'url':'abc','tables':[{'id':1},7]}", "tables[1]: found integer, expected object"},
    {"{'url':'abc','tables':[{'id':1},{}]}", "tables[1].id: missing, expected a value"},
    {"{'url':'abc','tables':[{'id':1,'a.b':2}]}",
     "tables[0][\"a.b\"]: found integer, expected boolean"},
    {"{'url':'abc','never':1}", "never: found integer, expected nothing here"},
    {"{'url':'abc','kind':{'a':[1,'y']}}",
     "kind: found {\"a\":[1,\"y\"]}, expected {\"a\":[1,\"x\"]}"},
    {"{'url':'abc','kind':{'a':[1,'x'],'b':1}}",
     "kind: found {\"a\":[1,\"x\"],\"b\":1}, expected {\"a\":[1,\"x\"]}"},
    {"{'url':'abc','ulr':1}",
     "ulr: unknown, expected one of url, port, mode, ratio, tables, never, kind"},
};

START_TEST(what_does_not_fit_is_told_with_place_and_expectation)
{
    char message[256] = "";
    json_t *schema = parse(server_schema);
    json_t *value = parse(bad_values[_i].value);
    ck_assert_int_eq(config_schema_validate(schema, value, message, sizeof(message)), -1);
    ck_assert_str_eq(message, bad_values[_i].message);
    json_decref(value);
    json_decref(schema);
}
END_TEST

static void assert_message(const char *schema_text, const char *value_text, size_t size,
                           const char *expected) {
    char message[256] = "";
    json_t *schema = parse(schema_text);
    json_t *value = parse(value_text);
    ck_assert_int_eq(config_schema_validate(schema, value, message, size), -1);
    ck_assert_str_eq(message, expected);
    json_decref(value);
    json_decref(schema);
}

START_TEST(where_no_member_is_known_that_is_said)
{
    assert_message("{'additionalProperties':false}", "{'a':1}", 256,
                   "a: unknown, no member is expected here");
}
END_TEST

START_TEST(a_text_that_may_be_a_secret_is_not_quoted)
{
    assert_message("{'properties':{'password':{'type':'integer'}}}", "{'password':'hunter2'}", 256,
                   "password: found string, expected integer");
    assert_message("{'properties':{'password':{'minLength':12}}}", "{'password':'hunter2'}", 256,
                   "password: found 7 characters, expected at least 12");
}
END_TEST

START_TEST(a_message_is_cut_to_its_buffer)
{
    assert_message("{'type':'string'}", "{}", 16, "the section: fo");
    assert_message("{'type':'string'}", "{}", 1, "");
}
END_TEST

static const struct bounds {
    const char *schema;
    const char *value;
    bool fits;
} bounds[] = {
    {"{'maximum':9007199254740992}", "9007199254740992", true},
    {"{'maximum':9007199254740992}", "9007199254740993", false},
    {"{'maximum':9007199254740992.0}", "9007199254740993", false},
    {"{'const':9007199254740992.0}", "9007199254740993", false},
    {"{'const':9007199254740993}", "9007199254740992.0", false},
    {"{'maximum':9223372036854775807}", "9223372036854775808.0", false},
    {"{'minimum':9223372036854775807}", "9223372036854775808.0", true},
    {"{'minimum':-1e300}", "-9223372036854775808", true},
    {"{'maximum':-1e300}", "-9223372036854775808", false},
    {"{'maximum':2.5}", "2", true},
    {"{'maximum':2.5}", "3", false},
    {"{'minimum':-2.5}", "-2", true},
    {"{'minimum':-2.5}", "-3", false},
    {"{'minimum':2}", "1.5", false},
    {"{'minimum':1.5}", "1.5", true},
    {"{'minimum':1.5}", "1.25", false},
};

START_TEST(numbers_are_compared_exactly)
{
    char message[256] = "";
    json_t *schema = parse(bounds[_i].schema);
    json_t *value = parse(bounds[_i].value);
    int result = config_schema_validate(schema, value, message, sizeof(message));
    ck_assert_msg((result == 0) == bounds[_i].fits, "%s and %s: %d %s", bounds[_i].schema,
                  bounds[_i].value, result, message);
    json_decref(value);
    json_decref(schema);
}
END_TEST

START_TEST(keywords_of_other_types_do_not_apply)
{
    char message[256] = "";
    json_t *schema = parse("{'minimum':5,'minLength':5,'minItems':5,'required':['a']}");
    json_t *value = parse("true");
    ck_assert_msg(config_schema_validate(schema, value, message, sizeof(message)) == 0, "%s",
                  message);
    json_decref(value);
    json_decref(schema);
}
END_TEST

/* As deep as jansson reads; the message keeps the innermost places. */
START_TEST(a_deep_value_is_refused_without_harm)
{
    enum { DEPTH = 1000 };
    char message[1024] = "";
    json_t *schema = parse("{'type':'integer'}");
    json_t *value = parse("'x'");
    for (int i = 0; i < DEPTH; i++) {
        schema = json_pack("{s:{s:o}}", "properties", "a", schema);
        value = json_pack("{s:o}", "a", value);
    }
    ck_assert_int_eq(config_schema_check(schema, message, sizeof(message)), 0);
    ck_assert_int_eq(config_schema_validate(schema, value, message, sizeof(message)), -1);
    ck_assert_msg(strncmp(message, "....a.a", 7) == 0, "%s", message);
    ck_assert_ptr_nonnull(strstr(message, ".a.a: found string, expected integer"));
    json_decref(value);
    json_decref(schema);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config schema");
    TCase *schemas = tcase_create("schemas");
    tcase_add_loop_test(schemas, a_schema_of_known_keywords_is_taken, 0, COUNT(good_schemas));
    tcase_add_loop_test(schemas, any_other_schema_is_refused_with_the_place, 0, COUNT(bad_schemas));
    suite_add_tcase(suite, schemas);
    TCase *values = tcase_create("values");
    tcase_add_loop_test(values, a_section_that_fits_is_taken, 0, COUNT(good_values));
    tcase_add_loop_test(values, what_does_not_fit_is_told_with_place_and_expectation, 0,
                        COUNT(bad_values));
    tcase_add_test(values, where_no_member_is_known_that_is_said);
    tcase_add_test(values, a_text_that_may_be_a_secret_is_not_quoted);
    tcase_add_test(values, a_message_is_cut_to_its_buffer);
    tcase_add_loop_test(values, numbers_are_compared_exactly, 0, COUNT(bounds));
    tcase_add_test(values, keywords_of_other_types_do_not_apply);
    tcase_add_test(values, a_deep_value_is_refused_without_harm);
    suite_add_tcase(suite, values);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
