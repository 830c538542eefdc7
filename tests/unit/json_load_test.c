/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long strings are read past jansson, and nobody can tell: every text gives what json_loadb gives,
 * or fails as it does. In the texts below @ is a long string.
 */
#include "module/json_outline.h"
#include "support/test_main.h"
#include <koine-module/json_load.h>
#include <string.h>

enum { LONG = 5000, CAPACITY = 100000 };

static struct koine_text text_with_long_strings(const char *pattern, char *out) {
    size_t size = 0;
    for (; *pattern; pattern++) {
        const size_t count = *pattern == '@' ? LONG : 1;
        ck_assert_uint_lt(size + count, CAPACITY);
        memset(out + size, *pattern == '@' ? 'x' : *pattern, count);
        size += count;
    }
    return (struct koine_text){out, size};
}

static void expect_same(const char *pattern, struct koine_text text, size_t flags) {
    json_error_t ours = {0}, theirs = {0};
    json_t *loaded = koine_json_load(text, flags, &ours);
    json_t *wanted = json_loadb(text.data, text.size, flags, &theirs);
    ck_assert_msg(!loaded == !wanted, "%s: loaded %d, wanted %d: %s", pattern, loaded != NULL,
                  wanted != NULL, wanted ? ours.text : theirs.text);
    if (wanted) {
        ck_assert_msg(json_equal(loaded, wanted), "%s: not the same", pattern);
    } else {
        ck_assert_str_eq(ours.text, theirs.text);
        ck_assert_int_eq(ours.line, theirs.line);
        ck_assert_int_eq(ours.column, theirs.column);
        ck_assert_int_eq(ours.position, theirs.position);
        ck_assert_int_eq(json_error_code(&ours), json_error_code(&theirs));
    }
    json_decref(loaded);
    json_decref(wanted);
}

static void expect_same_with_all_flags(const char *pattern) {
    static const size_t flags[] = {0, JSON_REJECT_DUPLICATES, JSON_ALLOW_NUL, JSON_DECODE_ANY,
                                   JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY};
    char *out = malloc(CAPACITY);
    ck_assert_ptr_nonnull(out);
    const struct koine_text text = text_with_long_strings(pattern, out);
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        expect_same(pattern, text, flags[i]);
    free(out);
}

static const char *const good[] = {
    "[\"@\"]",
    "\"@\"",
    " \n[ \"@\" , \"@@\",\"\", \"short\"]\n",
    "{\"a\":\"@\",\"b\":[\"@\",{\"c\":\"@\",\"d\":[[\"@\"]]}],\"e\":null}",
    "{\"@\":1}",
    "{\"@\" \n\t: \"@\", \"@a\": {\"@\":\"@\"}}",
    "[\"@\\n@\"]",
    "[\"\\\"@\", \"@\\\"\", \"@\\\\\", \"\\\\@\"]",
    "[\"@\u00e9@\u2028\", \"@\U0001F600\"]",
    "[\"@\x7f\"]",
    "[\"@\\u00e9\\ud83d\\ude00\"]",
    "{\"a\":\"@\",\"a\":\"@@\"}",
    "{\"a\":\"@\",\"b\":2,\"a\":1}",
    "[\"0123456789abcdef0123456789abcdef0\", \"@\"]",
    "[\"@\", 9007199254740993, 0.1, 1e300, -0, true, false, null]",
    "[\"@\", 123456789012345678901234567890]",
    "[\"@\\u0000\"]",
    "{\"\\u0000\":\"@\"}",
};

static const char *const bad[] = {
    "[\"@\" \"@\"]",
    "[\"@\",]",
    "[\"@\"",
    "[\"@",
    "\"@",
    "[\"@\\",
    "[\"@\\x\"]",
    "[\"@\x01\"]",
    "[\"@\n\"]",
    "[\"@\xff\"]",
    "[\"@\xc3\"]",
    "[\"@\xed\xa0\xbd\"]",
    "[\"@\"] [\"@\"]",
    "[\n\"@\"\n,\nx]",
    "{\"a\":\"@\",}",
    "{\"@\"}",
    "{\"@\",1}",
    "[\"@\",\"\\ud83d\"]",
    "[\"@\",01]",
    "[@]",
    "@\"@\"",
    "{1:\"@\"}",
};

