/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of modules: what a module asks for, what the operator makes of it (modules.routes),
 * and who comes first when two ask for the same.
 */
#include "config/nearest.h"
#include "http/server.h"
#include "modules/module.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *file_of(const struct module *module) {
    const struct config *config = module->worker->config;
    return config->file ? config->file : "defaults";
}

void module_refuse(struct module *module, const char *format, ...) {
    va_list args;
    if (module->refusal)
        return;
    va_start(args, format);
    if (vasprintf(&module->refusal, format, args) < 0)
        module->refusal = NULL; /* init is told anyway */
    va_end(args);
}

/* ---- what the operator wants */

static const struct config_route *wish_for(const struct module *module,
                                           const struct koine_route *route) {
    const struct config *config = module->worker->config;
    for (size_t i = 0; i < config->modules.route_count; i++) {
        const struct config_route *wish = &config->modules.routes[i];
        if (module_is(module, wish->module) && strcmp(wish->method, route->method) == 0 &&
            strcmp(wish->path, route->path) == 0)
            return wish;
    }
    return NULL;
}

static void move(struct route *route, const char *path) {
    const char *prefix = route->as.failure_prefix;
    route->as.path = path;
    if (prefix && strncmp(prefix, path, strlen(prefix)) != 0)
        route->as.failure_prefix = NULL; /* the paths there may be others' now */
}

static int32_t find_class(struct module *module, const struct config_route *wish,
                          struct route *route) {
    struct slots *slots = module->worker->slots;
    const char *name = wish && wish->slot_class ? wish->slot_class : route->as.slot_class;
    if (!name || (wish && wish->slot_class && strcmp(name, "none") == 0)) {
        route->slot_class = NULL;
        return KOINE_OK;
    }
    bool wished = wish && wish->slot_class;
    route->slot_class = wished ? slots_find_configured(slots, name) : slots_find(slots, name);
    if (route->slot_class)
        return KOINE_OK;
    if (!wished)
        return module_invalid(module, "http->route",
                              "unknown slot class; declare it with slots->declare first");
    module_refuse(module,
                  "%s:%u: modules.routes.%s.%s %s: there is no slot class \"%s\", expected none, "
                  "streaming, nonStreaming, or one of slots.classes",
                  file_of(module), wish->line, wish->module, wish->method, wish->path, name);
    return KOINE_INVALID;
}

/* ---- who has it */

/* "POST /ask", and from where when it was moved. */
static void describe(const struct route *route, char *out, size_t size) {
    struct route_name name;
    bool moved = strcmp(route->given_path, route->as.path) != 0;
    snprintf(out, size, "%s%s%s%s", route_name(&route->as, &name), moved ? " (moved from " : "",
             moved ? route->given_path : "", moved ? ")" : "");
}

static int32_t refuse_taken(struct module *module, const struct route *route,
                            const struct route *other) {
    char mine[1300], theirs[1300] = "one of the gateway's own pages", whose[600] = "";
    describe(route, mine, sizeof(mine));
    if (other) {
        describe(other, theirs, sizeof(theirs));
        snprintf(whose, sizeof(whose), " of the module %s (%.500s)", module_name(other->module),
                 other->module->path);
    }
    module_refuse(module,
                  "module %s: its route %s answers the same requests as %s%s, so the module %s is "
                  "left out; move or disable one of them: below \"modules: routes: %s:\" write "
                  "\"%s %s: {path: '/another'}\" or \"%s %s: {enabled: false}\"",
                  module->path, mine, theirs, whose, module_name(module), module_name(module),
                  route->as.method, route->given_path, route->as.method, route->given_path);
    return KOINE_EXISTS;
}

static int32_t add(struct module *module, const struct route *route) {
    struct router *router = module->worker->server->router;
    const struct route *other = router_taken(router, &route->as);
    if (other && other->module == module) {
        module_invalid(module, "http->route", "the module has this route already");
        return KOINE_EXISTS;
    }
    if (other || router_is_page(route->as.path))
        return refuse_taken(module, route, other);
    return router_add(router, route);
}

