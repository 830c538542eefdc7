/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long strings of JSON and memory: a text is copied once, not as often as jansson does; and when
 * the n-th allocation fails, for every n, nothing is left behind.
 */
#include "module/json_outline.h"
#include "support/failing_heap.h"
#include "support/test_main.h"
#include <koine-module/json_load.h>
#include <string.h>

enum { STRING = 1000000, STRINGS = 12, SIZE = STRINGS * (STRING + 3) + 1 };

static struct koine_text text;

/* An array of long strings. */
static void make_text(void) {
    char *bytes = malloc(SIZE);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', SIZE);
    for (size_t i = 0; i < STRINGS; i++)
        memcpy(bytes + i * (STRING + 3), i ? ",\"" : "[\"", 2);
    for (size_t i = 0; i < STRINGS; i++)
        bytes[i * (STRING + 3) + STRING + 2] = '"';
    bytes[SIZE - 1] = ']';
    text = (struct koine_text){bytes, SIZE};
}

static void free_text(void) {
    free((char *)(uintptr_t)text.data);
}

static bool is_whole(const json_t *value) {
    bool whole = json_array_size(value) == STRINGS;
    for (size_t i = 0; whole && i < STRINGS; i++)
        whole = json_string_length(json_array_get(value, i)) == STRING;
    return whole;
}

START_TEST(the_nth_allocation_fails_until_none_does)
{
    bool done = false;
    int n = 0;
    for (; !done && n < 1000; n++) {
        const long blocks = failing_heap_blocks();
        failing_heap_fail_from(n);
        json_t *value = koine_json_load(text, 0, NULL);
        const long failures = failing_heap_stop();
        const bool whole = is_whole(value);
        done = failures == 0;
        ck_assert_int_eq(whole, value != NULL);
        ck_assert(whole || !done);
        json_decref(value);
        ck_assert_int_eq(failing_heap_blocks() - blocks, 0);
    }
    ck_assert(done);
    ck_assert_int_gt(n, STRINGS);
}
END_TEST

START_TEST(one_failure_is_made_up_for_or_told)
{
    long failures = 1;
    for (int n = 0; failures && n < 1000; n++) {
        const long blocks = failing_heap_blocks();
        failing_heap_fail_nth(n);
        json_t *value = koine_json_load(text, 0, NULL);
        failures = failing_heap_stop();
        const bool whole = is_whole(value);
        ck_assert_int_eq(whole, value != NULL);
        json_decref(value);
        ck_assert_int_eq(failing_heap_blocks() - blocks, 0);
    }
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(a_long_string_is_copied_once_and_in_an_outline_not_at_all)
{
    failing_heap_fail_from(1000000);
    const size_t before = failing_heap_bytes();
    json_t *value = koine_json_load(text, 0, NULL);
    const size_t loaded = failing_heap_bytes() - before;
    json_t *outline = json_load_outline(text, 0, NULL);
    const size_t outlined = failing_heap_bytes() - before - loaded;
    failing_heap_stop();
    ck_assert(is_whole(value));
    ck_assert_uint_eq(json_array_size(outline), STRINGS);
    ck_assert_uint_le(loaded, SIZE + 20000);
    ck_assert_uint_le(outlined, 20000);
    json_decref(value);
    json_decref(outline);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_nth_allocation_fails_until_none_does,
        one_failure_is_made_up_for_or_told,
        a_long_string_is_copied_once_and_in_an_outline_not_at_all,
    };
    if (!failing_heap_works("json_load_memory"))
        return EXIT_SUCCESS;
    return test_main("json_load_memory", make_text, free_text, tests,
                     sizeof(tests) / sizeof(*tests));
}
