/* SPDX-License-Identifier: Apache-2.0 */
/* The next turns of sessions whose process of the real CLI still lives: what the API receives as
 * history, what a turn says of itself alone, and what of a turn holds for the next one. */
#include "support/conversation.h"
#include "support/real_cli.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct real_cli *cli;
static char session[40]; /* of the last answer, "": the next turn begins a new one */

static void start(int version) {
    session[0] = '\0';
    cli = real_cli_start(version, "pool: {warm: 0}\n", NULL);
}

static void teardown(void) {
    real_cli_stop(cli);
}

/* ---- turns */

static struct http_response send(const char *text, const char *script, const char *fields) {
    json_t *body = real_cli_body(text, script, fields);
    if (*session)
        json_object_set_new(body, "sessionId", json_string(session));
    return http_post(real_cli_gateway(cli), "/generate-text", body);
}

/* Asserts 200; goes on with the session from then on. */
static struct http_response turn(const char *text, const char *script, const char *fields) {
    struct http_response answer = send(text, script, fields);
    http_assert_status(&answer, 200);
    snprintf(session, sizeof session, "%s", http_string(&answer, "sessionId"));
    return answer;
}

/* The model says `said`. */
static void say(const char *text, const char *said, const char *fields) {
    char *script = scratch_text("{'text':'%s'}", said);
    struct http_response answer = turn(text, script, fields);
    ck_assert_str_eq(http_string(&answer, "text"), said);
    http_response_finish(&answer);
    free(script);
}

/* ---- what the API received, and from whom */

static void assert_history(const char *expected) {
    json_t *request = real_cli_request(cli);
    assert_conversation(request, expected);
    json_decref(request);
}

static void assert_starts(int count) {
    ck_assert_int_eq(real_cli_count(cli, "pool.starts"), count);
}

static json_int_t max_tokens(void) {
    json_t *request = real_cli_request(cli);
    json_int_t count = json_integer_value(json_object_get(request, "max_tokens"));
    json_decref(request);
    return count;
}

static bool received(const char *member, const char *text) {
    json_t *request = real_cli_request(cli);
    char *json = real_cli_member(request, member);
    bool found = strstr(json, text) != NULL;
    free(json);
    json_decref(request);
    return found;
}

static bool offered(const char *tool) {
    json_t *request = real_cli_request(cli);
    bool found = real_cli_offers(request, tool);
    json_decref(request);
    return found;
}

/* ---- a turn's own figures */

#define SMALL "'usage':{'input_tokens':10,'output_tokens':5}"
#define LARGE "'usage':{'input_tokens':1000,'output_tokens':50}"

/* A turn of one request: its tokens, and what it cost. */
static double costs(const char *script, int input, int output, const char *fields) {
    struct http_response answer = turn("How much?", script, fields);
    ck_assert_int_eq(http_integer(&answer, "usage.inputTokens"), input);
    ck_assert_int_eq(http_integer(&answer, "usage.outputTokens"), output);
    ck_assert_int_eq(http_integer(&answer, "numTurns"), 1);
    double cost = json_number_value(http_member(&answer, "costUsd"));
    http_response_finish(&answer);
    return cost;
}

static void assert_cost(double cost, double expected) {
    ck_assert_msg(fabs(cost - expected) < 1e-9, "cost %.9f, expected %.9f", cost, expected);
}

START_TEST(a_turn_tells_its_own_tokens_and_cost)
{
    start(_i);
    double small = costs("{'text':'a'," SMALL "}", 10, 5, NULL);
    double large = costs("{'text':'b'," LARGE "}", 1000, 50, NULL);
    ck_assert_double_gt(small, 0);
    ck_assert_double_gt(large, small * 5);
    assert_cost(costs("{'text':'c'," SMALL "}", 10, 5, NULL), small);
    struct http_response cut =
        send("Wait", "{'text':'d','hang':true," LARGE "}", "{'timeoutMs':1000}");
    http_assert_error(&cut, 504, "TIMEOUT_ERROR");
    http_response_finish(&cut);
    assert_cost(costs("{'text':'e'," SMALL "}", 10, 5, NULL), small);
    assert_starts(1);
    assert_cost(costs("{'text':'f'," LARGE "}", 1000, 50, "{'maxTurns':7}"), large);
    assert_starts(2); /* by --resume */
    assert_cost(costs("{'text':'g'," SMALL "}", 10, 5, "{'maxTurns':7}"), small);
    assert_starts(2);
}
END_TEST

/* ---- what holds for one turn */

