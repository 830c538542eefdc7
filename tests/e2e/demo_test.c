/* SPDX-License-Identifier: Apache-2.0 */
/* koine-gateway --demo: every answer says that it is made up, the answers are worth looking at, no
 * prompt steers the stand-in CLI, and nothing is left behind. */
#include "support/openai.h"
#include "support/process_table.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <dirent.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEMO_KEY "koine-demo"
#define MADE_UP "made up by the demo"

static struct gateway *gateway;
static char *temporary; /* the gateway's TMPDIR */

static const char *const demo[] = {"--demo", NULL};

static void start(const struct gateway_options *options) {
    struct gateway_options own = options ? *options : (struct gateway_options){.no_key = true};
    char *variable = scratch_text("TMPDIR=%s", temporary);
    const char *environment[] = {variable, own.environment ? own.environment[0] : NULL, NULL};
    own.arguments = demo;
    own.environment = environment;
    own.cli = "/nonexistent/claude"; /* a demo must not look for it */
    gateway_stop(gateway);
    gateway = gateway_start(&own);
    gateway_await_log(gateway, "the CLI is available"); /* /health knows */
    free(variable);
}

static void setup(void) {
    temporary = scratch_directory_create();
    start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
    scratch_directory_destroy(temporary);
}

static struct http_response send_as(const char *key, const char *path, const char *body) {
    return http_send(gateway, &(struct http_request){.path = path, .key = key, .body = body});
}

/* POST of JSON with ' for ", with the demo's key. */
static struct http_response ask(const char *path, const char *quoted) {
    struct http_response answer = http_post_as(gateway, DEMO_KEY, path, quoted_json(quoted));
    http_assert_status(&answer, 200);
    return answer;
}

static void assert_made_up(const struct http_response *answer, const char *what) {
    char *header = http_header(answer, "X-Koine-Demo");
    ck_assert_msg(header && strcmp(header, "answers are made up") == 0,
                  "%s: X-Koine-Demo is %s, expected 'answers are made up'", what,
                  header ? header : "missing");
    free(header);
}

static void assert_holds(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part), "'%s' is not in: %s", part, text);
}

