/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of /v1/chat/completions. */
#ifndef OPENAI_CHAT_MESSAGES_H
#define OPENAI_CHAT_MESSAGES_H

#include "conversation.h"

/* Reads the client's array into the conversation; what is wrong goes into the body's problems. */
void chat_messages_read(struct conversation *conversation, const json_t *messages);

#endif
