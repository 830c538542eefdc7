/* SPDX-License-Identifier: Apache-2.0 */
/* The stream events of the Messages API that tell one answer. Knows nothing of HTTP or timing. */
#ifndef STANDIN_API_EVENTS_H
#define STANDIN_API_EVENTS_H

#include <jansson.h>

/* A new array of event objects, message_start to message_stop, for a step of the script. `number`
 * makes the ids of the message and of its tool calls unique. NULL when memory runs out. */
json_t *answer_events(const json_t *step, const char *model, unsigned number);

#endif
