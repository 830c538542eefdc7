/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: what a line looks like, what is escaped and cut, and how lines reach a descriptor.
 */
#include "ops/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_SIZE = 1 << 16 };

static const struct koine_text no_request = {0};

/* A log that writes to a file without a name, so that a test can read everything back. */
struct fixture {
    FILE *file;
    struct log *log;
    char output[OUTPUT_SIZE];
};

static void setup(struct fixture *fixture, int level, bool json) {
    fixture->file = tmpfile();
    ck_assert_ptr_nonnull(fixture->file);
    fixture->log = log_create(fileno(fixture->file), level, json);
    ck_assert_ptr_nonnull(fixture->log);
}

static const char *output(struct fixture *fixture) {
    ssize_t size = pread(fileno(fixture->file), fixture->output, OUTPUT_SIZE - 1, 0);
    ck_assert_int_ge(size, 0);
    fixture->output[size] = '\0';
    return fixture->output;
}

static void teardown(struct fixture *fixture) {
    log_destroy(fixture->log);
    fclose(fixture->file);
}

static struct koine_text text(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

/* The message part of the only line, without its newline. */
static const char *message_of(struct fixture *fixture) {
    output(fixture);
    char *end = strchr(fixture->output, '\n');
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end, "\n");
    *end = '\0';
    char *message = strstr(fixture->output, "unit: ");
    ck_assert_ptr_nonnull(message);
    return message + strlen("unit: ");
}

static void assert_matches(const char *line, const char *pattern) {
    regex_t regex;
    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_msg(regexec(&regex, line, 0, NULL, 0) == 0, "\"%s\" is not %s", line, pattern);
    regfree(&regex);
}

