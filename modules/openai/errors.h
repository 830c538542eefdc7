/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures in the API's shape: {"error": {"message", "type", "param", "code"}}. For refusals of the
 * host and of the module alike, and for the error events of a stream.
 */
#ifndef OPENAI_ERRORS_H
#define OPENAI_ERRORS_H

#include <koine-module/json_text.h>
#include <koine/http.h>

/* koine_route.render_failure */
int32_t errors_render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
                      size_t *length, const char **content_type);

/* Adds the members of the error object, without the braces: "message":…,"type":…,… */
void errors_add(struct koine_json_text *text, const struct koine_failure *failure);

/* The API's code for a failure, NULL: it has none. `errors_add` may say more of issues. */
const char *errors_code(const struct koine_failure *failure);

#endif
