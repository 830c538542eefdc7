/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of the CLI that are started ahead: who gets one, and what it is told of a conversation.
 * How many there are is pool_size_test.c; those that stay with their sessions,
 * pool_sessions_test.c.
 */
#include "support/cli_watch.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define OTHER_KEY "other-key-0123456789abcdef"
#define TWO_KEYS                                                                                   \
    "keys:\n- name: other\n"                                                                       \
    "  sha256: ef930a905aa029f128cd4ccc511beea86303b75a64904812bf9637466c2b82d9\n"

enum { START_MS = 700 }; /* of a process that takes its time */
#define SLOW_START "{'start_ms':700}"

static struct gateway *gateway;
static struct cli_report *report;

static void start(const char *scenario, const char *config) {
    report = cli_report_create(scenario);
    gateway = gateway_start(
        &(struct gateway_options){.config = config, .environment = cli_report_environment(report)});
}

static void teardown(void) {
    gateway_stop(gateway);
    cli_report_destroy(report);
}

/* ---- questions to the process that answers */

static json_t *object_of(const struct sse_recording *all) {
    return json_incref(sse_member(sse_find(all, "object"), "object"));
}

static json_t *streamed_state(const char *path, bool object, json_t *body) {
    struct sse_stream *stream = sse_open_stream(gateway, path, body);
    struct sse_recording all = sse_read_all(stream);
    assert_stream_form(&all);
    json_t *state = object ? object_of(&all) : json_loads(all.text, 0, NULL);
    ck_assert_msg(json_is_object(state), "no state came: %s", all.outline);
    sse_recording_finish(&all);
    sse_stream_close(stream);
    return state;
}

/* What the process that answers POST `path` knows, itself included. */
static json_t *state_from(const char *path, const char *fields) {
    bool object = strstr(path, "object") != NULL;
    json_t *body = scenario_body(object ? "{'object_echo':'state'}" : "{'echo':'state'}", fields);
    if (strncmp(path, "/stream", 7) == 0)
        return streamed_state(path, object, body);
    struct http_response answer = http_post(gateway, path, body);
    http_assert_status(&answer, 200);
    json_t *state = object ? json_incref(http_member(&answer, "object")) : echoed(&answer);
    http_response_finish(&answer);
    return state;
}

static json_int_t pid_as(const char *key, const char *fields) {
    struct http_response answer =
        http_post_as(gateway, key, "/generate-text", scenario_body("{'echo':'pid'}", fields));
    json_t *pid = echoed(&answer);
    json_int_t number = json_integer_value(pid);
    json_decref(pid);
    http_response_finish(&answer);
    return number;
}

static json_int_t pid_of(const char *fields) {
    return pid_as(NULL, fields);
}

/* Whether it is one of the first that were started. */
static bool is_among_first(size_t count, json_int_t pid) {
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found |= cli_report_pid(report, i) == pid;
    return found;
}

/* ---- who gets one */

START_TEST(a_spare_is_there_before_the_first_request)
{
    start(SLOW_START, NULL);
    await_health(gateway, "processes.warm", 1);
    assert_health(gateway, "pool.starts", 1);
    uint64_t begin = clock_ms();
    json_int_t pid = pid_of(NULL);
    ck_assert_uint_lt(clock_ms() - begin, START_MS);
    ck_assert_int_eq(pid, cli_report_pid(report, 0));
    assert_health(gateway, "pool.hits", 1);
    assert_health(gateway, "pool.misses", 0);
}
END_TEST

START_TEST(new_sessions_of_every_endpoint_answer_without_a_start)
{
    static const char *const paths[] = {"/generate-text", "/stream", "/generate-object",
                                        "/stream-object"};
    start(SLOW_START, NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        await_health(gateway, "processes.warm", 1);
        size_t started = cli_report_count(report);
        uint64_t begin = clock_ms();
        json_t *state = state_from(
            paths[i], strstr(paths[i], "object") ? "{'schema':{'type':'object'}}" : NULL);
        uint64_t took_ms = clock_ms() - begin;
        ck_assert_msg(took_ms < START_MS, "%s took %u ms, as long as a start", paths[i],
                      (unsigned)took_ms);
        ck_assert(is_among_first(started, json_integer_value(http_json_at(state, "pid"))));
        assert_health(gateway, "pool.hits", (json_int_t)i + 1);
        json_decref(state);
    }
    assert_health(gateway, "pool.misses", 0);
}
END_TEST

START_TEST(one_that_is_still_starting_is_taken_rather_than_another_started)
{
    start(SLOW_START, NULL);
    ck_assert_int_eq(pid_of(NULL), cli_report_pid(report, 0));
    assert_health(gateway, "pool.hits", 1);
    assert_health(gateway, "pool.misses", 0);
}
END_TEST

START_TEST(a_kind_that_was_asked_for_once_is_kept_ready)
{
    static const struct {
        const char *fields, *argument;
    } kinds[] = {
        {"{'allowedTools':['Read']}", "--tools=Read"},
        {"{'model':'claude-of-tests'}", "--model=claude-of-tests"},
        {"{'maxTurns':3}", "--max-turns=3"},
        {"{'profile':'bare'}", "--bare"},
    };
    start("{'start_ms':200}", NULL);
    for (json_int_t i = 0; i < 4; i++) {
        await_health(gateway, "processes.warm", i + 1);
        pid_of(kinds[i].fields);
        assert_health(gateway, "pool.misses", i + 1);
        await_health(gateway, "processes.warm", i + 2);
        size_t started = cli_report_count(report);
        json_int_t pid = pid_of(kinds[i].fields);
        assert_health(gateway, "pool.hits", i + 1);
        ck_assert(is_among_first(started, pid));
        ck_assert_msg(cli_report_has_argument(report, pid, kinds[i].argument),
                      "%s was answered without %s", kinds[i].fields, kinds[i].argument);
    }
    assert_health(gateway, "pool.misses", 4);
}
END_TEST

