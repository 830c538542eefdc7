/* SPDX-License-Identifier: Apache-2.0 */
/* What the test host tells a module of messages, blocks, tokens and profiles, line by line. Ends
 * and refusals of runs are test_host_runs_test.c. */
#include "http/refusal_words.h"
#include "test_host_fixture.h"

#define TEXT_BEGUN "{\"type\":\"text\",\"text\":\"\"}"
#define THINKING_BEGUN "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"
#define BEGIN "MESSAGE_BEGIN model=test-model uses=0 in=0 out=0\n"

/* The events between SESSION and END of a run with these flags. */
static void assert_events(const char *flags, const char *script, const char *expected) {
    struct koine_test_host *host = fixture("event-lines");
    char path[64], whole[4096];
    snprintf(path, sizeof(path), "/events/%s", flags);
    snprintf(whole, sizeof(whole), "SESSION\n%sEND\n", expected);
    if (script)
        koine_test_play(host, script);
    ck_assert_str_eq(koine_test_body(koine_test_send(host, "POST", path, "eight by")), whole);
    fixture_end(host);
}

START_TEST(messages_and_blocks_begin_and_end_by_themselves)
{
    assert_events("blocks", "[{\"text\":\"Hel\"},{\"pause_ms\":10},{\"text\":\"lo\"}]",
                  BEGIN "BLOCK_BEGIN 0 type=text json=" TEXT_BEGUN "\nTEXT text=Hel\nTEXT text=lo\n"
                        "BLOCK_END 0\nMESSAGE model=test-model stop=end_turn uses=0 in=0 out=0\n"
                        "RESULT text=Hello in=0\n");
    assert_events("blocks", NULL,
                  BEGIN "BLOCK_BEGIN 0 type=text json=" TEXT_BEGUN "\nTEXT text=eight by\n"
                        "BLOCK_END 0\nMESSAGE model=test-model stop=end_turn uses=0 in=0 out=0\n"
                        "RESULT text=eight by in=0\n");
}
END_TEST

START_TEST(who_asks_for_no_blocks_gets_none)
{
    static const char script[] =
        "[{\"message_begin\":{\"model\":\"m\"}},"
        "{\"block\":{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"s\"}},"
        "{\"block\":{\"type\":\"text\",\"text\":[\"a\",\"b\"]}},"
        "{\"block\":{\"type\":\"tool_use\",\"id\":\"toolu_9\",\"name\":\"Bash\",\"input\":{}}},"
        "{\"message\":{\"stop_reason\":\"tool_use\",\"output_tokens\":3}},"
        "{\"whole_message\":[{\"type\":\"text\",\"text\":\"c\"}]}]";
    assert_events("none", script, "TEXT text=a\nTEXT text=b\nTEXT text=c\nRESULT text=abc in=0\n");
    assert_events("thinking,tools", script,
                  "THINKING text=Hm\nTEXT text=a\nTEXT text=b\n"
                  "MESSAGE stop=tool_use uses=0 in=0 out=3\nTEXT text=c\nRESULT text=abc in=0\n");
}
END_TEST

