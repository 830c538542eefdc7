/* SPDX-License-Identifier: Apache-2.0 */
/* What dialects of other APIs need, with the real CLI: a history that ends with uses of tools, uses
 * of tools at the same time, messages as their blocks, tokens counted before anything is asked. */
#include "support/real_cli.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_modules.h"

#include <stdlib.h>
#include <string.h>

static struct real_cli *cli;

static void start(int version) {
    static const char *const modules[] = {"conversation", NULL};
    char *config = modules_config(modules, NULL, "pool: {warm: 0}\n");
    cli = real_cli_start(version, config, NULL);
    free(config);
}

static void teardown(void) {
    real_cli_stop(cli);
}

static struct http_response converse(const char *body) {
    struct http_response answer =
        http_post(real_cli_gateway(cli), "/conversation", quoted_json(body));
    http_assert_status(&answer, 200);
    return answer;
}

/* ---- a history that ends with uses of tools */

#define USE(id, tool)                                                                              \
    "{'type':'tool_use','id':'" id "','name':'mcp__conversation__" tool "','input':{'n':1}}"
#define THOUGHT                                                                                    \
    "[{'type':'thinking','thinking':'hmm','signature':'c2ln'},{'type':'text','text':'Wait.'},"     \
    "" USE("toolu_a", "sun") "," USE("toolu_b", "moon") "]"
#define PIXEL                                                                                      \
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"   \
    "Jggg=="
#define RESULTS                                                                                    \
    "[{'type':'tool_result','tool_use_id':'toolu_a','content':[{'type':'image','source':"          \
    "{'type':'base64','media_type':'image/png','data':'" PIXEL "'}}]},"                            \
    "{'type':'tool_result','tool_use_id':'toolu_b','content':'no moon','is_error':true},"          \
    "{'type':'text','text':'Go on.'}]"

/* Where the CLI sets its marks for the cache is its own affair. */
static void assert_content(json_t *message, const char *expected) {
    json_t *content = json_object_get(message, "content"), *wanted = quoted_json(expected), *block;
    size_t i;
    json_array_foreach(content, i, block) {
        json_object_del(block, "cache_control");
    }
    char *text = json_dumps(content, JSON_COMPACT | JSON_ENCODE_ANY);
    ck_assert_msg(json_equal(content, wanted), "expected %s, the API received %s", expected, text);
    free(text);
    json_decref(wanted);
}

START_TEST(results_of_tools_arrive_behind_their_uses)
{
    start(_i);
    struct http_response answer =
        converse("{'profile':'bare','model':'claude-opus-4-5','tools':['sun','moon'],"
                 "'history':[{'role':'user','content':'How is it?'},"
                 "{'role':'assistant','content':" THOUGHT "}],'prompt':" RESULTS "}");
    ck_assert_ptr_nonnull(
        strstr(answer.body, "result end_turn input_tokens=10 You said: Go on.\n"));
    json_t *request = real_cli_request(cli), *messages = json_object_get(request, "messages");
    size_t count = json_array_size(messages);
    ck_assert_uint_ge(count, 3);
    assert_content(json_array_get(messages, count - 1), RESULTS);
    assert_content(json_array_get(messages, count - 2), THOUGHT);
    ck_assert_uint_eq(real_cli_request_count(cli), 1);
    json_decref(request);
    http_response_finish(&answer);
}
END_TEST

/* ---- uses of tools, and blocks */

#define SCRIPT                                                                                     \
    "api: {\\'thinking\\':\\'hmm\\',\\'deltas\\':1,\\'tools\\':["                                  \
    "{\\'name\\':\\'mcp__conversation__sun\\',\\'input\\':{\\'n\\':1}},"                           \
    "{\\'name\\':\\'mcp__conversation__moon\\',\\'input\\':{\\'n\\':2}}],"                         \
    "\\'then\\':{\\'text\\':\\'Night\\',\\'deltas\\':1}}"

/* The calls come while the message is being told, or right after it: they are looked at alone. */
static char *without_calls(const char *told) {
    char *rest = scratch_text("%s", told);
    for (char *call; (call = strstr(rest, "call "));)
        memmove(call, strchr(call, '\n') + 1, strlen(strchr(call, '\n') + 1) + 1);
    return rest;
}

START_TEST(uses_of_one_message_are_open_at_once)
{
    start(_i);
    /* WANT_THINKING and WANT_BLOCKS; neither use is answered before both are there */
    struct http_response answer =
        converse("{'profile':'bare','flags':20,'tools':['sun','moon'],'hold':2,"
                 "'prompt':'" SCRIPT "'}");
    ck_assert_ptr_nonnull(strstr(answer.body, "call sun {\"n\":1}\n"));
    ck_assert_ptr_nonnull(strstr(answer.body, "call moon {\"n\":2}\n"));
    char *told = without_calls(answer.body);
    ck_assert_str_eq(told, "message begins\n"
                           "[0 thinking \n"
                           "thinking h\n"
                           "thinking mm\n"
                           "+0 signature_delta c3RhbmRpbg==\n"
                           "]0\n"
                           "[1 tool_use mcp__conversation__sun\n"
                           "+1 input_json_delta {\"n\":1}\n"
                           "]1\n"
                           "[2 tool_use mcp__conversation__moon\n"
                           "+2 input_json_delta {\"n\":2}\n"
                           "]2\n"
                           "message tool_use\n"
                           "message begins\n"
                           "[0 text \n"
                           "text Night\n"
                           "]0\n"
                           "message end_turn\n"
                           "result end_turn input_tokens=20 Night\n"
                           "end \n");
    free(told);
    http_response_finish(&answer);
}
END_TEST

/* ---- tokens: of the stand-in API ten a byte */

static long long counted(const char *more) {
    char *body = scratch_text("{'profile':'bare','flags':32,'system':'Be brief.',%s}", more);
    struct http_response answer = converse(body);
    unsigned long long tokens = 0;
    int read = sscanf(answer.body, "result  input_tokens=%llu \nend \n", &tokens);
    ck_assert_msg(read == 1, "no count alone: %s", answer.body);
    http_response_finish(&answer);
    free(body);
    return (long long)tokens;
}

#define HISTORY                                                                                    \
    "{'role':'user','content':[{'type':'text','text':'hello'}]},"                                  \
    "{'role':'assistant','content':[{'type':'text','text':'hi'}]}"

START_TEST(the_whole_conversation_is_counted)
{
    start(_i);
    long long ten = counted("'prompt':'How is it?'");
    ck_assert_int_eq(counted("'prompt':'How is it? Tell!'"), ten + 10 * 6LL);
    ck_assert_int_eq(counted("'prompt':'How is it?','history':[" HISTORY "]"),
                     ten + 10 * (long long)strlen(HISTORY ","));
    ck_assert_int_gt(counted("'prompt':'How is it?','tools':['sun','moon']"), ten);
    ck_assert_uint_eq(real_cli_request_count(cli), 0);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        results_of_tools_arrive_behind_their_uses,
        uses_of_one_message_are_open_at_once,
        the_whole_conversation_is_counted,
    };
    return real_cli_main("real_cli_conversation", teardown, tests, sizeof tests / sizeof *tests);
}
