/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module SDK's event streams against a host that only keeps what is written: framing, numbers,
 * escapes, long events, and what happens when memory is short.
 */
#include "support/test_main.h"
#include <koine-module/sse.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- a host with one stream */

static struct {
    char bytes[1 << 20];
    size_t size;
    int writes;
    int ends;
    int32_t result; /* of each write */
} sent;

static int32_t keep_write(const struct koine_host *host, koine_request request,
                          struct koine_text bytes) {
    (void)host;
    ck_assert_uint_eq(request.id, 7);
    ck_assert_uint_lt(sent.size + bytes.size, sizeof(sent.bytes));
    memcpy(sent.bytes + sent.size, bytes.data, bytes.size);
    sent.size += bytes.size;
    sent.bytes[sent.size] = '\0';
    sent.writes++;
    return sent.result;
}

static int32_t keep_end(const struct koine_host *host, koine_request request) {
    (void)host;
    (void)request;
    sent.ends++;
    return KOINE_OK;
}

static const struct koine_http http = {
    .size = sizeof(http), .stream_write = keep_write, .stream_end = keep_end};
static struct koine_sse stream;

static void setup(void) {
    memset(&sent, 0, sizeof(sent));
    stream = (struct koine_sse){.http = &http, .request = {7}};
}

static int32_t send_string(const char *name, struct koine_text text) {
    struct koine_sse_event event;
    koine_sse_begin(&event, &stream, name);
    koine_sse_string(&event, text);
    return koine_sse_send(&event);
}

/* ---- what leaves */

START_TEST(an_event_has_a_number_a_name_and_one_line_of_data)
{
    send_string("text", KOINE_TEXT("Hello"));
    ck_assert_str_eq(sent.bytes, "id: 1\nevent: text\ndata: \"Hello\"\n\n");
    ck_assert_int_eq(sent.writes, 1);
}
END_TEST

START_TEST(numbers_count_on)
{
    stream.last_id = 9;
    send_string("text", KOINE_TEXT(""));
    send_string("done", KOINE_TEXT("x"));
    ck_assert_str_eq(sent.bytes,
                     "id: 10\nevent: text\ndata: \"\"\n\nid: 11\nevent: done\ndata: \"x\"\n\n");
    stream.last_id = UINT64_MAX - 1;
    sent.size = 0;
    send_string("text", KOINE_TEXT(""));
    ck_assert_str_eq(sent.bytes, "id: 18446744073709551615\nevent: text\ndata: \"\"\n\n");
}
END_TEST

static const struct {
    struct koine_text text;
    const char *data;
} escaped[] = {
    {KOINE_TEXT("say \"hi\" \\ /"), "\"say \\\"hi\\\" \\\\ /\""},
    {KOINE_TEXT("a\rb\nc\r\nd"), "\"a\\rb\\nc\\r\\nd\""},
    {KOINE_TEXT("\b\f\t\x01\x1f\x7f"), "\"\\b\\f\\t\\u0001\\u001f\x7f\""},
    {KOINE_TEXT("nul\0here"), "\"nul\\u0000here\""},
    {KOINE_TEXT("\xef\xbb\xbf"
                "bom"),
     "\"\xef\xbb\xbf"
     "bom\""},
    {KOINE_TEXT("\xe2\x80\xa8\xf0\x9f\x98\x80"), "\"\xe2\x80\xa8\xf0\x9f\x98\x80\""},
};

START_TEST(text_is_escaped_as_a_json_string)
{
    for (size_t i = 0; i < COUNT(escaped); i++) {
        char want[256];
        sent.size = 0;
        stream.last_id = 0;
        send_string("text", escaped[i].text);
        snprintf(want, sizeof(want), "id: 1\nevent: text\ndata: %s\n\n", escaped[i].data);
        ck_assert_str_eq(sent.bytes, want);
    }
}
END_TEST

