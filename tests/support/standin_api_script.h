/* SPDX-License-Identifier: Apache-2.0 */
/* What the stand-in API is to answer to one Messages API request: read from the conversation
 * itself, so that a test says in its prompt what the model does. Knows nothing of HTTP or SSE. */
#ifndef STANDIN_API_SCRIPT_H
#define STANDIN_API_SCRIPT_H

#include <jansson.h>

/* The step that answers `request` (borrowed): a new object with the keys of the script (see
 * --help), where "tool" and "object" are already turned into "tools", and "text" is set unless
 * tools are or the answer is never to come. NULL when memory runs out. */
json_t *script_step(const json_t *request);

#endif
