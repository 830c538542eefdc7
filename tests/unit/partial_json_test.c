/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of every prefix of many texts: against a table, against the tree of the whole text, and
 * against a reference that recurses and begins anew with each prefix.
 */
#include "partial_json_fixture.h"
#include <jansson.h>
#include <stdio.h>

/* ---- the reference: writes what a prefix determines --------------------------------------- */

struct reference {
    const char *at;
    const char *end;
    char *out;
    size_t size;
};

static void write_out(struct reference *r, const char *bytes, size_t size) {
    memcpy(r->out + r->size, bytes, size);
    r->size += size;
}

static void skip_space(struct reference *r) {
    while (r->at < r->end && *r->at != '\0' && strchr(" \t\r\n", *r->at))
        r->at++;
}

/* Size of the character in front, 0 when it is cut off. Trusts the text, which has no lone
 * surrogates. */
static size_t character_size(const struct reference *r) {
    const size_t left = (size_t)(r->end - r->at);
    const unsigned char first = (unsigned char)*r->at;
    size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first == '\\') {
        size = 2;
        if (left >= 2 && r->at[1] == 'u')
            size = 6;
        if (left >= 6 && size == 6 && strchr("dD", r->at[2]) && strchr("89abAB", r->at[3]))
            size = 12;
    }
    return size <= left ? size : 0;
}

/* Each of these returns whether the value has ended. */
static bool reference_value(struct reference *r);

static bool reference_string(struct reference *r) {
    size_t size = 0;
    write_out(r, r->at++, 1);
    while (r->at < r->end && *r->at != '"' && (size = character_size(r)) > 0) {
        write_out(r, r->at, size);
        r->at += size;
    }
    const bool ended = r->at < r->end && *r->at == '"';
    r->at += ended;
    write_out(r, "\"", 1);
    return ended;
}

static bool reference_number(struct reference *r) {
    const size_t left = (size_t)(r->end - r->at);
    size_t size = 0;
    while (size < left && strchr("+-.0123456789eE", r->at[size]))
        size++;
    if (size == left)
        return false;
    write_out(r, r->at, size);
    r->at += size;
    return true;
}

static bool reference_literal(struct reference *r, size_t size) {
    if ((size_t)(r->end - r->at) < size)
        return false;
    write_out(r, r->at, size);
    r->at += size;
    return true;
}

/* `name:`; a string that is cut off counts as no name. */
static bool reference_name(struct reference *r) {
    if (r->at == r->end || !reference_string(r))
        return false;
    skip_space(r);
    if (r->at == r->end)
        return false;
    write_out(r, r->at++, 1);
    return true;
}

/* An element or member behind what separates it; takes it all back when there is no value. */
static bool reference_item(struct reference *r, bool named, bool first) {
    const size_t before = r->size;
    if (!first)
        write_out(r, ",", 1);
    skip_space(r);
    const bool has_name = !named || reference_name(r);
    const size_t behind_name = r->size;
    const bool ended = has_name && reference_value(r);
    if (!has_name || r->size == behind_name)
        r->size = before;
    skip_space(r);
    return ended && r->at < r->end;
}

static bool reference_items(struct reference *r) {
    const bool named = *r->at == '{';
    const char closer = named ? '}' : ']';
    write_out(r, r->at++, 1);
    skip_space(r);
    bool more = r->at < r->end && *r->at != closer;
    for (bool first = true; more && reference_item(r, named, first); first = false) {
        more = *r->at == ',';
        r->at += more;
    }
    write_out(r, &closer, 1);
    const bool ended = r->at < r->end && *r->at == closer;
    r->at += ended;
    return ended;
}

static bool reference_value(struct reference *r) {
    skip_space(r);
    if (r->at == r->end)
        return false;
    switch (*r->at) {
    case '[':
    case '{':
        return reference_items(r);
    case '"':
        return reference_string(r);
    case 't':
    case 'n':
        return reference_literal(r, 4);
    case 'f':
        return reference_literal(r, 5);
    default:
        return reference_number(r);
    }
}

static bool reference(const char *text, size_t size, char *out) {
    struct reference r = {text, text + size, out, 0};
    const bool ended = reference_value(&r);
    out[r.size] = '\0';
    return ended;
}

/* ---- a tree that is the beginning of another ----------------------------------------------- */

static bool begins(const json_t *part, const json_t *whole);