START_TEST(every_byte_of_text_comes_back)
{
    char all[128];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    send_string("text", (struct koine_text){all, sizeof(all)});
    const char *data = strstr(sent.bytes, "data: ") + 6;
    json_t *value = json_loads(data, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull(value);
    ck_assert_uint_eq(json_string_length(value), sizeof(all));
    ck_assert_mem_eq(json_string_value(value), all, sizeof(all));
    json_decref(value);
}
END_TEST

/* White space between tokens may hold line breaks, which would cut the event in two. */
START_TEST(line_breaks_in_json_become_spaces)
{
    struct koine_sse_event event;
    koine_sse_begin(&event, &stream, "object");
    koine_sse_raw(&event, KOINE_TEXT("{\r\n\"a\":\n1}"));
    ck_assert_int_eq(koine_sse_send(&event), KOINE_OK);
    ck_assert_str_eq(sent.bytes, "id: 1\nevent: object\ndata: {  \"a\": 1}\n\n");
}
END_TEST

START_TEST(a_value_is_written_compact)
{
    koine_sse_send_json(&stream, "result", json_pack("{s:f,s:[i,n]}", "cost", 0.0123, "list", 1));
    ck_assert_str_eq(sent.bytes,
                     "id: 1\nevent: result\ndata: {\"cost\":0.0123,\"list\":[1,null]}\n\n");
}
END_TEST

START_TEST(a_long_event_leaves_as_one_write)
{
    static char text[300000];
    memset(text, '"', sizeof(text)); /* each becomes two bytes */
    ck_assert_int_eq(send_string("text", (struct koine_text){text, sizeof(text)}), KOINE_OK);
    ck_assert_int_eq(sent.writes, 1);
    ck_assert_uint_eq(sent.size, strlen("id: 1\nevent: text\ndata: \"\"\n\n") + 2 * sizeof(text));
}
END_TEST

START_TEST(the_size_of_the_own_buffer_is_no_edge)
{
    static char text[KOINE_SSE_EVENT_BYTES + 8];
    memset(text, 'x', sizeof(text));
    for (size_t size = 0; size <= sizeof(text); size++) {
        sent.size = 0;
        stream.last_id = 0;
        send_string("text", (struct koine_text){text, size});
        ck_assert_uint_eq(sent.size, strlen("id: 1\nevent: text\ndata: \"\"\n\n") + size);
    }
}
END_TEST

START_TEST(what_the_host_says_is_passed_on)
{
    sent.result = KOINE_FULL;
    ck_assert_int_eq(send_string("text", KOINE_TEXT("x")), KOINE_FULL);
    sent.result = KOINE_GONE;
    ck_assert_int_eq(send_string("text", KOINE_TEXT("x")), KOINE_GONE);
}
END_TEST

START_TEST(short_memory_ends_the_stream_in_due_form)
{
    koine_sse_send_json(&stream, "session", json_pack("{s:s}", "sessionId", "s"));
    sent.size = 0;
    ck_assert_int_eq(koine_sse_send_json(&stream, "result", NULL), KOINE_NO_MEMORY);
    const char *error = strstr(sent.bytes, "\nevent: error\ndata: {");
    const char *done = strstr(sent.bytes, "\nevent: done\ndata: {\"code\":null,");
    ck_assert_ptr_nonnull(error);
    ck_assert_ptr_nonnull(done);
    ck_assert(error < done);
    ck_assert_ptr_nonnull(strstr(error, "\"code\":\"INTERNAL_ERROR\""));
    ck_assert_int_eq(sent.ends, 1);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_event_has_a_number_a_name_and_one_line_of_data,
        numbers_count_on,
        text_is_escaped_as_a_json_string,
        every_byte_of_text_comes_back,
        line_breaks_in_json_become_spaces,
        a_value_is_written_compact,
        a_long_event_leaves_as_one_write,
        the_size_of_the_own_buffer_is_no_edge,
        what_the_host_says_is_passed_on,
        short_memory_ends_the_stream_in_due_form,
    };
    return test_main("sse", setup, NULL, tests, COUNT(tests));
}
