/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test host against the gateway: the same requests to the same modules get the same status, the
 * same headers of the module's, and a body with the same members. Where the CLI speaks, a script
 * says what the stand-in says.
 */
#include "support/http_client.h"
#include "support/scratch_directory.h"
#include "test_host_fixture.h"
#include <jansson.h>
#include <stdlib.h>

/* JSON is YAML too. */
#define SETTINGS "{\"boolean\":true,\"inner\":{\"text\":\"Hi\"},\"integer\":7}"

static struct gateway *gateway;

static void setup(void) {
    static const char *const modules[] = {"ticker",   "dialect",     "toolbox",
                                          "services", "event-lines", NULL};
    char *object = fixture_path("object"), *stream = fixture_path("stream");
    char *more =
        scratch_text("  - %s\n  - %s\n  settings:\n    services: " SETTINGS "\n", object, stream);
    gateway = modules_start(modules, more, "http: {max_body_bytes: 4KiB}\n", NULL);
    free(more);
    free(stream);
    free(object);
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* One request: to which module, and what the CLI says in the test host. */
struct probe {
    const char *module, *method, *path, *body;
    const char *key;    /* "": none; "wrong"; NULL: a valid one */
    const char *header; /* NULL: none */
    const char *script;
};

/* Values differ by their nature: ids, usage, cost, model. Those of errors must not. */
static void assert_same_members(const struct probe *probe, json_t *found, json_t *expected) {
    const char *name;
    json_t *value;
    bool is_error = json_object_get(expected, "code") != NULL;
    if (!json_is_object(expected)) {
        ck_assert_msg(json_equal(found, expected), "%s %s: the bodies differ", probe->path,
                      probe->body);
        return;
    }
    ck_assert_msg(json_object_size(found) == json_object_size(expected),
                  "%s %s: %zu members instead of %zu", probe->path, probe->body,
                  json_object_size(found), json_object_size(expected));
    json_object_foreach(expected, name, value) {
        json_t *other = json_object_get(found, name);
        bool counts = is_error || strcmp(name, "text") == 0 || strcmp(name, "object") == 0;
        ck_assert_msg(other != NULL, "%s %s: lacks %s", probe->path, probe->body, name);
        if (counts) {
            char *a = json_dumps(other, JSON_ENCODE_ANY), *b = json_dumps(value, JSON_ENCODE_ANY);
            ck_assert_msg(json_equal(other, value), "%s %s: %s is %s instead of %s", probe->path,
                          probe->body, name, a, b);
            free(a);
            free(b);
        }
    }
}

static void assert_same_header(const struct probe *probe, struct koine_test_answer *found,
                               const struct http_response *expected, const char *name) {
    char *value = http_header(expected, name);
    const char *other = koine_test_header(found, name);
    ck_assert_msg((value && other && strcmp(value, other) == 0) || (!value && !other),
                  "%s: the header %s is \"%s\" instead of \"%s\"", probe->path, name,
                  other ? other : "(none)", value ? value : "(none)");
    free(value);
}

static struct koine_test_answer *ask_test_host(struct koine_test_host *host,
                                               const struct probe *probe) {
    const char *const headers[] = {probe->header ? probe->header : "Content-Type: application/json",
                                   NULL};
    if (probe->script)
        koine_test_play(host, probe->script);
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.method = probe->method,
                                                              .path = probe->path,
                                                              .body = probe->body,
                                                              .key = probe->key,
                                                              .headers = headers});
    koine_test_await(answer);
    return answer;
}

static struct http_response ask_gateway(const struct probe *probe) {
    const char *const headers[] = {probe->header, NULL};
    return http_send(gateway, &(struct http_request){.method = probe->method,
                                                     .path = probe->path,
                                                     .key = probe->key,
                                                     .headers = probe->header ? headers : NULL,
                                                     .body = probe->body});
}

