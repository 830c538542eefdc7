/* SPDX-License-Identifier: Apache-2.0 */
/* The parser that the end-to-end tests trust: the examples of the HTML standard, every line end,
 * every cut. */
#include "support/sse_parser.h"
#include "support/test_main.h"

#include <string.h>

static struct sse_parser *parser;

static void setup(void) {
    parser = sse_parser_create();
}

static void teardown(void) {
    sse_parser_destroy(parser);
}

static void restart(void) {
    teardown();
    setup();
}

static void feed(const char *text) {
    sse_parser_feed(parser, text, strlen(text));
}

static void expect(const char *name, const char *data, const char *last_id) {
    struct sse_dispatch event;
    ck_assert_msg(sse_parser_next(parser, &event), "no event, expected %s '%s'", name, data);
    ck_assert_str_eq(event.name.text, name);
    ck_assert_str_eq(event.data.text, data);
    ck_assert_uint_eq(event.data.size, strlen(data));
    ck_assert_str_eq(event.last_id.text, last_id);
    sse_dispatch_finish(&event);
}

static void expect_none(void) {
    struct sse_dispatch event;
    if (sse_parser_next(parser, &event))
        ck_abort_msg("an event too many: %s '%s'", event.name.text, event.data.text);
}

START_TEST(an_event_has_name_id_and_data)
{
    feed("id: 7\nevent: text\ndata: {\"text\":\"Hello\"}\n\n");
    expect("text", "{\"text\":\"Hello\"}", "7");
    expect_none();
    ck_assert(!sse_parser_is_amid(parser));
}
END_TEST

START_TEST(lines_of_data_are_joined)
{
    feed("data: YHOO\ndata: +2\ndata: 10\n\n");
    expect("message", "YHOO\n+2\n10", "");
    expect_none();
}
END_TEST

/* The standard's second example: an id of no characters resets, an id alone is no event. */
START_TEST(the_last_id_is_kept_until_it_is_replaced)
{
    feed(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
         "event\n\n");
    expect("message", "first event", "1");
    expect("message", "second event", "");
    expect("message", " third event", "");
    expect_none();
    feed("id: 8\n\ndata: x\n\nevent: e\ndata: y\n\n");
    expect("message", "x", "8");
    expect("e", "y", "8");
    expect_none();
}
END_TEST

/* The third: an event whose data is one empty line is one, and the unfinished last one is not. */
START_TEST(empty_data_and_no_data_differ)
{
    feed("data\n\ndata\ndata\n\ndata:");
    expect("message", "", "");
    expect("message", "\n", "");
    expect_none();
    ck_assert(sse_parser_is_amid(parser));
    restart();
    feed("event: nothing\nid: 4\n\ndata: x\n\n");
    expect("message", "x", "4"); /* the name went with the event that was none */
    expect_none();
}
END_TEST

START_TEST(one_blank_behind_the_colon_is_dropped)
{
    feed("data:test\n\ndata: test\n\ndata:  test\n\ndata:\ttest\n\n data: x\n\ndata : x\n\n");
    expect("message", "test", "");
    expect("message", "test", "");
    expect("message", " test", "");
    expect("message", "\ttest", "");
    expect_none();
}
END_TEST

START_TEST(fields_are_told_by_case_and_in_full)
{
    feed("Data: a\nDATA: b\ndat: c\ndatas: d\nfoo: e\nfoo\n\n");
    expect_none();
    feed("data: a:b: c\nevent: x\nevent: y\n\n");
    expect("y", "a:b: c", "");
}
END_TEST

START_TEST(comments_are_counted_and_no_event)
{
    feed(":\n: keep-alive\n\n:x:y\ndata: a\n:amid\ndata: b\n\n: half");
    expect("message", "a\nb", "");
    expect_none();
    ck_assert_uint_eq(sse_parser_comments(parser), 4);
    ck_assert_str_eq(sse_parser_last_comment(parser), "amid");
}
END_TEST

START_TEST(an_id_with_nul_is_ignored)
{
    static const char bytes[] = "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n";
    sse_parser_feed(parser, bytes, sizeof bytes - 1);
    expect("message", "a", "1");
    expect("message", "b", "1");
}
END_TEST

START_TEST(data_may_hold_nul)
{
    static const char bytes[] = "data: a\0b\n\n";
    struct sse_dispatch event;
    sse_parser_feed(parser, bytes, sizeof bytes - 1);
    ck_assert(sse_parser_next(parser, &event));
    ck_assert_uint_eq(event.data.size, 3);
    ck_assert_int_eq(memcmp(event.data.text, "a\0b", 3), 0);
    sse_dispatch_finish(&event);
}
END_TEST

