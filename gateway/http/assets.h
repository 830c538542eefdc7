/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages that people see: /docs and /console, with what they are made of. What is in
 * gateway/pages is in the binary; the viewer of the reference is not (viewer.h).
 */
#ifndef HTTP_ASSETS_H
#define HTTP_ASSETS_H

#include "http/server.h"

/* NULL when memory is short. */
struct assets *assets_create(const struct config *config);
void assets_destroy(struct assets *assets); /* takes NULL */

/* True when `head` was for one of them and has been answered. */
bool assets_answer(struct server *server, struct gate_connection *connection,
                   const struct gate_head *head, const char *id);

/* Somebody who has typed the gateway's address into a browser is led to a page: true when `head`
 * was theirs and has been answered. For when no module serves "/". */
bool assets_answer_root(struct server *server, struct gate_connection *connection,
                        const struct gate_head *head, const char *id);

#endif
