/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of another API's dialect against a host that only keeps what is written: one write a
 * frame, long ones, short memory, and what is passed over after the end.
 */
#include "support/test_main.h"
#include <koine-module/frames.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAST_WORDS "data: {\"error\":\"memory\"}\n\n"

/* ---- a host with one stream */

static struct {
    char bytes[1 << 16];
    size_t size;
    int writes;
    int ends;
    int fails;
    int32_t begin_result, write_result;
    struct koine_text keep_alive;
} sent;

static int32_t keep_begin(const struct koine_host *host, koine_request request,
                          const struct koine_stream_options *options) {
    (void)host;
    ck_assert_uint_eq(request.id, 7);
    sent.keep_alive = options->keep_alive;
    return sent.begin_result;
}

static int32_t keep_write(const struct koine_host *host, koine_request request,
                          struct koine_text bytes) {
    (void)host;
    ck_assert_uint_eq(request.id, 7);
    ck_assert_uint_lt(sent.size + bytes.size, sizeof(sent.bytes));
    memcpy(sent.bytes + sent.size, bytes.data, bytes.size);
    sent.size += bytes.size;
    sent.bytes[sent.size] = '\0';
    sent.writes++;
    return sent.write_result;
}

static int32_t keep_end(const struct koine_host *host, koine_request request) {
    (void)host;
    (void)request;
    sent.ends++;
    return KOINE_OK;
}

static int32_t keep_fail(const struct koine_host *host, koine_request request,
                         const struct koine_failure *failure) {
    (void)host;
    (void)request;
    ck_assert_uint_eq(failure->status, 500);
    sent.fails++;
    return KOINE_OK;
}

static const struct koine_http http = {.size = sizeof(http),
                                       .stream_begin = keep_begin,
                                       .stream_write = keep_write,
                                       .stream_end = keep_end,
                                       .fail = keep_fail};
static const struct koine_self self = {.http = &http};
static struct koine_frames frames;

static bool open_stream(void) {
    return koine_frames_open(&frames, &self, (koine_request){7}, KOINE_TEXT(": ping\n\n"),
                             KOINE_TEXT(LAST_WORDS));
}

static void setup(void) {
    memset(&sent, 0, sizeof(sent));
    ck_assert(open_stream());
}

static void send_frame(struct koine_text text) {
    struct koine_frame frame;
    koine_frame_begin(&frame, &frames, KOINE_TEXT("data: "));
    koine_json_text_add_string(&frame.text, text);
    koine_frame_send(&frame);
}

/* ---- what leaves */

START_TEST(a_frame_is_one_write_and_ends_with_an_empty_line)
{
    send_frame(KOINE_TEXT("Hello"));
    ck_assert_str_eq(sent.bytes, "data: \"Hello\"\n\n");
    ck_assert_int_eq(sent.writes, 1);
    ck_assert_str_eq(sent.keep_alive.data, ": ping\n\n");
}
END_TEST

START_TEST(the_size_of_the_own_buffer_is_no_edge)
{
    static char text[KOINE_FRAME_BYTES + 8];
    memset(text, 'x', sizeof(text));
    for (size_t size = KOINE_FRAME_BYTES - 32; size <= sizeof(text); size++) {
        sent.size = 0;
        sent.writes = 0;
        send_frame((struct koine_text){text, size});
        ck_assert_uint_eq(sent.size, strlen("data: \"\"\n\n") + size);
        ck_assert_int_eq(sent.writes, 1);
    }
}
END_TEST

START_TEST(a_full_stream_goes_on)
{
    sent.write_result = KOINE_FULL;
    send_frame(KOINE_TEXT("a"));
    send_frame(KOINE_TEXT("b"));
    ck_assert_str_eq(sent.bytes, "data: \"a\"\n\ndata: \"b\"\n\n");
}
END_TEST

/* ---- the end */

START_TEST(after_the_end_nothing_is_said)
{
    koine_frames_end(&frames);
    koine_frames_end(&frames);
    send_frame(KOINE_TEXT("late"));
    koine_frames_give_up(&frames);
    ck_assert_int_eq(sent.ends, 1);
    ck_assert_int_eq(sent.writes, 0);
}
END_TEST

START_TEST(a_client_that_has_left_is_told_nothing_more)
{
    sent.write_result = KOINE_GONE;
    send_frame(KOINE_TEXT("a"));
    send_frame(KOINE_TEXT("b"));
    koine_frames_end(&frames);
    ck_assert_int_eq(sent.writes, 1);
    ck_assert_int_eq(sent.ends, 0);
}
END_TEST

START_TEST(short_memory_ends_the_stream_with_the_last_words)
{
    struct koine_frame frame;
    koine_frame_begin(&frame, &frames, KOINE_TEXT("data: "));
    koine_json_text_add_value(&frame.text, NULL, 0); /* as if there had been no memory for it */
    koine_frame_send(&frame);
    send_frame(KOINE_TEXT("late"));
    ck_assert_str_eq(sent.bytes, LAST_WORDS);
    ck_assert_int_eq(sent.ends, 1);
}
END_TEST

START_TEST(a_stream_that_cannot_begin_is_answered)
{
    sent.begin_result = KOINE_NO_MEMORY;
    ck_assert(!open_stream());
    send_frame(KOINE_TEXT("late"));
    koine_frames_end(&frames);
    ck_assert_int_eq(sent.fails, 1);
    ck_assert_int_eq(sent.writes, 0);
    ck_assert_int_eq(sent.ends, 0);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_frame_is_one_write_and_ends_with_an_empty_line,
        the_size_of_the_own_buffer_is_no_edge,
        a_full_stream_goes_on,
        after_the_end_nothing_is_said,
        a_client_that_has_left_is_told_nothing_more,
        short_memory_ends_the_stream_with_the_last_words,
        a_stream_that_cannot_begin_is_answered,
    };
    return test_main("frames", setup, NULL, tests, COUNT(tests));
}