static void assert_same(const struct probe *probe) {
    static const struct koine_test_key keys[] = {{.name = "default", .secret = GATEWAY_KEY}};
    static const char *const headers[] = {"Content-Type",     "Allow",  "Retry-After",
                                          "WWW-Authenticate", "X-Name", "Cache-Control"};
    struct koine_test_host *host = fixture_with(
        probe->module, (struct koine_test_options){
                           .settings = strcmp(probe->module, "services") == 0 ? SETTINGS : NULL,
                           .keys = keys,
                           .key_count = 1,
                           .max_body_bytes = 4096});
    struct koine_test_answer *found = ask_test_host(host, probe);
    struct http_response expected = ask_gateway(probe);
    ck_assert_msg(koine_test_status(found) == expected.status, "%s %s: %d instead of %ld: %s | %s",
                  probe->path, probe->body, koine_test_status(found), expected.status,
                  koine_test_body(found), expected.body);
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        assert_same_header(probe, found, &expected, headers[i]);
    if (expected.json) {
        json_t *body = json_loads(koine_test_body(found), JSON_DECODE_ANY, NULL);
        assert_same_members(probe, body, expected.json);
        json_decref(body);
    } else {
        ck_assert_str_eq(koine_test_body(found), expected.body);
    }
    http_response_finish(&expected);
    fixture_end(host);
}

#define POST(of, at, ...)                                                                          \
    { .module = (of), .method = "POST", .path = (at), __VA_ARGS__ }

START_TEST(answers)
{
    static const struct probe probes[] = {
        POST("text", "/generate-text", .body = "{\"prompt\":\"standin:{\\\"text\\\":\\\"hi\\\"}\"}",
             .script = "[{\"text\":\"hi\"}]"),
        POST("object", "/generate-object",
             .body = "{\"prompt\":\"standin:{\\\"object\\\":{\\\"a\\\":1}}\","
                     "\"schema\":{\"type\":\"object\"}}",
             .script = "[{\"object\":{\"a\":1}}]"),
        POST("dialect", "/v1/echo/a%20b%2Fc", .body = "standin:{\"text\":\"hi\",\"repeat\":3}",
             .script = "[{\"text\":\"hihihi\"}]"),
        POST("toolbox", "/ask", .body = "standin:{\"text\":\"plain\"}",
             .script = "[{\"text\":\"plain\"}]"),
        {.module = "ticker", .method = "GET", .path = "/ticker"},
        {.module = "ticker", .method = "GET", .path = "/slow?a=b"},
        {.module = "ticker", .method = "GET", .path = "/%73low"},
    };
    for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
        assert_same(&probes[i]);
}
END_TEST

START_TEST(refusals_of_the_host)
{
    static const struct probe probes[] = {
        POST("text", "/generate-text", .body = "{}", .key = ""),
        POST("text", "/generate-text", .body = "{}", .key = "wrong"),
        POST("text", "/generate-text", .body = "{}", .key = "", .header = "Authorization: Basic x"),
        POST("text", "/nothing", .body = "{}"),
        {.module = "text", .method = "GET", .path = "/generate-text"},
        {.module = "text", .method = "PUT", .path = "/generate-text", .body = "{}"},
        {.module = "ticker", .method = "POST", .path = "/ticker", .body = "{}"},
        POST("dialect", "/v1/echo/a", .body = "x", .key = ""),
        POST("dialect", "/v1/echo/a", .body = "x", .key = "", .header = "x-api-key: wrong"),
        POST("dialect", "/v1/nothing", .body = "x"),
        {.module = "dialect", .method = "GET", .path = "/v1/echo/a"},
        POST("dialect", "/v1/echo/", .body = "x"),
        POST("dialect", "/v1/echo/a/b", .body = "x"),
    };
    for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
        assert_same(&probes[i]);
}
END_TEST

#define VERSIONED(verb, at, ...)                                                                   \
    { .module = "event-lines", .method = (verb), .path = "/versioned/" at, __VA_ARGS__ }
#define WITH .header = "api-version: 1"

START_TEST(routes_with_a_header)
{
    static const struct probe probes[] = {
        VERSIONED("GET", "overloaded", WITH),
        VERSIONED("GET", "overloaded", .header = "Api-Versions: 1"),
        VERSIONED("GET", "overloaded", .body = NULL),
        VERSIONED("GET", "overloaded", WITH, .key = ""),
        VERSIONED("GET", "overloaded", .key = ""),
        VERSIONED("GET", "overloaded", WITH, .key = "wrong"),
        VERSIONED("DELETE", "overloaded", WITH),
        VERSIONED("DELETE", "overloaded", .body = NULL),
        VERSIONED("GET", "nothing", WITH),
        VERSIONED("GET", "nothing", .body = NULL),
    };
    for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
        assert_same(&probes[i]);
}
END_TEST

