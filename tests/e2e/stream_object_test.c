/* SPDX-License-Identifier: Apache-2.0 */
/* POST /stream-object: which events come in which order, that every partial is a prefix of what
 * follows, and how every run that fails ends. How often partials come is
 * stream_object_pacing_test.c's. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/sse_client.h"
#include "support/test_main.h"

#include <string.h>

/* Where the schema does not matter. */
#define ANY "'schema':{'type':'object'}"
/* Its pattern is none, which only the CLI can see. */
#define UNBALANCED "{'schema':{'type':'object','properties':{'a':{'type':'string','pattern':'('}}}}"
#define DELTAS "{" ANY ",'partials':'delta'}"

enum { GONE_MS = 5000 }; /* from a client's leaving to its slot */

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static void restart(const char *config) {
    gateway_stop(gateway);
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

static struct sse_stream *begin(const char *scenario, const char *fields) {
    return sse_open_stream(gateway, "/stream-object", scenario_body(scenario, fields));
}

static struct sse_recording ask(const char *scenario, const char *fields) {
    struct sse_stream *stream = begin(scenario, fields);
    struct sse_recording events = sse_read_all(stream);
    sse_stream_close(stream);
    for (size_t i = 0; i < events.count; i++) {
        char *id = scratch_text("%zu", i + 1);
        ck_assert_str_eq(events.events[i].id, id);
        free(id);
    }
    return events;
}

/* ---- prefixes */

static bool is_prefix(const json_t *part, const json_t *whole);

static bool is_object_prefix(const json_t *part, const json_t *whole) {
    const char *key, *of_whole;
    json_t *value;
    void *at = json_object_iter((json_t *)whole);
    size_t left = json_object_size(part);
    json_object_foreach((json_t *)part, key, value) {
        if (!at)
            return false;
        of_whole = json_object_iter_key(at);
        const json_t *wanted = json_object_iter_value(at);
        bool good = --left ? json_equal(value, wanted) : is_prefix(value, wanted);
        if (strcmp(key, of_whole) != 0 || !good)
            return false;
        at = json_object_iter_next((json_t *)whole, at);
    }
    return true;
}

static bool is_array_prefix(const json_t *part, const json_t *whole) {
    size_t count = json_array_size(part);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(part, i), *wanted = json_array_get(whole, i);
        if (i + 1 < count ? !json_equal(value, wanted) : !is_prefix(value, wanted))
            return false;
    }
    return true;
}

/* Whether `whole` can become of `part` by writing on: all but the last thing is as it will stay. */
static bool is_prefix(const json_t *part, const json_t *whole) {
    if (json_is_string(part) && json_is_string(whole))
        return json_string_length(part) <= json_string_length(whole) &&
               memcmp(json_string_value(part), json_string_value(whole),
                      json_string_length(part)) == 0;
    if (json_is_object(part) && json_is_object(whole))
        return is_object_prefix(part, whole);
    if (json_is_array(part) && json_is_array(whole))
        return is_array_prefix(part, whole);
    return json_equal(part, whole);
}

/* Asserts that the partials from event `first` on grow into the text, which the last one holds
 * whole, each with the value of its text. Returns how many there are. */
static size_t assert_partials(const struct sse_recording *events, size_t first, const char *text) {
    json_t *object = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    const json_t *before = json_null();
    size_t size = 0, count = 0, i = first;
    ck_assert_msg(object != NULL, "the test's own text is no JSON: %s", text);
    for (; i < events->count && strcmp(events->events[i].name, "partial-object") == 0; i++) {
        const struct sse_event *event = &events->events[i];
        const char *partial = sse_string(event, "partial");
        const json_t *parsed = sse_member(event, "parsed");
        size_t length = strlen(partial);
        ck_assert_msg(length > size || count == 0, "nothing new: %.500s", event->data);
        ck_assert_msg(length <= strlen(text) && memcmp(partial, text, length) == 0,
                      "no prefix of the text: %.500s", event->data);
        ck_assert_msg(json_is_null(parsed) ? json_is_null(before) : is_prefix(parsed, object),
                      "no prefix of the object: %.500s", event->data);
        ck_assert_msg(json_is_null(before) || is_prefix(before, parsed),
                      "less than the partial before: %.500s", event->data);
        size = length;
        before = parsed;
        count++;
    }
    ck_assert_msg(count > 0 && size == strlen(text), "the last of %zu partials holds %zu of %zu",
                  count, size, strlen(text));
    ck_assert_msg(json_equal(before, object), "the last partial is not the object");
    json_decref(object);
    return count;
}

