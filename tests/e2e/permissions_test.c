/* SPDX-License-Identifier: Apache-2.0 */
/* Who decided whether a tool might run: the log says it for each question of the CLI, and tells
 * what the tool was to do only when the operator wants it. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define REQUEST_ID "asked-by-the-test-of-permissions"
#define SECRET "hunter2"

static struct gateway *gateway;

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* A turn in which the model calls a tool, and nothing else. */
struct question {
    const char *fields, *tool, *command; /* the command: "" for none */
    bool permitted;
    const char *rule; /* that decided */
};

static const struct question questions[] = {
    {"{'allowedTools':['Bash(git:*)']}", "Bash", "git log " SECRET, true, "Bash(git:*)"},
    {"{'allowedTools':['Bash(ls:*)','Bash(git log:*)','Read']}", "Bash", "git log -1 " SECRET, true,
     "Bash(git log:*)"},
    {"{'allowedTools':['Bash(git:*)']}", "Bash", "rm " SECRET, false, "no pattern that is allowed"},
    {"{'allowedTools':['Bash(git:*)']}", "Bash", "git log; rm " SECRET, false,
     "no pattern that is allowed"},
    {"{'allowedTools':['Bash(git:*)'],'disallowedTools':['Bash(git push:*)']}", "Bash",
     "git  push " SECRET, false, "a pattern that is denied"},
    {"{}", "Bash", "echo " SECRET, false, "default: nothing allows it expressly"},
    {"{}", "Write", SECRET, false, "default: nothing allows it expressly"},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static char *question_body(const struct question *question) {
    json_t *body = quoted_json(question->fields);
    json_t *scenario = json_pack("{s{ss s{ss} ss} ss}", "tool", "name", question->tool, "input",
                                 "command", question->command, "output", "it ran", "text", "done");
    char *script = json_dumps(scenario, JSON_COMPACT);
    json_object_set_new(body, "prompt", json_sprintf("standin:%s", script));
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(scenario);
    json_decref(body);
    free(script);
    return text;
}

/* Asserts that what the client learns fits. */
static void ask(const struct question *question) {
    static const char *const headers[] = {"X-Request-Id: " REQUEST_ID, NULL};
    char *body = question_body(question);
    struct http_response answer = http_send(
        gateway,
        &(struct http_request){.path = "/generate-text", .headers = headers, .body = body});
    http_assert_status(&answer, 200);
    size_t denials = json_array_size(http_member(&answer, "permissionDenials"));
    ck_assert_msg(denials == !question->permitted, "%s with %s: %zu denials", question->command,
                  question->fields, denials);
    http_response_finish(&answer);
    free(body);
}

/* "tool Bash (toolu_…) allowed by RULE", to the end of the line; the caller frees. */
static char *verdict_line(void) {
    gateway_await_log(gateway, " by ");
    char *log = gateway_log(gateway), *line = NULL;
    for (char *rest = log, *at; !line && (at = strsep(&rest, "\n"));)
        if (strstr(at, "tool ") && strstr(at, " by "))
            line = scratch_text("%s", at);
    ck_assert_msg(line != NULL, "no decision was logged:\n%s", log);
    free(log);
    return line;
}

/* Nothing stands behind the rule but which request it was. */
static void assert_line(const struct question *question, const char *line) {
    char *begin = scratch_text("tool %s (toolu_", question->tool);
    char *end = scratch_text(") %s by %s (request " REQUEST_ID ")",
                             question->permitted ? "allowed" : "denied", question->rule);
    const char *at = strstr(line, begin);
    at = at ? strstr(at, end) : NULL;
    ck_assert_msg(at && at[strlen(end)] == '\0', "'%s' is not '%s…%s'", line, begin, end);
    free(begin);
    free(end);
}

/* A gateway each: what one logs must not answer for another. */
START_TEST(each_decision_is_logged_with_its_rule)
{
    const struct question *question = &questions[_i];
    start(NULL);
    ask(question);
    char *line = verdict_line();
    assert_line(question, line);
    ck_assert(!gateway_log_has(gateway, SECRET));
    free(line);
}
END_TEST

START_TEST(every_call_of_a_turn_is_decided)
{
    start(NULL);
    struct http_response answer = generate(
        gateway,
        "{'tools':[{'name':'Bash','input':{'command':'git log hunter2'},'output':'it ran'},"
        "{'name':'Bash','input':{'command':'rm hunter2'},'output':'it ran'}],'text':'done'}",
        "{'allowedTools':['Bash(git:*)']}");
    http_assert_status(&answer, 200);
    gateway_await_log(gateway, "allowed by Bash(git:*)");
    gateway_await_log(gateway, "denied by no pattern that is allowed");
    ck_assert(!gateway_log_has(gateway, SECRET));
    http_response_finish(&answer);
}
END_TEST

START_TEST(what_was_asked_for_is_logged_where_the_operator_wants_it)
{
    start("log: {tool_inputs: true}\n");
    ask(&questions[0]);
    gateway_await_log(gateway, "allowed by Bash(git:*): {\"command\":\"git log " SECRET "\"}");
    ask(&questions[2]);
    gateway_await_log(gateway,
                      "denied by no pattern that is allowed: {\"command\":\"rm " SECRET "\"}");
}
END_TEST

START_TEST(a_log_of_objects_says_the_same)
{
    start("log: {format: json}\n");
    ask(&questions[0]);
    char *line = verdict_line();
    json_t *object = json_loads(line, 0, NULL);
    const char *message = json_string_value(json_object_get(object, "message"));
    ck_assert_msg(message != NULL, "no message: %s", line);
    ck_assert_ptr_nonnull(strstr(message, "allowed by Bash(git:*)"));
    ck_assert(!gateway_log_has(gateway, SECRET));
    json_decref(object);
    free(line);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("permissions");
    TCase *tcase = tcase_create("permissions");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, each_decision_is_logged_with_its_rule, 0, QUESTIONS);
    tcase_add_test(tcase, every_call_of_a_turn_is_decided);
    tcase_add_test(tcase, what_was_asked_for_is_logged_where_the_operator_wants_it);
    tcase_add_test(tcase, a_log_of_objects_says_the_same);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
