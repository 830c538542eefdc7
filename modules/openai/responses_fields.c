/* SPDX-License-Identifier: Apache-2.0 */
/* As chat_fields.c: what would make the answer another thing than was asked for is refused. What
 * goes on from something that a server has kept is, too: nothing is kept here. */
#include "responses_fields.h"

#define HONOURED(name)                                                                             \
    { name, KOINE_BODY_HONOURED, NULL, NULL }
#define WITHOUT_EFFECT(name)                                                                       \
    { name, KOINE_BODY_WITHOUT_EFFECT, NULL, NULL }
#define REFUSED(name, allowed, why)                                                                \
    { name, KOINE_BODY_REFUSED, allowed, why }

const struct koine_body_rule responses_rules[] = {
    HONOURED("input"),
    HONOURED("instructions"),
    HONOURED("model"),
    HONOURED("stream"),
    HONOURED("max_output_tokens"),
    HONOURED("tools"),
    HONOURED("tool_choice"),
    HONOURED("parallel_tool_calls"),
    HONOURED("text"),
    HONOURED("reasoning"),
    HONOURED("include"),
    HONOURED("metadata"),
    WITHOUT_EFFECT("temperature"),
    WITHOUT_EFFECT("top_p"),
    WITHOUT_EFFECT("max_tool_calls"),
    WITHOUT_EFFECT("stream_options"),
    WITHOUT_EFFECT("user"),
    WITHOUT_EFFECT("safety_identifier"),
    WITHOUT_EFFECT("prompt_cache_key"),
    WITHOUT_EFFECT("prompt_cache_options"),
    WITHOUT_EFFECT("prompt_cache_retention"),
    WITHOUT_EFFECT("service_tier"),
    WITHOUT_EFFECT("store"),
    REFUSED("previous_response_id", NULL,
            "answers are not stored here; send the whole conversation in input"),
    REFUSED("conversation", NULL,
            "conversations are not stored here; send the whole conversation in input"),
    REFUSED("background", "false", "the answer comes with its request, or as a stream"),
    REFUSED("prompt", NULL, "prompts are not stored here; send the text"),
    REFUSED("context_management", "[]", "the conversation reaches the model as it is"),
    REFUSED("truncation", "\"disabled\"", "the conversation reaches the model as it is"),
    REFUSED("top_logprobs", "0", "the model gives no probabilities"),
    REFUSED("moderation", NULL, "there is none"),
};
const size_t responses_rule_count = sizeof(responses_rules) / sizeof(*responses_rules);

#define FIELD(member, kind, flags)                                                                 \
    KOINE_BODY_FIELD(struct responses_fields, member, #member, KOINE_BODY_##kind, flags)

const struct koine_body_field responses_field_table[] = {
    FIELD(model, STRING, KOINE_BODY_REQUIRED | KOINE_BODY_NOT_EMPTY),
    FIELD(input, JSON, KOINE_BODY_REQUIRED | KOINE_BODY_NULLABLE),
    FIELD(instructions, STRING, KOINE_BODY_NULLABLE),
    FIELD(tools, ARRAY, KOINE_BODY_NULLABLE),
    FIELD(tool_choice, JSON, KOINE_BODY_NULLABLE),
    FIELD(text, OBJECT, KOINE_BODY_NULLABLE),
    FIELD(reasoning, OBJECT, KOINE_BODY_NULLABLE),
    FIELD(metadata, OBJECT, KOINE_BODY_NULLABLE),
    FIELD(include, ARRAY, KOINE_BODY_NULLABLE),
    FIELD(max_output_tokens, POSITIVE_INTEGER, KOINE_BODY_NULLABLE),
    FIELD(stream, BOOLEAN, KOINE_BODY_NULLABLE),
    FIELD(parallel_tool_calls, BOOLEAN, KOINE_BODY_NULLABLE),
};
const size_t responses_field_count = sizeof(responses_field_table) / sizeof(*responses_field_table);
