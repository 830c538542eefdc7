/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a request to /v1/chat/completions: one table says what becomes of each, one where
 * the honoured ones go. README.md repeats the first; a test compares them. */
#ifndef OPENAI_CHAT_FIELDS_H
#define OPENAI_CHAT_FIELDS_H

#include <koine-module/body.h>

struct chat_fields {
    struct koine_text model;
    struct koine_body_array messages;
    struct koine_body_array tools;
    struct koine_text tool_choice;
    struct koine_text response_format;
    struct koine_text reasoning_effort;
    struct koine_text stream_options;
    uint32_t max_tokens;
    uint32_t max_completion_tokens;
    bool stream;
    bool parallel_tool_calls; /* true by default */
};

extern const struct koine_body_rule chat_rules[];
extern const size_t chat_rule_count;
extern const struct koine_body_field chat_field_table[];
extern const size_t chat_field_count;

#endif