START_TEST(retry_takes_digits_only)
{
    ck_assert_int_eq(sse_parser_retry_ms(parser), -1);
    feed("retry: 1500\n");
    ck_assert_int_eq(sse_parser_retry_ms(parser), 1500);
    feed("retry: 1s\nretry: -1\nretry:\nretry:  2\nretry\n");
    ck_assert_int_eq(sse_parser_retry_ms(parser), 1500);
    feed("retry:0\n\n");
    ck_assert_int_eq(sse_parser_retry_ms(parser), 0);
    expect_none();
}
END_TEST

START_TEST(one_leading_mark_is_dropped)
{
    feed("\xef\xbb\xbf"
         "data: a\n\n");
    expect("message", "a", "");
    feed("\xef\xbb\xbf"
         "data: b\n\n");
    expect_none();
    restart();
    feed("\xef\xbb\xbf\xef\xbb\xbf"
         "data: c\n\n");
    expect_none();
    restart();
    feed("\xef\xbb"
         "data: d\n\ndata: e\n\n");
    expect("message", "e", "");
    expect_none();
}
END_TEST

START_TEST(any_line_end_ends_a_line)
{
    feed("data: a\r\rdata: b\r\n\r\ndata: c\n\ndata: d\r\n\rdata: e\n\r");
    expect("message", "a", "");
    expect("message", "b", "");
    expect("message", "c", "");
    expect("message", "d", "");
    expect("message", "e", "");
    expect_none();
    feed("\n\r\ndata: f\r");
    expect_none();
    feed("\n");
    expect_none(); /* the second half of one line end */
    feed("\n");
    expect("message", "f", "");
}
END_TEST

START_TEST(an_event_comes_with_its_last_byte)
{
    feed("data: a\r\n\r");
    expect("message", "a", "");
    feed("\ndata: b\n\n");
    expect("message", "b", "");
    expect_none();
}
END_TEST

/* Feeds all but `left` bytes in pieces and asserts what must come. */
static void assert_pieces(const char *bytes, size_t size, size_t first, size_t piece) {
    restart();
    sse_parser_feed(parser, bytes, first);
    for (size_t at = first; at < size; at += piece)
        sse_parser_feed(parser, bytes + at, size - at < piece ? size - at : piece);
    expect("one", "a\nb", "1");
    expect("two", "\xe2\x82\xac \xf0\x9f\x90\x98", "1");
    expect("message", "", "3");
    expect("message", "c", "3");
    expect_none();
    ck_assert_uint_eq(sse_parser_comments(parser), 2);
    ck_assert_int_eq(sse_parser_retry_ms(parser), 10);
    ck_assert(sse_parser_is_amid(parser));
}

START_TEST(every_cut_gives_the_same_events)
{
    static const char bytes[] =
        "\xef\xbb\xbf: hello\r\nid: 1\r\nevent: one\rdata: a\ndata:b\r\n\r\n"
        "event: two\ndata: \xe2\x82\xac \xf0\x9f\x90\x98\n\n: keep-alive\n\n"
        "retry: 10\rid: 3\rdata\r\rdata: c\r\n\r\nid: 9\ndata: lost";
    size_t size = sizeof bytes - 1;
    for (size_t first = 0; first <= size; first++)
        assert_pieces(bytes, size, first, size);
    for (size_t piece = 1; piece <= size; piece++)
        assert_pieces(bytes, size, 0, piece);
}
END_TEST

START_TEST(a_long_event_in_one_byte_pieces)
{
    enum { SIZE = 300000 };
    struct sse_dispatch event;
    feed("data: ");
    for (int i = 0; i < SIZE; i++)
        feed("x");
    feed("\n\n");
    ck_assert(sse_parser_next(parser, &event));
    ck_assert_uint_eq(event.data.size, SIZE);
    sse_dispatch_finish(&event);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_event_has_name_id_and_data,
        lines_of_data_are_joined,
        the_last_id_is_kept_until_it_is_replaced,
        empty_data_and_no_data_differ,
        one_blank_behind_the_colon_is_dropped,
        fields_are_told_by_case_and_in_full,
        comments_are_counted_and_no_event,
        an_id_with_nul_is_ignored,
        data_may_hold_nul,
        retry_takes_digits_only,
        one_leading_mark_is_dropped,
        any_line_end_ends_a_line,
        an_event_comes_with_its_last_byte,
        every_cut_gives_the_same_events,
        a_long_event_in_one_byte_pieces,
    };
    return test_main("sse_parser", setup, teardown, tests, sizeof tests / sizeof *tests);
}