START_TEST(a_script_says_each_block)
{
    assert_events(
        "blocks,thinking",
        "[{\"message_begin\":{\"model\":\"m\",\"input_tokens\":5,\"output_tokens\":1}},"
        "{\"block\":{\"type\":\"thinking\",\"thinking\":[\"H\",\"m\"],\"signature\":\"sig\"}},"
        "{\"block\":{\"type\":\"redacted_thinking\",\"data\":\"xyz\"}},"
        "{\"block\":{\"type\":\"text\",\"text\":\"Hi\"}},"
        "{\"block\":{\"type\":\"tool_use\",\"id\":\"toolu_9\",\"name\":\"Bash\","
        "\"input\":[\"{\\\"ci\",\"ty\\\":1}\"]}},"
        "{\"message\":{\"stop_reason\":\"tool_use\",\"model\":\"m\",\"output_tokens\":9}},"
        "{\"result\":{\"text\":\"done\"}}]",
        "MESSAGE_BEGIN model=m uses=0 in=5 out=1\n"
        "BLOCK_BEGIN 0 type=thinking json=" THINKING_BEGUN "\nTHINKING text=H\nTHINKING text=m\n"
        "BLOCK_DELTA text=sig 0 type=signature_delta "
        "json={\"type\":\"signature_delta\",\"signature\":\"sig\"}\nBLOCK_END 0\n"
        "BLOCK_BEGIN 1 type=redacted_thinking json={\"type\":\"redacted_thinking\",\"data\":"
        "\"xyz\"}\nBLOCK_END 1\n"
        "BLOCK_BEGIN 2 type=text json=" TEXT_BEGUN "\nTEXT text=Hi\nBLOCK_END 2\n"
        "BLOCK_BEGIN 3 type=tool_use id=toolu_9 name=Bash json={\"type\":\"tool_use\",\"id\":"
        "\"toolu_9\",\"name\":\"Bash\",\"input\":{}}\n"
        "BLOCK_DELTA text={\"ci 3 type=input_json_delta "
        "json={\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"ci\"}\n"
        "BLOCK_DELTA text=ty\":1} 3 type=input_json_delta "
        "json={\"type\":\"input_json_delta\",\"partial_json\":\"ty\\\":1}\"}\nBLOCK_END 3\n"
        "MESSAGE model=m stop=tool_use uses=1 in=0 out=9\nRESULT text=done in=0\n");
}
END_TEST

START_TEST(a_message_that_came_whole_has_blocks_alone)
{
    assert_events("blocks",
                  "[{\"text\":\"a\"},{\"whole_message\":[{\"type\":\"text\",\"text\":\"b\"},"
                  "{\"type\":\"x\",\"y\":1}]}]",
                  BEGIN "BLOCK_BEGIN 0 type=text json=" TEXT_BEGUN "\nTEXT text=a\nBLOCK_END 0\n"
                        "MESSAGE model=test-model stop=end_turn uses=0 in=0 out=0\n"
                        "BLOCK_BEGIN 0 type=text json=" TEXT_BEGUN "\nTEXT text=b\nBLOCK_END 0\n"
                        "BLOCK_BEGIN 1 type=x json={\"type\":\"x\",\"y\":1}\nBLOCK_END 1\n"
                        "RESULT text=ab in=0\n");
}
END_TEST

/* Where a run breaks off its block stays open. */
START_TEST(a_block_is_left_open)
{
    assert_events("blocks",
                  "[{\"block\":{\"type\":\"tool_use\",\"id\":\"toolu_9\",\"name\":\"Bash\","
                  "\"input\":[\"{\"],\"open\":true}},{\"failure\":{\"status\":502,\"code\":"
                  "\"UPSTREAM_ERROR\",\"upstream_status\":529}}]",
                  BEGIN "BLOCK_BEGIN 0 type=tool_use id=toolu_9 name=Bash json={\"type\":"
                        "\"tool_use\",\"id\":\"toolu_9\",\"name\":\"Bash\",\"input\":{}}\n"
                        "BLOCK_DELTA text={ 0 type=input_json_delta "
                        "json={\"type\":\"input_json_delta\",\"partial_json\":\"{\"}\n"
                        "FAILURE upstream=529\n");
}
END_TEST

/* Its place among the blocks is taken, though it is none. */
START_TEST(an_object_is_no_block)
{
    assert_events("blocks,object", "[{\"text\":\"so\"},{\"object\":{\"a\":1}},{\"text\":\"!\"}]",
                  BEGIN "BLOCK_BEGIN 0 type=text json=" TEXT_BEGUN "\nTEXT text=so\nBLOCK_END 0\n"
                        "OBJECT_BEGIN\nOBJECT_DELTA text={\"a\":1}\n"
                        "BLOCK_BEGIN 2 type=text json=" TEXT_BEGUN "\nTEXT text=!\nBLOCK_END 2\n"
                        "MESSAGE model=test-model stop=tool_use uses=0 in=0 out=0\n"
                        "RESULT text=so! in=0\n");
}
END_TEST