START_TEST(a_text_line_has_time_level_unit_and_message)
{
    struct fixture fixture;
    setup(&fixture, KOINE_LOG_INFO, false);
    log_print(fixture.log, KOINE_LOG_INFO, "gateway", "listening on %s:%d", "127.0.0.1", 3100);
    assert_matches(output(&fixture),
                   "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                   "info gateway: listening on 127\\.0\\.0\\.1:3100\n$");
    teardown(&fixture);
}
END_TEST

START_TEST(a_text_line_ends_with_the_request)
{
    struct fixture fixture;
    setup(&fixture, KOINE_LOG_INFO, false);
    log_print_request(fixture.log, KOINE_LOG_ERROR, "unit", text("abc"), "no %s", "luck");
    assert_matches(output(&fixture), "Z error unit: ");
    ck_assert_str_eq(message_of(&fixture), "no luck (request abc)");
    teardown(&fixture);
}
END_TEST

static void assert_member(const json_t *line, const char *name, const char *value) {
    ck_assert_str_eq(json_string_value(json_object_get(line, name)), value);
}

START_TEST(a_json_line_is_an_object_with_the_same_parts)
{
    struct fixture fixture;
    setup(&fixture, KOINE_LOG_INFO, true);
    log_write(fixture.log, KOINE_LOG_WARNING, "sql", text("r-1"),
              text("\"a\\b\"\n\x1b\xc2\x9b\xc3\xa4"));
    json_t *line = json_loads(output(&fixture), 0, NULL);
    ck_assert_ptr_nonnull(line);
    assert_matches(json_string_value(json_object_get(line, "time")), "^[0-9-]{10}T[0-9:.]{12}Z$");
    assert_member(line, "level", "warning");
    assert_member(line, "unit", "sql");
    assert_member(line, "requestId", "r-1");
    assert_member(line, "message", "\"a\\b\"\n\x1b\xc2\x9b\xc3\xa4");
    ck_assert_ptr_null(strstr(fixture.output, "\xc2\x9b"));
    json_decref(line);
    teardown(&fixture);
}
END_TEST

START_TEST(a_json_line_without_a_request_has_no_request_id)
{
    struct fixture fixture;
    setup(&fixture, KOINE_LOG_INFO, true);
    log_print(fixture.log, KOINE_LOG_INFO, "gateway", "ready");
    json_t *line = json_loads(output(&fixture), 0, NULL);
    ck_assert_ptr_nonnull(line);
    ck_assert_uint_eq(json_object_size(line), 4);
    json_decref(line);
    teardown(&fixture);
}
END_TEST

static const struct escape {
    const char *message;
    const char *written;
} escapes[] = {
    {"one\ntwo", "one\\ntwo"},
    {"tab\there\r", "tab\\there\\r"},
    {"\x1b[31mred", "\\x1b[31mred"},
    {"del\x7f", "del\\x7f"},
    {"C1 \xc2\x9b"
     "31m",
     "C1 \\x9b31m"},
    {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"},
    {"overlong \xc0\xaf", "overlong \\xc0\\xaf"},
    {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
    {"beyond \xf4\x90\x80\x80", "beyond \\xf4\\x90\\x80\\x80"},
    {"cut off \xe2\x82", "cut off \\xe2\\x82"},
    {"C:\\path \"x\"", "C:\\path \"x\""},
    {"", ""},
};

START_TEST(what_could_forge_a_line_or_steer_a_terminal_is_escaped)
{
    struct fixture fixture;
    setup(&fixture, KOINE_LOG_INFO, false);
    log_write(fixture.log, KOINE_LOG_INFO, "unit", no_request, text(escapes[_i].message));
    ck_assert_str_eq(message_of(&fixture), escapes[_i].written);
    teardown(&fixture);
}
END_TEST

START_TEST(stray_bytes_leave_json_valid)
{
    struct fixture fixture;
    setup(&fixture, KOINE_LOG_INFO, true);
    log_write(fixture.log, KOINE_LOG_INFO, "unit", text("\xff"),
              text("a\xff"
                   "b"));
    json_t *line = json_loads(output(&fixture), 0, NULL);
    ck_assert_ptr_nonnull(line);
    assert_member(line, "message", "a\\xffb");
    assert_member(line, "requestId", "\\xff");
    json_decref(line);
    teardown(&fixture);
}
END_TEST

START_TEST(a_zero_byte_does_not_end_the_message)
{
    struct fixture fixture;
    setup(&fixture, KOINE_LOG_INFO, false);
    log_write(fixture.log, KOINE_LOG_INFO, "unit", no_request, (struct koine_text){"a\0b", 3});
    ck_assert_str_eq(message_of(&fixture), "a\\x00b");
    teardown(&fixture);
}
END_TEST

START_TEST(a_message_of_4096_bytes_is_whole)
{
    struct fixture fixture;
    char message[4097];
    memset(message, 'x', 4096);
    message[4096] = '\0';
    setup(&fixture, KOINE_LOG_INFO, false);
    log_write(fixture.log, KOINE_LOG_INFO, "unit", no_request, text(message));
    ck_assert_str_eq(message_of(&fixture), message);
    teardown(&fixture);
}
END_TEST

/* 4,095 letters and a character of two bytes: the cut falls into the character. */
static void fill_long_message(char message[5001]) {
    memset(message, 'x', 5000);
    memcpy(message + 4095, "\xc3\xa4", 2);
    message[5000] = '\0';
}

static void assert_cut(struct fixture *fixture) {
    const char *message = message_of(fixture);
    ck_assert_uint_eq(strspn(message, "x"), 4095);
    ck_assert_str_eq(message + 4095, " [cut, 5000 bytes in all]");
}

START_TEST(a_longer_message_is_cut_between_characters_and_says_so)
{
    struct fixture fixture;
    char message[5001];
    fill_long_message(message);
    setup(&fixture, KOINE_LOG_INFO, false);
    log_write(fixture.log, KOINE_LOG_INFO, "unit", no_request, text(message));
    assert_cut(&fixture);
    teardown(&fixture);
}
END_TEST

START_TEST(a_formatted_message_is_cut_alike)
{
    struct fixture fixture;
    char message[5001];
    fill_long_message(message);
    setup(&fixture, KOINE_LOG_INFO, false);
    log_print(fixture.log, KOINE_LOG_INFO, "unit", "%s", message);
    assert_cut(&fixture);
    teardown(&fixture);
}
END_TEST

START_TEST(the_longest_line_fits_its_buffer)
{
    struct fixture fixture;
    char controls[6000];
    memset(controls, 0x01, sizeof(controls));
    controls[sizeof(controls) - 1] = '\0';
    setup(&fixture, KOINE_LOG_INFO, true);
    log_write(fixture.log, KOINE_LOG_WARNING, controls, text(controls), text(controls));
    json_t *line = json_loads(output(&fixture), 0, NULL);
    ck_assert_ptr_nonnull(line);
    ck_assert_uint_eq(json_string_length(json_object_get(line, "unit")), 64);
    ck_assert_uint_eq(json_string_length(json_object_get(line, "requestId")), 128);
    json_decref(line);
    teardown(&fixture);
}
END_TEST

START_TEST(lines_above_the_level_are_not_written)
{
    struct fixture fixture;
    setup(&fixture, KOINE_LOG_WARNING, false);
    log_print(fixture.log, KOINE_LOG_INFO, "unit", "too chatty");
    log_print_request(fixture.log, KOINE_LOG_DEBUG, "unit", text("r"), "chattier still");
    log_write(fixture.log, KOINE_LOG_INFO, "unit", no_request, text("this too"));
    ck_assert_str_eq(output(&fixture), "");
    ck_assert(log_enabled(fixture.log, KOINE_LOG_WARNING));
    ck_assert(!log_enabled(fixture.log, KOINE_LOG_INFO));
    teardown(&fixture);
}
END_TEST

START_TEST(a_level_that_nobody_knows_has_the_name_of_the_nearest)
{
    struct fixture fixture;
    setup(&fixture, 100, false);
    log_print(fixture.log, -7, "unit", "first");
    log_print(fixture.log, 7, "unit", "second");
    assert_matches(output(&fixture), "Z error unit: first\n.*Z debug unit: second\n$");
    teardown(&fixture);
}
END_TEST

START_TEST(without_a_log_nothing_is_written)
{
    ck_assert(!log_enabled(NULL, KOINE_LOG_ERROR));
    log_print(NULL, KOINE_LOG_ERROR, "unit", "into the void");
    log_write(NULL, KOINE_LOG_ERROR, "unit", no_request, text("into the void"));
    log_destroy(NULL);
}
END_TEST

START_TEST(errno_survives_a_line)
{
    struct log *log = log_create(-1, KOINE_LOG_INFO, false); /* every write fails with EBADF */
    ck_assert_ptr_nonnull(log);
    errno = ENOENT;
    log_print(log, KOINE_LOG_INFO, "unit", "nowhere");
    ck_assert_int_eq(errno, ENOENT);
    log_destroy(log);
}
END_TEST

/* ---- a pipe that nobody reads ---------------------------------------------------------------- */

static void open_pipe(int ends[2]) {
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    ck_assert_int_ge(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
}

/* Everything that is in the pipe now. */
static size_t drain(int fd, char *output_text, size_t size) {
    size_t used = 0;
    ssize_t count;
    while ((count = read(fd, output_text + used, size - 1 - used)) > 0) {
        used += (size_t)count;
    }
    output_text[used] = '\0';
    return used;
}

START_TEST(a_full_pipe_does_not_hold_up_the_gateway_and_the_gap_is_told)
{
    int ends[2];
    char output_text[OUTPUT_SIZE];
    open_pipe(ends);
    struct log *log = log_create(ends[1], KOINE_LOG_INFO, false);
    ck_assert_ptr_nonnull(log);
    for (int i = 0; i < 2000; i++) { /* ends at all: only the first one that fails may wait */
        log_print(log, KOINE_LOG_INFO, "unit", "line %d of many that nobody reads", i);
    }
    drain(ends[0], output_text, sizeof(output_text));
    int kept = 0;
    for (const char *at = output_text; (at = strchr(at, '\n')) != NULL; at++) {
        kept++;
    }
    log_print(log, KOINE_LOG_INFO, "unit", "heard again");
    drain(ends[0], output_text, sizeof(output_text));
    char expected[96];
    snprintf(expected, sizeof(expected),
             "warning gateway: %d lines of this log are lost: nobody read it\n", 2000 - kept);
    const char *gap = strstr(output_text, "warning gateway");
    ck_assert_ptr_nonnull(gap);
    ck_assert_msg(strncmp(gap, expected, strlen(expected)) == 0, "%s is not %s", gap, expected);
    assert_matches(gap + strlen(expected), "^[^\n]*Z info unit: heard again\n$");
    log_destroy(log);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(after_a_torn_line_the_next_begins_on_its_own)
{
    int ends[2];
    char message[4001];
    char output_text[OUTPUT_SIZE];
    memset(message, '\x01', 4000); /* 16,000 bytes when escaped: a pipe of 4,096 takes a part */
    message[4000] = '\0';
    open_pipe(ends);
    struct log *log = log_create(ends[1], KOINE_LOG_INFO, false);
    ck_assert_ptr_nonnull(log);
    log_print(log, KOINE_LOG_INFO, "unit", "%s", message);
    size_t torn = drain(ends[0], output_text, sizeof(output_text));
    ck_assert_uint_gt(torn, 0);
    ck_assert_ptr_null(strchr(output_text, '\n'));
    log_print(log, KOINE_LOG_INFO, "unit", "whole");
    drain(ends[0], output_text, sizeof(output_text));
    assert_matches(output_text, "^\n[^\n]*: 1 lines of this log[^\n]*\n[^\n]* unit: whole\n$");
    log_destroy(log);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------- */

/* Longer than what a pipe takes in one piece (PIPE_BUF): only the log keeps these lines whole. */
enum { THREADS = 4, LINES = 200, LETTERS = 1500, CONTROLS = 1000, WRITTEN = 4 };

struct writer {
    pthread_t thread;
    struct log *log;
    int number;
};

static void *write_lines(void *argument) {
    const struct writer *writer = argument;
    char message[LETTERS + CONTROLS + LETTERS + 1];
    memset(message, 'a' + writer->number, sizeof(message));
    memset(message + LETTERS, '\x01', CONTROLS);
    message[sizeof(message) - 1] = '\0';
    for (int i = 0; i < LINES; i++) {
        log_print(writer->log, KOINE_LOG_INFO, "unit", "%s", message);
    }
    return NULL;
}

/* The writer of a line that is whole, else -1. */
static int writer_of(const char *line) {
    const char *at = strstr(line, "Z info unit: ");
    if (at == NULL) {
        return -1;
    }
    at += strlen("Z info unit: ");
    int writer = *at - 'a';
    char letters[2] = {*at, '\0'};
    bool whole = strspn(at, letters) == LETTERS;
    at += whole ? LETTERS : 0;
    whole = whole && strspn(at, "\\x01") == (size_t)CONTROLS * WRITTEN;
    at += whole ? CONTROLS * WRITTEN : 0;
    whole = whole && strspn(at, letters) == LETTERS && strcmp(at + LETTERS, "\n") == 0;
    return whole && writer >= 0 && writer < THREADS ? writer : -1;
}

struct reader {
    pthread_t thread;
    FILE *in;
    int counts[THREADS];
    int broken;
};

/* Counts the whole lines of each writer, and what is no such line. */
static void *read_lines(void *argument) {
    struct reader *reader = argument;
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, reader->in) > 0) {
        int writer = writer_of(line);
        if (writer >= 0) {
            reader->counts[writer]++;
        } else {
            reader->broken++;
        }
    }
    free(line);
    return NULL;
}

START_TEST(lines_of_several_threads_never_interleave)
{
    int ends[2];
    struct writer writers[THREADS];
    struct reader reader = {0};
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_ge(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    struct log *log = log_create(ends[1], KOINE_LOG_INFO, false);
    ck_assert_ptr_nonnull(log);
    reader.in = fdopen(ends[0], "r");
    ck_assert_ptr_nonnull(reader.in);
    ck_assert_int_eq(pthread_create(&reader.thread, NULL, read_lines, &reader), 0);
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.log = log, .number = i};
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_lines, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i].thread, NULL);
    }
    close(ends[1]);
    pthread_join(reader.thread, NULL);
    ck_assert_int_eq(reader.broken, 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(reader.counts[i], LINES);
    }
    fclose(reader.in);
    log_destroy(log);
}
END_TEST

static Suite *log_suite(void) {
    Suite *suite = suite_create("log");
    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, a_text_line_has_time_level_unit_and_message);
    tcase_add_test(lines, a_text_line_ends_with_the_request);
    tcase_add_test(lines, a_json_line_is_an_object_with_the_same_parts);
    tcase_add_test(lines, a_json_line_without_a_request_has_no_request_id);
    tcase_add_loop_test(lines, what_could_forge_a_line_or_steer_a_terminal_is_escaped, 0,
                        sizeof(escapes) / sizeof(escapes[0]));
    tcase_add_test(lines, stray_bytes_leave_json_valid);
    tcase_add_test(lines, a_zero_byte_does_not_end_the_message);
    tcase_add_test(lines, a_message_of_4096_bytes_is_whole);
    tcase_add_test(lines, a_longer_message_is_cut_between_characters_and_says_so);
    tcase_add_test(lines, a_formatted_message_is_cut_alike);
    tcase_add_test(lines, the_longest_line_fits_its_buffer);
    tcase_add_test(lines, lines_above_the_level_are_not_written);
    tcase_add_test(lines, a_level_that_nobody_knows_has_the_name_of_the_nearest);
    suite_add_tcase(suite, lines);
    TCase *descriptor = tcase_create("descriptor");
    tcase_set_timeout(descriptor, 60);
    tcase_add_test(descriptor, without_a_log_nothing_is_written);
    tcase_add_test(descriptor, errno_survives_a_line);
    tcase_add_test(descriptor, a_full_pipe_does_not_hold_up_the_gateway_and_the_gap_is_told);
    tcase_add_test(descriptor, after_a_torn_line_the_next_begins_on_its_own);
    tcase_add_test(descriptor, lines_of_several_threads_never_interleave);
    suite_add_tcase(suite, descriptor);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(log_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
