/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: a short array that is searched in order; literal paths come before patterns. */
#include "http/router.h"
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

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool path_decode(struct koine_text in, char *out, size_t *size) {
    size_t n = 0;
    for (size_t i = 0; i < in.size; i++) {
        char c = in.data[i];
        if (c == '%') {
            if (in.size - i < 3)
                return false;
            int high = hex_value(in.data[i + 1]), low = hex_value(in.data[i + 2]);
            if (high < 0 || low < 0 || (high | low) == 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        out[n++] = c;
    }
    *size = n;
    return true;
}

/* Cuts the next segment, without its slash, off a path that begins with one. */
static struct koine_text next_segment(struct koine_text *path) {
    const char *start = path->data + 1;
    size_t left = path->size - 1;
    const char *slash = left ? memchr(start, '/', left) : NULL;
    size_t size = slash ? (size_t)(slash - start) : left;
    path->data = start + size;
    path->size = left - size;
    return (struct koine_text){start, size};
}

static bool is_param(struct koine_text segment) {
    return segment.size > 2 && segment.data[0] == '{' && segment.data[segment.size - 1] == '}';
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
        struct koine_text want = next_segment(&rest), have = next_segment(&path);
        if (is_param(want)) {
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

/* Two paths collide when some request path would match both at the same rank. */
static bool same_pattern(const char *a, const char *b) {
    struct koine_text left = {a, strlen(a)}, right = {b, strlen(b)};
    while (left.size && right.size) {
        struct koine_text x = next_segment(&left), y = next_segment(&right);
        if (is_param(x) != is_param(y))
            return false;
        if (!is_param(x) && (x.size != y.size || memcmp(x.data, y.data, x.size) != 0))
            return false;
    }
    return !left.size && !right.size;
}

static const char *check_method(const char *method) {
    static const char *const known[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; method && i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(method, known[i]) == 0)
            return NULL;
    return "the method must be GET, POST, PUT, PATCH, DELETE or OPTIONS";
}

static const char *check_path(const char *path) {
    if (!path || path[0] != '/' || strlen(path) > 512)
        return "the path must begin with '/' and have at most 512 bytes";
    if (strpbrk(path, "?#% \t\r\n\"\\"))
        return "the path must be given decoded, without '?', '#', '%', blanks or quotes";
    size_t params = 0;
    struct koine_text rest = {path, strlen(path)};
    while (rest.size) {
        struct koine_text segment = next_segment(&rest);
        if (is_param(segment))
            params++;
        else if (memchr(segment.data, '{', segment.size) || memchr(segment.data, '}', segment.size))
            return "a parameter must be a whole segment: /models/{model}";
    }
    return params > ROUTE_MAX_PARAMS ? "a path may hold 8 parameters at most" : NULL;
}

int router_add(struct router *router, const struct route *route, char *message, size_t size) {
    const char *problem = check_method(route->as.method);
    if (!problem)
        problem = check_path(route->as.path);
    if (!problem && !route->as.handler)
        problem = "the handler is missing";
    if (problem) {
        snprintf(message, size, "%s", problem);
        return KOINE_INVALID;
    }
    for (size_t i = 0; i < router->count; i++) {
        const struct route *other = &router->routes[i];
        if (strcmp(other->as.method, route->as.method) == 0 &&
            same_pattern(other->as.path, route->as.path)) {
            snprintf(message, size, "%s %s is taken", route->as.method, other->as.path);
            return KOINE_EXISTS;
        }
    }
    struct route *grown =
        realloc(router->routes, (router->count + 1) * sizeof(*grown)); /* at start only */
    if (!grown)
        return KOINE_NO_MEMORY;
    router->routes = grown;
    size_t at = router->count;
    if (!strchr(route->as.path, '{')) /* literal paths win over patterns */
        while (at && strchr(grown[at - 1].as.path, '{'))
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

void router_match(const struct router *router, struct koine_text method, struct koine_text path,
                  struct route_match *match) {
    match->route = match->same_path = NULL;
    match->param_count = 0;
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        size_t params;
        if (!path_matches(route->as.path, path, match->params, &params))
            continue;
        match->param_count = params;
        if (method_matches(route->as.method, method)) {
            match->route = route;
            return;
        }
        match->same_path = route;
    }
}

void router_allow(const struct router *router, struct koine_text path, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < router->count; i++) {
        struct koine_text params[ROUTE_MAX_PARAMS];
        size_t count;
        const char *method = router->routes[i].as.method;
        if (!path_matches(router->routes[i].as.path, path, params, &count))
            continue;
        int n = snprintf(out + used, size - used, "%s%s%s", used ? ", " : "", method,
                         strcmp(method, "GET") == 0 ? ", HEAD" : "");
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}

const struct route *router_failure_route(const struct router *router, struct koine_text path) {
    const struct route *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < router->count; i++) {
        const char *prefix = router->routes[i].as.failure_prefix;
        size_t size = prefix ? strlen(prefix) : 0;
        if (size > longest && size <= path.size && memcmp(prefix, path.data, size) == 0) {
            best = &router->routes[i];
            longest = size;
        }
    }
    return best;
}

int route_param_index(const struct route *route, const char *name) {
    struct koine_text rest = {route->as.path, strlen(route->as.path)};
    size_t size = strlen(name);
    for (int index = 0; rest.size;) {
        struct koine_text segment = next_segment(&rest);
        if (!is_param(segment))
            continue;
        if (segment.size == size + 2 && memcmp(segment.data + 1, name, size) == 0)
            return index;
        index++;
    }
    return -1;
}

void router_note(struct router *router, struct worker_notes *notes) {
    for (size_t i = 0; i < router->count && i < NOTES_ROUTES; i++) {
        struct route *route = &router->routes[i];
        route->number = (unsigned)i + 1;
        snprintf(notes->routes[i], NOTES_ROUTE_SIZE, "%s %s", route->as.method, route->as.path);
    }
}

size_t router_count(const struct router *router) {
    return router->count;
}

const struct route *router_at(const struct router *router, size_t index) {
    assert(index < router->count);
    return &router->routes[index];
}
