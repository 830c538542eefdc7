/* SPDX-License-Identifier: Apache-2.0 */
/* How the model is to answer: thinking, effort, and the form of the answer. */
#ifndef ANTHROPIC_OPTIONS_H
#define ANTHROPIC_OPTIONS_H

#include "fields.h"
#include "members.h"
#include <koine-module/chat.h>

/* Reads thinking into the ask, which has its tools and max_tokens (0: none are asked for).
 * `*hidden`: blocks of thinking come without their text. NULL: no thinking. */
void thinking_read(struct checking *checking, json_t *thinking, struct koine_chat_ask *ask,
                   bool *hidden);

/* Reads output_config and output_format into the ask, which has its tool_choice. Texts of the ask
 * then lie in them. */
void output_read(struct checking *checking, json_t *config, json_t *format,
                 struct koine_chat_ask *ask);

/* The tables, for the documentation: NULL past the end. */
const struct object_rules *options_rules_at(size_t index);

#endif
