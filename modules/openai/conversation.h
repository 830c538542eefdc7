/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation that a client sends, while it becomes messages of the Messages API: what is said
 * to the model as a system is taken out, and each message remembers which item of the client's it
 * was. What an item may be is chat_messages.c and responses_input.c.
 */
#ifndef OPENAI_CONVERSATION_H
#define OPENAI_CONVERSATION_H

#include "reading.h"
#include <koine-module/json_text.h>

enum { LONGEST_CONVERSATION = 100000 /* items of the client's, as Anthropic's API has it */ };

struct conversation {
    struct reading *reading;
    struct koine_body_place list;  /* "messages", "input" */
    json_t *messages;              /* owned until conversation_give */
    size_t *items;                 /* of each message, in the request's memory */
    struct koine_json_text system; /* plain text, parts with an empty line between */
};

/* `count`: of the client's items. */
void conversation_init(struct conversation *conversation, struct reading *reading, const char *list,
                       size_t count);

/* Adds a message of item `item`; takes `content`, of which NULL is passed over: its problem has
 * been noted. `role`: "user", "assistant". */
void conversation_add(struct conversation *conversation, size_t item, const char *role,
                      json_t *content);
/* Adds one block as a message; as conversation_add. */
void conversation_add_block(struct conversation *conversation, size_t item, const char *role,
                            json_t *block);
/* Adds to the system text; takes `content`, a string or blocks of text. */
void conversation_add_system(struct conversation *conversation, json_t *content);

/* Hands messages and system over to the ask, for as long as the request lives, and frees the rest.
 * Must be called once. */
void conversation_give(struct conversation *conversation, struct koine_chat_ask *ask);

/* After koine_body_accept: what the conversation as a whole lacks, told at the client's item. */
void conversation_check(const struct conversation *conversation, const json_t *messages);

#endif
