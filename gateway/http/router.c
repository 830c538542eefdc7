/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: a short array that is searched in order: where two match, the first one is the
 * more fixed. */
#include "http/router.h"
#include "http/header_name.h"
#include "http/refusal_words.h"
#include "supervisor/notes.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct router {
    struct route *routes;
    size_t count;
};

struct router *router_create(void) {
    return calloc(1, sizeof(struct router));
}

void router_destroy(struct router *router) {
    if (!router)
        return;
    free(router->routes);
    free(router);
}

static bool segment_equals(struct koine_text raw, struct koine_text literal) {
    if (raw.size == literal.size && memcmp(raw.data, literal.data, raw.size) == 0)
        return true;
    if (!raw.size || !memchr(raw.data, '%', raw.size) || raw.size > 1024)
        return false;
    char decoded[1024];
    size_t size;
    return path_decode(raw, decoded, &size) && size == literal.size &&
           memcmp(decoded, literal.data, size) == 0;
}

static bool path_matches(const char *pattern, struct koine_text path, struct koine_text *params,
                         size_t *param_count) {
    struct koine_text rest = {pattern, strlen(pattern)};
    *param_count = 0;
    while (rest.size && path.size) {
        struct koine_text want = route_path_next(&rest), have = route_path_next(&path);
        if (route_path_is_param(want)) {
            if (!have.size)
                return false;
            params[(*param_count)++] = have;
        } else if (!segment_equals(have, want)) {
            return false;
        }
    }
    return !rest.size && !path.size;
}

static bool method_matches(const char *registered, struct koine_text method) {
    struct koine_text get = KOINE_TEXT("GET");
    if (method.size == 4 && memcmp(method.data, "HEAD", 4) == 0 && strcmp(registered, "GET") == 0)
        method = get;
    return strlen(registered) == method.size && memcmp(registered, method.data, method.size) == 0;
}

/* What a module may not read, it may not ask for either. */
static const char *header_problem(const char *header) {
    if (!header)
        return NULL;
    if (!header_name_is_fine((struct koine_text){header, strlen(header)}))
        return "the header must be a name as \"anthropic-version\", of at most 128 bytes";
    return header_name_is_withheld(header)
               ? "the header carries credentials, which modules do not see: take another"
               : NULL;
}

const char *router_problem(const struct koine_route *route) {
    const char *problem = route_method_problem(route->method);
    if (!problem)
        problem = route_path_problem(route->path);
    if (!problem)
        problem = header_problem(route->header);
    if (!problem && route->wrong_key_status && route->wrong_key_status != 401 &&
        route->wrong_key_status != 403)
        problem = "wrong_key_status must be 401, 403 or 0";
    return problem || route->handler ? problem : "the handler is missing";
}

const struct route *router_taken(const struct router *router, const struct koine_route *route) {
    for (size_t i = 0; i < router->count; i++) {
        const struct route *other = &router->routes[i];
        if (strcmp(other->as.method, route->method) == 0 &&
            route_path_same(other->as.path, route->path) &&
            header_name_same(other->as.header, route->header))
            return other;
    }
    return NULL;
}

bool router_is_page(const char *path) {
    static const char *const pages[] = {"/health",       "/livez",        "/readyz", "/metrics",
                                        "/openapi.yaml", "/openapi.json", "/docs",   "/console"};
    static const char *const folders[] = {"/docs/", "/console/"};
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        if (strcmp(pages[i], path) == 0)
            return true;
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
        if (strncmp(folders[i], path, strlen(folders[i])) == 0)
            return true;
    return false;
}

static bool precedes(const struct koine_route *a, const struct koine_route *b) {
    if (route_path_precedes(a->path, b->path))
        return true;
    return a->header && !b->header && !route_path_precedes(b->path, a->path);
}