#define USE_BEGUN(index, id, name)                                                                 \
    "BLOCK_BEGIN " index " type=tool_use id=" id " name=" name " json={\"type\":\"tool_use\","     \
    "\"id\":\"" id "\",\"name\":\"" name "\",\"input\":{}}\n"
#define USE(index, id, name) USE_BEGUN(index, id, name) "BLOCK_END " index "\n"
#define MINE "mcp__event-lines__"
#define END_OF_USES(uses) "MESSAGE model=test-model stop=tool_use uses=" uses " in=0 out=0\n"

START_TEST(tools_are_called_while_the_message_comes_unless_they_are_alone)
{
    assert_events(
        "blocks",
        "[{\"tool_calls\":[{\"name\":\"first\",\"id\":\"toolu_a\",\"expect\":\"first\"},"
        "{\"name\":\"second\"},{\"name\":\"alone\"},{\"name\":\"first\"}]}]",
        BEGIN USE("0", "toolu_a", MINE "first") "TOOL_CALL name=first id=toolu_a\n" USE(
            "1", "toolu_1", MINE "second") "TOOL_CALL name=second id=toolu_1\n" USE("2", "toolu_2",
                                                                                    MINE "alone")
            USE("3", "toolu_3", MINE "first") END_OF_USES("4") "TOOL_CALL name=alone id=toolu_2\n"
                                                               "TOOL_CALL name=first id=toolu_3\n"
                                                               "RESULT text= in=0\n");
}
END_TEST

/* The calls stand behind their message, or the message says all itself. */
START_TEST(a_message_tells_the_calls_behind_it)
{
    assert_events("blocks",
                  "[{\"text\":\"a\"},{\"message\":{\"stop_reason\":\"tool_use\",\"output_tokens\":"
                  "2}},{\"tool_call\":{\"name\":\"alone\"}}]",
                  BEGIN "BLOCK_BEGIN 0 type=text json=" TEXT_BEGUN
                        "\nTEXT text=a\nBLOCK_END 0\n" USE(
                            "1", "toolu_1", MINE "alone") "MESSAGE model=test-model stop=tool_use "
                                                          "uses=1 in=0 out=2\n"
                                                          "TOOL_CALL name=alone id=toolu_1\n"
                                                          "RESULT text=a in=0\n");
    assert_events("blocks",
                  "[{\"block\":{\"type\":\"tool_use\",\"id\":\"toolu_x\",\"name\":\"" MINE
                  "alone\"}},{\"tool_call\":{\"name\":\"alone\",\"id\":\"toolu_x\"}}]",
                  BEGIN USE("0", "toolu_x", MINE "alone")
                      END_OF_USES("1") "TOOL_CALL name=alone id=toolu_x\nRESULT text= in=0\n");
}
END_TEST

/* The message is over before the CLI's own tool has run. */
START_TEST(a_tool_of_the_cli_is_a_block_too)
{
    assert_events(
        "blocks,tools", "[{\"tool\":{\"name\":\"Bash\",\"output\":\"ok\"}}]",
        BEGIN USE_BEGUN("0", "toolu_1", "Bash") "TOOL phase=0\nTOOL phase=1\n"
                                                "BLOCK_END 0\n" END_OF_USES(
                                                    "1") "TOOL phase=2\nRESULT text= in=0\n");
    assert_events("tools", "[{\"tool\":{\"name\":\"Bash\",\"output\":\"ok\"}}]",
                  "TOOL phase=0\nTOOL phase=1\nTOOL phase=2\nRESULT text= in=0\n");
}
END_TEST

START_TEST(tokens_are_counted)
{
    assert_events("count", NULL, "RESULT text= in=2\n");
    assert_events("count", "[{\"result\":{\"input_tokens\":42}}]", "RESULT text= in=42\n");
}
END_TEST

