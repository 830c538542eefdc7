/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies for the stand-in CLI and the questions that most end-to-end tests ask. */
#include "support/scenario.h"

#include "support/scratch_directory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *quoted_json(const char *text) {
    char *copy = scratch_text("%s", text);
    json_error_t error;
    for (char *at = copy; (at = strchr(at, '\'')); at++)
        *at = '"';
    json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);
    ck_assert_msg(json != NULL, "%s: %s", text, error.text);
    free(copy);
    return json;
}

json_t *scenario_body(const char *scenario, const char *fields) {
    json_t *script = quoted_json(scenario), *body = fields ? quoted_json(fields) : json_object();
    char *text = json_dumps(script, JSON_COMPACT);
    json_object_set_new(body, "prompt", json_sprintf("standin:%s", text));
    free(text);
    json_decref(script);
    return body;
}

json_t *tool_body(const char *more, const char *command) {
    json_t *scenario = quoted_json(more);
    json_t *tool = json_pack("{ss ss}", "name", "Bash", "run", command);
    json_object_set_new(scenario, "tool", tool);
    char *text = json_dumps(scenario, JSON_COMPACT);
    json_t *body =
        json_pack("{so s[s]}", "prompt", json_sprintf("standin:%s", text), "allowedTools", "Bash");
    ck_assert_ptr_nonnull(body);
    json_decref(scenario);
    free(text);
    return body;
}

struct http_response generate(const struct gateway *gateway, const char *scenario,
                              const char *fields) {
    return http_post(gateway, "/generate-text", scenario_body(scenario, fields));
}

struct http_call *generate_begin(const struct gateway *gateway, const char *scenario,
                                 const char *fields) {
    return http_begin_post(gateway, "/generate-text", scenario_body(scenario, fields));
}

struct raw_client *begin_unread(const struct gateway *gateway, json_t *body) {
    char *text = json_dumps(body, JSON_COMPACT);
    char *request = scratch_text("POST /generate-text HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
                                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                 strlen(text), text);
    struct raw_client *client = raw_connect(gateway);
    ck_assert(raw_send_text(client, request));
    json_decref(body);
    free(request);
    free(text);
    return client;
}

struct http_response generate_raw(const struct gateway *gateway, const char *body) {
    return http_send(
        gateway, &(struct http_request){.path = "/generate-text", .method = "POST", .body = body});
}

struct sse_stream *begin_stream(const struct gateway *gateway, const char *scenario,
                                const char *fields) {
    return sse_open_stream(gateway, "/stream", scenario_body(scenario, fields));
}

void assert_stream_form(const struct sse_recording *recording) {
    ck_assert_uint_gt(recording->count, 0);
    for (size_t i = 0; i < recording->count; i++) {
        const struct sse_event *event = &recording->events[i];
        char *number = scratch_text("%zu", i + 1);
        ck_assert_str_eq(event->id, number);
        ck_assert_msg(json_is_object(event->json), "the data of %s is no JSON object: %.1000s",
                      event->name, event->data);
        free(number);
    }
    ck_assert_str_eq(recording->events[recording->count - 1].name, "done");
    ck_assert_uint_eq(sse_count(recording, "done"), 1);
}

struct sse_recording stream_all(const struct gateway *gateway, const char *scenario,
                                const char *fields) {
    struct sse_stream *stream = begin_stream(gateway, scenario, fields);
    struct sse_recording recording = sse_read_all(stream);
    assert_stream_form(&recording);
    sse_stream_close(stream);
    return recording;
}

json_t *echoed(const struct http_response *response) {
    http_assert_status(response, 200);
    const char *text = http_string(response, "text");
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "no JSON was echoed: %s", text);
    return json;
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Between two looks: whoever asks without a pause takes the processor from what it waits for. */
enum { LOOK_NS = 2000000 };

static void await_active(const struct gateway *gateway, const char *slot_class, int active,
                         unsigned timeout_ms) {
    uint64_t until = now_ms() + timeout_ms;
    char *path = scratch_text("concurrency.%s.active", slot_class);
    json_int_t seen;
    for (;;) {
        struct http_response health = http_get(gateway, "/health");
        seen = http_integer(&health, path);
        http_response_finish(&health);
        if (seen == active || now_ms() >= until)
            break;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    ck_assert_msg(seen == active, "%d %s slots are taken after %u ms, expected %d", (int)seen,
                  slot_class, timeout_ms, active);
    free(path);
}

void await_active_slots(const struct gateway *gateway, int active, unsigned timeout_ms) {
    await_active(gateway, "nonStreaming", active, timeout_ms);
}

void await_active_streams(const struct gateway *gateway, int active, unsigned timeout_ms) {
    await_active(gateway, "streaming", active, timeout_ms);
}
