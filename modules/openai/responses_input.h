/* SPDX-License-Identifier: Apache-2.0 */
/* The input of /v1/responses: a text, or items of a conversation. */
#ifndef OPENAI_RESPONSES_INPUT_H
#define OPENAI_RESPONSES_INPUT_H

#include "conversation.h"

/* Reads a string or an array of items into the conversation; what is wrong goes into the body's
 * problems. */
void responses_input_read(struct conversation *conversation, json_t *input);

#endif