int router_add(struct router *router, const struct route *route) {
    struct route *grown =
        realloc(router->routes, (router->count + 1) * sizeof(*grown)); /* at start only */
    if (!grown)
        return KOINE_NO_MEMORY;
    router->routes = grown;
    size_t at = router->count;
    while (at && precedes(&route->as, &grown[at - 1].as))
        at--;
    memmove(&grown[at + 1], &grown[at], (router->count - at) * sizeof(*grown));
    grown[at] = *route;
    router->count++;
    return KOINE_OK;
}

void router_drop(struct router *router, const struct module *module) {
    size_t kept = 0;
    for (size_t i = 0; i < router->count; i++)
        if (router->routes[i].module != module)
            router->routes[kept++] = router->routes[i];
    router->count = kept;
}

static bool header_matches(const struct koine_route *route, const struct route_request *request) {
    return !route->header || request->carries(request->data, route->header);
}

void router_match(const struct router *router, const struct route_request *request,
                  struct route_match *match) {
    match->route = match->same_path = NULL;
    match->param_count = 0;
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        size_t params;
        if (!path_matches(route->as.path, request->path, match->params, &params) ||
            !header_matches(&route->as, request))
            continue;
        match->param_count = params;
        if (method_matches(route->as.method, request->method)) {
            match->route = route;
            return;
        }
        if (!match->same_path || !match->same_path->as.header || route->as.header)
            match->same_path = route;
    }
}

/* Methods are none within another, so that a list can be searched as it is written. */
void router_allow(const struct router *router, const struct route_request *request, char *out,
                  size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < router->count; i++) {
        struct koine_text params[ROUTE_MAX_PARAMS];
        size_t count;
        const struct koine_route *route = &router->routes[i].as;
        const char *method = route->method;
        if (!path_matches(route->path, request->path, params, &count) ||
            !header_matches(route, request) || strstr(out, method))
            continue;
        int n = snprintf(out + used, size - used, "%s%s%s", used ? ", " : "", method,
                         strcmp(method, "GET") == 0 ? ", HEAD" : "");
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}

const struct route *router_failure_route(const struct router *router,
                                         const struct route_request *request) {
    const struct route *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < router->count; i++) {
        const struct koine_route *route = &router->routes[i].as;
        size_t size = route->failure_prefix ? strlen(route->failure_prefix) : 0;
        bool better = size > longest ||
                      (best && size == longest && size && route->header && !best->as.header);
        if (better && size <= request->path.size &&
            memcmp(route->failure_prefix, request->path.data, size) == 0 &&
            header_matches(route, request)) {
            best = &router->routes[i];
            longest = size;
        }
    }
    return best;
}

int route_param_index(const struct route *route, const char *name) {
    return route_path_param_index(route->as.path, (struct koine_text){name, strlen(name)});
}

const char *route_name(const struct koine_route *route, struct route_name *name) {
    snprintf(name->text, sizeof(name->text), "%s %s%s%s%s", route->method, route->path,
             route->header ? " (with " : "", route->header ? route->header : "",
             route->header ? ")" : "");
    return name->text;
}

const char *route_key_wanted(const struct route *route) {
    return route && (route->as.key_places & KOINE_KEY_X_API_KEY) ? REFUSAL_X_API_KEY_WANTED
                                                                 : REFUSAL_BEARER_WANTED;
}

int route_wrong_key_status(const struct route *route) {
    return route && route->as.wrong_key_status ? (int)route->as.wrong_key_status : 403;
}

void router_note(struct router *router, struct worker_notes *notes) {
    for (size_t i = 0; i < router->count && i < NOTES_ROUTES; i++) {
        struct route *route = &router->routes[i];
        route->number = (unsigned)i + 1;
        struct route_name name;
        snprintf(notes->routes[i], NOTES_ROUTE_SIZE, "%s", route_name(&route->as, &name));
    }
}

size_t router_count(const struct router *router) {
    return router->count;
}

const struct route *router_at(const struct router *router, size_t index) {
    assert(index < router->count);
    return &router->routes[index];
}
