/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines out of a byte stream, however it is cut; memory and time stay in bounds.
 */
#include "runner/line_reader.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct line_reader reader;

static void add(const char *bytes, size_t size) {
    size_t room;
    char *space = line_reader_space(&reader, &room);
    ck_assert_ptr_nonnull(space);
    ck_assert_uint_ge(room, LINE_READER_READ_BYTES);
    ck_assert_uint_le(size, room);
    memcpy(space, bytes, size);
    line_reader_added(&reader, size);
}

static void expect_line(const char *expected) {
    char *line = NULL;
    size_t size = 0;
    ck_assert_int_eq(line_reader_next(&reader, &line, &size), LINE_READER_LINE);
    ck_assert_str_eq(line, expected);
    ck_assert_uint_eq(size, strlen(expected));
}

static void expect_none(void) {
    char *line;
    size_t size;
    ck_assert_int_eq(line_reader_next(&reader, &line, &size), LINE_READER_NONE);
}

START_TEST(lines_of_one_piece)
{
    line_reader_init(&reader, 100);
    add("one\n\ntwo\r\nthr", 13);
    expect_line("one");
    expect_line("");
    expect_line("two\r");
    expect_none();
    add("ee\n", 3);
    expect_line("three");
    expect_none();
    ck_assert(line_reader_is_empty(&reader));
    line_reader_finish(&reader);
}
END_TEST

START_TEST(every_cut_of_a_stream_gives_the_same_lines)
{
    static const char stream[] = "a\n\nbc\ndef\n";
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        static const char *const lines[] = {"a", "", "bc", "def"};
        size_t next = 0;
        char *line;
        size_t size;
        line_reader_init(&reader, 3);
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            const size_t left = sizeof(stream) - 1 - at;
            add(stream + at, left < piece ? left : piece);
            while (line_reader_next(&reader, &line, &size) == LINE_READER_LINE) {
                ck_assert_str_eq(line, lines[next]);
                next++;
            }
        }
        ck_assert_uint_eq(next, 4);
        line_reader_finish(&reader);
    }
}
END_TEST

START_TEST(the_rest_is_what_had_no_newline)
{
    char *line;
    size_t size;
    line_reader_init(&reader, 100);
    ck_assert(!line_reader_rest(&reader, &line, &size));
    add("one\ntw", 6);
    expect_line("one");
    expect_none();
    ck_assert(line_reader_rest(&reader, &line, &size));
    ck_assert_str_eq(line, "tw");
    ck_assert_uint_eq(size, 2);
    ck_assert(!line_reader_rest(&reader, &line, &size));
    line_reader_finish(&reader);
}
END_TEST

START_TEST(a_zero_byte_is_a_byte_like_any_other)
{
    char *line;
    size_t size;
    line_reader_init(&reader, 100);
    add("a\0b\n", 4);
    ck_assert_int_eq(line_reader_next(&reader, &line, &size), LINE_READER_LINE);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(line, "a\0b", 4);
    line_reader_finish(&reader);
}
END_TEST

START_TEST(the_limit_counts_without_the_newline)
{
    char *line;
    size_t size;
    line_reader_init(&reader, 4);
    add("four\nfour", 9);
    expect_line("four");
    expect_none();
    add("\nfive!\n", 7);
    expect_line("four");
    ck_assert_int_eq(line_reader_next(&reader, &line, &size), LINE_READER_TOO_LONG);
    line_reader_finish(&reader);
    line_reader_init(&reader, 4);
    add("five!", 5); /* no newline yet, but too long already */
    ck_assert_int_eq(line_reader_next(&reader, &line, &size), LINE_READER_TOO_LONG);
    line_reader_finish(&reader);
}
END_TEST

static char piece[LINE_READER_READ_BYTES];

/* One line in pieces of 64 KiB; its newline is the last byte. */
static void add_long_line(size_t pieces) {
    memset(piece, 'x', sizeof(piece));
    for (size_t i = 0; i + 1 < pieces; i++) {
        add(piece, sizeof(piece));
        expect_none();
    }
    piece[sizeof(piece) - 1] = '\n';
    add(piece, sizeof(piece));
    char *line;
    size_t size;
    ck_assert_int_eq(line_reader_next(&reader, &line, &size), LINE_READER_LINE);
    ck_assert_uint_eq(size, pieces * sizeof(piece) - 1);
    ck_assert_int_eq(line[size], '\0');
}

START_TEST(memory_is_bounded_by_the_limit_and_given_back)
{
    const size_t limit = 256 * sizeof(piece);
    size_t room;
    line_reader_init(&reader, limit);
    add_long_line(256);
    ck_assert_uint_ge(reader.capacity, limit);
    ck_assert_uint_le(reader.capacity, limit + LINE_READER_READ_BYTES);
    ck_assert_ptr_nonnull(line_reader_space(&reader, &room));
    ck_assert_uint_le(reader.capacity, 4 * LINE_READER_READ_BYTES);
    add("short\n", 6);
    expect_line("short");
    line_reader_finish(&reader);
}
END_TEST

static double cpu_s_of_line(size_t bytes, size_t step) {
    const clock_t start = clock();
    memset(piece, 'x', sizeof(piece));
    line_reader_init(&reader, bytes);
    for (size_t at = 0; at < bytes; at += step) {
        add(piece, step);
        expect_none();
    }
    line_reader_finish(&reader);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Quadratic work would be 64 times as much for 8 times the bytes. */
START_TEST(the_work_is_linear_in_the_length_of_a_line)
{
    cpu_s_of_line(2 << 20, 4096);
    const double small_s = cpu_s_of_line(2 << 20, 4096);
    const double large_s = cpu_s_of_line(16 << 20, 4096);
    ck_assert_msg(large_s < 24 * small_s + 0.1, "2 MiB took %g s, 16 MiB %g s", small_s, large_s);
}
END_TEST

START_TEST(a_limit_near_the_end_of_numbers_does_not_overflow)
{
    line_reader_init(&reader, UINT64_MAX);
    add_long_line(3);
    line_reader_finish(&reader);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("line_reader");
    tcase_add_test(cases, lines_of_one_piece);
    tcase_add_test(cases, every_cut_of_a_stream_gives_the_same_lines);
    tcase_add_test(cases, the_rest_is_what_had_no_newline);
    tcase_add_test(cases, a_zero_byte_is_a_byte_like_any_other);
    tcase_add_test(cases, the_limit_counts_without_the_newline);
    tcase_add_test(cases, memory_is_bounded_by_the_limit_and_given_back);
    tcase_add_test(cases, the_work_is_linear_in_the_length_of_a_line);
    tcase_add_test(cases, a_limit_near_the_end_of_numbers_does_not_overflow);
    Suite *suite = suite_create("line_reader");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