START_TEST(what_is_json_is_read_as_jansson_reads_it)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        expect_same_with_all_flags(good[i]);
}
END_TEST

START_TEST(what_is_no_json_is_refused_as_jansson_refuses_it)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        expect_same_with_all_flags(bad[i]);
}
END_TEST

START_TEST(a_nul_byte_is_no_end)
{
    char *out = malloc(CAPACITY);
    ck_assert_ptr_nonnull(out);
    struct koine_text text = text_with_long_strings("[\"@\", \"@\"]", out);
    out[LONG / 2] = '\0';
    expect_same("NUL in a string", text, 0);
    text = text_with_long_strings("[\"@\" , \"@\"]", out);
    out[LONG + 3] = '\0';
    expect_same("NUL behind a string", text, 0);
    expect_same("nothing", (struct koine_text){NULL, 0}, 0);
    expect_same("empty", KOINE_TEXT(""), JSON_DECODE_ANY);
    free(out);
}
END_TEST

START_TEST(jansson_limits_the_depth)
{
    for (size_t depth = 2046; depth <= 2050; depth++) {
        const size_t size = 2 * depth + LONG + 2;
        char *out = malloc(size);
        ck_assert_ptr_nonnull(out);
        memset(out, '[', depth);
        memset(out + depth, 'x', LONG + 2);
        out[depth] = out[depth + LONG + 1] = '"';
        memset(out + size - depth, ']', depth);
        expect_same("deep", (struct koine_text){out, size}, 0);
        free(out);
    }
}
END_TEST

START_TEST(strings_around_the_limit)
{
    for (size_t count = 4090; count < 4110; count++) {
        char *out = malloc(2 * count + 7);
        ck_assert_ptr_nonnull(out);
        memset(out, 'y', 2 * count + 7);
        memcpy(out, "[\"", 2);
        memcpy(out + 2 + count, "\",\"", 3);
        memcpy(out + 2 * count + 5, "\"]", 2);
        expect_same("two strings", (struct koine_text){out, 2 * count + 7}, 0);
        free(out);
    }
}
END_TEST

/* ---- outlines */

START_TEST(an_outline_has_the_kinds_and_the_short_strings)
{
    char *out = malloc(CAPACITY);
    ck_assert_ptr_nonnull(out);
    const struct koine_text text =
        text_with_long_strings("{\"type\":\"image\",\"data\":\"@\",\"list\":[\"@\"]}", out);
    json_t *one = json_load_outline(text, 0, NULL), *other = json_load_outline(text, 0, NULL);
    const char *data = json_string_value(json_object_get(one, "data"));
    ck_assert_uint_eq(json_object_size(one), 3);
    ck_assert_str_eq(json_string_value(json_object_get(one, "type")), "image");
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_gt(strlen(data), 0);
    ck_assert_uint_lt(strlen(data), 100);
    ck_assert_uint_eq(json_array_size(json_object_get(one, "list")), 1);
    ck_assert_str_ne(data, json_string_value(json_object_get(other, "data")));
    json_decref(one);
    json_decref(other);
    free(out);
}
END_TEST

START_TEST(an_outline_refuses_what_is_no_json)
{
    char *out = malloc(CAPACITY);
    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        json_error_t ours = {0}, theirs = {0};
        const struct koine_text text = text_with_long_strings(bad[i], out);
        ck_assert_msg(!json_load_outline(text, 0, &ours), "%s: taken for JSON", bad[i]);
        json_decref(json_loadb(text.data, text.size, 0, &theirs));
        ck_assert_str_eq(ours.text, theirs.text);
        ck_assert_int_eq(ours.position, theirs.position);
    }
    free(out);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        what_is_json_is_read_as_jansson_reads_it,
        what_is_no_json_is_refused_as_jansson_refuses_it,
        a_nul_byte_is_no_end,
        jansson_limits_the_depth,
        strings_around_the_limit,
        an_outline_has_the_kinds_and_the_short_strings,
        an_outline_refuses_what_is_no_json,
    };
    return test_main("json_load", NULL, NULL, tests, sizeof(tests) / sizeof(*tests));
}