#define TEXT(json) POST("text", "/generate-text", .body = (json))

#define SERVICES(at, ...)                                                                          \
    { .module = "services", .method = "GET", .path = (at), __VA_ARGS__ }

START_TEST(services)
{
    static const struct probe probes[] = {
        SERVICES("/who", .key = ""),
        SERVICES("/who", .key = "wrong"),
        SERVICES("/who", .key = NULL),
        SERVICES("/who", .key = "", .header = "x-api-key: " GATEWAY_KEY),
        SERVICES("/act-as?default", .key = ""),
        SERVICES("/act-as?nobody", .key = ""),
        SERVICES("/session?nonsense", .key = NULL),
        SERVICES("/session?123e4567-e89b-42d3-a456-426614174000", .key = NULL),
        SERVICES("/slot", .key = NULL),
        SERVICES("/tools", .key = NULL),
        SERVICES("/config", .key = NULL),
        SERVICES("/module-metrics", .key = NULL),
        SERVICES("/watch", .key = NULL),
    };
    for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
        assert_same(&probes[i]);
}
END_TEST

START_TEST(a_body_that_is_too_large)
{
    static char large[5000];
    memset(large, 'x', sizeof(large) - 1);
    assert_same(&(const struct probe)POST("dialect", "/v1/echo/a", .body = large));
    assert_same(&(const struct probe)POST("text", "/generate-text", .body = large));
}
END_TEST

START_TEST(refusals_of_runs)
{
    static const struct probe probes[] = {
        TEXT("{}"),
        TEXT("{\"prompt\":\"\"}"),
        TEXT("{\"prompt\":[]}"),
        TEXT("{\"prompt\":\"x\",\"model\":\"--flag\"}"),
        TEXT("{\"prompt\":\"x\",\"model\":\"\"}"),
        TEXT("{\"prompt\":\"x\",\"effort\":\"most\"}"),
        TEXT("{\"prompt\":\"x\",\"profile\":\"none\"}"),
        TEXT("{\"prompt\":\"x\",\"sessionId\":\"nonsense\"}"),
        TEXT("{\"prompt\":\"x\",\"forkSession\":true}"),
        TEXT("{\"prompt\":\"x\",\"allowedTools\":[\"Bash(\"]}"),
        TEXT("{\"prompt\":\"x\",\"disallowedTools\":[\"a b\"]}"),
        TEXT("{\"prompt\":\"x\",\"allowedTools\":[]}"),
        TEXT("{\"prompt\":\"x\",\"allowedTools\":[\"Read\"],\"disallowedTools\":[\"*\"]}"),
        TEXT("{\"prompt\":\"x\",\"history\":[{\"role\":\"user\"}]}"),
        TEXT("{\"prompt\":\"x\",\"history\":[{\"role\":\"user\",\"content\":\"a\"}]}"),
        TEXT("{\"prompt\":\"x\",\"maxBudgetUsd\":-1}"),
        POST("object", "/generate-object", .body = "{\"prompt\":\"x\",\"schema\":3}"),
        POST("object", "/generate-object", .body = "{\"prompt\":\"x\",\"schema\":{}}",
             .header = "Content-Type: text/plain"),
    };
    for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
        assert_same(&probes[i]);
}
END_TEST

/* The names of the events are what matters; their data holds what differs by nature. */
static char *event_names(const char *body) {
    char *names = scratch_text("%s", "");
    for (const char *at = body; (at = strstr(at, "event: ")); at++) {
        char *longer = scratch_text("%s%.*s ", names, (int)strcspn(at + 7, "\n"), at + 7);
        free(names);
        names = longer;
    }
    return names;
}

