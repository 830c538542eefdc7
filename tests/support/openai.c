/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of OpenAI's API, sent to a gateway under test. */
#include "support/openai.h"
#include "support/scratch_directory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static json_t *body_with(const char *list, const char *fields) {
    json_t *body = quoted_json(fields ? fields : "{}");
    if (!json_object_get(body, "model"))
        json_object_set_new(body, "model", json_string("sonnet"));
    if (!json_object_get(body, list))
        json_object_set_new(body, list, json_array());
    return body;
}

json_t *openai_chat(const char *fields) {
    return body_with("messages", fields);
}

json_t *openai_response(const char *fields) {
    return body_with("input", fields);
}

static json_t *list_of(json_t *body) {
    json_t *messages = json_object_get(body, "messages");
    return messages ? messages : json_object_get(body, "input");
}

void openai_say(json_t *body, const char *role, const char *text) {
    json_array_append_new(list_of(body), json_pack("{ssss}", "role", role, "content", text));
}

void openai_add(json_t *body, const char *json) {
    json_array_append_new(list_of(body), quoted_json(json));
}

void openai_say_scenario(json_t *body, const char *scenario) {
    json_t *prompt = scenario_body(scenario, NULL);
    openai_say(body, "user", json_string_value(json_object_get(prompt, "prompt")));
    json_decref(prompt);
}

struct http_response openai_send(const struct gateway *gateway, const char *path,
                                 const json_t *body) {
    return http_post(gateway, path, json_deep_copy(body));
}

static json_t *body_of(const char *path, const char *scenario, const char *fields) {
    json_t *body = strcmp(path, CHAT) == 0 ? openai_chat(fields) : openai_response(fields);
    openai_say_scenario(body, scenario);
    return body;
}

struct http_response openai_ask(const struct gateway *gateway, const char *path,
                                const char *scenario, const char *fields) {
    struct http_response answer = http_post(gateway, path, body_of(path, scenario, fields));
    http_assert_status(&answer, 200);
    return answer;
}

static void assert_string(const struct http_response *answer, const char *name,
                          const char *expected) {
    const json_t *error = json_object_get(answer->json, "error");
    const json_t *value = json_object_get(error, name);
    ck_assert_msg(value != NULL, "no error.%s: %s", name, answer->body);
    const char *got = json_string_value(value);
    ck_assert_msg(expected ? got && strcmp(got, expected) == 0 : json_is_null(value),
                  "error.%s: expected %s: %s", name, expected ? expected : "null", answer->body);
}

void openai_assert_error(const struct http_response *answer, long status, const char *type,
                         const char *code, const char *param) {
    http_assert_status(answer, status);
    assert_string(answer, "type", type);
    assert_string(answer, "code", code);
    assert_string(answer, "param", param);
    const json_t *error = json_object_get(answer->json, "error");
    ck_assert_msg(json_string_length(json_object_get(error, "message")) > 0, "%s", answer->body);
    ck_assert_msg(json_object_size(error) == 4 && json_object_size(answer->json) == 1, "%s",
                  answer->body);
    char *type_header = http_header(answer, "Content-Type");
    ck_assert_pstr_eq(type_header, "application/json; charset=utf-8");
    free(type_header);
}

const char *openai_text_of(const struct http_response *answer) {
    return http_json_at(answer->json, "choices") ? http_string(answer, "choices.0.message.content")
                                                 : http_string(answer, "output.0.content.0.text");
}

json_t *openai_echoed(const struct gateway *gateway, const char *path, json_t *body,
                      const char *what) {
    char *scenario = scratch_text("{'echo':'%s'}", what);
    openai_say_scenario(body, scenario);
    struct http_response answer = openai_send(gateway, path, body);
    http_assert_status(&answer, 200);
    json_t *value = json_loads(openai_text_of(&answer), JSON_DECODE_ANY, NULL);
    ck_assert_msg(value != NULL, "%s", answer.body);
    http_response_finish(&answer);
    free(scenario);
    return value;
}

struct sse_recording openai_stream(const struct gateway *gateway, const char *path,
                                   const char *scenario, const char *fields) {
    json_t *body = body_of(path, scenario, fields);
    json_object_set_new(body, "stream", json_true());
    struct sse_stream *stream = sse_open_stream(gateway, path, body);
    struct sse_recording all = sse_read_all(stream);
    sse_stream_close(stream);
    return all;
}

void openai_assert_json(const json_t *value, const char *expected) {
    json_t *wanted = quoted_json(expected);
    char *got = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    ck_assert_msg(json_equal(value, wanted), "expected %s\n     got %s", expected, got);
    free(got);
    json_decref(wanted);
}
