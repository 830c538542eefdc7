/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a text holds, the joined text events hold it too, byte for byte: nothing that JSON, the
 * event stream's line rules or a cut within a character could change. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* The scenario as a body; taken over. */
static json_t *body_of(json_t *scenario) {
    char *text = json_dumps(scenario, JSON_COMPACT);
    json_t *body = json_pack("{so}", "prompt", json_sprintf("standin:%s", text));
    ck_assert_ptr_nonnull(body);
    free(text);
    json_decref(scenario);
    return body;
}

/* Sends the scenario, taken over, and asserts that its answer is exactly those bytes. */
static void assert_text(json_t *scenario, const char *text, size_t size) {
    struct sse_stream *stream = sse_open_stream(gateway, "/stream", body_of(scenario));
    struct sse_recording all = sse_read_all(stream);
    assert_stream_form(&all);
    sse_assert_outline(&all, size > 0 ? "session text result done" : "session result done");
    ck_assert_msg(all.text_size == size && memcmp(all.text, text, size) == 0,
                  "%zu bytes '%.1000s', expected %zu bytes '%.1000s'", all.text_size, all.text,
                  size, text);
    for (size_t i = 0; i < all.count; i++)
        ck_assert_msg(!strstr(all.events[i].data, "\xef\xbf\xbd") &&
                          !strcasestr(all.events[i].data, "\\ufffd"),
                      "a replacement character in %s", all.events[i].data);
    sse_recording_finish(&all);
    sse_stream_close(stream);
}

/* However large the deltas are and however they are cut on the CLI's pipe. */
static void assert_text_survives(const char *text) {
    static const int delta_bytes[] = {1, 3, 24, 100000};
    for (size_t i = 0; i < sizeof delta_bytes / sizeof *delta_bytes; i++)
        assert_text(json_pack("{ss si}", "text", text, "delta_bytes", delta_bytes[i]), text,
                    strlen(text));
    assert_text(json_pack("{ss sb si}", "text", text, "split_utf8", 1, "delta_bytes", 7), text,
                strlen(text));
}

START_TEST(line_ends)
{
    assert_text_survives("\n");
    assert_text_survives("a\rb\nc\r\nd\n\ne\r\n\r\nf\r\rg");
    assert_text_survives("\r\n\r\ndata: x\n\nevent: done\ndata: {}\n\n");
}
END_TEST

