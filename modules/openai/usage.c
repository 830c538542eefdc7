/* SPDX-License-Identifier: Apache-2.0 */
/* Usage as both endpoints write it. The CLI does not tell how much of the answer was thinking. */
#include "usage.h"

static uint64_t prompt_tokens(const struct koine_usage *usage) {
    return usage->input_tokens + usage->cache_read_input_tokens +
           usage->cache_creation_input_tokens;
}

static void add(struct koine_json_text *text, struct koine_text before, uint64_t number) {
    koine_json_text_add(text, before);
    koine_json_text_add_number(text, number);
}

void usage_add_chat(struct koine_json_text *text, const struct koine_usage *usage) {
    const uint64_t prompt = prompt_tokens(usage);
    add(text, KOINE_TEXT("{\"prompt_tokens\":"), prompt);
    add(text, KOINE_TEXT(",\"completion_tokens\":"), usage->output_tokens);
    add(text, KOINE_TEXT(",\"total_tokens\":"), prompt + usage->output_tokens);
    add(text, KOINE_TEXT(",\"prompt_tokens_details\":{\"audio_tokens\":0,\"cached_tokens\":"),
        usage->cache_read_input_tokens);
    koine_json_text_add(text, KOINE_TEXT("},\"completion_tokens_details\":{\"reasoning_tokens\":0,"
                                         "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
                                         "\"rejected_prediction_tokens\":0}}"));
}

void usage_add_responses(struct koine_json_text *text, const struct koine_usage *usage) {
    const uint64_t prompt = prompt_tokens(usage);
    add(text, KOINE_TEXT("{\"input_tokens\":"), prompt);
    add(text, KOINE_TEXT(",\"input_tokens_details\":{\"cached_tokens\":"),
        usage->cache_read_input_tokens);
    add(text, KOINE_TEXT("},\"output_tokens\":"), usage->output_tokens);
    add(text, KOINE_TEXT(",\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":"),
        prompt + usage->output_tokens);
    koine_json_text_add(text, KOINE_TEXT("}"));
}
