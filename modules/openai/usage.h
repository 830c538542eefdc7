/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer has cost, in the API's words. Tokens of the prompt that came from the cache, or
 * went into it, are tokens of the prompt. */
#ifndef OPENAI_USAGE_H
#define OPENAI_USAGE_H

#include <koine-module/json_text.h>
#include <koine/runner.h>

/* Adds a JSON object each. */
void usage_add_chat(struct koine_json_text *text, const struct koine_usage *usage);
void usage_add_responses(struct koine_json_text *text, const struct koine_usage *usage);

#endif