/* ---- profiles, routes with a header */

static void assert_answer(struct koine_test_host *host, const char *path, int status,
                          const char *body) {
    struct koine_test_answer *answer = koine_test_send(host, "POST", path, "");
    ck_assert_int_eq(koine_test_status(answer), status);
    ck_assert_str_eq(koine_test_body(answer), body);
}

START_TEST(profiles_are_asked_for)
{
    static const char *const own[] = {"full", "narrow", NULL}, *const narrow[] = {"narrow", NULL},
                             *const bare[] = {"bare", NULL};
    static const struct koine_test_key keys[] = {
        {.name = "a", .secret = "secret", .profiles = own}};
    struct koine_test_host *host = fixture("event-lines");
    assert_answer(host, "/profiles/full", 200, "full");
    assert_answer(host, "/profiles/bare", 200, "bare");
    assert_answer(host, "/profiles/none", 400,
                  "VALIDATION_ERROR: profile: " REFUSAL_UNKNOWN_PROFILE " (0)");
    fixture_end(host);
    host = fixture_with("event-lines", (struct koine_test_options){.profiles_without_key = bare});
    assert_answer(host, "/profiles/full", 200, "full");
    assert_answer(host, "/profiles/bare", 503,
                  "UNAVAILABLE: The profile bare needs ANTHROPIC_API_KEY in the gateway's "
                  "environment (--bare takes no login): set it there and start the gateway again. "
                  "(0)");
    fixture_end(host);
    host =
        fixture_with("event-lines",
                     (struct koine_test_options){.keys = keys, .key_count = 1, .profiles = narrow});
    assert_answer(host, "/profiles/narrow", 200, "narrow");
    assert_answer(host, "/profiles/bare", 403, "AUTH_ERROR: " REFUSAL_PROFILE_OF_KEY " (0)");
    fixture_end(host);
}
END_TEST

START_TEST(a_route_with_a_header)
{
    static const char *const taken[] = {"GET /versioned/overloaded",
                                        "GET /versioned/overloaded (with other)", NULL};
    static const char *const with[] = {"API-VERSION:", NULL};
    struct koine_test_request request = {.path = "/versioned/overloaded", .headers = with};
    struct koine_test_host *host =
        fixture_with("event-lines", (struct koine_test_options){.taken = taken});
    assert_text(koine_test_route(host, 0), "GET /versioned/overloaded (with Api-Version)");
    struct koine_test_answer *answer = koine_test_request(host, &request);
    ck_assert_int_eq(koine_test_status(answer), 502);
    ck_assert_str_eq(koine_test_body(answer), "UPSTREAM_ERROR: Overloaded (529)");
    request.headers = NULL; /* the other module's */
    ck_assert_int_eq(koine_test_status(koine_test_request(host, &request)), 404);
    fixture_end(host);
}
END_TEST

START_TEST(a_route_with_the_same_header_is_taken)
{
    static const char *const taken[] = {"GET /versioned/overloaded (with API-VERSION)", NULL};
    char *module = fixture_path("event-lines");
    struct koine_test_error error = {""};
    struct koine_test_host *host = koine_test_host_create(
        &(struct koine_test_options){.module = module, .taken = taken}, &error);
    ck_assert_ptr_null(host);
    ck_assert_msg(strstr(error.message, "init failed") != NULL, "%s", error.message);
    free(module);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        messages_and_blocks_begin_and_end_by_themselves,
        who_asks_for_no_blocks_gets_none,
        a_script_says_each_block,
        a_message_that_came_whole_has_blocks_alone,
        a_block_is_left_open,
        an_object_is_no_block,
        tools_are_called_while_the_message_comes_unless_they_are_alone,
        a_message_tells_the_calls_behind_it,
        a_tool_of_the_cli_is_a_block_too,
        tokens_are_counted,
        profiles_are_asked_for,
        a_route_with_a_header,
        a_route_with_the_same_header_is_taken,
    };
    return test_main("test host: blocks", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
