/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every field of the two requests that hold a conversation, and what becomes of it: the tables that
 * README.md shows. Fields within fields are those of blocks.c, messages.c, tools.c and options.c.
 */
#ifndef ANTHROPIC_FIELDS_H
#define ANTHROPIC_FIELDS_H

#include <koine-module/body.h>

struct message_body {
    struct koine_text model;
    struct koine_body_array messages;
    struct koine_text system;
    struct koine_body_array tools;
    struct koine_text tool_choice;
    struct koine_text thinking;
    struct koine_text output_config;
    struct koine_text output_format;
    struct koine_text thread;
    uint32_t max_tokens;
    bool stream;
    /* Checked, and without effect. */
    struct koine_text metadata;
    struct koine_text service_tier;
    struct koine_text cache_control;
    struct koine_text speed;
    double temperature;
    double top_p;
    int64_t top_k;
};

struct request_fields {
    const struct koine_body_field *fields;
    size_t field_count;
    const struct koine_body_rule *rules;
    size_t rule_count;
};

extern const struct request_fields create_message_fields; /* POST /v1/messages */
extern const struct request_fields count_tokens_fields;   /* POST /v1/messages/count_tokens */

#endif
