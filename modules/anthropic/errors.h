/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals in the form of the API: {"type":"error","error":{"type":…,"message":…}}. */
#ifndef ANTHROPIC_ERRORS_H
#define ANTHROPIC_ERRORS_H

#include <koine-module/json_text.h>
#include <koine-module/module.h>

/* What the API calls an error of this status: "rate_limit_error". */
struct koine_text error_type(uint16_t status);

/* Writes the error as JSON; a `request_id` of none is null. */
void error_write(struct koine_json_text *out, uint16_t status, struct koine_text message,
                 struct koine_text request_id);

/* koine_render_failure of all routes. */
int32_t error_render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
                     size_t *length, const char **content_type);

/* Answers 400 in the words that make the API's own clients send the whole conversation again,
 * instead of what is new in a thread that the API keeps. */
void fail_thread(const struct koine_self *self, koine_request request);

/* Answers 404 as the API does. */
void fail_unknown_model(const struct koine_self *self, koine_request request,
                        struct koine_text name);

#endif