/* Files and folders, "." and ".." aside. */
static unsigned entries(const char *path) {
    DIR *folder = opendir(path);
    unsigned count = 0;
    ck_assert_msg(folder, "cannot open %s", path);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

START_TEST(every_answer_says_that_it_is_made_up)
{
    static const struct {
        const char *key, *path, *body;
        long status;
    } requests[] = {
        {"", "/health", NULL, 200},
        {"", "/livez", NULL, 200},
        {DEMO_KEY, "/metrics", NULL, 200},
        {DEMO_KEY, "/generate-text", "{\"prompt\":\"Hello\"}", 200},
        {DEMO_KEY, "/stream", "{\"prompt\":\"Hello\"}", 200},
        {DEMO_KEY, "/v1/models", NULL, 200},
        {DEMO_KEY, "/generate-text", "{", 400},
        {"", "/generate-text", "{}", 401},
        {"koine-other", "/generate-text", "{}", 403},
        {DEMO_KEY, "/nowhere", NULL, 404},
        {DEMO_KEY, "/generate-text", NULL, 405},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct http_response answer = send_as(requests[i].key, requests[i].path, requests[i].body);
        http_assert_status(&answer, requests[i].status);
        assert_made_up(&answer, requests[i].path);
        http_response_finish(&answer);
    }
    struct raw_answer odd = raw_exchange(gateway, "nonsense\r\n\r\n", 12);
    ck_assert_int_eq(odd.status, 400);
    assert_holds(odd.head, "\r\nX-Koine-Demo: answers are made up\r\n");
    raw_answer_finish(&odd);
}
END_TEST

START_TEST(who_has_no_key_is_told_it)
{
    static const char *const others[] = {"", "koine-other"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct http_response answer = send_as(others[i], "/generate-text", "{}");
        assert_holds(json_string_value(http_member(&answer, "error")),
                     "\"Authorization: Bearer " DEMO_KEY "\"");
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(health_and_log_say_so)
{
    struct http_response health = send_as("", "/health", NULL);
    ck_assert(json_is_true(http_member(&health, "demo")));
    http_response_finish(&health);
    gateway_await_log(gateway, "warning demo: every answer is made up");
    char *first = scratch_text("curl -N %s/stream -H 'Authorization: Bearer " DEMO_KEY "'",
                               gateway_url(gateway));
    char *console =
        scratch_text("open %s/console or %s/docs", gateway_url(gateway), gateway_url(gateway));
    gateway_await_log(gateway, first);
    gateway_await_log(gateway, console);
    ck_assert(!gateway_log_has(gateway, "whoever reaches"));
    free(console);
    free(first);
}
END_TEST

START_TEST(an_ordinary_gateway_is_no_demo)
{
    struct gateway *ordinary = gateway_start(NULL);
    struct http_response health = http_get(ordinary, "/health");
    char *header = http_header(&health, "X-Koine-Demo");
    ck_assert_ptr_null(header);
    ck_assert_ptr_null(json_object_get(health.json, "demo"));
    http_response_finish(&health);
    struct http_response answer =
        http_post_as(ordinary, DEMO_KEY, "/generate-text", quoted_json("{'prompt':'Hello'}"));
    http_assert_error(&answer, 403, "AUTH_ERROR");
    http_response_finish(&answer);
    gateway_stop(ordinary);
}
END_TEST

START_TEST(other_keys_hold_as_well)
{
    start(&(struct gateway_options){0}); /* with CLAUDE_CODE_GATEWAY_API_KEY */
    static const char *const keys[] = {DEMO_KEY, GATEWAY_KEY};
    for (size_t i = 0; i < 2; i++) {
        struct http_response answer =
            http_post_as(gateway, keys[i], "/generate-text", quoted_json("{'prompt':'Hello'}"));
        http_assert_status(&answer, 200);
        http_response_finish(&answer);
    }
}
END_TEST

/* As after `export CLAUDE_CODE_GATEWAY_API_KEY=koine-demo` for a client in the same shell. */
START_TEST(its_own_key_may_stand_in_the_environment)
{
    static const char *const environment[] = {"CLAUDE_CODE_GATEWAY_API_KEY=" DEMO_KEY, NULL};
    start(&(struct gateway_options){.environment = environment, .no_key = true});
    struct http_response answer = ask("/generate-text", "{'prompt':'Hello'}");
    http_response_finish(&answer);
}
END_TEST

START_TEST(what_the_file_says_about_the_real_cli_does_not_count)
{
    start(&(struct gateway_options){
        .no_key = true,
        .config = "runner:\n"
                  "  command: /nonexistent/claude\n"
                  "  environment: {CLAUDE_CODE_STANDIN: '{\"text\":\"steered\"}'}\n"
                  "state_directory: /nonexistent/state\n"
                  "keys: [{name: demo, sha256: " /* of another secret */
                  "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}]\n"
                  "modules: {load: [text]}\n"});
    struct http_response answer = ask("/generate-text", "{'prompt':'Hello'}");
    assert_holds(http_string(&answer, "text"), MADE_UP);
    http_response_finish(&answer);
    struct http_response left_out = send_as(DEMO_KEY, "/stream", "{\"prompt\":\"Hello\"}");
    http_assert_status(&left_out, 404);
    http_response_finish(&left_out);
}
END_TEST

START_TEST(a_prompt_is_nothing_but_text)
{
    static const char *const prompts[] = {
        "standin:{\"exit\":{\"code\":3,\"when\":\"start\"}}",
        "standin:{\"hang\":\"start\",\"ignore_sigterm\":true}",
        "standin:{\"tool\":{\"name\":\"Bash\",\"run\":\"touch ran\"},\"text\":\"steered\"}",
        "standin:{\"stray_daemon\":\"touch ran\",\"echo\":\"environ\"}",
    };
    enum { COUNT = sizeof prompts / sizeof *prompts };
    struct http_call *calls[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        calls[i] = http_begin_post_as(
            gateway, DEMO_KEY, "/generate-text",
            json_pack("{ss s[s]}", "prompt", prompts[i], "allowedTools", "Bash"));
    for (size_t i = 0; i < COUNT; i++) {
        struct http_response answer = http_wait(calls[i]);
        http_assert_status(&answer, 200);
        assert_holds(http_string(&answer, "text"), MADE_UP);
        assert_holds(http_string(&answer, "text"), prompts[i]);
        http_response_finish(&answer);
    }
    char *ran = gateway_path(gateway, "work/ran");
    ck_assert_int_ne(access(ran, F_OK), 0);
    free(ran);
}
END_TEST

START_TEST(text_streams_in_pieces_and_ends_soon)
{
    struct sse_stream *stream = sse_open_request(
        gateway, &(struct sse_request){
                     .path = "/stream",
                     .key = DEMO_KEY,
                     .body = quoted_json("{'prompt':'Say hello','events':['thinking','tool'],"
                                         "'allowedTools':['Bash(git log:*)']}")});
    struct sse_recording all = sse_read_all(stream);
    sse_stream_close(stream);
    sse_assert_outline(&all, "session tool thinking text result done");
    ck_assert_uint_ge(sse_count(&all, "text"), 30);
    ck_assert_uint_ge(sse_count(&all, "thinking"), 5);
    assert_holds(all.text, MADE_UP);
    assert_holds(all.text, "\"Say hello\"");
    assert_holds(all.text, "pretended to use Bash");
    const struct sse_event *result = sse_find(&all, "result");
    ck_assert_int_ge(sse_integer(result, "durationMs"), 1000);
    ck_assert_uint_le(sse_count(&all, "text") + sse_count(&all, "thinking"), 130); /* 3 s */
    ck_assert_int_gt(sse_integer(result, "usage.outputTokens"), 40);
    ck_assert_int_gt(sse_integer(result, "usage.cacheCreationInputTokens"), 1000);
    ck_assert_uint_eq(json_array_size(sse_member(result, "permissionDenials")), 0);
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_session_is_continued)
{
    struct http_response first = ask("/generate-text", "{'prompt':'I like teal'}");
    json_t *body = json_pack("{ss ss}", "prompt", "What do I like?", "sessionId",
                             http_string(&first, "sessionId"));
    assert_holds(http_string(&first, "text"), "turn 1 of a new session");
    struct http_response second = http_post_as(gateway, DEMO_KEY, "/generate-text", body);
    http_assert_status(&second, 200);
    ck_assert_str_eq(http_string(&second, "sessionId"), http_string(&first, "sessionId"));
    assert_holds(http_string(&second, "text"), "turn 2 of our session");
    assert_holds(http_string(&second, "text"), "\"I like teal\"");
    http_response_finish(&first);
    http_response_finish(&second);
}
END_TEST

START_TEST(a_small_limit_of_tokens_cuts)
{
    struct http_response answer = ask("/generate-text", "{'prompt':'Hello','maxTokens':10}");
    ck_assert_str_eq(http_string(&answer, "stopReason"), "max_tokens");
    ck_assert_uint_eq(strlen(http_string(&answer, "text")), 40);
    http_response_finish(&answer);
}
END_TEST

/* ---- objects */

#define SCHEMA                                                                                     \
    "{'type':'object','additionalProperties':false,'required':['name','email','born','at','id',"   \
    "'code','short','long','kind','fixed','level','ratio','even','below','flags','pair','unique'," \
    "'people','either','both'],'definitions':{'person':{'type':'object','required':['name']"       \
    ",'properties':{'name':{'type':'string'},'friends':{'type':'array','items':{'$ref':"           \
    "'#/definitions/person'}}}}},'properties':{'name':{'type':'string'},'email':{'type':'string'"  \
    ",'format':'email'},'born':{'type':'string','format':'date','description':'the birthday'},"    \
    "'at':{'type':['null','string']},'id':{'type':'string','pattern':'^[A-Z]{2}-\\\\d{4}$'},"      \
    "'code':{'type':'string','pattern':'^(?:ab|cd)+x?$','minLength':8,'maxLength':9},'short':"     \
    "{'type':'string','maxLength':3},'long':{'type':'string','minLength':60,'maxLength':60},"      \
    "'kind':{'enum':[null,'a','b']},'fixed':{'const':{'x':[1]}},'level':{'type':'integer',"        \
    "'minimum':3,'maximum':3},'ratio':{'type':'number','exclusiveMinimum':0,'exclusiveMaximum':"   \
    "0.01},'even':{'type':'integer','multipleOf':14,'minimum':50},'below':{'type':'integer',"      \
    "'maximum':-5},'flags':{'type':'array','items':{'type':'boolean'},'minItems':2,'maxItems':2,"  \
    "'uniqueItems':true},'pair':{'type':'array','items':[{'type':'string'},{'type':'integer'}],"   \
    "'additionalItems':false,'minItems':2},'unique':{'type':'array','items':{'enum':"              \
    "[1,2,3,4,5]},'minItems':5,'uniqueItems':true},'people':{'type':'array','minItems':4,'items'"  \
    ":{'$ref':'#/definitions/person'}},'either':{'oneOf':[{'type':'null'},{'type':'object',"       \
    "'properties':{'t':{'const':'x'}},'required':['t']}]},'both':{'allOf':[{'type':'integer',"     \
    "'minimum':7},{'maximum':7}]}}}"

/* The object that answers the schema; the caller frees. */
static json_t *object_of(const char *schema) {
    char *body = scratch_text("{'prompt':'Invent it','schema':%s}", schema);
    struct http_response answer = ask("/generate-object", body);
    json_t *object = json_incref(http_member(&answer, "object"));
    http_response_finish(&answer);
    free(body);
    return object;
}

static const char *text_at(json_t *object, const char *path) {
    json_t *value = http_json_at(object, path);
    ck_assert_msg(json_is_string(value), "%s is no string", path);
    return json_string_value(value);
}

static double number_at(json_t *object, const char *path) {
    json_t *value = http_json_at(object, path);
    ck_assert_msg(json_is_number(value), "%s is no number", path);
    return json_number_value(value);
}

static void assert_matches(json_t *object, const char *path, const char *pattern) {
    regex_t regex;
    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int matched = regexec(&regex, text_at(object, path), 0, NULL, 0);
    regfree(&regex);
    ck_assert_msg(matched == 0, "%s: '%s' does not match %s", path, text_at(object, path), pattern);
}

START_TEST(texts_of_an_object_fit_its_schema)
{
    json_t *object = object_of(SCHEMA);
    ck_assert_uint_eq(json_object_size(object), 20);
    assert_matches(object, "id", "^[A-Z]{2}-[0-9]{4}$");
    assert_matches(object, "code", "^(ab|cd)+x?$");
    assert_matches(object, "code", "^.{8,9}$");
    assert_matches(object, "born", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
    assert_matches(object, "email", "^[a-z]+@[a-z.]+$");
    ck_assert_uint_le(strlen(text_at(object, "short")), 3);
    ck_assert_uint_eq(strlen(text_at(object, "long")), 60);
    ck_assert_ptr_nonnull(strstr("a b", text_at(object, "kind")));
    text_at(object, "at");
    openai_assert_json(http_json_at(object, "fixed"), "{'x':[1]}");
    openai_assert_json(http_json_at(object, "either"), "{'t':'x'}");
    json_decref(object);
}
END_TEST

START_TEST(numbers_and_arrays_of_an_object_fit_its_schema)
{
    json_t *object = object_of(SCHEMA), *person;
    size_t i;
    ck_assert_int_eq((int)number_at(object, "level"), 3);
    ck_assert_int_eq((int)number_at(object, "both"), 7);
    ck_assert_int_eq((int)number_at(object, "even") % 14, 0);
    ck_assert_int_ge((int)number_at(object, "even"), 50);
    ck_assert_int_le((int)number_at(object, "below"), -5);
    ck_assert_double_gt(number_at(object, "ratio"), 0);
    ck_assert_double_lt(number_at(object, "ratio"), 0.01);
    ck_assert(json_is_true(http_json_at(object, "flags.0")) !=
              json_is_true(http_json_at(object, "flags.1")));
    ck_assert_uint_eq(json_array_size(http_json_at(object, "pair")), 2);
    text_at(object, "pair.0");
    ck_assert(json_is_integer(http_json_at(object, "pair.1")));
    openai_assert_json(http_json_at(object, "unique"), "[1,2,3,4,5]");
    ck_assert_uint_ge(json_array_size(http_json_at(object, "people")), 4);
    json_array_foreach(http_json_at(object, "people"), i, person) {
        text_at(person, "name");
    }
    json_decref(object);
}
END_TEST

/* Schemas that an answer of finite size cannot fit, or that are large if one lets them. */
START_TEST(a_schema_that_holds_itself_is_answered)
{
    json_t *wide = object_of("{'type':'object','properties':{'a':{'$ref':'#'},'b':{'$ref':'#'},"
                             "'c':{'$ref':'#'},'d':{'$ref':'#'},'e':{'$ref':'#'}}}");
    ck_assert_uint_lt(json_dumpb(wide, NULL, 0, 0), 4000);
    ck_assert_uint_eq(json_object_size(wide), 5);
    json_decref(wide);
    json_t *endless = object_of("{'type':'object','required':['a','b'],'properties':{'a':{'$ref':"
                                "'#'},'b':{'$ref':'#'}}}");
    ck_assert(json_is_object(endless));
    json_decref(endless);
}
END_TEST

START_TEST(a_pattern_of_other_letters_is_answered)
{
    json_t *object =
        object_of("{'type':'object','properties':{'a':{'type':'string','pattern':'^é{3}$'},"
                  "'b':{'type':'string','pattern':'^é+x$','maxLength':3}},"
                  "'required':['a','b']}");
    ck_assert_str_eq(text_at(object, "a"), "ééé");
    ck_assert_str_eq(text_at(object, "b"), "éx");
    json_decref(object);
}
END_TEST

/* Within the limit of the gateway for a line of the CLI, and soon. */
START_TEST(texts_that_are_long_and_many_are_answered)
{
    json_t *object =
        object_of("{'type':'object','properties':{'a':{'type':'array','minItems':1000,'items':"
                  "{'type':'string','minLength':1000000}}},'required':['a']}");
    ck_assert(json_is_array(json_object_get(object, "a")));
    json_decref(object);
}
END_TEST

START_TEST(an_object_grows_in_pieces)
{
    struct sse_stream *stream = sse_open_request(
        gateway, &(struct sse_request){
                     .path = "/stream-object",
                     .key = DEMO_KEY,
                     .body = quoted_json("{'prompt':'Invent','schema':{'type':'object',"
                                         "'properties':{'people':{'type':'array','minItems':3,"
                                         "'items':{'type':'object','properties':{'name':"
                                         "{'type':'string'},'age':{'type':'integer'}}}}}}}")});
    struct sse_recording all = sse_read_all(stream);
    sse_stream_close(stream);
    sse_assert_outline(&all, "session partial-object object result done");
    ck_assert_uint_ge(sse_count(&all, "partial-object"), 15);
    ck_assert_uint_eq(json_array_size(sse_member(sse_find(&all, "object"), "object.people")), 3);
    sse_recording_finish(&all);
}
END_TEST

/* ---- clients of other APIs */

#define WEATHER                                                                                    \
    "{'tools':[{'type':'function','function':{'name':'get_weather','parameters':{'type':"          \
    "'object','properties':{'city':{'type':'string'}},'required':['city']}}}]}"

static struct http_response chat(const json_t *body) {
    struct http_response answer = http_post_as(gateway, DEMO_KEY, CHAT, json_deep_copy(body));
    http_assert_status(&answer, 200);
    return answer;
}

START_TEST(a_function_of_the_client_is_called_when_it_is_spoken_of)
{
    json_t *body = openai_chat(WEATHER);
    openai_say(body, "user", "How is the weather?");
    struct http_response call = chat(body);
    const char *arguments = http_string(&call, "choices.0.message.tool_calls.0.function.arguments");
    assert_holds(arguments, "\"city\":");
    json_array_append(json_object_get(body, "messages"), http_member(&call, "choices.0.message"));
    json_array_append_new(json_object_get(body, "messages"),
                          json_pack("{ss ss ss}", "role", "tool", "tool_call_id",
                                    http_string(&call, "choices.0.message.tool_calls.0.id"),
                                    "content", "sunny"));
    struct http_response answer = chat(body);
    assert_holds(openai_text_of(&answer), "get_weather gave \"sunny\"");
    assert_holds(openai_text_of(&answer), MADE_UP);
    http_response_finish(&call);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(a_function_is_left_alone_otherwise)
{
    json_t *body = openai_chat(WEATHER);
    openai_say(body, "user", "Say hello");
    struct http_response answer = chat(body);
    assert_holds(openai_text_of(&answer), "You offer the functions get_weather");
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

/* ---- what is left, and what is missing */

START_TEST(nothing_is_left_behind)
{
    struct http_response answer = ask("/generate-text", "{'prompt':'Hello'}");
    http_response_finish(&answer);
    ck_assert_uint_eq(entries(temporary), 1); /* while it serves */
    static const char *const untouched[] = {"home", "state", "work"};
    for (size_t i = 0; i < sizeof untouched / sizeof *untouched; i++) {
        char *path = gateway_path(gateway, untouched[i]);
        ck_assert_msg(entries(path) == 0, "%s holds %u files", path, entries(path));
        free(path);
    }
    gateway_stop(gateway);
    gateway = NULL;
    ck_assert_uint_eq(entries(temporary), 0);
}
END_TEST

static bool is_empty(const void *path) {
    return entries(path) == 0;
}

START_TEST(nothing_is_left_behind_by_one_that_was_killed)
{
    struct http_response answer = ask("/generate-text", "{'prompt':'Hello'}");
    http_response_finish(&answer);
    ck_assert_int_eq(kill(gateway_supervisor_pid(gateway), SIGKILL), 0);
    ck_assert_int_eq(gateway_join_status(gateway), -1);
    gateway = NULL;
    ck_assert(await(is_empty, temporary, 10000));
}
END_TEST

/* Runs a command to its end; its exit status, and its output to be freed. */
static int run(const char *command, char **output) {
    FILE *pipe = popen(command, "r");
    size_t capacity = 0;
    ck_assert_ptr_nonnull(pipe);
    *output = NULL;
    if (getdelim(output, &capacity, '\0', pipe) < 0)
        (*output)[0] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(looks_at_a_demo_make_nothing)
{
    static const char *const looks[][2] = {{"--print-config", "- name: demo"},
                                           {"--check-config", "the configuration is fine"},
                                           {"--modules", "POST   /generate-text"}};
    char *binary = gateway_binary(), *output;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        char *command =
            scratch_text("env -i PATH=/usr/bin:/bin %s%s%s TMPDIR=%s %s --demo %s 2>&1",
                         getenv("ASAN_OPTIONS") ? "ASAN_OPTIONS='" : "",
                         getenv("ASAN_OPTIONS") ? getenv("ASAN_OPTIONS") : "",
                         getenv("ASAN_OPTIONS") ? "'" : "", temporary, binary, looks[i][0]);
        int status = run(command, &output);
        ck_assert_msg(status == 0 && strstr(output, looks[i][1]), "%s: status %d: %s", command,
                      status, output);
        free(output);
        free(command);
    }
    ck_assert_uint_eq(entries(temporary), 1); /* that of the gateway that serves */
    free(binary);
}
END_TEST

/* A binary that was taken elsewhere by itself. */
START_TEST(without_the_stand_in_it_says_what_to_do)
{
    char *binary = gateway_binary(), *output;
    char *command =
        scratch_text("cp %s %s/koine-gateway && %s/koine-gateway --demo --listen 127.0.0.1:0 "
                     "--check-config 2>&1; echo status $?; rm %s/koine-gateway",
                     binary, temporary, temporary, temporary);
    run(command, &output);
    if (!strstr(output, "the configuration is fine")) { /* one is installed */
        assert_holds(output, "status 1");
        assert_holds(output, "--demo: the stand-in CLI");
        assert_holds(output, "make standins");
    }
    free(output);
    free(command);
    free(binary);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        every_answer_says_that_it_is_made_up,
        who_has_no_key_is_told_it,
        health_and_log_say_so,
        an_ordinary_gateway_is_no_demo,
        other_keys_hold_as_well,
        its_own_key_may_stand_in_the_environment,
        what_the_file_says_about_the_real_cli_does_not_count,
        a_prompt_is_nothing_but_text,
        text_streams_in_pieces_and_ends_soon,
        a_session_is_continued,
        a_small_limit_of_tokens_cuts,
        texts_of_an_object_fit_its_schema,
        numbers_and_arrays_of_an_object_fit_its_schema,
        a_schema_that_holds_itself_is_answered,
        a_pattern_of_other_letters_is_answered,
        texts_that_are_long_and_many_are_answered,
        an_object_grows_in_pieces,
        a_function_of_the_client_is_called_when_it_is_spoken_of,
        a_function_is_left_alone_otherwise,
        nothing_is_left_behind,
        nothing_is_left_behind_by_one_that_was_killed,
        looks_at_a_demo_make_nothing,
        without_the_stand_in_it_says_what_to_do,
    };
    return test_main("demo", setup, teardown, tests, sizeof tests / sizeof *tests);
}