/* The stand-in's text for the scenario's `object`. */
static char *text_of(const char *object) {
    json_t *json = quoted_json(object);
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    return text;
}

/* ---- order */

START_TEST(events_come_in_order)
{
    struct sse_stream *stream =
        begin("{'object':{'name':'Ada','age':36},'usage':{'input_tokens':7,'output_tokens':5}}",
              "{" ANY "}");
    ck_assert_int_eq(sse_status(stream), 200);
    static const char *const headers[][2] = {{"Content-Type", "text/event-stream"},
                                             {"Cache-Control", "no-cache"},
                                             {"X-Accel-Buffering", "no"}};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char *value = sse_header(stream, headers[i][0]);
        ck_assert_msg(value && strncmp(value, headers[i][1], strlen(headers[i][1])) == 0, "%s: %s",
                      headers[i][0], value ? value : "nothing");
        free(value);
    }
    struct sse_recording events = sse_read_all(stream);
    sse_assert_outline(&events, "session partial-object object result done");
    const struct sse_event *session = sse_find(&events, "session");
    const struct sse_event *result = sse_find(&events, "result");
    const struct sse_event *done = sse_find(&events, "done");
    ck_assert_uint_eq(strlen(sse_string(session, "sessionId")), 36);
    ck_assert_str_eq(sse_string(result, "sessionId"), sse_string(session, "sessionId"));
    ck_assert_int_eq(sse_integer(result, "usage.inputTokens"), 7);
    ck_assert_int_eq(sse_integer(result, "usage.totalTokens"), 12);
    ck_assert_int_eq(sse_integer(result, "numTurns"), 2);
    ck_assert_str_eq(sse_string(result, "model"), "claude-standin");
    ck_assert(json_is_real(sse_member(result, "costUsd")));
    ck_assert_int_ge(sse_integer(result, "durationMs"), 0);
    ck_assert(json_is_array(sse_member(result, "permissionDenials")));
    sse_string(result, "stopReason");
    ck_assert_str_eq(done->data, "{\"code\":0,\"signal\":null}");
    json_t *wanted = quoted_json("{'object':{'name':'Ada','age':36}}");
    ck_assert(json_equal(sse_find(&events, "object")->json, wanted));
    json_decref(wanted);
    sse_recording_finish(&events);
    sse_stream_close(stream);
}
END_TEST

START_TEST(partials_grow_into_the_object)
{
    static const char *const objects[] = {
        "{}",
        "{'name':'Ada','age':36}",
        "{'a':[],'b':{},'c':[[[]],[{}]],'d':{'e':{'f':[1,2,3]}}}",
        "{'t':true,'f':false,'n':null,'list':[true,false,null]}",
        "{'i':-120,'r':-1.5e-7,'z':0,'list':[12,-3.5,1e21]}",
        "{'s':'tab\\t line\\n quote\\\" back\\\\slash \\u0001','a\\\"b':'x'}",
        "{'euro':'\xe2\x82\xac\xe2\x82\xac','elephant':'\xf0\x9f\x90\x98 \xf0\x9f\x90\x98'}",
    };
    static const int pieces[] = {1, 2, 3, 7, 1000};
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        for (size_t n = 0; n < sizeof pieces / sizeof *pieces; n++) {
            char *scenario = scratch_text("{'object':%s,'delta_bytes':%d}", objects[i], pieces[n]);
            char *text = text_of(objects[i]);
            struct sse_recording events = ask(scenario, "{" ANY "}");
            sse_assert_outline(&events, "session partial-object object result done");
            size_t count = assert_partials(&events, 1, text);
            if (pieces[n] == 1000)
                ck_assert_uint_eq(count, 1);
            json_t *object = quoted_json(objects[i]);
            ck_assert(json_equal(sse_member(sse_find(&events, "object"), "object"), object));
            json_decref(object);
            sse_recording_finish(&events);
            free(scenario);
            free(text);
        }
}
END_TEST

