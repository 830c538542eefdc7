/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as JSON and as YAML: values stay what they are, and people can read the YAML. */
#include "openapi/nodes.h"
#include "openapi/write.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <jansson.h>
#include <string.h>

static struct node *read_tree(const char *text) {
    struct config_error error;
    struct problems problems;
    problems_init(&problems, "test.yaml", &error);
    struct node *root = tree_read(text, strlen(text), &problems);
    ck_assert_msg(root != NULL, "%s in %s", error.message, text);
    return root;
}

static void assert_json(const char *yaml, const char *expected) {
    struct node *root = read_tree(yaml);
    size_t size = 0;
    char *text = openapi_json(root, &size);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_uint_gt(size, 0);
    ck_assert_int_eq(text[size - 1], '\n');
    text[size - 1] = '\0';
    ck_assert_msg(strcmp(text, expected) == 0, "%s: found %s, expected %s", yaml, text, expected);
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    ck_assert_msg(json != NULL, "no JSON: %s", text);
    json_decref(json);
    free(text);
    tree_destroy(root);
}

/* The YAML of it, which must mean the same. The caller frees. */
static char *written(const char *yaml) {
    struct node *root = read_tree(yaml);
    char *text = openapi_yaml(root, NULL);
    ck_assert_ptr_nonnull(text);
    struct node *again = read_tree(text);
    ck_assert_msg(nodes_equal(root, again), "another document: %s", text);
    char *twice = openapi_yaml(again, NULL);
    ck_assert_str_eq(twice, text); /* so a file that is written anew has no difference */
    free(twice);
    tree_destroy(again);
    tree_destroy(root);
    return text;
}

static void assert_yaml(const char *yaml, const char *expected) {
    char *text = written(yaml);
    ck_assert_msg(strcmp(text, expected) == 0, "found:\n%s\nexpected:\n%s", text, expected);
    free(text);
}

/* ---- JSON */

