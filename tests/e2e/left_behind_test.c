/* SPDX-License-Identifier: Apache-2.0 */
/* Turns that leave processes behind: those are ended although the process of the session might have
 * stayed, the session goes on, and it is counted. */
#include "support/cli_watch.h"
#include "support/process_search.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;
static struct cli_report *report;
static char *mark; /* in the command line of all that is left behind */
static char *id;   /* of the session, which holds two messages */

static void setup(void) {
    report = cli_report_create(NULL);
    gateway =
        gateway_start(&(struct gateway_options){.environment = cli_report_environment(report)});
    mark = scratch_text("MARK-%d-%u", (int)gateway_pid(gateway), gateway_port(gateway));
    struct http_response answer = generate(gateway, "{}", "{'allowedTools':['Bash']}");
    http_assert_status(&answer, 200);
    id = scratch_text("%s", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
}

static void teardown(void) {
    gateway_stop(gateway);
    cli_report_destroy(report);
    free(mark);
    free(id);
}

/* Every turn is of the kind that may run commands: the process could do all of them. */
static struct http_response turn(json_t *scenario) {
    char *text = json_dumps(scenario, JSON_COMPACT);
    json_t *body = json_pack("{so ss s[s]}", "prompt", json_sprintf("standin:%s", text),
                             "sessionId", id, "allowedTools", "Bash");
    json_decref(scenario);
    free(text);
    return http_post(gateway, "/generate-text", body);
}

/* The process of a turn that leaves nothing; asserts how many messages came before it. */
static json_int_t pid_with_history(json_int_t messages) {
    struct http_response answer = turn(json_pack("{ss}", "echo", "state"));
    json_t *state = echoed(&answer);
    json_int_t pid = json_integer_value(http_json_at(state, "pid"));
    ck_assert_int_eq(json_integer_value(http_json_at(state, "history.messages")), messages);
    json_decref(state);
    http_response_finish(&answer);
    return pid;
}

/* The pid of the process, which told it while its command left something behind. */
static json_int_t leave_behind(const char *command) {
    struct http_response answer =
        turn(json_pack("{s{ss ss} ss}", "tool", "name", "Bash", "run", command, "echo", "pid"));
    json_t *pid = echoed(&answer);
    json_int_t number = json_integer_value(pid);
    json_decref(pid);
    http_response_finish(&answer);
    return number;
}

static bool was_resumed(json_int_t pid) {
    char *flag = scratch_text("--resume=%s", id);
    bool resumed = cli_report_has_argument(report, pid, flag);
    free(flag);
    return resumed;
}

static void assert_metric(const char *name, int value) {
    struct http_response metrics = http_get(gateway, "/metrics");
    char *line = scratch_text("\n%s %d\n", name, value);
    ck_assert_msg(strstr(metrics.body, line) != NULL, "no '%s %d' in\n%s", name, value,
                  metrics.body);
    http_response_finish(&metrics);
    free(line);
}

/* So many turns have left something behind: a process or more that the gateway had to find. */
static void assert_left_behind(int turns) {
    assert_metric("koine_cli_left_behind_total", turns);
    json_int_t strays = health_number(gateway, "strays");
    ck_assert_msg(turns ? strays >= turns : strays == 0, "%d strays after %d turns", (int)strays,
                  turns);
}

static void assert_gone(void) {
    ck_assert_msg(process_search_await(mark, 0, 5000), "%d processes are left",
                  process_search_count(mark));
}

#define WAITER "sh -c 'while :; do sleep 1000; done' "

/* ---- what is left, and goes */

static void assert_goes(const char *how) {
    json_int_t pid = pid_with_history(2);
    char *command = scratch_text("MARK=%s; %s", mark, how);
    ck_assert_int_eq(leave_behind(command), pid);
    assert_gone();
    json_int_t next = pid_with_history(6);
    ck_assert_int_ne(next, pid);
    ck_assert(was_resumed(next));
    assert_left_behind(1);
    ck_assert_int_eq(pid_with_history(8), next);
    assert_left_behind(1);
    free(command);
}

/* No mark leads from it to its run any more: it goes once every process waits, though one stays. */
START_TEST(a_command_that_has_shed_every_mark)
{
    json_int_t pid = pid_with_history(2);
    char *command = scratch_text("MARK=%s; (env -i /usr/bin/setsid /usr/bin/prlimit "
                                 "--locks=unlimited /bin/sh -c ': >shed; while :; do /bin/sleep "
                                 "1000; done' $MARK >/dev/null 2>&1 &); "
                                 "until [ -e shed ] || ! kill -0 $PPID; do sleep 0.01; done",
                                 mark);
    ck_assert_int_eq(leave_behind(command), pid);
    assert_gone();
    ck_assert_int_ge(health_number(gateway, "strays"), 1);
    ck_assert_int_eq(pid_with_history(6), pid);
    free(command);
}
END_TEST

START_TEST(a_command_in_the_background)
{ assert_goes(WAITER "$MARK >/dev/null 2>&1 &"); }
END_TEST

START_TEST(a_command_in_a_session_of_its_own)
{ assert_goes("setsid " WAITER "$MARK >/dev/null 2>&1 &"); }
END_TEST

START_TEST(a_command_that_nobody_knows_any_more)
{ assert_goes("(setsid " WAITER "$MARK >/dev/null 2>&1 &) &"); }
END_TEST

START_TEST(a_command_that_does_not_listen)
{ assert_goes("setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1000; done' $MARK &"); }
END_TEST

/* As the model may ask the CLI to run a command: it stays a child of the CLI. */
START_TEST(a_command_that_the_cli_keeps_running)
{
    json_int_t pid = pid_with_history(2);
    char *command = scratch_text("exec " WAITER "%s", mark);
    struct http_response answer = turn(json_pack("{s{ss ss sb} ss}", "tool", "name", "Bash", "run",
                                                 command, "background", 1, "text", "done"));
    http_assert_status(&answer, 200);
    assert_gone();
    json_int_t next = pid_with_history(6);
    ck_assert_int_ne(next, pid);
    ck_assert(was_resumed(next));
    assert_metric("koine_cli_left_behind_total", 1);
    http_response_finish(&answer);
    free(command);
}
END_TEST

START_TEST(a_daemon)
{
    json_int_t pid = pid_with_history(2);
    char *command = scratch_text("exec " WAITER "%s", mark);
    struct http_response answer =
        turn(json_pack("{ss ss}", "stray_daemon", command, "text", "done"));
    http_assert_status(&answer, 200);
    assert_gone();
    json_int_t next = pid_with_history(6);
    ck_assert_int_ne(next, pid);
    ck_assert(was_resumed(next));
    assert_left_behind(1);
    http_response_finish(&answer);
    free(command);
}
END_TEST

/* The next turn may come the moment that the answer is there. */
START_TEST(the_next_turn_need_not_wait_for_it)
{
    char *command = scratch_text("setsid " WAITER "%s &", mark);
    json_int_t pid = leave_behind(command), next = pid_with_history(4);
    ck_assert_int_ne(next, pid);
    assert_gone();
    ck_assert_int_eq(pid_with_history(6), next);
    free(command);
}
END_TEST

/* ---- what is not left */

START_TEST(a_command_that_has_ended_leaves_nothing)
{
    json_int_t pid = pid_with_history(2);
    ck_assert_int_eq(leave_behind("sh -c 'echo hello'; (setsid true) & wait"), pid);
    ck_assert_int_eq(pid_with_history(6), pid);
    assert_left_behind(0);
}
END_TEST

/* What one session has left is none of another's business. */
START_TEST(other_sessions_keep_their_processes)
{
    json_int_t pid = pid_with_history(2);
    struct http_response other = generate(gateway, "{'echo':'pid'}", "{'allowedTools':['Bash']}");
    char *own = id;
    id = scratch_text("%s", http_string(&other, "sessionId"));
    char *command = scratch_text("setsid " WAITER "%s &", mark);
    leave_behind(command);
    free(id);
    id = own;
    ck_assert_int_eq(pid_with_history(4), pid);
    assert_gone();
    ck_assert_int_eq(pid_with_history(6), pid);
    assert_left_behind(1);
    http_response_finish(&other);
    free(command);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_command_that_has_shed_every_mark,
        a_command_in_the_background,
        a_command_in_a_session_of_its_own,
        a_command_that_nobody_knows_any_more,
        a_command_that_does_not_listen,
        a_command_that_the_cli_keeps_running,
        a_daemon,
        the_next_turn_need_not_wait_for_it,
        a_command_that_has_ended_leaves_nothing,
        other_sessions_keep_their_processes,
    };
    return test_main("left_behind", setup, teardown, tests, sizeof tests / sizeof *tests);
}
