/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation of a request: its messages, and the system prompt. */
#ifndef ANTHROPIC_MESSAGES_H
#define ANTHROPIC_MESSAGES_H

#include "members.h"
#include <koine-module/module.h>

/* Checks the messages; afterwards they are what koine_chat_ask takes. */
void messages_check(struct checking *checking, json_t *messages);

/* The system prompt as one text, which lives as long as the request or `system`; none: there is
 * none, or a problem has been told. Several blocks are joined by an empty line. */
struct koine_text system_text(struct checking *checking, const struct koine_self *self,
                              koine_request request, json_t *system);

const struct object_rules *messages_rules(void);

#endif