/* What the text determines is there at once, and no more than that. */
START_TEST(a_partial_holds_what_its_text_determines)
{
    static const struct {
        const char *partial, *parsed;
    } known[] = {
        {"{", "{}"},
        {"{\"a", "{}"},
        {"{\"a\":", "{}"},
        {"{\"a\":[", "{'a':[]}"},
        {"{\"a\":[12", "{'a':[]}"},
        {"{\"a\":[12,", "{'a':[12]}"},
        {"{\"a\":[12,tru", "{'a':[12]}"},
        {"{\"a\":[12,true", "{'a':[12,true]}"},
        {"{\"a\":[12,true,\"", "{'a':[12,true,'']}"},
        {"{\"a\":[12,true,\"x", "{'a':[12,true,'x']}"},
        {"{\"a\":[12,true,\"x\"]}", "{'a':[12,true,'x']}"},
    };
    struct sse_recording events =
        ask("{'object':{'a':[12,true,'x']},'delta_bytes':1}", "{" ANY "}");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        /* a partial for each byte, behind the session */
        const struct sse_event *event = &events.events[strlen(known[i].partial)];
        json_t *wanted = quoted_json(known[i].parsed);
        ck_assert_str_eq(sse_string(event, "partial"), known[i].partial);
        ck_assert_msg(json_equal(sse_member(event, "parsed"), wanted), "%s", event->data);
        json_decref(wanted);
    }
    sse_recording_finish(&events);
}
END_TEST

/* The stand-in cuts deltas between characters, but nothing hinders a cut within an escape. */
START_TEST(escapes_may_be_split_between_deltas)
{
    static const char text[] = "{\"e\":\"\\u20ac\\ud83d\\udc18\\n\\\\\",\"\\u00e9\":\"\\\"\"}";
    json_t *spelled = json_string(text);
    char *quoted = json_dumps(spelled, JSON_ENCODE_ANY);
    for (int bytes = 1; bytes < 8; bytes++) {
        char *scenario = scratch_text("{'object_json':%s,'delta_bytes':%d}", quoted, bytes);
        struct sse_recording events = ask(scenario, "{" ANY "}");
        sse_assert_outline(&events, "session partial-object object result done");
        assert_partials(&events, 1, text);
        sse_recording_finish(&events);
        free(scenario);
    }
    free(quoted);
    json_decref(spelled);
}
END_TEST

START_TEST(characters_may_be_split_between_writes)
{
    static const char object[] =
        "{'e':'\xe2\x82\xac\xf0\x9f\x90\x98','\xc3\xa9':'\xf0\x9f\x90\x98'}";
    char *scenario = scratch_text("{'object':%s,'split_utf8':true,'delta_bytes':1}", object);
    char *text = text_of(object);
    struct sse_recording events = ask(scenario, "{" ANY "}");
    sse_assert_outline(&events, "session partial-object object result done");
    assert_partials(&events, 1, text);
    sse_recording_finish(&events);
    free(scenario);
    free(text);
}
END_TEST

START_TEST(white_space_between_tokens_is_part_of_the_text)
{
    static const char text[] = "{\n  \"a\": [\r\n    1,\t2\n  ]\n}\n";
    json_t *spelled = json_string(text);
    char *quoted = json_dumps(spelled, JSON_ENCODE_ANY);
    char *scenario = scratch_text("{'object_json':%s,'delta_bytes':1}", quoted);
    struct sse_recording events = ask(scenario, "{" ANY "}");
    sse_assert_outline(&events, "session partial-object object result done");
    assert_partials(&events, 1, text);
    sse_recording_finish(&events);
    free(scenario);
    free(quoted);
    json_decref(spelled);
}
END_TEST

/* As after a failed stream, when the CLI asks for the whole message. */
START_TEST(objects_that_come_whole_are_told_like_others)
{
    struct sse_recording events =
        ask("{'object':{'a':[1,2]},'object_rejects':1,'streamed':false}", "{" ANY "}");
    sse_assert_outline(&events, "session partial-object warning partial-object object result done");
    sse_recording_finish(&events);
}
END_TEST

