/* SPDX-License-Identifier: Apache-2.0 */
/* The example in C++: what is answered from memory, for whom, and for how long. The scenarios echo
 * the session, which is another in every run: equal answers come from memory. */
#include "support/http_client.h"
#include "support/process_table.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <stdlib.h>
#include <string.h>

/* The second key is "other-key". */
static const char keys[] =
    "slots: {nonstreaming: 1}\nkeys:\n- name: other\n"
    "  sha256: 580843d03d2216ff1a275d0991bad66e4d1af871171d929e9de604b7959f9bca\n";
#define QUESTION "standin:{\"echo\":\"session\"}"

static struct gateway *gateway;

static void start(const char *more) {
    char *module = example_module("answer-cache");
    const char *const modules[] = {module, NULL};
    gateway_stop(gateway);
    gateway = NULL;
    gateway = modules_start(modules, more, keys, NULL);
    free(module);
}

static void setup(void) {
    start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static struct http_response ask(const char *key, const char *header, const char *question) {
    const char *const headers[] = {"Content-Type: text/plain", header, NULL};
    return http_send(
        gateway, &(struct http_request){
                     .path = "/cached-answer", .key = key, .headers = headers, .body = question});
}

/* Asserts where the answer came from; its text, which the caller frees. */
static char *expect(struct http_response answer, const char *state) {
    http_assert_status(&answer, 200);
    char *from = http_header(&answer, "X-Cache"), *age = http_header(&answer, "Age");
    ck_assert_str_eq(from, state);
    ck_assert_ptr_nonnull(age);
    ck_assert_int_le(strtol(age, NULL, 10), strcmp(state, "hit") == 0 ? 60 : 0);
    free(from);
    free(age);
    char *text = strdup(answer.body);
    http_response_finish(&answer);
    return text;
}

static void assert_metric(const char *line) {
    struct http_response metrics = http_get(gateway, "/metrics");
    ck_assert_msg(strstr(metrics.body, line) != NULL, "'%s' is missing:\n%s", line, metrics.body);
    http_response_finish(&metrics);
}

START_TEST(the_second_answer_comes_from_memory)
{
    char *first = expect(ask(NULL, NULL, QUESTION), "miss");
    char *second = expect(ask(NULL, NULL, QUESTION), "hit");
    ck_assert_str_eq(first, second);
    assert_metric("koine_answer_cache_hits_total 1\n");
    assert_metric("koine_answer_cache_misses_total 1\n");
    assert_metric("koine_answer_cache_entries 1\n");
    free(first);
    free(second);
}
END_TEST

START_TEST(a_client_can_ask_anew)
{
    char *first = expect(ask(NULL, NULL, QUESTION), "miss");
    char *second = expect(ask(NULL, "Cache-Control: no-cache", QUESTION), "miss");
    char *third = expect(ask(NULL, NULL, QUESTION), "hit");
    ck_assert_str_ne(first, second);
    ck_assert_str_eq(second, third); /* the new one is kept */
    free(first);
    free(second);
    free(third);
}
END_TEST

START_TEST(a_key_does_not_see_the_answers_of_another)
{
    char *first = expect(ask(NULL, NULL, QUESTION), "miss");
    char *other = expect(ask("other-key", NULL, QUESTION), "miss");
    ck_assert_str_ne(first, other);
    free(first);
    free(other);
}
END_TEST

START_TEST(the_least_recently_used_is_dropped)
{
    start("  settings: {answer-cache: {max_entries: 2}}\n");
    free(expect(ask(NULL, NULL, "one"), "miss"));
    free(expect(ask(NULL, NULL, "two"), "miss"));
    free(expect(ask(NULL, NULL, "one"), "hit"));
    free(expect(ask(NULL, NULL, "three"), "miss"));
    free(expect(ask(NULL, NULL, "one"), "hit"));
    free(expect(ask(NULL, NULL, "two"), "miss"));
    assert_metric("koine_answer_cache_entries 2\n");
}
END_TEST

START_TEST(an_answer_is_forgotten_when_it_is_old)
{
    start("  settings: {answer-cache: {max_age_s: 1}}\n");
    free(expect(ask(NULL, NULL, QUESTION), "miss"));
    struct http_response answer;
    char *from;
    do { /* as often as it is asked for: what counts is when Claude answered */
        answer = ask(NULL, NULL, QUESTION);
        http_assert_status(&answer, 200);
        from = http_header(&answer, "X-Cache");
        http_response_finish(&answer);
        bool hit = strcmp(from, "hit") == 0;
        free(from);
        if (!hit)
            return;
    } while (true);
}
END_TEST

START_TEST(a_refusal_is_not_kept)
{
    for (int i = 0; i < 2; i++) {
        struct http_response answer =
            ask(NULL, NULL, "standin:{\"is_error\":{\"text\":\"no\",\"api_error_status\":529}}");
        ck_assert_msg(answer.status >= 500, "status %ld: %s", answer.status, answer.body);
        ck_assert_ptr_nonnull(http_string(&answer, "code"));
        http_response_finish(&answer);
    }
    assert_metric("koine_answer_cache_entries 0\n");
}
END_TEST

START_TEST(no_tool_may_be_used)
{
    struct http_response answer =
        ask(NULL, NULL,
            "standin:{\"tool\":{\"name\":\"Bash\",\"input\":{\"command\":\"id\"},"
            "\"output\":\"was run\"}}");
    http_assert_status(&answer, 200);
    ck_assert_msg(strstr(answer.body, "was run") == NULL, "%s", answer.body);
    http_response_finish(&answer);
}
END_TEST

START_TEST(settings_are_checked)
{
    start("  on_error: continue\n  settings: {answer-cache: {max_entries: 0}}\n");
    ck_assert(gateway_log_has(gateway, "modules.settings.answer-cache"));
    struct http_response answer = ask(NULL, NULL, QUESTION);
    http_assert_error(&answer, 404, "NOT_FOUND");
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_second_answer_comes_from_memory,
        a_client_can_ask_anew,
        a_key_does_not_see_the_answers_of_another,
        the_least_recently_used_is_dropped,
        an_answer_is_forgotten_when_it_is_old,
        a_refusal_is_not_kept,
        no_tool_may_be_used,
        settings_are_checked,
    };
    if (example_is_missing("answer-cache"))
        return EXIT_SUCCESS;
    return test_main("example answer-cache", setup, teardown, tests, sizeof tests / sizeof *tests);
}
