/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations as a client of Anthropic's API keeps them, for the tests of the module `anthropic`:
 * a body that grows message by message. JSON is written with ' for ".
 */
#ifndef E2E_ANTHROPIC_FIXTURE_H
#define E2E_ANTHROPIC_FIXTURE_H

#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES "/v1/messages"

static struct gateway *gateway;

static inline void start_with(const char *config) {
    gateway_stop(gateway);
    gateway = NULL;
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

static inline void setup(void) {
    start_with(NULL);
}

static inline void teardown(void) {
    gateway_stop(gateway);
}

/* A body without messages; `fields`: further members, NULL for none. */
static inline json_t *ask(const char *fields) {
    json_t *body = quoted_json(fields ? fields : "{}");
    json_t *defaults =
        json_pack("{s:s,s:i,s:[]}", "model", "sonnet", "max_tokens", 100, "messages");
    json_object_update_missing(body, defaults);
    json_decref(defaults);
    return body;
}

/* `content`: JSON, a string or blocks. */
static inline void say(json_t *body, const char *role, const char *content) {
    json_t *message = json_pack("{s:s,s:o}", "role", role, "content", quoted_json(content));
    json_array_append_new(json_object_get(body, "messages"), message);
}

/* What the stand-in CLI is to do, as the user's next message. */
static inline void say_scenario(json_t *body, const char *scenario) {
    json_t *script = quoted_json(scenario);
    char *text = json_dumps(script, JSON_COMPACT);
    json_t *content = json_sprintf("standin:%s", text);
    json_array_append_new(json_object_get(body, "messages"),
                          json_pack("{s:s,s:o}", "role", "user", "content", content));
    free(text);
    json_decref(script);
}

/* A whole request: one message, and no more. */
static inline json_t *ask_scenario(const char *scenario, const char *fields) {
    json_t *body = ask(fields);
    say_scenario(body, scenario);
    return body;
}

/* The body stays the caller's. */
static inline struct http_response send_body(const char *path, const json_t *body) {
    return http_post(gateway, path, json_deep_copy(body));
}

/* Sends what has been said, which must be answered; the answer is added as the client's own SDK
 * does it. */
static inline struct http_response converse(json_t *body) {
    struct http_response answer = send_body(MESSAGES, body);
    http_assert_status(&answer, 200);
    json_array_append_new(
        json_object_get(body, "messages"),
        json_pack("{s:s,s:O}", "role", "assistant", "content", http_member(&answer, "content")));
    return answer;
}

/* One question, one answer; the body is taken over. */
static inline struct http_response message_of(json_t *body) {
    struct http_response answer = converse(body);
    json_decref(body);
    return answer;
}

static inline void assert_json(const json_t *got, const char *expected) {
    json_t *wanted = quoted_json(expected);
    char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
    ck_assert_msg(json_equal(wanted, got), "expected %s, got %s", expected, text);
    free(text);
    json_decref(wanted);
}

static inline void assert_member(const struct http_response *answer, const char *path,
                                 const char *expected) {
    assert_json(http_member(answer, path), expected);
}

/* An error in the API's form. */
static inline void assert_api_error(const struct http_response *answer, long status,
                                    const char *type, const char *message) {
    http_assert_status(answer, status);
    ck_assert_str_eq(http_string(answer, "type"), "error");
    ck_assert_str_eq(http_string(answer, "error.type"), type);
    ck_assert_msg(strstr(http_string(answer, "error.message"), message) != NULL,
                  "expected \"%s\" in \"%s\"", message, http_string(answer, "error.message"));
}

#endif