START_TEST(an_object_without_deltas_gives_one_partial)
{
    static const char scenario[] = "{'object':{'a':[1,2]},'object_streamed':false}";
    struct sse_recording events = ask(scenario, "{" ANY "}");
    sse_assert_outline(&events, "session partial-object object result done");
    ck_assert_uint_eq(assert_partials(&events, 1, "{\"a\":[1,2]}"), 1);
    sse_recording_finish(&events);
    events = ask(scenario, DELTAS);
    sse_assert_outline(&events, "session object-delta object result done");
    ck_assert_str_eq(sse_string(sse_find(&events, "object-delta"), "delta"), "{\"a\":[1,2]}");
    sse_recording_finish(&events);
}
END_TEST

/* ---- an object that begins anew */

START_TEST(a_rejected_object_begins_anew)
{
    struct sse_recording events = ask("{'object':{'name':'Ada'},'object_rejects':2,"
                                      "'rejected_object':{'name':7,'more':[1,2]},'delta_bytes':3}",
                                      "{" ANY "}");
    sse_assert_outline(&events, "session partial-object warning partial-object warning "
                                "partial-object object result done");
    size_t at = 1 + assert_partials(&events, 1, "{\"name\":7,\"more\":[1,2]}");
    ck_assert_str_eq(sse_string(&events.events[at], "code"), "OBJECT_RESTARTED");
    ck_assert_uint_gt(strlen(sse_string(&events.events[at], "message")), 10);
    at += 1 + assert_partials(&events, at + 1, "{\"name\":7,\"more\":[1,2]}");
    ck_assert_str_eq(sse_string(&events.events[at], "code"), "OBJECT_RESTARTED");
    assert_partials(&events, at + 1, "{\"name\":\"Ada\"}");
    ck_assert_str_eq(sse_find(&events, "object")->data, "{\"object\":{\"name\":\"Ada\"}}");
    ck_assert_int_eq(sse_integer(sse_find(&events, "result"), "numTurns"), 4);
    sse_recording_finish(&events);
}
END_TEST

/* ---- deltas */

/* The deltas from event `first` on, joined; the caller frees. */
static char *joined_deltas(const struct sse_recording *events, size_t first) {
    char *text = scratch_text("%s", "");
    for (size_t i = first; i < events->count && strcmp(events->events[i].name, "object-delta") == 0;
         i++) {
        char *longer = scratch_text("%s%s", text, sse_string(&events->events[i], "delta"));
        free(text);
        text = longer;
    }
    return text;
}

START_TEST(deltas_joined_are_the_text)
{
    static const char object[] = "{'s':'\xe2\x82\xac \xf0\x9f\x90\x98 \\n \\u0001','list':[1,2.5,"
                                 "null,true],'deep':{'er':{}}}";
    char *text = text_of(object);
    for (int bytes = 1; bytes < 30; bytes += 4) {
        char *scenario = scratch_text("{'object':%s,'delta_bytes':%d}", object, bytes);
        struct sse_recording events = ask(scenario, DELTAS);
        sse_assert_outline(&events, "session object-delta object result done");
        char *joined = joined_deltas(&events, 1);
        ck_assert_str_eq(joined, text);
        sse_recording_finish(&events);
        free(joined);
        free(scenario);
    }
    free(text);
}
END_TEST

START_TEST(deltas_of_a_rejected_object_are_void)
{
    struct sse_recording events = ask("{'object':{'name':'Ada'},'object_rejects':1,"
                                      "'rejected_object':{'name':7},'delta_bytes':3}",
                                      DELTAS);
    sse_assert_outline(&events, "session object-delta warning object-delta object result done");
    char *joined = joined_deltas(&events, 1);
    ck_assert_str_eq(joined, "{\"name\":7}");
    free(joined);
    size_t at = 1;
    while (strcmp(events.events[at].name, "warning") != 0)
        at++;
    ck_assert_str_eq(sse_string(&events.events[at], "code"), "OBJECT_RESTARTED");
    joined = joined_deltas(&events, at + 1);
    ck_assert_str_eq(joined, "{\"name\":\"Ada\"}");
    free(joined);
    sse_recording_finish(&events);
}
END_TEST

