/* SPDX-License-Identifier: Apache-2.0 */
/* POST /stream through the real CLI: what it really says in which order, and that nothing of it
 * stays when the client leaves. */
#include "support/process_table.h"
#include "support/real_cli.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct real_cli *cli;

static void start(int version) {
    cli = real_cli_start(version, NULL, NULL);
}

static void teardown(void) {
    real_cli_stop(cli);
}

static struct sse_stream *begin(const char *text, const char *script, const char *fields) {
    return sse_open_stream(real_cli_gateway(cli), "/stream", real_cli_body(text, script, fields));
}

static struct sse_recording ask(const char *text, const char *script, const char *fields) {
    struct sse_stream *stream = begin(text, script, fields);
    struct sse_recording all = sse_read_all(stream);
    assert_stream_form(&all);
    sse_stream_close(stream);
    return all;
}

static char *session_of(const struct sse_recording *all) {
    const char *id = sse_string(sse_find(all, "session"), "sessionId");
    ck_assert_uint_eq(strlen(id), 36);
    return scratch_text("%s", id);
}

START_TEST(events_come_in_their_order)
{
    start(_i);
    struct sse_recording all = ask("Say hello", "{'text':'Hello, dear world.','deltas':4}", NULL);
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "Hello, dear world.");
    ck_assert_uint_gt(sse_count(&all, "text"), 1);
    const struct sse_event *result = sse_find(&all, "result"), *done = sse_find(&all, "done");
    char *session = session_of(&all);
    ck_assert_str_eq(sse_string(result, "sessionId"), session);
    ck_assert_int_gt(sse_integer(result, "usage.outputTokens"), 0);
    ck_assert_int_eq(sse_integer(result, "usage.totalTokens"),
                     sse_integer(result, "usage.inputTokens") +
                         sse_integer(result, "usage.outputTokens"));
    ck_assert_str_eq(sse_string(result, "stopReason"), "end_turn");
    ck_assert_int_eq(sse_integer(done, "code"), 0);
    ck_assert(json_is_null(sse_member(done, "signal")));
    free(session);
    sse_recording_finish(&all);
}
END_TEST

START_TEST(text_arrives_as_it_was_said)
{
    static const char text[] = "\xe2\x82\xac \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80\r\n\n"
                               "line\xe2\x80\xa8separator \\ \x01 data: x";
    start(_i);
    json_t *script = json_pack("{ss si}", "text", text, "deltas", 9);
    char *line = json_dumps(script, JSON_COMPACT);
    json_t *body = json_pack("{so}", "prompt", json_sprintf("Say it\napi: %s", line));
    struct sse_stream *stream = sse_open_stream(real_cli_gateway(cli), "/stream", body);
    struct sse_recording all = sse_read_all(stream);
    ck_assert_str_eq(all.text, text);
    sse_recording_finish(&all);
    sse_stream_close(stream);
    json_decref(script);
    free(line);
}
END_TEST

/* The API says the text and then nothing more: the text is there all the same. */
START_TEST(text_arrives_while_the_model_still_speaks)
{
    start(_i);
    struct sse_stream *stream = begin("Begin", "{'text':'So far','hang':true}", NULL);
    sse_expect(stream, "session");
    char said[64] = "";
    while (strlen(said) < strlen("So far"))
        strncat(said, sse_string(sse_expect(stream, "text"), "text"), 16);
    ck_assert_str_eq(said, "So far");
    sse_stream_close(stream);
    await_active_streams(real_cli_gateway(cli), 0, 3000);
}
END_TEST

START_TEST(a_session_continues_in_either_form)
{
    start(_i);
    struct sse_recording all = ask("My name is Ada", "{'text':'Hello Ada.'}", NULL);
    char *session = session_of(&all), *fields = scratch_text("{'sessionId':'%s'}", session);
    sse_recording_finish(&all);
    all = ask("What is my name?", "{'text':'Ada.'}", fields);
    char *again = session_of(&all);
    ck_assert_str_eq(again, session);
    ck_assert_str_eq(all.text, "Ada.");
    json_t *request = real_cli_request(cli);
    char *messages = real_cli_member(request, "messages");
    ck_assert_msg(strstr(messages, "My name is Ada") && strstr(messages, "Hello Ada."), "%s",
                  messages);
    char *text = real_cli_text(cli, "And now?", "{'text':'Still Ada.'}", fields);
    ck_assert_str_eq(text, "Still Ada.");
    ck_assert_uint_eq(real_cli_request_count(cli), 3);
    free(text);
    free(messages);
    json_decref(request);
    free(again);
    sse_recording_finish(&all);
    free(fields);
    free(session);
}
END_TEST

START_TEST(a_session_that_the_cli_does_not_know)
{
    start(_i);
    struct sse_recording all =
        ask("hi", NULL, "{'sessionId':'11111111-2222-4333-8444-555555555555'}");
    sse_assert_outline(&all, "session error done");
    ck_assert_str_eq(sse_string(sse_find(&all, "error"), "code"), "SESSION_NOT_FOUND");
    ck_assert_uint_eq(real_cli_request_count(cli), 0);
    sse_recording_finish(&all);
}
END_TEST

START_TEST(max_tokens_gives_the_cut_text)
{
    start(_i);
    struct sse_recording all =
        ask("Tell a story", "{'text':'Once upon a','stop_reason':'max_tokens'}", "{'maxTokens':3}");
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "Once upon a");
    ck_assert_str_eq(sse_string(sse_find(&all, "result"), "stopReason"), "max_tokens");
    sse_recording_finish(&all);
}
END_TEST

/* ---- opt-in events */

static const char with_tool[] =
    "{'tool':{'name':'Bash','input':{'command':'echo the tool ran','description':'x'}},"
    "'text':'Done.'}";