static int32_t keep(struct module *module, const struct route *route, bool enabled) {
    struct module_route *grown =
        realloc(module->routes, (module->route_count + 1) * sizeof(*grown));
    if (!grown)
        return KOINE_NO_MEMORY;
    module->routes = grown;
    grown[module->route_count++] = (struct module_route){*route, enabled};
    return KOINE_OK;
}

int32_t module_add_route(struct module *module, const struct koine_route *given) {
    struct route route = {.as = *given,
                          .given_path = given->path,
                          .given_authentication = given->authentication,
                          .module = module};
    const char *problem = router_problem(given);
    if (!problem && module->route_count >= ROUTER_MODULE_ROUTES)
        problem = ROUTER_TOO_MANY;
    if (problem)
        return module_invalid(module, "http->route", problem);
    const struct config_route *wish = wish_for(module, given);
    int32_t result = find_class(module, wish, &route);
    if (result != KOINE_OK)
        return result;
    if (wish && wish->moved_to)
        move(&route, wish->moved_to);
    if (wish && wish->authentication >= 0)
        route.as.authentication = (uint32_t)wish->authentication;
    bool enabled = !wish || wish->enabled;
    if (enabled)
        result = add(module, &route);
    return result == KOINE_OK ? keep(module, &route, enabled) : result;
}

/* ---- entries that mean nothing */

static bool has_route(const struct module *module, const struct config_route *wish) {
    for (size_t i = 0; i < module->route_count; i++)
        if (wish_for(module, &(struct koine_route){.method = module->routes[i].route.as.method,
                                                   .path = module->routes[i].route.given_path}) ==
            wish)
            return true;
    return false;
}

static void name_of(const struct route *route, char *out, size_t size) {
    snprintf(out, size, "%s %s", route->as.method, route->given_path);
}

/* Routes that differ in a header have one name in the config. */
static bool is_named_before(const struct module *module, size_t index) {
    const struct route *route = &module->routes[index].route;
    for (size_t i = 0; i < index; i++)
        if (strcmp(module->routes[i].route.as.method, route->as.method) == 0 &&
            strcmp(module->routes[i].route.given_path, route->given_path) == 0)
            return true;
    return false;
}

/* ": did you mean …?", or all that there are. */
static void suggest(const struct module *module, const char *wrong, char *out, size_t size) {
    char name[600];
    size_t nearest = nearest_limit(wrong), used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < module->route_count; i++) {
        name_of(&module->routes[i].route, name, sizeof(name));
        size_t away = nearest_distance(name, wrong);
        if (away < nearest)
            snprintf(out, size, "; did you mean \"%s\"?", name);
        nearest = away < nearest ? away : nearest;
    }
    for (size_t i = 0; i < module->route_count && nearest == nearest_limit(wrong); i++) {
        if (is_named_before(module, i))
            continue;
        name_of(&module->routes[i].route, name, sizeof(name));
        int n = snprintf(out + used, size - used, "%s\"%s\"", i ? ", " : "; it has ", name);
        used += n > 0 && (size_t)n < size - used ? (size_t)n : 0;
    }
}

bool module_routes_fit(struct module *module) {
    const struct config *config = module->worker->config;
    for (size_t i = 0; i < config->modules.route_count; i++) {
        const struct config_route *wish = &config->modules.routes[i];
        char wrong[600], hint[700];
        if (!module_is(module, wish->module) || has_route(module, wish))
            continue;
        snprintf(wrong, sizeof(wrong), "%s %s", wish->method, wish->path);
        suggest(module, wrong, hint, sizeof(hint));
        module_refuse(module, "%s:%u: modules.routes.%s.%s: the module %s has no such route%s",
                      file_of(module), wish->line, wish->module, wrong, module_name(module), hint);
        return false;
    }
    return true;
}