START_TEST(full_partials_can_be_asked_for)
{
    struct sse_recording events = ask("{'object':{'a':1}}", "{" ANY ",'partials':'full'}");
    sse_assert_outline(&events, "session partial-object object result done");
    sse_recording_finish(&events);
}
END_TEST

/* ---- events that are asked for */

START_TEST(tools_thinking_and_retries_are_told_when_asked_for)
{
    static const char scenario[] =
        "{'retry':2,'tool':{'name':'Bash','input':{'command':'ls'},'output':'a file'},'thinking':"
        "'Let me see.','object':{'a':1}}";
    struct sse_recording events =
        ask(scenario, "{" ANY ",'allowedTools':['Bash'],'events':['tool','thinking','retry']}");
    sse_assert_outline(&events, "session retry tool thinking partial-object object result done");
    ck_assert_uint_eq(sse_count(&events, "retry"), 2);
    ck_assert_int_eq(sse_integer(sse_find(&events, "retry"), "errorStatus"), 529);
    ck_assert_uint_eq(sse_count(&events, "tool"), 3);
    ck_assert_str_eq(sse_string(sse_find(&events, "tool"), "name"), "Bash");
    sse_recording_finish(&events);
    events = ask(scenario, "{" ANY ",'allowedTools':['Bash'],'events':['thinking']}");
    sse_assert_outline(&events, "session thinking partial-object object result done");
    sse_recording_finish(&events);
    events = ask(scenario, "{" ANY ",'allowedTools':['Bash']}");
    sse_assert_outline(&events, "session partial-object object result done");
    sse_recording_finish(&events);
}
END_TEST

START_TEST(text_beside_the_object_is_not_told)
{
    struct sse_recording events = ask("{'text':'Here it is:','object':{'a':1}}", "{" ANY "}");
    sse_assert_outline(&events, "session partial-object object result done");
    sse_recording_finish(&events);
}
END_TEST

/* ---- failures */

START_TEST(a_run_that_fails_ends_with_error_and_done)
{
    static const struct {
        const char *scenario, *fields, *outline, *code, *done;
    } cases[] = {
        {"{'subtype':'error_max_structured_output_retries'}", "{" ANY "}", "session error done",
         "PARSE_ERROR", "{'code':0,'signal':null}"},
        {"{'object':{'a':1},'object_rejects':1,'subtype':'error_max_structured_output_retries'}",
         "{" ANY "}", "session partial-object warning partial-object error done", "PARSE_ERROR",
         "{'code':0,'signal':null}"},
        {"{'text':'I would rather talk.'}", "{" ANY "}", "session error done", "PARSE_ERROR",
         "{'code':0,'signal':null}"},
        {"{'is_error':{'text':'API Error: 529 busy','api_error_status':529},'object_streamed':"
         "false}",
         "{" ANY "}", "session error done", "UPSTREAM_ERROR", "{'code':0,'signal':null}"},
        {"{'exit':{'code':3,'when':'after_init'}}", "{" ANY "}", "session error done",
         "CLI_EXIT_ERROR", "{'code':3,'signal':null}"},
        {"{'object':{'a':'half'},'delta_bytes':4,'exit':{'code':4,'when':'mid_text'}}", "{" ANY "}",
         "session partial-object error done", "CLI_EXIT_ERROR", "{'code':4,'signal':null}"},
        {"{'object':{'a':'half'},'delta_bytes':4,'exit':{'code':4,'when':'mid_text'}}", DELTAS,
         "session object-delta error done", "CLI_EXIT_ERROR", "{'code':4,'signal':null}"},
        {"{'object':{'a':'half'},'signal':{'number':9,'when':'after_init'}}", "{" ANY "}",
         "session error done", "CLI_EXIT_ERROR", "{'code':null,'signal':'SIGKILL'}"},
        {"{'subtype':'error_max_turns'}", "{" ANY ",'maxTurns':1}", "session error done",
         "LIMIT_REACHED", "{'code':0,'signal':null}"},
        {"{'object_json':'{\\\"a\\\":\\\"cut he','stop_reason':'max_tokens'}",
         "{" ANY ",'maxTokens':5}", "session partial-object error done", "PARSE_ERROR",
         "{'code':0,'signal':null}"},
        {"{}", "{" ANY ",'sessionId':'11111111-2222-4333-8444-555555555555'}", "session error done",
         "SESSION_NOT_FOUND", NULL},
    };
    restart("slots: {streaming: 1}\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sse_recording events = ask(cases[i].scenario, cases[i].fields);
        ck_assert_msg(strcmp(events.outline, cases[i].outline) == 0, "%s: %s", cases[i].scenario,
                      events.outline);
        const struct sse_event *error = sse_find(&events, "error");
        ck_assert_msg(strcmp(sse_string(error, "code"), cases[i].code) == 0, "%s: %s",
                      cases[i].scenario, error->data);
        ck_assert_uint_gt(strlen(sse_string(error, "error")), 10);
        if (cases[i].done) {
            json_t *done = quoted_json(cases[i].done);
            ck_assert_msg(json_equal(sse_find(&events, "done")->json, done), "%s: %s",
                          cases[i].scenario, sse_find(&events, "done")->data);
            json_decref(done);
        }
        sse_recording_finish(&events);
    }
}
END_TEST

