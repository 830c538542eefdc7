/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table: which module answers which method and path. Filled while modules initialise,
 * constant afterwards. Knows nothing of requests.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <koine/http.h>
#include <stdbool.h>

#define ROUTE_MAX_PARAMS 8

struct module;
struct slot_class;

struct route {
    struct koine_route as;         /* a copy; longer ones of newer modules are refused before */
    struct module *module;         /* whose it is */
    struct slot_class *slot_class; /* NULL: none */
    unsigned number;               /* in the supervisor's notes, once all are known; 0: none */
};

struct route_match {
    const struct route *route;     /* NULL: no such path, or not with this method */
    const struct route *same_path; /* a route of this path with another method, for 405 */
    size_t param_count;
    struct koine_text params[ROUTE_MAX_PARAMS]; /* raw segments, in the order of the path */
};

struct router;
struct router *router_create(void);
void router_destroy(struct router *router); /* takes NULL */

/* Adds a route. KOINE_OK; KOINE_INVALID or KOINE_EXISTS with `message`; KOINE_NO_MEMORY. */
int router_add(struct router *router, const struct route *route, char *message, size_t size);

/* Takes a module's routes out again: it failed to initialise. */
void router_drop(struct router *router, const struct module *module);

/* Matches a raw path. HEAD finds GET. */
void router_match(const struct router *router, struct koine_text method, struct koine_text path,
                  struct route_match *match);

/* "GET, HEAD, POST": the methods of a path, for Allow. */
void router_allow(const struct router *router, struct koine_text path, char *out, size_t size);

/* The route whose render_failure speaks for a path that no route matches, or NULL. */
const struct route *router_failure_route(const struct router *router, struct koine_text path);

/* The index of a parameter's name in the route's path, or -1. */
int route_param_index(const struct route *route, const char *name);

struct worker_notes;
/* The table is complete: gives each route its number and notes what it is. */
void router_note(struct router *router, struct worker_notes *notes);

size_t router_count(const struct router *router);
const struct route *router_at(const struct router *router, size_t index);

/* Percent-decodes `in` into `out` (capacity at least in.size). False on a bad escape or %00. */
bool path_decode(struct koine_text in, char *out, size_t *size);

#endif