static bool array_begins(const json_t *part, const json_t *whole) {
    const size_t size = json_array_size(part);
    for (size_t i = 0; i < size; i++) {
        const json_t *element = json_array_get(part, i), *other = json_array_get(whole, i);
        if (other == NULL || !(i + 1 == size ? begins(element, other) : json_equal(element, other)))
            return false;
    }
    return true;
}

static bool object_begins(json_t *part, json_t *whole) {
    void *mine = json_object_iter(part), *other = json_object_iter(whole);
    while (mine && other && strcmp(json_object_iter_key(mine), json_object_iter_key(other)) == 0) {
        json_t *value = json_object_iter_value(mine), *whole_value = json_object_iter_value(other);
        mine = json_object_iter_next(part, mine);
        other = json_object_iter_next(whole, other);
        if (!(mine == NULL ? begins(value, whole_value) : json_equal(value, whole_value)))
            return false;
    }
    return mine == NULL;
}

/* Only what comes last may be partial. */
static bool begins(const json_t *part, const json_t *whole) {
    if (json_typeof(part) != json_typeof(whole))
        return false;
    if (json_is_array(part))
        return array_begins(part, whole);
    if (json_is_object(part))
        return object_begins((json_t *)(uintptr_t)part, (json_t *)(uintptr_t)whole);
    if (json_is_string(part))
        return json_string_length(part) <= json_string_length(whole) &&
               memcmp(json_string_value(part), json_string_value(whole),
                      json_string_length(part)) == 0;
    return json_equal(part, whole);
}

static json_t *parse(const char *text, size_t size) {
    json_error_t error;
    json_t *json = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    ck_assert_msg(json != NULL, "%s in %.*s", error.text, (int)size, text);
    return json;
}

/* ---- tests --------------------------------------------------------------------------------- */

enum { ROOM = 512 };

static void check_prefix(struct koine_partial_json *reader, struct koine_text text, size_t size,
                         json_t *whole) {
    char value[ROOM], expected[ROOM];
    const size_t length = joined(reader, value);
    const bool ended = reference(text.data, size, expected);
    ck_assert_msg(strcmp(value, expected) == 0, "%.*s gives %s, not %s", (int)size, text.data,
                  value, expected);
    ck_assert_int_eq(koine_partial_json_complete(reader), ended);
    if (length == 0)
        return;
    ck_assert_ptr_nonnull(koine_partial_json_value(reader).tail.data);
    json_t *part = parse(value, length);
    ck_assert_msg(begins(part, whole), "%s is no beginning of %s", value, text.data);
    ck_assert(!ended || json_equal(part, whole));
    json_decref(part);
}

START_TEST(every_prefix_gives_the_value_it_determines)
{
    const struct koine_text text = corpus[_i];
    struct koine_partial_json *reader = koine_partial_json_create();
    json_t *whole = parse(text.data, text.size);
    ck_assert_uint_lt(text.size, ROOM / 2);
    for (size_t i = 0; i < text.size; i++) {
        check_prefix(reader, text, i, whole);
        ck_assert_int_eq(koine_partial_json_feed(reader, text_of(text.data + i, 1)), KOINE_OK);
    }
    check_prefix(reader, text, text.size, whole);
    ck_assert(koine_partial_json_complete(reader));
    json_decref(whole);
    koine_partial_json_destroy(reader);
}
END_TEST