/* ---- what it is told of a conversation */

static void assert_text(json_t *state, const char *path, const char *text) {
    const char *seen = json_string_value(http_json_at(state, path));
    ck_assert_msg(text ? seen && strcmp(seen, text) == 0 : !seen, "%s is '%s', expected '%s'", path,
                  seen ? seen : "(none)", text ? text : "(none)");
}

struct conversation {
    const char *path, *fields;
    const char *system, *append, *title; /* what the process must know; title: of the schema */
};

/* Asks it; true: the process had been initialized before it was. */
static bool ask(const struct conversation *conversation) {
    json_t *state = state_from(conversation->path, conversation->fields);
    assert_text(state, "system_prompt", conversation->system);
    assert_text(state, "append_system_prompt", conversation->append);
    assert_text(state, "json_schema.title", conversation->title);
    bool ahead = json_is_true(http_json_at(state, "initialized_ahead"));
    json_decref(state);
    return ahead;
}

static const struct conversation conversations[] = {
    {"/generate-text", "{'system':'one'}", "one", NULL, NULL},
    {"/stream", "{'system':'two'}", "two", NULL, NULL},
    {"/generate-text", "{'appendSystem':'more'}", NULL, "more", NULL},
    {"/generate-object", "{'schema':{'type':'object','title':'T'}}", NULL, NULL, "T"},
    {"/stream-object", "{'schema':{'type':'object','title':'U'},'system':'one'}", "one", NULL, "U"},
    {"/generate-text", NULL, NULL, NULL, NULL},
};
enum { CONVERSATIONS = sizeof conversations / sizeof *conversations };

START_TEST(instructions_and_schemas_need_no_process_of_their_own)
{
    start(NULL, NULL);
    for (size_t i = 0; i < CONVERSATIONS; i++) {
        await_health(gateway, "processes.warm", 1);
        ck_assert(!ask(&conversations[i]));
    }
    assert_health(gateway, "pool.hits", CONVERSATIONS);
    assert_health(gateway, "pool.misses", 0);
}
END_TEST

/* After three alike, the fourth finds a process that knows what it will be told. */
static void ask_until_expected(const struct conversation *conversation) {
    for (int i = 0; i < 3; i++) {
        ask(conversation);
        await_health(gateway, "processes.warm", 1);
    }
    ck_assert_msg(ask(conversation), "%s was not initialized ahead", conversation->fields);
}

/* … which is good for nothing else: what was asked differently must not be answered by it. */
START_TEST(what_was_asked_alike_is_initialized_ahead)
{
    start(NULL, NULL);
    for (size_t i = 0; i < CONVERSATIONS; i++) {
        await_health(gateway, "processes.warm", 1);
        ask_until_expected(&conversations[i]);
        await_health(gateway, "processes.warm", 1);
        json_int_t misses = health_number(gateway, "pool.misses");
        ck_assert(!ask(&conversations[(i + 1) % CONVERSATIONS]));
        assert_health(gateway, "pool.misses", misses + 1);
    }
}
END_TEST

START_TEST(one_that_is_only_starting_for_something_else_answers_nothing_else)
{
    start("{'start_ms':300}", NULL);
    await_health(gateway, "processes.warm", 1);
    ask_until_expected(&conversations[0]);
    await_health(gateway, "processes.starting", 1);
    ck_assert(!ask(&conversations[3]));
}
END_TEST

/* ---- keys */

static void assert_session_of(const char *key, const char *other, const char *scenario) {
    struct http_response answer =
        http_post_as(gateway, key, "/generate-text", scenario_body(scenario, NULL));
    http_assert_status(&answer, 200);
    char *fields = scratch_text("{'sessionId':'%s'}", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
    answer = http_post_as(gateway, other, "/generate-text", scenario_body("{}", fields));
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
    answer = http_post_as(gateway, key, "/generate-text", scenario_body("{}", fields));
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    free(fields);
}

START_TEST(keys_share_no_process)
{
    start(NULL, TWO_KEYS);
    json_int_t mine = pid_as(NULL, NULL);
    await_health(gateway, "processes.warm", 1);
    json_int_t others = pid_as(OTHER_KEY, NULL);
    assert_health(gateway, "pool.misses", 2);
    await_health(gateway, "processes.warm", 2);
    size_t started = cli_report_count(report);
    json_int_t my_spare = pid_as(NULL, NULL), others_spare = pid_as(OTHER_KEY, NULL);
    assert_health(gateway, "pool.hits", 2);
    ck_assert(is_among_first(started, my_spare) && is_among_first(started, others_spare));
    ck_assert_int_ne(mine, others);
    ck_assert_int_ne(my_spare, others_spare);
    await_health(gateway, "processes.warm", 2);
    assert_session_of(NULL, OTHER_KEY, "{}");
    assert_session_of(OTHER_KEY, NULL, "{}");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_spare_is_there_before_the_first_request,
        new_sessions_of_every_endpoint_answer_without_a_start,
        one_that_is_still_starting_is_taken_rather_than_another_started,
        a_kind_that_was_asked_for_once_is_kept_ready,
        instructions_and_schemas_need_no_process_of_their_own,
        what_was_asked_alike_is_initialized_ahead,
        one_that_is_only_starting_for_something_else_answers_nothing_else,
        keys_share_no_process,
    };
    return test_main("pool", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
