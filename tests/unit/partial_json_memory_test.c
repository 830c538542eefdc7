/* SPDX-License-Identifier: Apache-2.0 */
/* The partial JSON reader when memory is short: the n-th allocation fails, for every n until none
 * does. Also counts what is allocated for long texts. */
#include "partial_json_fixture.h"
#include "support/failing_heap.h"
#include "support/test_main.h"

/* A string, brackets and pieces long enough for both buffers to grow several times. */
enum { DEPTH = 500, LENGTH = 3000, SIZE = 2 * DEPTH + LENGTH + 2, PIECE = 7 };
static char text[SIZE];

static void fill_text(void) {
    memset(text, '[', DEPTH);
    memset(text + DEPTH, 'x', LENGTH + 2);
    text[DEPTH] = text[DEPTH + LENGTH + 1] = '"';
    memset(text + SIZE - DEPTH, ']', DEPTH);
}

/* Check itself allocates: no assertion of its while allocations fail. */
static void require(bool condition) {
    if (!condition)
        abort();
}

/* The value is still a whole: as many brackets are closed as are opened. */
static void require_balance(const struct koine_partial_json *reader) {
    const struct koine_partial_value value = koine_partial_json_value(reader);
    require(memcmp(text, value.head.data ? value.head.data : text, value.head.size) == 0);
    size_t opened = value.head.size < DEPTH ? value.head.size : DEPTH;
    size_t closed = value.tail.size;
    closed -= closed > 0 && value.tail.data[0] == '"';
    if (value.head.size > SIZE - DEPTH)
        opened = SIZE - value.head.size;
    require(opened == closed);
}

/* False when memory ran out; leaves nothing allocated. */
static bool read_text(void) {
    struct koine_partial_json *reader = koine_partial_json_create();
    int32_t result = reader != NULL ? KOINE_OK : KOINE_NO_MEMORY;
    for (size_t at = 0; reader != NULL && at < SIZE; at += PIECE) {
        const size_t size = SIZE - at < PIECE ? SIZE - at : PIECE;
        const int32_t before = result;
        result = koine_partial_json_feed(reader, text_of(text + at, size));
        require(before == KOINE_OK || result == before);
        require_balance(reader);
    }
    const bool done = result == KOINE_OK;
    require(done || result == KOINE_NO_MEMORY);
    require(reader == NULL || koine_partial_json_complete(reader) == done);
    koine_partial_json_destroy(reader);
    return done;
}

START_TEST(the_nth_allocation_fails_until_none_does)
{
    bool done = false;
    int n = 0;
    fill_text();
    for (; !done && n < 1000; n++) {
        long blocks = failing_heap_blocks();
        failing_heap_fail_from(n);
        done = read_text();
        long failures = failing_heap_stop();
        long leaked = failing_heap_blocks() - blocks;
        ck_assert_int_eq(failures > 0, !done);
        ck_assert_int_eq(leaked, 0);
    }
    ck_assert(done);
    ck_assert_int_gt(n, 8);
}
END_TEST

START_TEST(after_a_reset_memory_may_be_there_again)
{
    struct koine_partial_json *reader = koine_partial_json_create();
    fill_text();
    failing_heap_fail_from(0);
    const int32_t first = koine_partial_json_feed(reader, text_of(text, SIZE));
    failing_heap_stop();
    ck_assert_int_eq(first, KOINE_NO_MEMORY);
    ck_assert_int_eq(koine_partial_json_feed(reader, KOINE_TEXT("[")), KOINE_NO_MEMORY);
    ck_assert_ptr_null(koine_partial_json_value(reader).head.data);
    koine_partial_json_reset(reader);
    ck_assert_int_eq(koine_partial_json_feed(reader, text_of(text, SIZE)), KOINE_OK);
    ck_assert(koine_partial_json_complete(reader));
    /* the memory is kept: the same text again allocates nothing */
    koine_partial_json_reset(reader);
    failing_heap_fail_from(0);
    const int32_t second = koine_partial_json_feed(reader, text_of(text, SIZE));
    const long failures = failing_heap_stop();
    ck_assert_int_eq(second, KOINE_OK);
    ck_assert_int_eq(failures, 0);
    koine_partial_json_destroy(reader);
}
END_TEST

START_TEST(a_size_beyond_all_memory_is_refused)
{
    struct koine_partial_json *reader = koine_partial_json_create();
    ck_assert_int_eq(koine_partial_json_feed(reader, KOINE_TEXT("[1,")), KOINE_OK);
    ck_assert_int_eq(koine_partial_json_feed(reader, text_of("2", SIZE_MAX - 1)), KOINE_NO_MEMORY);
    char value[8];
    joined(reader, value);
    ck_assert_str_eq(value, "[1]");
    koine_partial_json_destroy(reader);
}
END_TEST

/* The bytes allocated for a text of `size` bytes, fed in pieces of 20. */
static size_t bytes_allocated(const char *bytes, size_t size) {
    struct koine_partial_json *reader = koine_partial_json_create();
    const size_t before = failing_heap_bytes();
    failing_heap_fail_from(1000);
    for (size_t at = 0; at < size; at += 20)
        koine_partial_json_feed(reader, text_of(bytes + at, 20));
    failing_heap_stop();
    const size_t allocated = failing_heap_bytes() - before;
    const struct koine_partial_value value = koine_partial_json_value(reader);
    ck_assert_uint_eq(value.head.size + value.tail.size, size + (bytes[1] == '[' ? size : 1));
    koine_partial_json_destroy(reader);
    return allocated;
}

/* What is allocated bounds what is copied: it grows with the text, not with its square. */
START_TEST(copying_is_linear)
{
    enum { MEGABYTE = 1000000 };
    static const char fillings[] = {'x', '['};
    char *bytes = malloc(4 * MEGABYTE);
    for (size_t i = 0; i < COUNT(fillings); i++) {
        memset(bytes, fillings[i], 4 * MEGABYTE);
        bytes[0] = fillings[i] == '[' ? '[' : '"';
        const size_t one = bytes_allocated(bytes, MEGABYTE);
        const size_t four = bytes_allocated(bytes, 4 * MEGABYTE);
        ck_assert_uint_le(one, 8 * MEGABYTE + 1000);
        ck_assert_uint_le(four, 8 * one);
    }
    free(bytes);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_nth_allocation_fails_until_none_does,
        after_a_reset_memory_may_be_there_again,
        a_size_beyond_all_memory_is_refused,
        copying_is_linear,
    };
    if (!failing_heap_works("partial JSON, memory"))
        return EXIT_SUCCESS;
    return test_main("partial JSON, memory", NULL, NULL, tests, COUNT(tests));
}
