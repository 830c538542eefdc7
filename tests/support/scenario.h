/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that tell the stand-in CLI how to behave (keys: standin_cli.c), and waiting for what a
 * gateway shows of its slots. JSON is written with ' for " so that tests stay readable.
 */
#ifndef SUPPORT_SCENARIO_H
#define SUPPORT_SCENARIO_H

#include "support/http_client.h"
#include "support/sse_client.h"

#include <jansson.h>

/* The JSON text with ' for "; aborts the test when it is none. */
json_t *quoted_json(const char *text);

/* A body whose prompt selects the scenario; `fields`: further members, NULL for none. */
json_t *scenario_body(const char *scenario, const char *fields);

/* A body whose turn has its Bash tool run `command`; `more`: further keys of the scenario. */
json_t *tool_body(const char *more, const char *command);

/* POST /generate-text with scenario_body. */
struct http_response generate(const struct gateway *gateway, const char *scenario,
                              const char *fields);
struct http_call *generate_begin(const struct gateway *gateway, const char *scenario,
                                 const char *fields);
/* POST /generate-text on a connection of its own; the body is taken over, the answer not read. */
struct raw_client *begin_unread(const struct gateway *gateway, json_t *body);
/* POST /generate-text with a body as text. */
struct http_response generate_raw(const struct gateway *gateway, const char *body);

/* POST /stream with scenario_body; the head of the answer has been received. */
struct sse_stream *begin_stream(const struct gateway *gateway, const char *scenario,
                                const char *fields);
/* The same, read to its end: asserts that all is numbered from 1 and that `done` is last. */
struct sse_recording stream_all(const struct gateway *gateway, const char *scenario,
                                const char *fields);
/* What stream_all asserts of a recording. */
void assert_stream_form(const struct sse_recording *recording);

/* The `text` of an answer with status 200, read as JSON: what the stand-in echoed. */
json_t *echoed(const struct http_response *response);

/* Asks /health until that many non-streaming (streaming) slots are taken; aborts after
 * `timeout_ms`. */
void await_active_slots(const struct gateway *gateway, int active, unsigned timeout_ms);
void await_active_streams(const struct gateway *gateway, int active, unsigned timeout_ms);

#endif
