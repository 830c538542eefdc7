/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules.routes: what the operator wants otherwise about routes of modules, read and written.
 * Whether a module has such a route is known only when it is loaded.
 */
#include "config/sections.h"

#include "config/write.h"
#include "http/route_path.h"

#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_ROUTES = 10000, SHOWN_BYTES = 192 };

/* "POST /generate-text" into its two parts. Returns 0, or -1 with a problem added. */
static int take_route_name(struct reader *reader, struct config_route *route,
                           const struct node *node, const char *shown) {
    size_t method_size = strcspn(node->name, " ");
    const char *path = node->name + method_size + (node->name[method_size] == ' ' ? 1 : 0);
    char *method = strndup(node->name, method_size);
    if (method == NULL) {
        problems_add_no_memory(reader->problems);
        return -1;
    }
    if (route_method_problem(method) != NULL || route_path_problem(path) != NULL) {
        problems_add(reader->problems, node->line, shown,
                     "found the name %s, expected method and path of a route as the module calls "
                     "it, such as \"POST /generate-text\"",
                     problems_quote(node->name).text);
        free(method);
        return -1;
    }
    route->method = method;
    route->path = strdup(path);
    if (route->path == NULL) {
        problems_add_no_memory(reader->problems);
        return -1;
    }
    return 0;
}

static void read_route(struct reader *reader, struct config_route *route, const struct node *node,
                       const char *shown) {
    if (key_set_defaults(&key_table_route, route) != 0) {
        problems_add_no_memory(reader->problems);
        return;
    }
    route->line = node->line;
    if (take_route_name(reader, route, node, shown) != 0) {
        return;
    }
    reader_lay(reader, &key_table_route, route, node, shown);
    if (route->moved_to != NULL && !route_path_same_params(route->path, route->moved_to)) {
        const struct node *path = node_child(node, "path");
        problems_add(reader->problems, path != NULL ? path->line : node->line, shown,
                     "found the path %s, expected one with the same {parameters} as %s",
                     problems_quote(route->moved_to).text, problems_quote(route->path).text);
    }
}

static void read_module(struct reader *reader, const struct node *module, const char *shown) {
    struct config *config = reader->config;
    for (size_t i = 0; i < module->count; i++) {
        const struct node *node = &module->children[i];
        struct config_route *route = &config->modules.routes[config->modules.route_count];
        char entry[SHOWN_BYTES];
        snprintf(entry, sizeof entry, "%.100s.%.80s", shown, node->name);
        route->module = strdup(module->name);
        config->modules.route_count++;
        if (route->module == NULL) {
            problems_add_no_memory(reader->problems);
            return;
        }
        read_route(reader, route, node, entry);
    }
}

/* How many entries there are; 0 also with a problem added. */
static size_t count_routes(struct reader *reader, const struct node *node, const char *shown) {
    size_t count = 0;
    if (!reader_expect_mapping(reader, node, shown)) {
        return 0;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct node *module = &node->children[i];
        char entry[SHOWN_BYTES];
        snprintf(entry, sizeof entry, "%.100s.%.64s", shown, module->name);
        if (!form_module.matches(module->name)) {
            problems_add(reader->problems, module->line, shown, "found the name %s, expected %s",
                         problems_quote(module->name).text, form_module.expected);
            return 0;
        }
        if (!reader_expect_mapping(reader, module, entry)) {
            return 0;
        }
        count += module->count;
    }
    if (count > MAXIMUM_ROUTES) {
        problems_add(reader->problems, node->line, shown, "found %zu routes, expected at most %d",
                     count, MAXIMUM_ROUTES);
        return 0;
    }
    return count;
}

void section_read_routes(struct reader *reader, void *member, const struct node *node,
                         const char *shown) {
    (void)member;
    struct config *config = reader->config;
    size_t count = count_routes(reader, node, shown);
    if (count == 0) {
        return;
    }
    config->modules.routes = calloc(count, sizeof *config->modules.routes);
    if (config->modules.routes == NULL) {
        problems_add_no_memory(reader->problems);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char entry[SHOWN_BYTES];
        snprintf(entry, sizeof entry, "%.100s.%.64s", shown, node->children[i].name);
        read_module(reader, &node->children[i], entry);
    }
}

/* The entry's object among those of its module, which is made when it is not there. */
static int add_route(json_t *routes, const struct config_route *route) {
    json_t *module = json_object_get(routes, route->module);
    if (module == NULL) {
        module = json_object();
        if (json_object_set_new(routes, route->module, module) != 0) {
            return -1;
        }
    }
    char name[SHOWN_BYTES + 512];
    snprintf(name, sizeof name, "%s %s", route->method, route->path);
    return json_object_set_new(module, name, write_table(&key_table_route, route));
}

json_t *section_write_routes(const void *base, const void *member) {
    const struct config *config = base;
    (void)member;
    json_t *routes = json_object();
    for (size_t i = 0; routes != NULL && i < config->modules.route_count; i++) {
        if (add_route(routes, &config->modules.routes[i]) != 0) {
            json_decref(routes);
            routes = NULL;
        }
    }
    return routes;
}
