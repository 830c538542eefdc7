/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that a client offers the model, and how the model may use them. The endpoints write
 * both alike, but for one level of nesting: {"type": "function", "function": {…}} of chat is
 * {"type": "function", …} of responses.
 */
#ifndef OPENAI_TOOLS_H
#define OPENAI_TOOLS_H

#include "reading.h"

struct tool_fields {
    struct koine_body_array tools;
    struct koine_text choice; /* JSON */
    bool parallel;
    bool nested; /* chat's way */
};

/*
 * Fills the ask's tools, choice, forced_tool and one_tool_at_a_time; they live as long as the
 * request. With a forced tool the schema is that of its input, whatever form the answer shall have:
 * to be called behind format_of_…. What is wrong goes into the body's problems.
 */
void tools_read(struct reading *reading, const struct tool_fields *fields,
                struct koine_chat_ask *ask);

/* The same check as koine_chat_tools_problem, its problem told at the client's own place. */
void tools_check(struct reading *reading, const struct tool_fields *fields,
                 const struct koine_chat_ask *ask);

/* A call in the conversation as a block tool_use, a new reference; NULL: a problem has been noted.
 * `object` holds `name` and `arguments`, a string of JSON. */
json_t *tools_call(struct reading *reading, const struct koine_body_place *place,
                   const json_t *object, json_t *id);

#endif
