/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The partial JSON reader when memory is short: the n-th allocation fails, for every n until none
 * does. Also counts what is allocated for long texts. Stands in front of malloc itself, so it skips
 * where a sanitizer or valgrind does that.
 */
#include "partial_json_fixture.h"
#include <dlfcn.h>
#include <stdio.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define ALLOCATOR_IS_TAKEN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_TAKEN
#endif

#ifdef ALLOCATOR_IS_TAKEN
int main(void) {
    puts("partial JSON, memory: skipped, a sanitizer holds malloc");
    return EXIT_SUCCESS;
}
#else

/* Counts between start_failing_after and stop_failing. Volatile because the compiler takes malloc
 * to read and write nothing of ours. */
static volatile struct {
    bool active;
    int successes_left;
    int failures;
    int living;   /* blocks allocated and not freed */
    size_t bytes; /* of all allocations: what has been copied is less */
} heap;

/* Whether this allocation is to succeed. */
static bool may_allocate(void) {
    if (!heap.active || heap.successes_left-- > 0)
        return true;
    heap.failures++;
    return false;
}

static void *counted(void *block) {
    if (heap.active && block != NULL)
        heap.living++;
    return block;
}

/* Each hands on to the next allocator in line: the C library's, or that of a tool like valgrind. */
void *malloc(size_t size) {
    static void *(*next)(size_t);
    if (next == NULL)
        next = dlsym(RTLD_NEXT, "malloc");
    heap.bytes += size;
    return may_allocate() ? counted(next(size)) : NULL;
}

void *calloc(size_t count, size_t size) {
    static void *(*next)(size_t, size_t);
    if (next == NULL)
        next = dlsym(RTLD_NEXT, "calloc");
    return may_allocate() ? counted(next(count, size)) : NULL;
}

void *realloc(void *block, size_t size) {
    static void *(*next)(void *, size_t);
    if (next == NULL)
        next = dlsym(RTLD_NEXT, "realloc");
    heap.bytes += size;
    if (!may_allocate())
        return NULL;
    return block == NULL ? counted(next(NULL, size)) : next(block, size);
}

void free(void *block) {
    static void (*next)(void *);
    if (next == NULL)
        next = dlsym(RTLD_NEXT, "free");
    if (heap.active && block != NULL)
        heap.living--;
    next(block);
}

static void start_failing_after(int successes) {
    heap.failures = heap.living = 0;
    heap.bytes = 0;
    heap.successes_left = successes;
    heap.active = true;
}

static void stop_failing(void) {
    heap.active = false;
}

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
        start_failing_after(n);
        done = read_text();
        stop_failing();
        ck_assert_int_eq(heap.failures > 0, !done);
        ck_assert_int_eq(heap.living, 0);
    }
    ck_assert(done);
    ck_assert_int_gt(n, 8);
}
END_TEST

START_TEST(after_a_reset_memory_may_be_there_again)
{
    struct koine_partial_json *reader = koine_partial_json_create();
    fill_text();
    start_failing_after(0);
    const int32_t first = koine_partial_json_feed(reader, text_of(text, SIZE));
    stop_failing();
    ck_assert_int_eq(first, KOINE_NO_MEMORY);
    ck_assert_int_eq(koine_partial_json_feed(reader, KOINE_TEXT("[")), KOINE_NO_MEMORY);
    ck_assert_ptr_null(koine_partial_json_value(reader).head.data);
    koine_partial_json_reset(reader);
    ck_assert_int_eq(koine_partial_json_feed(reader, text_of(text, SIZE)), KOINE_OK);
    ck_assert(koine_partial_json_complete(reader));
    /* the memory is kept: the same text again allocates nothing */
    koine_partial_json_reset(reader);
    start_failing_after(0);
    const int32_t second = koine_partial_json_feed(reader, text_of(text, SIZE));
    stop_failing();
    ck_assert_int_eq(second, KOINE_OK);
    ck_assert_int_eq(heap.failures, 0);
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
    start_failing_after(1000);
    for (size_t at = 0; at < size; at += 20)
        koine_partial_json_feed(reader, text_of(bytes + at, 20));
    stop_failing();
    const struct koine_partial_value value = koine_partial_json_value(reader);
    ck_assert_uint_eq(value.head.size + value.tail.size, size + (bytes[1] == '[' ? size : 1));
    koine_partial_json_destroy(reader);
    return heap.bytes;
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

/* Valgrind puts its own malloc in place of any other. */
static bool allocator_is_ours(void) {
    void *volatile block;
    start_failing_after(0);
    block = malloc(1);
    stop_failing();
    bool ours = block == NULL;
    free(block);
    return ours;
}

int main(void) {
    if (!allocator_is_ours()) {
        puts("partial JSON, memory: skipped, something else holds malloc");
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("partial JSON, memory");
    TCase *memory = tcase_create("memory");
    tcase_add_test(memory, the_nth_allocation_fails_until_none_does);
    tcase_add_test(memory, after_a_reset_memory_may_be_there_again);
    tcase_add_test(memory, a_size_beyond_all_memory_is_refused);
    tcase_add_test(memory, copying_is_linear);
    suite_add_tcase(suite, memory);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
