/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation in a request of the real CLI to the Messages API, as a test states it: without
 * what the CLI says of its own accord, and without the scripts that steer the API.
 */
#ifndef SUPPORT_CONVERSATION_H
#define SUPPORT_CONVERSATION_H

#include <jansson.h>

/*
 * A new array of [ROLE, BLOCK, …], a message each. A block is its text; {"image":DATA};
 * {"call":TOOL} or {"result":TEXT}. Messages of the role system are left out, and so are texts that
 * are reminders, but nothing else: what the CLI puts beside a prompt for changes of settings is
 * there.
 */
json_t *conversation_of(const json_t *request);

/* Asserts that it is `expected`, JSON with ' for ", printing both. */
void assert_conversation(const json_t *request, const char *expected);

#endif