START_TEST(scalars_are_what_yaml_1_2_says)
{
    static const char *const pairs[][2] = {
        {"null", "null"},
        {"~", "null"},
        {"[~, a]", "[null,\"a\"]"},
        {"true", "true"},
        {"False", "false"},
        {"yes", "\"yes\""},
        {"no", "\"no\""},
        {"'no'", "\"no\""},
        {"on", "\"on\""},
        {"'true'", "\"true\""},
        {"\"null\"", "\"null\""},
        {"1", "1"},
        {"-17", "-17"},
        {"+17", "17"},
        {"007", "7"},
        {"0x10", "16"},
        {"0o17", "15"},
        {"0b11", "\"0b11\""},
        {"1_000", "\"1_000\""},
        {"12:30:00", "\"12:30:00\""},
        {"'1'", "\"1\""},
        {"1.0", "1.0"},
        {"1.", "1"},
        {".5", "0.5"},
        {"-.5", "-0.5"},
        {"1e3", "1e3"},
        {"1.50E-7", "1.50e-7"},
        {"4294967295", "4294967295"},
        {"18446744073709551616", "18446744073709551616"},
        {"1.7976931348623157e308", "1.7976931348623157e308"},
        {"2026-01-01", "\"2026-01-01\""},
        {"2026-01-01T12:00:00Z", "\"2026-01-01T12:00:00Z\""},
        {"0.1.0", "\"0.1.0\""},
        {"1.0e", "\"1.0e\""},
        {"e3", "\"e3\""},
        {"-", "[null]"},
        {"'-'", "\"-\""},
        {"'.inf'", "\".inf\""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_json(pairs[i][0], pairs[i][1]);
}
END_TEST

START_TEST(text_is_escaped)
{
    assert_json("a: \"\\u0001\\t\\n\\\\ \\\" / \\u00e9 \\u2028 \\U0001F600 \\x7f\"",
                "{\"a\":\"\\u0001\\t\\n\\\\ \\\" / \xc3\xa9 \\u2028 \xf0\x9f\x98\x80 \\u007f\"}");
    assert_json("\"a\\\"b\": x", "{\"a\\\"b\":\"x\"}");
    assert_json("a: |\n  one\n    two\n\n  three\n", "{\"a\":\"one\\n  two\\n\\nthree\\n\"}");
    assert_json("a: >-\n  one\n  two\n\n  three\n", "{\"a\":\"one two\\nthree\"}");
}
END_TEST

START_TEST(order_and_emptiness_stay)
{
    assert_json("{b: {}, a: [], 200: x, '': y}", "{\"b\":{},\"a\":[],\"200\":\"x\",\"\":\"y\"}");
    assert_json("[[1, [2]], {a: {b: {c: 1}}}]", "[[1,[2]],{\"a\":{\"b\":{\"c\":1}}}]");
}
END_TEST

/* ---- YAML */

#define TEN "a word or two "
#define LONG TEN TEN TEN TEN TEN "and the end"

START_TEST(blocks_stay_what_they_were)
{
    assert_yaml(
        "a:\n  - {b: [1, 'two'], c: {}}\n  - d\ne: |\n  one\n    two\n\n  three\nf: >-\n  g\n  h\n",
        "a:\n- {b: [1, 'two'], c: {}}\n- d\ne: |\n  one\n    two\n\n  three\nf: >-\n  g h\n");
    assert_yaml("a: |-\n  one\n  two\n", "a: |-\n  one\n  two\n");
    assert_yaml("a: \"one\\ntwo\"\n", "a: |-\n  one\n  two\n");
}
END_TEST

START_TEST(what_is_too_long_for_a_line_is_unfolded)
{
    assert_yaml("a: {b: " LONG ", c: d}\n", "a:\n  b: " LONG "\n  c: d\n");
    assert_yaml("a: {b: {c: " LONG "}, e: {f: g}}\n", "a:\n  b: {c: " LONG "}\n  e: {f: g}\n");
    assert_yaml("a: " LONG ", " LONG "\n",
                "a: >-\n  " LONG ", a word or two\n  " TEN TEN TEN TEN "and the end\n");
    assert_yaml("a: '" LONG ": " LONG "'\n",
                "a: >-\n  " LONG ": a word or two\n  " TEN TEN TEN TEN "and the end\n");
}
END_TEST

START_TEST(quotes_stay_where_they_matter)
{
    assert_yaml("a: 'no'\nb: \"1\"\nc: no\n'200': x\n404: y\nyes: z\n/a/{b}#c: w\n'': v\n",
                "a: 'no'\nb: \"1\"\nc: no\n'200': x\n'404': y\n'yes': z\n/a/{b}#c: w\n'': v\n");
    assert_yaml("a: 1.0\nb: 0x10\nc: ~\nd:\ne: 2026-01-01\n",
                "a: 1.0\nb: 0x10\nc: ~\nd: null\ne: 2026-01-01\n");
}
END_TEST

START_TEST(made_text_is_quoted_where_it_must_be)
{
    static const char *const texts[] = {"text", "no", "1", "2026-01-01", "a: b", "# a", "",
                                        " a",   "a ", "-", "@a",         "a\nb", "\ta", "?"};
    struct node root = {.kind = NODE_MAPPING};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%zu", i);
        ck_assert_ptr_nonnull(nodes_add_text(&root, name, texts[i]));
    }
    char *text = openapi_yaml(&root, NULL);
    struct node *again = read_tree(text);
    ck_assert_msg(nodes_equal(&root, again), "another document: %s", text);
    ck_assert_msg(strstr(text, "n0: text\nn1: 'no'\nn2: '1'\nn3: '2026-01-01'\n") == text, "%s",
                  text);
    tree_destroy(again);
    node_finish(&root);
    free(text);
}
END_TEST

/* Folding must not touch what is in the lines. */
START_TEST(odd_texts_come_back)
{
    static const char *const odd[] = {
        "a: >\n  x\n\n   indented\n   more\n\n  y\n",
        "a: >+\n  x\n\n\n",
        "a: |+\n  x\n\n\n",
        "a: |2\n   x\n  y\n",
        "a: \"  " LONG "  " LONG " \"\n",
        "a: \"" LONG "\\t" LONG "\"\n",
        "a: \"x \\n y\"\n",
        "a: \"\\n\"\n",
        "a: \"\\n\\nx\"\n",
        "a: \"\\r\\n\"\n",
        "a: [\"\\n\", \"x\\ny\", '" LONG "  " LONG "']\n",
        "a: \"\\u2028 \\u0085 \\ufeff\"\n",
        "? " LONG LONG "\n: x\n",
        "- - - a\n    - b\n- {}\n- [[]]\n",
        "a: '--- x'\nb: '...'\n",
        "[\"a\", {\"b\": [\"" LONG "\", \"c\"]}]\n",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        free(written(odd[i]));
}
END_TEST

START_TEST(the_stock_document_is_as_it_is_written)
{
    char *text = scratch_read("openapi.yaml");
    ck_assert_ptr_nonnull(text);
    const char *body = strchr(text, '\n') + 1; /* behind the comment */
    char *again = written(body);
    ck_assert_msg(strcmp(again, body) == 0, "openapi.yaml is written in another form");
    free(again);
    free(text);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        scalars_are_what_yaml_1_2_says,
        text_is_escaped,
        order_and_emptiness_stay,
        blocks_stay_what_they_were,
        what_is_too_long_for_a_line_is_unfolded,
        quotes_stay_where_they_matter,
        made_text_is_quoted_where_it_must_be,
        odd_texts_come_back,
        the_stock_document_is_as_it_is_written,
    };
    return test_main("openapi_write", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
