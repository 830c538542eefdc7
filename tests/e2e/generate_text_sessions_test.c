/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations of POST /generate-text: sessions that go on, are copied, busy or not there, and
 * histories that the client keeps. */
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

static char *begin_session(void) {
    struct http_response answer = generate(gateway, "{'text':'hello'}", NULL);
    http_assert_status(&answer, 200);
    char *id = scratch_text("%s", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
    return id;
}

static struct http_response go_on(const char *id, const char *scenario, const char *more) {
    char *fields = scratch_text("{'sessionId':'%s'%s}", id, more);
    struct http_response answer = generate(gateway, scenario, fields);
    free(fields);
    return answer;
}

static json_int_t messages(const char *id) {
    struct http_response answer = go_on(id, "{'echo':'history'}", "");
    json_t *history = echoed(&answer);
    json_int_t count = json_integer_value(http_json_at(history, "messages"));
    json_decref(history);
    http_response_finish(&answer);
    return count;
}

START_TEST(a_session_goes_on_under_its_id)
{
    char *id = begin_session();
    struct http_response answer = go_on(id, "{'text':'again'}", "");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "sessionId"), id);
    ck_assert_int_eq(messages(id), 4);
    http_response_finish(&answer);
    free(id);
}
END_TEST

START_TEST(a_fork_leaves_the_session_as_it_is)
{
    char *id = begin_session();
    struct http_response answer = go_on(id, "{'echo':'history'}", ",'forkSession':true");
    json_t *history = echoed(&answer);
    ck_assert_int_eq(json_integer_value(http_json_at(history, "messages")), 2);
    ck_assert_str_ne(http_string(&answer, "sessionId"), id);
    ck_assert_int_eq(messages(id), 2);
    json_decref(history);
    http_response_finish(&answer);
    free(id);
}
END_TEST

START_TEST(a_session_that_nobody_knows)
{
    struct http_response answer = go_on("11111111-2222-4333-8444-555555555555", "{}", "");
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_session_does_one_turn_at_a_time)
{
    char *id = begin_session();
    char *fields = scratch_text("{'sessionId':'%s','timeoutMs':2000}", id);
    struct http_call *running = generate_begin(gateway, "{'hang':'mid_text'}", fields);
    await_active_slots(gateway, 1, 2000);
    struct http_response answer = go_on(id, "{}", "");
    http_assert_error(&answer, 409, "SESSION_BUSY");
    http_response_finish(&answer);
    answer = http_wait(running);
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    free(fields);
    free(id);
}
END_TEST

START_TEST(a_history_of_the_clients_own)
{
    struct http_response answer = generate(gateway, "{'echo':'history'}",
                                           "{'history':[{'role':'user','content':'Who are you?'},"
                                           "{'role':'assistant','content':'A stand-in.'}]}");
    json_t *history = echoed(&answer);
    ck_assert_int_eq(json_integer_value(http_json_at(history, "messages")), 2);
    ck_assert_ptr_nonnull(strstr(http_string(&answer, "text"), "Who are you?"));
    json_decref(history);
    http_response_finish(&answer);
}
END_TEST

/* Two keys: neither may go on with what the other began, nor with what the CLI began itself. */
START_TEST(a_session_belongs_to_its_key)
{
    static const char config[] =
        "keys:\n- name: other\n"
        "  sha256: ef930a905aa029f128cd4ccc511beea86303b75a64904812bf9637466c2b82d9\n";
    gateway_stop(gateway);
    gateway = gateway_start(&(struct gateway_options){.config = config});
    char *id = begin_session();
    ck_assert_int_eq(messages(id), 2);
    struct http_response answer = go_on("11111111-2222-8333-8444-555555555555", "{}", "");
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
    free(id);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_session_goes_on_under_its_id, a_fork_leaves_the_session_as_it_is,
        a_session_that_nobody_knows,    a_session_does_one_turn_at_a_time,
        a_history_of_the_clients_own,   a_session_belongs_to_its_key,
    };
    return test_main("generate_text_sessions", setup, teardown, tests,
                     sizeof tests / sizeof *tests);
}