START_TEST(what_looks_like_the_protocol)
{
    assert_text_survives(": keep-alive\n\n");
    assert_text_survives("id: 99\nevent: error\ndata: {\"code\":\"NO\"}\nretry: 1\n\n");
    assert_text_survives("0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    assert_text_survives("{\"type\":\"result\",\"subtype\":\"success\"}\n");
}
END_TEST

START_TEST(what_json_escapes)
{
    assert_text_survives("\"quotes\" \\ back\\\\slashes\\ \\n \\u0041 / </script>");
    assert_text_survives("\x01\x02\x08\t\x0b\x0c\x1b[31mred\x1b[0m\x1f\x7f");
}
END_TEST

START_TEST(characters_beyond_ascii)
{
    assert_text_survives("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80 \xf0\x9f\x87\xa9\xf0\x9f\x87"
                         "\xaa e\xcc\x81 \xe2\x82\xac \xc3\x9f");
    assert_text_survives("line\xe2\x80\xa8separator\xe2\x80\xa9paragraph\xc2\x85next");
    assert_text_survives("\xef\xbb\xbfmark at the beginning, \xef\xbb\xbf amid");
    assert_text_survives("last of each length: \x7f \xdf\xbf \xef\xbf\xbf \xf4\x8f\xbf\xbf");
}
END_TEST

/* Spellings that this gateway's own encoder does not use. */
START_TEST(escapes_of_every_spelling)
{
    static const struct {
        const char *spelled, *text;
        size_t size;
    } cases[] = {
        {"\"a\\u0000b\"", "a\0b", 3},
        {"\"\\u0000\"", "\0", 1},
        {"\"\\u0000\\u0000\\n\\u0000\"", "\0\0\n\0", 4},
        {"\"\\ud83d\\ude80 \\u20ac \\u00e9\"", "\xf0\x9f\x9a\x80 \xe2\x82\xac \xc3\xa9", 11},
        {"\"\\uD83D\\uDE80\"", "\xf0\x9f\x9a\x80", 4},
        {"\"\\u2028\\u2029\\ufeff\"", "\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf", 9},
        {"\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "/\b\f\n\r\t\"\\", 8},
        {"\"\\u0022\\u005c\\u000a\\u000d\"", "\"\\\n\r", 4},
        {"\"\\\\u0041\"", "\\u0041", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_text(json_pack("{ss}", "text_json", cases[i].spelled), cases[i].text, cases[i].size);
}
END_TEST

START_TEST(every_character_of_the_first_plane_and_some_beyond)
{
    char *text = malloc(4 * 0x11000), *at = text;
    ck_assert_ptr_nonnull(text);
    for (unsigned c = 1; c < 0x10400; c++) {
        if ((c >= 0xd800 && c < 0xe000) || c == 0xfffd)
            continue;
        if (c < 0x80) {
            *at++ = (char)c;
        } else if (c < 0x800) {
            *at++ = (char)(0xc0 | c >> 6);
            *at++ = (char)(0x80 | (c & 0x3f));
        } else {
            if (c >= 0x10000) {
                *at++ = (char)(0xf0 | c >> 18);
                *at++ = (char)(0x80 | (c >> 12 & 0x3f));
            } else {
                *at++ = (char)(0xe0 | c >> 12);
            }
            *at++ = (char)(0x80 | (c >> 6 & 0x3f));
            *at++ = (char)(0x80 | (c & 0x3f));
        }
    }
    *at = '\0';
    assert_text(json_pack("{ss si}", "text", text, "delta_bytes", 1000), text, strlen(text));
    free(text);
}
END_TEST

START_TEST(an_answer_of_512_KB_in_small_pieces)
{
    size_t size = 0, wanted = 512 << 10;
    char *text = malloc(wanted + 32);
    ck_assert_ptr_nonnull(text);
    for (int i = 0; size < wanted; i++)
        size += (size_t)sprintf(text + size, "line %d\n", i);
    assert_text(json_pack("{ss si}", "text", text, "delta_bytes", 100), text, size);
    free(text);
}
END_TEST

START_TEST(an_answer_of_2_MB_in_one_piece)
{
    size_t size = 2 << 20;
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 26);
    text[size] = '\0';
    assert_text(json_pack("{ss si}", "text", text, "delta_bytes", (int)size), text, size);
    free(text);
}
END_TEST

/* An answer without deltas goes out as one event: the same escaping, another path. */
START_TEST(a_text_that_stands_in_the_result_alone)
{
    gateway_stop(gateway);
    gateway = gateway_start(&(struct gateway_options){
        .config = "profiles: {full: {flags: [], slash_commands: true}}\n"});
    struct sse_stream *stream =
        sse_open_stream(gateway, "/stream", json_pack("{s:s}", "prompt", "/cost \xe2\x82\xac"));
    struct sse_recording all = sse_read_all(stream);
    assert_stream_form(&all);
    ck_assert_uint_eq(sse_count(&all, "text"), 1);
    sse_recording_finish(&all);
    sse_stream_close(stream);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        line_ends,
        what_looks_like_the_protocol,
        what_json_escapes,
        characters_beyond_ascii,
        escapes_of_every_spelling,
        every_character_of_the_first_plane_and_some_beyond,
        an_answer_of_512_KB_in_small_pieces,
        an_answer_of_2_MB_in_one_piece,
        a_text_that_stands_in_the_result_alone,
    };
    return test_main("stream_texts", setup, teardown, tests, sizeof tests / sizeof *tests);
}