START_TEST(streams_have_the_same_events)
{
    static const struct {
        const char *standin, *script;
    } runs[] = {
        {"{\"text\":\"hi\"}", "[{\"text\":\"hi\"}]"},
        {"{\"text\":\"half\",\"exit\":{\"code\":3,\"when\":\"mid_text\"}}",
         "[{\"text\":\"half\"},{\"crash\":{\"exit_code\":3}}]"},
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
        struct koine_test_host *host = fixture("stream");
        char *prompt = scratch_text("standin:%s", runs[i].standin);
        json_t *body = json_pack("{s:s}", "prompt", prompt);
        koine_test_play(host, runs[i].script);
        struct koine_test_answer *found =
            koine_test_send(host, "POST", "/stream", "{\"prompt\":\"x\"}");
        struct http_response expected = http_post(gateway, "/stream", body);
        char *a = event_names(koine_test_body(found)), *b = event_names(expected.body);
        ck_assert_int_eq(koine_test_status(found), expected.status);
        ck_assert_str_eq(a, b);
        free(a);
        free(b);
        free(prompt);
        http_response_finish(&expected);
        fixture_end(host);
    }
}
END_TEST

/* Each line without what differs by nature: ids, usage, pieces, models. */
static char *event_shapes(const char *body) {
    static const char *const ends[] = {" id=", " json=", " model=", " text=", " in=", " uses="};
    char *shapes = scratch_text("%s", "");
    for (const char *line = body; *line; line += strcspn(line, "\n") + 1) {
        size_t size = strcspn(line, "\n");
        for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
            const char *end = memmem(line, size, ends[i], strlen(ends[i]));
            size = end ? (size_t)(end - line) : size;
        }
        char *longer = scratch_text("%s%.*s\n", shapes, (int)size, line);
        free(shapes);
        shapes = longer;
    }
    return shapes;
}

#define CALL(name) "{\"server\":\"event-lines\",\"name\":\"" name "\",\"arguments\":{}}"

START_TEST(runs_tell_the_same_events)
{
    static const struct {
        const char *flags, *standin, *script;
    } runs[] = {
        {"none", "{\"thinking\":\"hmm\",\"text\":\"hi\"}",
         "[{\"thinking\":\"hmm\"},{\"text\":\"hi\"}]"},
        {"blocks", "{\"text\":\"hi\"}", "[{\"text\":\"hi\"}]"},
        {"blocks,thinking", "{\"thinking\":\"hmm\",\"text\":\"hi\"}",
         "[{\"block\":{\"type\":\"thinking\",\"thinking\":\"hmm\",\"signature\":\"s\"}},"
         "{\"text\":\"hi\"}]"},
        {"blocks,object", "{\"object\":{\"a\":1}}", "[{\"object\":{\"a\":1}}]"},
        {"blocks", "{\"streamed\":false,\"text\":\"hi\"}",
         "[{\"whole_message\":[{\"type\":\"text\",\"text\":\"hi\"}]}]"},
        {"blocks,tools",
         "{\"tool\":{\"name\":\"Bash\",\"input\":{\"a\":1},\"output\":\"ok\"},"
         "\"text\":\"hi\"}",
         "[{\"tool\":{\"name\":\"Bash\",\"input\":{\"a\":1},\"output\":\"ok\"}},{\"text\":\"hi\"}"
         "]"},
        {"blocks",
         "{\"call_host_tool\":[" CALL("first") "," CALL("second") "," CALL(
             "alone") "],"
                      "\"text\":\"hi\"}",
         "[{\"tool_calls\":[{\"name\":\"first\",\"input\":{}},{\"name\":\"second\",\"input\":{}},"
         "{\"name\":\"alone\",\"input\":{}}]},"
         "{\"text\":\"hi\"}]"},
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
        struct koine_test_host *host = fixture("event-lines");
        char *path = scratch_text("/events/%s", runs[i].flags);
        char *prompt = scratch_text("standin:%s", runs[i].standin);
        koine_test_play(host, runs[i].script);
        struct koine_test_answer *found = koine_test_send(host, "POST", path, "x");
        struct http_response expected =
            http_send(gateway, &(struct http_request){.path = path, .body = prompt});
        char *a = event_shapes(koine_test_body(found)), *b = event_shapes(expected.body);
        ck_assert_str_eq(a, b);
        free(a);
        free(b);
        free(prompt);
        free(path);
        http_response_finish(&expected);
        fixture_end(host);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {answers,
                                  refusals_of_the_host,
                                  services,
                                  a_body_that_is_too_large,
                                  routes_with_a_header,
                                  refusals_of_runs,
                                  streams_have_the_same_events,
                                  runs_tell_the_same_events};
    return test_main("test host and gateway", setup, teardown, tests, sizeof tests / sizeof *tests);
}
