/* SPDX-License-Identifier: Apache-2.0 */
/* The form that the answer shall have (text, any JSON object, one that fits a schema), and how hard
 * the model shall think. */
#ifndef OPENAI_FORMAT_H
#define OPENAI_FORMAT_H

#include "reading.h"

/* Each fills the ask's schema; what is wrong goes into the body's problems. Texts of none are
 * passed over. */
void format_of_chat(struct reading *reading, struct koine_text response_format,
                    struct koine_chat_ask *ask);
void format_of_responses(struct reading *reading, struct koine_text text,
                         struct koine_chat_ask *ask);

/* The ask's effort from the API's word. */
void format_effort(struct reading *reading, const struct koine_body_place *place,
                   struct koine_text word, struct koine_chat_ask *ask);

#endif
