/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: what the gate's callbacks mean. Decides over each head (route, key, draining),
 * answers the host's own pages, and hands the rest to modules.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/request.h"
#include "modules/handles.h"
#include "openapi/served.h"

struct server {
    struct worker *worker;
    struct gate *gate;
    struct router *router;
    struct handles *requests;
    struct openapi_served openapi;
    struct assets *assets;
    uint64_t id_prefix; /* of made request ids */
    uint64_t id_counter;
    size_t open;                 /* requests with a record */
    struct request_memory *kept; /* of requests that ended while a module's code ran */
    void (*idle)(void *data);    /* called when the last one ends, and when the last page that was
                                    asked for has left; used while draining */
    void *idle_data;
};

struct server *server_create(struct worker *worker);
int server_listen(struct server *server, int fd); /* 0 or -1 with errno */
/* What clients wait for: requests, and pages and refusals that they have yet to read. */
size_t server_open(const struct server *server);
/* The drain deadline has passed: every request is answered 503, or told so on its stream. */
void server_shut_down(struct server *server);
/* Ends what is still open at once. */
void server_cut(struct server *server);
void server_destroy(struct server *server); /* takes NULL */

/* The host's own pages (pages.c): true when `head` was one of them and has been answered. */
bool pages_answer(struct server *server, struct gate_connection *connection,
                  const struct gate_head *head, const char *id);
bool pages_answer_private(struct server *server, struct gate_connection *connection,
                          const struct gate_head *head, const char *id);

/* Answers a head with a failure, in the dialect of `route` (may be NULL). */
void server_refuse(struct server *server, struct gate_connection *connection,
                   const struct route *route, const char *id, const struct koine_failure *failure,
                   const char *extra_headers);

/* Renders a failure in a route's dialect or as JSON; malloc'd body, NULL when memory is short. */
char *server_render(const struct route *route, const struct koine_failure *failure, size_t *size,
                    const char **content_type);

#endif
