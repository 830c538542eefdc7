/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table: which module answers which method and path. Filled while modules initialise,
 * constant afterwards. Knows nothing of requests.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/route_path.h"
#include <koine/http.h>

struct module;
struct slot_class;

/* Routes are searched one after the other, those of all modules for each request. */
enum { ROUTER_MODULE_ROUTES = 1000 };
#define ROUTER_TOO_MANY                                                                            \
    "a module may have 1,000 routes; a parameter serves many paths: /models/{model}"

struct route {
    struct koine_route as;         /* as it is served: what the operator changed is changed here */
    const char *given_path;        /* as the module calls it; another than as.path: moved */
    uint32_t given_authentication; /* as the module wants it */
    struct module *module;         /* whose it is */
    struct slot_class *slot_class; /* NULL: none */
    unsigned number;               /* in the supervisor's notes, once all are known; 0: none */
};

/* What of a request decides who answers it. */
struct route_request {
    struct koine_text method, path; /* the path raw */
    bool (*carries)(const void *data, const char *header);
    const void *data; /* of carries */
};

struct route_match {
    const struct route *route;     /* NULL: no such path, or not with this method */
    const struct route *same_path; /* one for another method of this path, for 405 */
    size_t param_count;
    struct koine_text params[ROUTE_MAX_PARAMS]; /* raw segments, in the order of the path */
};

struct router;
struct router *router_create(void);
void router_destroy(struct router *router); /* takes NULL */

/* Why the route cannot be served, completing a sentence; NULL: it can. */
const char *router_problem(const struct koine_route *route);

/* The route that answers the same requests already, or NULL. */
const struct route *router_taken(const struct router *router, const struct koine_route *route);

/* The paths of the gateway's own pages; NULL ends them. */
extern const char *const router_pages[];

/* Whether the path is one of the gateway's own pages: no module may have it, whatever the method.
 */
bool router_is_page(const char *path);

/* Adds a route without problem that is not taken: KOINE_OK, KOINE_NO_MEMORY. */
int router_add(struct router *router, const struct route *route);

/* Takes a module's routes out again: it failed to initialise or to start. */
void router_drop(struct router *router, const struct module *module);

/* HEAD finds GET. A route that wants a header exists for requests alone that carry it; here and in
 * the next two it comes before another that would do as well without. */
void router_match(const struct router *router, const struct route_request *request,
                  struct route_match *match);

/* "GET, HEAD, POST": the methods of the request's path, for Allow. */
void router_allow(const struct router *router, const struct route_request *request, char *out,
                  size_t size);

/* The route whose render_failure speaks for a request that no route matches, or NULL. */
const struct route *router_failure_route(const struct router *router,
                                         const struct route_request *request);

/* "GET /models (with anthropic-version)", for people. Returns name->text. */
struct route_name {
    char text[720];
};
const char *route_name(const struct koine_route *route, struct route_name *name);

/* The index of a parameter's name in the route's path, or -1. */
int route_param_index(const struct route *route, const char *name);

/* What a request without a key is told, in the place that the route looks at first; `route` may be
 * NULL in both. */
const char *route_key_wanted(const struct route *route);
/* What a key that nobody knows is refused with. */
int route_wrong_key_status(const struct route *route);

struct worker_notes;
/* The table is complete: gives each route its number and notes what it is. */
void router_note(struct router *router, struct worker_notes *notes);

size_t router_count(const struct router *router);
const struct route *router_at(const struct router *router, size_t index);

#endif
