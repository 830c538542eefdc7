/* SPDX-License-Identifier: Apache-2.0 */
/* Events of POST /stream that a client must ask for: tool, thinking, retry. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define EVERYTHING                                                                                 \
    "{'thinking':'Let me see.','retry':2,'text':'done',"                                           \
    "'tool':{'name':'Bash','input':{'command':'git log'},'output':'three commits'}}"

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* The nth event of that name. */
static const struct sse_event *nth(const struct sse_recording *all, const char *name, size_t n) {
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->events[i].name, name) == 0 && n-- == 0)
            return &all->events[i];
    ck_abort_msg("too few events %s in: %s", name, all->outline);
    return NULL;
}

static bool has(const struct sse_event *event, const char *member) {
    return json_object_get(event->json, member) != NULL;
}

static void assert_json(const struct sse_event *event, const char *member, const char *text) {
    json_t *wanted = quoted_json(text);
    ck_assert_msg(json_equal(sse_member(event, member), wanted), "%s of %s, expected %s", member,
                  event->data, text);
    json_decref(wanted);
}

START_TEST(nothing_of_it_comes_unasked)
{
    struct sse_recording all = stream_all(gateway, EVERYTHING, "{'allowedTools':['Bash']}");
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "done");
    sse_recording_finish(&all);
    all = stream_all(gateway, EVERYTHING, "{'allowedTools':['Bash'],'events':[]}");
    sse_assert_outline(&all, "session text result done");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(all_of_it_comes_in_its_place)
{
    struct sse_recording all = stream_all(
        gateway, EVERYTHING, "{'allowedTools':['Bash'],'events':['tool','thinking','retry']}");
    sse_assert_outline(&all, "session retry tool thinking text result done");
    ck_assert_str_eq(all.text, "done");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(each_comes_alone)
{
    struct sse_recording all =
        stream_all(gateway, EVERYTHING, "{'allowedTools':['Bash'],'events':['thinking']}");
    sse_assert_outline(&all, "session thinking text result done");
    sse_recording_finish(&all);
    all = stream_all(gateway, EVERYTHING, "{'allowedTools':['Bash'],'events':['retry','retry']}");
    sse_assert_outline(&all, "session retry text result done");
    ck_assert_uint_eq(sse_count(&all, "retry"), 2);
    sse_recording_finish(&all);
    all = stream_all(gateway, EVERYTHING, "{'allowedTools':['Bash'],'events':['tool']}");
    sse_assert_outline(&all, "session tool text result done");
    ck_assert_uint_eq(sse_count(&all, "tool"), 3);
    sse_recording_finish(&all);
}
END_TEST

START_TEST(thinking_is_text_in_pieces)
{
    struct sse_recording all =
        stream_all(gateway,
                   "{'thinking':'First \xe2\x82\xac, then \xf0\x9f\x90\x98.\\nWell.',"
                   "'delta_bytes':5,'split_utf8':true,'text':'so'}",
                   "{'events':['thinking']}");
    char joined[256] = "";
    for (size_t i = 0; i < all.count; i++)
        if (strcmp(all.events[i].name, "thinking") == 0)
            strcat(joined, sse_string(&all.events[i], "text"));
    ck_assert_str_eq(joined, "First \xe2\x82\xac, then \xf0\x9f\x90\x98.\nWell.");
    ck_assert_uint_gt(sse_count(&all, "thinking"), 2);
    ck_assert_str_eq(all.text, "so");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_tool_is_told_in_three_phases)
{
    struct sse_recording all =
        stream_all(gateway,
                   "{'text':'x','tool':{'name':'Bash','input':{'command':'git log','n':[1,{}]},"
                   "'output':'three\\ncommits \xe2\x82\xac'}}",
                   "{'allowedTools':['Bash'],'events':['tool']}");
    const struct sse_event *started = nth(&all, "tool", 0), *input = nth(&all, "tool", 1),
                           *ended = nth(&all, "tool", 2);
    ck_assert_str_eq(sse_string(started, "phase"), "started");
    ck_assert_str_eq(sse_string(started, "name"), "Bash");
    ck_assert(!has(started, "input") && !has(started, "output") && !has(started, "isError"));
    ck_assert_str_eq(sse_string(input, "phase"), "input");
    ck_assert_str_eq(sse_string(input, "name"), "Bash");
    assert_json(input, "input", "{'command':'git log','n':[1,{}]}");
    ck_assert(!has(input, "output") && !has(input, "isError"));
    ck_assert_str_eq(sse_string(ended, "phase"), "ended");
    ck_assert(!has(ended, "name") && !has(ended, "input"));
    ck_assert_str_eq(sse_string(ended, "output"), "three\ncommits \xe2\x82\xac");
    assert_json(ended, "isError", "false");
    const struct sse_event *const phases[] = {started, input, ended};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(strncmp(sse_string(phases[i], "id"), "toolu_", 6), 0);
        ck_assert_str_eq(sse_string(phases[i], "id"), sse_string(started, "id"));
        assert_json(phases[i], "parentToolUseId", "null");
    }
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_tool_that_fails_or_is_denied_is_an_error)
{
    struct sse_recording all =
        stream_all(gateway, "{'text':'x','tool':{'name':'Bash','run':'echo no; exit 3'}}",
                   "{'allowedTools':['Bash'],'events':['tool']}");
    ck_assert_str_eq(sse_string(nth(&all, "tool", 2), "output"), "no");
    assert_json(nth(&all, "tool", 2), "isError", "true");
    sse_recording_finish(&all);
    all = stream_all(gateway, "{'text':'x','tool':{'name':'Bash','run':'echo yes'}}",
                     "{'events':['tool']}");
    assert_json(nth(&all, "tool", 2), "isError", "true");
    ck_assert_str_ne(sse_string(nth(&all, "tool", 2), "output"), "yes");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(several_tools_keep_their_ids_apart)
{
    struct sse_recording all =
        stream_all(gateway,
                   "{'text':'x','tools':[{'name':'Bash','run':'echo one'},"
                   "{'name':'Bash','run':'echo two'},{'name':'Read','output':'three'}]}",
                   "{'allowedTools':['Bash','Read'],'events':['tool']}");
    static const char *const outputs[] = {"one", "two", "three"};
    ck_assert_uint_eq(sse_count(&all, "tool"), 9);
    for (size_t i = 0, found = 0; i < all.count; i++) {
        const struct sse_event *input = &all.events[i];
        if (strcmp(input->name, "tool") != 0 || strcmp(sse_string(input, "phase"), "input") != 0)
            continue;
        const char *output = NULL;
        for (size_t j = i; j < all.count; j++)
            if (has(&all.events[j], "isError") &&
                strcmp(sse_string(&all.events[j], "id"), sse_string(input, "id")) == 0)
                output = sse_string(&all.events[j], "output");
        ck_assert_pstr_eq(output, outputs[found++]);
    }
    sse_recording_finish(&all);
}
END_TEST

/* Told while it runs: the tool ends when this test says so. */
START_TEST(a_tool_is_told_while_it_runs)
{
    char *go = gateway_path(gateway, "go");
    char *scenario = scratch_text("{'text':'x','tool':{'name':'Bash','run':"
                                  "'until test -e %s; do sleep 0.02; done; echo went'}}",
                                  go);
    struct sse_stream *stream =
        begin_stream(gateway, scenario, "{'allowedTools':['Bash'],'events':['tool']}");
    sse_expect(stream, "session");
    ck_assert_str_eq(sse_string(sse_expect(stream, "tool"), "phase"), "started");
    ck_assert_str_eq(sse_string(sse_expect(stream, "tool"), "phase"), "input");
    scratch_write(go, "");
    const struct sse_event *ended = sse_expect(stream, "tool");
    ck_assert_str_eq(sse_string(ended, "output"), "went");
    sse_await(stream, "done");
    sse_expect_end(stream);
    sse_stream_close(stream);
    free(scenario);
    free(go);
}
END_TEST

START_TEST(retries_say_what_they_know)
{
    struct sse_recording all =
        stream_all(gateway, "{'retry':2,'text':'x'}", "{'events':['retry']}");
    for (size_t i = 0; i < 2; i++) {
        const struct sse_event *retry = nth(&all, "retry", i);
        ck_assert_int_eq(sse_integer(retry, "attempt"), (json_int_t)i + 1);
        ck_assert_int_eq(sse_integer(retry, "maxRetries"), 10);
        ck_assert_int_eq(sse_integer(retry, "errorStatus"), 529);
        ck_assert_int_eq(sse_integer(retry, "delayMs"), 500);
    }
    sse_recording_finish(&all);
}
END_TEST

START_TEST(unknown_names_are_refused)
{
    static const struct {
        const char *events;
        int index; /* -1: the field itself */
    } cases[] = {
        {"{'events':['bogus']}", 0},      {"{'events':['tool','thinking','text']}", 2},
        {"{'events':['tool','']}", 1},    {"{'events':['Tool']}", 0},
        {"{'events':['tool',7]}", 1},     {"{'events':'tool'}", -1},
        {"{'events':{'tool':true}}", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sse_stream *stream = begin_stream(gateway, "{}", cases[i].events);
        struct http_response answer = sse_refusal(stream);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        ck_assert_str_eq(http_string(&answer, "issues.0.path.0"), "events");
        json_t *path = http_member(&answer, "issues.0.path");
        if (cases[i].index < 0)
            ck_assert_uint_eq(json_array_size(path), 1);
        else
            ck_assert_int_eq(http_integer(&answer, "issues.0.path.1"), cases[i].index);
        ck_assert_uint_eq(json_array_size(http_member(&answer, "issues")), 1);
        http_response_finish(&answer);
        sse_stream_close(stream);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        nothing_of_it_comes_unasked,
        all_of_it_comes_in_its_place,
        each_comes_alone,
        thinking_is_text_in_pieces,
        a_tool_is_told_in_three_phases,
        a_tool_that_fails_or_is_denied_is_an_error,
        several_tools_keep_their_ids_apart,
        a_tool_is_told_while_it_runs,
        retries_say_what_they_know,
        unknown_names_are_refused,
    };
    return test_main("stream_events", setup, teardown, tests, sizeof tests / sizeof *tests);
}
