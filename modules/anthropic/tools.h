/* SPDX-License-Identifier: Apache-2.0 */
/* The client's tools, and how the model may use them. */
#ifndef ANTHROPIC_TOOLS_H
#define ANTHROPIC_TOOLS_H

#include "members.h"
#include <koine-module/chat.h>

/* Checks the tools; afterwards they are what koine_chat_ask takes. NULL: there are none. */
void tools_check(struct checking *checking, json_t *tools);

/* Reads tool_choice into the ask, which has its tools; with a forced tool, the schema of its input,
 * too. NULL: the model decides. */
void tool_choice_read(struct checking *checking, json_t *choice, struct koine_chat_ask *ask);

/* The tables, for the documentation: NULL past the end. */
const struct object_rules *tools_rules_at(size_t index);

#endif