START_TEST(a_limit_of_answers_holds_for_its_turn)
{
    start(_i);
    say("one", "a", NULL);
    json_int_t usual = max_tokens();
    say("two", "b", "{'maxTokens':321}");
    ck_assert_int_eq(max_tokens(), 321);
    say("three", "c", NULL);
    ck_assert_int_eq(max_tokens(), usual);
    say("four", "d", "{'maxTokens':55,'disallowedTools':['Bash(rm:*)']}");
    ck_assert_int_eq(max_tokens(), 55);
    say("five", "e", "{'disallowedTools':['Bash(rm:*)']}");
    ck_assert_int_eq(max_tokens(), usual);
    assert_starts(1);
    ck_assert_int_eq(real_cli_count(cli, "pool.sessionHits"), 4);
    assert_history("[['user','one'],['assistant','a'],['user','two'],['assistant','b'],"
                   "['user','three'],['assistant','c'],['user','four'],['assistant','d'],"
                   "['user','five']]");
}
END_TEST

/* The model calls Bash with the command: true when it ran. */
static bool runs(const char *command, const char *fields) {
    char *script = scratch_text(
        "{'tool':{'name':'Bash','input':{'command':'%s','description':'x'}}}", command);
    struct http_response answer = turn("Do it", script, fields);
    const char *text = http_string(&answer, "text");
    bool ran = strstr(text, " ok: ") != NULL;
    ck_assert_msg(ran || strstr(text, " error: "), "%s: %s", command, text);
    ck_assert_uint_eq(json_array_size(http_member(&answer, "permissionDenials")), !ran);
    http_response_finish(&answer);
    free(script);
    return ran;
}

