/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a request to /v1/responses: one table says what becomes of each, one where the
 * honoured ones go. README.md repeats the first; a test compares them. */
#ifndef OPENAI_RESPONSES_FIELDS_H
#define OPENAI_RESPONSES_FIELDS_H

#include <koine-module/body.h>

struct responses_fields {
    struct koine_text model;
    struct koine_text input; /* JSON */
    struct koine_text instructions;
    struct koine_body_array tools;
    struct koine_text tool_choice; /* JSON */
    struct koine_text text;        /* JSON, and so on */
    struct koine_text reasoning;
    struct koine_text metadata;
    struct koine_body_array include;
    uint32_t max_output_tokens;
    bool stream;
    bool parallel_tool_calls; /* true by default */
};

extern const struct koine_body_rule responses_rules[];
extern const size_t responses_rule_count;
extern const struct koine_body_field responses_field_table[];
extern const size_t responses_field_count;

#endif
