/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member has an effect, or could have none on what is answered (a seed, a name for statistics),
 * or would make the answer another thing than was asked for: that is refused, but for the values
 * that ask for nothing.
 */
#include "chat_fields.h"
#include "conversation.h"

#define HONOURED(name)                                                                             \
    { name, KOINE_BODY_HONOURED, NULL, NULL }
#define WITHOUT_EFFECT(name)                                                                       \
    { name, KOINE_BODY_WITHOUT_EFFECT, NULL, NULL }
#define REFUSED(name, allowed, why)                                                                \
    { name, KOINE_BODY_REFUSED, allowed, why }

const struct koine_body_rule chat_rules[] = {
    HONOURED("messages"),
    HONOURED("model"),
    HONOURED("stream"),
    HONOURED("stream_options"),
    HONOURED("max_tokens"),
    HONOURED("max_completion_tokens"),
    HONOURED("tools"),
    HONOURED("tool_choice"),
    HONOURED("parallel_tool_calls"),
    HONOURED("response_format"),
    HONOURED("reasoning_effort"),
    WITHOUT_EFFECT("temperature"),
    WITHOUT_EFFECT("top_p"),
    WITHOUT_EFFECT("presence_penalty"),
    WITHOUT_EFFECT("frequency_penalty"),
    WITHOUT_EFFECT("seed"),
    WITHOUT_EFFECT("verbosity"),
    WITHOUT_EFFECT("user"),
    WITHOUT_EFFECT("safety_identifier"),
    WITHOUT_EFFECT("prompt_cache_key"),
    WITHOUT_EFFECT("prompt_cache_options"),
    WITHOUT_EFFECT("prompt_cache_retention"),
    WITHOUT_EFFECT("service_tier"),
    WITHOUT_EFFECT("store"),
    WITHOUT_EFFECT("metadata"),
    REFUSED("n", "1", "the model gives one answer; ask several times"),
    REFUSED("stop", "[]", "the CLI knows no stop sequences; cut the answer yourself"),
    REFUSED("logprobs", "false", "the model gives no probabilities"),
    REFUSED("top_logprobs", "0", "the model gives no probabilities"),
    REFUSED("logit_bias", "{}", "the model takes none"),
    REFUSED("modalities", "[\"text\"]", "the model answers in text alone"),
    REFUSED("audio", NULL, "the model answers in text alone"),
    REFUSED("prediction", NULL, "the model takes none"),
    REFUSED("moderation", NULL, "there is none"),
    REFUSED("web_search_options", NULL,
            "the model does not search by itself; give it a function for it"),
    REFUSED("functions", "[]", "it was replaced by tools"),
    REFUSED("function_call", NULL, "it was replaced by tool_choice"),
};
const size_t chat_rule_count = sizeof(chat_rules) / sizeof(*chat_rules);

#define FIELD(member, kind, flags)                                                                 \
    KOINE_BODY_FIELD(struct chat_fields, member, #member, KOINE_BODY_##kind, flags)

enum { NEEDED = KOINE_BODY_REQUIRED | KOINE_BODY_NOT_EMPTY };

const struct koine_body_field chat_field_table[] = {
    FIELD(model, STRING, NEEDED),
    KOINE_BODY_LIMITED(struct chat_fields, messages, "messages", KOINE_BODY_ARRAY, NEEDED, 1,
                       LONGEST_CONVERSATION),
    FIELD(tools, ARRAY, KOINE_BODY_NULLABLE),
    FIELD(tool_choice, JSON, KOINE_BODY_NULLABLE),
    FIELD(response_format, OBJECT, KOINE_BODY_NULLABLE),
    FIELD(reasoning_effort, STRING, KOINE_BODY_NULLABLE),
    FIELD(stream_options, OBJECT, KOINE_BODY_NULLABLE),
    FIELD(max_tokens, POSITIVE_INTEGER, KOINE_BODY_NULLABLE),
    FIELD(max_completion_tokens, POSITIVE_INTEGER, KOINE_BODY_NULLABLE),
    FIELD(stream, BOOLEAN, KOINE_BODY_NULLABLE),
    FIELD(parallel_tool_calls, BOOLEAN, KOINE_BODY_NULLABLE),
};
const size_t chat_field_count = sizeof(chat_field_table) / sizeof(*chat_field_table);
