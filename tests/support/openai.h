/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the module "openai" as a client of that API keeps them: a body whose messages (or
 * input) grow. JSON is written with ' for ".
 */
#ifndef SUPPORT_OPENAI_H
#define SUPPORT_OPENAI_H

#include "support/scenario.h"

#define CHAT "/v1/chat/completions"
#define RESPONSES "/v1/responses"

/* {"model": "sonnet", "messages": [], …fields} and the same with "input"; `fields` may be NULL. */
json_t *openai_chat(const char *fields);
json_t *openai_response(const char *fields);

/* Adds a message with a text. */
void openai_say(json_t *body, const char *role, const char *text);
/* Adds a message, or an item. */
void openai_add(json_t *body, const char *json);
/* Adds the user's message that selects the scenario. */
void openai_say_scenario(json_t *body, const char *scenario);

/* Sends a copy of the body. */
struct http_response openai_send(const struct gateway *gateway, const char *path,
                                 const json_t *body);
/* A body with that scenario alone; asserts the status 200. */
struct http_response openai_ask(const struct gateway *gateway, const char *path,
                                const char *scenario, const char *fields);

/* Asserts the status, and the error object's members; NULL: null. */
void openai_assert_error(const struct http_response *answer, long status, const char *type,
                         const char *code, const char *param);

/* The text of the first choice, or of the first output item. */
const char *openai_text_of(const struct http_response *answer);

/* The text of the answer to a scenario that echoes, read as JSON. */
json_t *openai_echoed(const struct gateway *gateway, const char *path, json_t *body,
                      const char *what);

/* A stream of that scenario, read to its end. */
struct sse_recording openai_stream(const struct gateway *gateway, const char *path,
                                   const char *scenario, const char *fields);

/* Asserts that the value is JSON with ' for ", printing both. */
void openai_assert_json(const json_t *value, const char *expected);

#endif