START_TEST(tools_are_told_when_asked_for)
{
    start(_i);
    struct sse_recording all =
        ask("Do it", with_tool, "{'allowedTools':['Bash'],'events':['tool']}");
    sse_assert_outline(&all, "session tool text result done");
    static const char *const phases[] = {"started", "input", "ended"};
    ck_assert_uint_eq(sse_count(&all, "tool"), 3);
    const struct sse_event *tools = sse_find(&all, "tool"); /* three in a row */
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(sse_string(&tools[i], "phase"), phases[i]);
        ck_assert_str_eq(sse_string(&tools[i], "id"), sse_string(&tools[0], "id"));
        ck_assert(json_is_null(sse_member(&tools[i], "parentToolUseId")));
    }
    ck_assert_str_eq(sse_string(&tools[0], "name"), "Bash");
    ck_assert_str_eq(sse_string(&tools[1], "input.command"), "echo the tool ran");
    ck_assert_ptr_nonnull(strstr(tools[2].data, "the tool ran"));
    ck_assert(json_is_false(sse_member(&tools[2], "isError")));
    sse_recording_finish(&all);
    all = ask("Do it", with_tool, "{'allowedTools':['Bash']}");
    sse_assert_outline(&all, "session text result done");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_denied_tool_is_an_error)
{
    start(_i);
    struct sse_recording all =
        ask("Do it",
            "{'tool':{'name':'Bash','input':{'command':'touch unwanted','description':'x'}},"
            "'text':'Not done.'}",
            "{'events':['tool']}");
    const struct sse_event *tools = sse_find(&all, "tool");
    ck_assert_uint_eq(sse_count(&all, "tool"), 3);
    ck_assert(json_is_true(sse_member(&tools[2], "isError")));
    ck_assert_str_eq(sse_string(sse_find(&all, "result"), "permissionDenials.0.tool_name"), "Bash");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(thinking_is_told_when_asked_for)
{
    static const char script[] = "{'thinking':'Let me see.','text':'Done.'}";
    start(_i);
    struct sse_recording all = ask("Think", script, "{'events':['thinking']}");
    sse_assert_outline(&all, "session thinking text result done");
    ck_assert_str_eq(all.text, "Done.");
    sse_recording_finish(&all);
    all = ask("Think", script, NULL);
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "Done.");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(retries_are_told_when_asked_for)
{
    start(_i);
    struct sse_recording all =
        ask("hi",
            "{'status':529,'type':'overloaded_error','message':'Overloaded','times':1,'text':'x'}",
            "{'events':['retry']}");
    sse_assert_outline(&all, "session retry text result done");
    const struct sse_event *retry = sse_find(&all, "retry");
    ck_assert_int_eq(sse_integer(retry, "attempt"), 1);
    ck_assert_int_eq(sse_integer(retry, "errorStatus"), 529);
    sse_recording_finish(&all);
}
END_TEST

/* ---- failures */

START_TEST(a_failure_of_the_api_is_an_error_event)
{
    start(_i);
    struct sse_recording all =
        ask("hi", "{'status':529,'type':'overloaded_error','message':'Overloaded'}", NULL);
    sse_assert_outline(&all, "session error done");
    ck_assert_str_eq(sse_string(sse_find(&all, "error"), "code"), "UPSTREAM_ERROR");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(an_answer_that_does_not_come_in_time)
{
    start(_i);
    struct sse_recording all = ask("hi", "{'hang':true}", "{'timeoutMs':3000}");
    sse_assert_outline(&all, "session error done");
    ck_assert_str_eq(sse_string(sse_find(&all, "error"), "code"), "TIMEOUT_ERROR");
    ck_assert_str_eq(sse_string(sse_find(&all, "done"), "reason"), "timeout");
    sse_recording_finish(&all);
}
END_TEST

/* ---- a client that leaves */

struct trace {
    char argument[32];
    pid_t gateway;
};

static bool command_runs(const void *data) {
    const struct trace *trace = data;
    return processes_with_argument(trace->argument) > 0;
}

static bool nothing_is_left(const void *data) {
    const struct trace *trace = data;
    return !command_runs(data) && processes_of_parent(trace->gateway) == 0;
}

START_TEST(a_client_that_leaves_takes_all_processes_along)
{
    struct trace trace = {.argument = ""};
    start(_i);
    trace.gateway = gateway_pid(real_cli_gateway(cli));
    /* A file that no other process of this machine follows. */
    snprintf(trace.argument, sizeof trace.argument, "streamed-%d", (int)getpid());
    char *script = scratch_text(
        "{'tool':{'name':'Bash','input':{'command':'touch %s && tail -f %s','description':'x'}}}",
        trace.argument, trace.argument);
    struct sse_stream *stream =
        begin("Do it", script, "{'allowedTools':['Bash'],'events':['tool']}");
    sse_await(stream, "tool");
    ck_assert(await(command_runs, &trace, 30000));
    sse_stream_close(stream);
    ck_assert(await(nothing_is_left, &trace, 1000));
    await_active_streams(real_cli_gateway(cli), 0, 1000);
    free(script);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        events_come_in_their_order,
        text_arrives_as_it_was_said,
        text_arrives_while_the_model_still_speaks,
        a_session_continues_in_either_form,
        a_session_that_the_cli_does_not_know,
        max_tokens_gives_the_cut_text,
        tools_are_told_when_asked_for,
        a_denied_tool_is_an_error,
        thinking_is_told_when_asked_for,
        retries_are_told_when_asked_for,
        a_failure_of_the_api_is_an_error_event,
        an_answer_that_does_not_come_in_time,
        a_client_that_leaves_takes_all_processes_along,
    };
    return real_cli_main("real_cli_stream", teardown, tests, sizeof tests / sizeof *tests);
}