static const struct {
    const char *text;
    const char *value;
} expectations[] = {
    {"", ""},
    {" \n", ""},
    {"t", ""},
    {"tru", ""},
    {"true", "true"},
    {"-", ""},
    {"1", ""},
    {"1.5e3", ""},
    {"1 ", "1"},
    {"-0.5E-3\n", "-0.5E-3"},
    {"\"", "\"\""},
    {"\"a", "\"a\""},
    {"[", "[]"},
    {"[1", "[]"},
    {"[1 ", "[1]"},
    {"[1,", "[1]"},
    {"[1,2", "[1]"},
    {"[1,2]", "[1,2]"},
    {"[ 1 , \"a", "[1,\"a\"]"},
    {"[nul", "[]"},
    {"[null", "[null]"},
    {"[1,2,{\"a\":\"x\\u00", "[1,2,{\"a\":\"x\"}]"},
    {"[1,2,{\"a\":\"x\\u000a", "[1,2,{\"a\":\"x\\u000a\"}]"},
    {"{\"", "{}"},
    {"{\"a", "{}"},
    {"{\"a\"", "{}"},
    {"{\"a\":", "{}"},
    {"{\"a\":1", "{}"},
    {"{\"a\":[", "{\"a\":[]}"},
    {"{\"a\":\"", "{\"a\":\"\"}"},
    {"{\"a\":1,\"b", "{\"a\":1}"},
    {"{\"a\":1,\"a\":2,\"a\":", "{\"a\":1,\"a\":2}"},
    {"{\"a\":1,\"a\":{\"a", "{\"a\":1,\"a\":{}}"},
    {"\"a\\", "\"a\""},
    {"\"\\\\", "\"\\\\\""},
    {"\"a\xE2\x82", "\"a\""},
    {"\"a\xE2\x80\xA8", "\"a\xE2\x80\xA8\""},
    /* a high surrogate waits for its partner, and a lone one is known by what follows it */
    {"\"a\\ud83d", "\"a\""},
    {"\"a\\ud83d\\", "\"a\""},
    {"\"a\\ud83d\\u", "\"a\""},
    {"\"a\\ud83d\\ud", "\"a\""},
    {"\"a\\ud83d\\udE0", "\"a\""},
    {"\"a\\ud83d\\udE00", "\"a\\ud83d\\udE00\""},
    {"\"\\ud83dx", "\"\\ud83dx\""},
    {"\"\\ud83d\"", "\"\\ud83d\""},
    {"\"\\ud83d\\n", "\"\\ud83d\\n\""},
    {"\"\\ud83d\\u0", "\"\\ud83d\""},
    {"\"\\ud83d\\ue", "\"\\ud83d\""},
    {"\"\\ud83d\\u0041", "\"\\ud83d\\u0041\""},
    {"\"\\ud83d\\uD8", "\"\\ud83d\""},
    {"\"\\ud83d\\uD83d", "\"\\ud83d\""},
    {"\"\\ud83d\\uD83d\\uDe00", "\"\\ud83d\\uD83d\\uDe00\""},
    {"\"\\ud83d\xC3", "\"\\ud83d\""},
    {"\"\\udc00", "\"\\udc00\""},
    {"{\"\\ud83d\\u0", "{}"},
    {"{\"\\ud83d\":\"\\ud83d", "{\"\\ud83d\":\"\"}"},
};

START_TEST(exactly)
{
    char value[ROOM];
    const struct koine_text text = text_of(expectations[_i].text, strlen(expectations[_i].text));
    struct koine_partial_json *reader = koine_partial_json_create();
    ck_assert_int_eq(koine_partial_json_feed(reader, text), KOINE_OK);
    joined(reader, value);
    ck_assert_str_eq(value, expectations[_i].value);
    ck_assert_int_eq(koine_partial_json_value(reader).head.data == NULL, value[0] == '\0');
    ck_assert_int_eq(koine_partial_json_value(reader).tail.data == NULL, value[0] == '\0');
    koine_partial_json_destroy(reader);
}
END_TEST

START_TEST(there_is_no_limit_to_the_depth)
{
    enum { DEPTH = 10000 };
    static char text[2 * DEPTH], closers[DEPTH];
    for (size_t i = 0; i < DEPTH; i++) {
        text[i] = '[';
        text[2 * DEPTH - 1 - i] = closers[i] = ']';
    }
    struct koine_partial_json *reader = koine_partial_json_create();
    for (size_t i = 1; i <= sizeof text; i++) {
        REQUIRE(!koine_partial_json_complete(reader));
        REQUIRE(koine_partial_json_feed(reader, text_of(text + i - 1, 1)) == KOINE_OK);
        const struct koine_partial_value value = koine_partial_json_value(reader);
        REQUIRE(value.head.size == i);
        REQUIRE(value.tail.size == (i <= DEPTH ? i : sizeof text - i));
        REQUIRE(memcmp(value.head.data, text, value.head.size) == 0);
        REQUIRE(memcmp(value.tail.data, closers, value.tail.size) == 0);
    }
    ck_assert(koine_partial_json_complete(reader));
    koine_partial_json_destroy(reader);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("partial JSON");
    TCase *values = tcase_create("values");
    tcase_add_loop_test(values, every_prefix_gives_the_value_it_determines, 0, COUNT(corpus));
    tcase_add_loop_test(values, exactly, 0, COUNT(expectations));
    tcase_add_test(values, there_is_no_limit_to_the_depth);
    suite_add_tcase(suite, values);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