START_TEST(a_run_without_an_exit_status_says_why)
{
    struct sse_recording events =
        ask("{'object':{'a':1},'hang':'after_init'}", "{" ANY ",'timeoutMs':300}");
    sse_assert_outline(&events, "session error done");
    ck_assert_str_eq(sse_string(sse_find(&events, "error"), "code"), "TIMEOUT_ERROR");
    ck_assert(json_is_null(sse_member(sse_find(&events, "done"), "code")));
    ck_assert_str_eq(sse_string(sse_find(&events, "done"), "reason"), "timeout");
    sse_recording_finish(&events);
}
END_TEST

/* Only the CLI sees it, when the stream has begun. */
START_TEST(a_schema_that_the_cli_drops)
{
    struct sse_recording events = ask("{'text':'no object'}", UNBALANCED);
    sse_assert_outline(&events, "session error done");
    ck_assert_str_eq(sse_string(sse_find(&events, "error"), "code"), "VALIDATION_ERROR");
    ck_assert_str_eq(sse_string(sse_find(&events, "error"), "issues.0.path.0"), "schema");
    sse_recording_finish(&events);
}
END_TEST

/* ---- refusals, which come before any event */

START_TEST(wrong_values_are_refused_with_their_place)
{
    static const struct {
        const char *fields, *path;
    } cases[] = {
        {"{}", "['schema']"},
        {"{'schema':{}}", "['schema']"},
        {"{'schema':{'type':'object','properties':{'age':{'type':'nummer'}}}}",
         "['schema','properties','age','type']"},
        {"{" ANY ",'partials':'none'}", "['partials']"},
        {"{" ANY ",'partials':''}", "['partials']"},
        {"{" ANY ",'partials':true}", "['partials']"},
        {"{" ANY ",'events':'tool'}", "['events']"},
        {"{" ANY ",'events':['tool','tools']}", "['events',1]"},
        {"{" ANY ",'maxTokens':0}", "['maxTokens']"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sse_stream *stream = begin("{}", cases[i].fields);
        struct http_response answer = sse_refusal(stream);
        json_t *path = quoted_json(cases[i].path);
        ck_assert_msg(answer.status == 400, "%s: %ld", cases[i].fields, answer.status);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        ck_assert_msg(json_equal(http_member(&answer, "issues.0.path"), path), "%s: %s",
                      cases[i].fields, answer.body);
        json_decref(path);
        http_response_finish(&answer);
        sse_stream_close(stream);
    }
}
END_TEST

START_TEST(no_tools_left)
{
    struct sse_stream *stream = begin("{}", "{" ANY ",'allowedTools':[]}");
    struct http_response answer = sse_refusal(stream);
    http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
    http_response_finish(&answer);
    sse_stream_close(stream);
}
END_TEST

/* Known at once, so that no stream is begun. */
START_TEST(a_cli_that_cannot_be_started)
{
    restart("runner: {command: /nonexistent/claude}\n");
    struct sse_stream *stream = begin("{}", "{" ANY "}");
    struct http_response answer = sse_refusal(stream);
    http_assert_error(&answer, 500, "SPAWN_ERROR");
    http_response_finish(&answer);
    sse_stream_close(stream);
}
END_TEST

/* ---- slots, sessions, clients that leave */

START_TEST(it_takes_a_slot_of_the_streaming_ones)
{
    restart("slots: {streaming: 1, nonstreaming: 0}\n");
    struct sse_stream *running = begin("{'object':{'a':1},'hang':'mid_text'}", "{" ANY "}");
    sse_expect(running, "session");
    struct sse_stream *refused = begin("{}", "{" ANY "}");
    struct http_response answer = sse_refusal(refused);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    http_response_finish(&answer);
    sse_stream_close(refused);
    sse_stream_close(running);
    await_active_streams(gateway, 0, GONE_MS);
    struct sse_recording events = ask("{'object':{'a':1}}", "{" ANY "}");
    sse_assert_outline(&events, "session partial-object object result done");
    sse_recording_finish(&events);
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_run)
{
    static const char scenario[] =
        "{'object':{'text':'0123456789'},'object_repeat':20000,'delay_ms':1,'delay_after':20000}";
    struct sse_stream *stream = begin(scenario, "{" ANY "}");
    sse_await(stream, "partial-object");
    sse_stream_close(stream);
    await_active_streams(gateway, 0, GONE_MS);
    stream = begin(scenario, DELTAS);
    sse_await(stream, "object-delta");
    sse_stream_reset(stream);
    await_active_streams(gateway, 0, GONE_MS);
}
END_TEST

START_TEST(the_session_goes_on)
{
    struct sse_recording events = ask("{'object':{'a':1}}", "{" ANY "}");
    char *fields = scratch_text("{" ANY ",'sessionId':'%s'}",
                                sse_string(sse_find(&events, "session"), "sessionId"));
    sse_recording_finish(&events);
    struct sse_recording again = ask("{'object_echo':'history'}", fields);
    ck_assert_int_eq(sse_integer(sse_find(&again, "object"), "object.messages"), 2);
    sse_recording_finish(&again);
    free(fields);
}
END_TEST

START_TEST(silence_is_filled_with_comments)
{
    restart("http: {keep_alive_ms: 50}\n");
    struct sse_stream *stream = begin("{'object':{'a':1},'first_delay_ms':400}", "{" ANY "}");
    sse_expect(stream, "session");
    sse_await(stream, "object");
    ck_assert_uint_ge(sse_comments(stream), 2);
    ck_assert_str_eq(sse_last_comment(stream), " keep-alive");
    sse_expect(stream, "result");
    sse_expect(stream, "done");
    sse_expect_end(stream);
    sse_stream_close(stream);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        events_come_in_order,
        partials_grow_into_the_object,
        a_partial_holds_what_its_text_determines,
        escapes_may_be_split_between_deltas,
        characters_may_be_split_between_writes,
        white_space_between_tokens_is_part_of_the_text,
        objects_that_come_whole_are_told_like_others,
        an_object_without_deltas_gives_one_partial,
        a_rejected_object_begins_anew,
        deltas_joined_are_the_text,
        deltas_of_a_rejected_object_are_void,
        full_partials_can_be_asked_for,
        tools_thinking_and_retries_are_told_when_asked_for,
        text_beside_the_object_is_not_told,
        a_run_that_fails_ends_with_error_and_done,
        a_run_without_an_exit_status_says_why,
        a_schema_that_the_cli_drops,
        wrong_values_are_refused_with_their_place,
        no_tools_left,
        a_cli_that_cannot_be_started,
        it_takes_a_slot_of_the_streaming_ones,
        a_client_that_leaves_ends_the_run,
        the_session_goes_on,
        silence_is_filled_with_comments,
    };
    return test_main("stream_object", setup, teardown, tests, sizeof tests / sizeof *tests);
}