static bool there(const char *name) {
    char *path = scratch_text("%s/work/%s", gateway_directory(real_cli_gateway(cli)), name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

START_TEST(a_denied_pattern_holds_for_its_turn)
{
    static const char all[] = "{'allowedTools':['Bash']}",
                      some[] = "{'allowedTools':['Bash'],'disallowedTools':['Bash(rm:*)']}",
                      others[] = "{'allowedTools':['Bash'],'disallowedTools':['Bash(mv:*)']}";
    start(_i);
    ck_assert(runs("touch file", some));
    ck_assert(!runs("rm file", some));
    ck_assert(there("file"));
    ck_assert(!runs("mv file gone", others));
    ck_assert(runs("rm file", others));
    ck_assert(!there("file"));
    ck_assert(runs("touch file", all));
    ck_assert(!runs("rm file", some));
    ck_assert(runs("rm file", all));
    assert_starts(1);
}
END_TEST

/* The CLI is told at its start to ask about every call of Bash, and would not ask about `ls`. */
START_TEST(an_allowed_pattern_is_asked_about_whatever_came_before)
{
    static const char *const fields[] = {
        "{'allowedTools':['Bash(git:*)']}",
        "{'allowedTools':['Bash(git:*)'],'disallowedTools':['Bash(git push:*)']}",
        "{'allowedTools':['Bash(git:*)']}",
        "{'allowedTools':['Bash(git:*)'],'maxTokens':400}",
        "{'allowedTools':['Bash(git:*)']}",
    };
    start(_i);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        ck_assert_msg(!runs("ls", fields[i]), "ls ran in turn %zu", i);
        ck_assert_msg(runs("git --version", fields[i]), "git did not run in turn %zu", i);
    }
    ck_assert(!runs("git push", fields[1]));
    assert_starts(1);
}
END_TEST

/* ---- turns that need another process */

START_TEST(a_turn_that_needs_another_process_has_the_whole_history)
{
    start(_i);
    say("one", "a", NULL);
    ck_assert(offered("Bash"));
    say("two", "b", "{'allowedTools':['Read']}");
    ck_assert(offered("Read") && !offered("Bash"));
    assert_starts(2);
    say("three", "c", "{'system':'You are a parrot.','allowedTools':['Read']}");
    ck_assert(received("system", "You are a parrot."));
    assert_starts(3);
    say("four", "d", "{'model':'claude-opus-4-6'}");
    ck_assert(received("model", "claude-opus-4-6"));
    ck_assert(!received("system", "You are a parrot."));
    ck_assert(offered("Bash"));
    assert_starts(4);
    say("five", "e", "{'model':'claude-opus-4-6'}");
    assert_starts(4);
    assert_history("[['user','one'],['assistant','a'],['user','two'],['assistant','b'],"
                   "['user','three'],['assistant','c'],['user','four'],['assistant','d'],"
                   "['user','five']]");
}
END_TEST

static void make_object(const char *text) {
    json_t *body = real_cli_body(text, "{'object':{'n':1}}",
                                 "{'schema':{'type':'object','properties':{'n':{'type':'integer'}},"
                                 "'required':['n'],'additionalProperties':false}}");
    json_object_set_new(body, "sessionId", json_string(session));
    struct http_response answer = http_post(real_cli_gateway(cli), "/generate-object", body);
    http_assert_status(&answer, 200);
    ck_assert_int_eq(http_integer(&answer, "object.n"), 1);
    ck_assert_str_eq(http_string(&answer, "sessionId"), session);
    http_response_finish(&answer);
}

START_TEST(objects_in_a_session)
{
    start(_i);
    say("one", "a", NULL);
    make_object("two");
    assert_history("[['user','one'],['assistant','a'],['user','two']]");
    ck_assert(offered("StructuredOutput"));
    make_object("three");
    assert_history("[['user','one'],['assistant','a'],['user','two'],"
                   "['assistant',{'call':'StructuredOutput'}],"
                   "['user',{'result':'Structured output provided successfully'},'three']]");
    assert_starts(2);
}
END_TEST

START_TEST(a_copy_of_a_session_that_lives)
{
    char original[sizeof session], copy[sizeof session];
    start(_i);
    say("one", "a", NULL);
    strcpy(original, session);
    say("two", "b", "{'forkSession':true}");
    assert_history("[['user','one'],['assistant','a'],['user','two']]");
    ck_assert_str_ne(session, original);
    strcpy(copy, session);
    strcpy(session, original);
    say("three", "c", NULL);
    ck_assert_str_eq(session, original);
    assert_history("[['user','one'],['assistant','a'],['user','three']]");
    strcpy(session, copy);
    say("four", "d", NULL);
    ck_assert_str_eq(session, copy);
    assert_history("[['user','one'],['assistant','a'],['user','two'],['assistant','b'],"
                   "['user','four']]");
    ck_assert_int_eq(real_cli_count(cli, "pool.sessionHits"), 1); /* the copy's second turn */
    strcpy(session, original);
    say("five", "e", NULL);
    assert_history("[['user','one'],['assistant','a'],['user','three'],['assistant','c'],"
                   "['user','five']]");
    ck_assert_int_eq(real_cli_count(cli, "pool.sessionHits"), 2);
}
END_TEST

/* ---- a history of the client */

#define PIXEL                                                                                      \
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"     \
    "rkJggg=="

START_TEST(a_history_with_an_image_and_turns_behind_it)
{
    start(_i);
    say("And now?", "c",
        "{'history':[{'role':'user','content':[{'type':'text','text':'What is this?'},"
        "{'type':'image','source':{'type':'base64','media_type':'image/png','data':'" PIXEL "'}}]},"
        "{'role':'assistant','content':'A pixel.'},{'role':'user','content':'Red?'},"
        "{'role':'assistant','content':[{'type':'text','text':'Blue.'}]}]}");
    assert_history("[['user','What is this?',{'image':'" PIXEL "'}],['assistant','A pixel.'],"
                   "['user','Red?'],['assistant','Blue.'],['user','And now?']]");
    say("Sure?", "d", NULL);
    assert_history("[['user','What is this?',{'image':'" PIXEL "'}],['assistant','A pixel.'],"
                   "['user','Red?'],['assistant','Blue.'],['user','And now?'],['assistant','c'],"
                   "['user','Sure?']]");
    assert_starts(1);
}
END_TEST

/* ---- turns that were cut */

static void run_out_of_time(const char *text, const char *script) {
    struct http_response answer = send(text, script, "{'timeoutMs':1000}");
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
}

START_TEST(a_turn_that_ran_out_of_time_stands_in_the_history)
{
    start(_i);
    say("one", "a", NULL);
    run_out_of_time("two", "{'hang':true}");
    say("three", "c", NULL);
    assert_history("[['user','one'],['assistant','a'],"
                   "['user','two','[Request interrupted by user]\\n','three']]");
    run_out_of_time("four", "{'text':'half','hang':true}");
    say("five", "e", NULL);
    assert_history("[['user','one'],['assistant','a'],"
                   "['user','two','[Request interrupted by user]\\n','three'],['assistant','c'],"
                   "['user','four'],['assistant','half'],"
                   "['user','[Request interrupted by user]\\n','five']]");
    assert_starts(1);
    ck_assert_int_eq(real_cli_count(cli, "pool.sessionHits"), 4);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_turn_tells_its_own_tokens_and_cost,
        a_limit_of_answers_holds_for_its_turn,
        a_denied_pattern_holds_for_its_turn,
        an_allowed_pattern_is_asked_about_whatever_came_before,
        a_turn_that_needs_another_process_has_the_whole_history,
        objects_in_a_session,
        a_copy_of_a_session_that_lives,
        a_history_with_an_image_and_turns_behind_it,
        a_turn_that_ran_out_of_time_stands_in_the_history,
    };
    return real_cli_main("real_cli_turns", teardown, tests, sizeof tests / sizeof *tests);
}
