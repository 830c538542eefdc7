/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The viewer of the reference, which others wrote: script files below /docs/scalar/, from `docs`
 * beside the binary or installed in share/koine-gateway/docs. Knows nothing of what is in them.
 */
#ifndef HTTP_VIEWER_H
#define HTTP_VIEWER_H

#include "http/server.h"

struct viewer;

/* NULL when memory is short. */
struct viewer *viewer_create(void);
void viewer_destroy(struct viewer *viewer); /* takes NULL */

/* True when `head` was for one of its files, there or not, and has been answered. */
bool viewer_answer(struct viewer *viewer, struct server *server, struct gate_connection *connection,
                   const struct gate_head *head, const char *id);

#endif
