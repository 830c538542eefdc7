/* SPDX-License-Identifier: Apache-2.0 */
/* Security follows from the route; tags, parameters and answers from what is known of it. */
#include "openapi/operation.h"
#include "openapi/nodes.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEARER "bearer"
#define X_API_KEY "xApiKey"
#define NOT_DESCRIBED "Not described by its module."

/* ---- who may call it */

static bool add_scheme(struct node *security, const char *scheme) {
    return nodes_add_sequence(nodes_add_mapping(security, NULL), scheme);
}

/* No member at all: what the whole document requires, a bearer token. */
static bool require_key(struct node *operation, uint32_t key_places) {
    struct node *security = nodes_find(operation, "security");
    if (security)
        nodes_remove(operation, security);
    if (!(key_places & KOINE_KEY_X_API_KEY))
        return true;
    if (!(security = nodes_add_sequence(operation, "security")))
        return false;
    security->style = STYLE_FLOW;
    return (!(key_places & KOINE_KEY_BEARER) || add_scheme(security, BEARER)) &&
           add_scheme(security, X_API_KEY);
}

static bool require_nothing(struct node *operation) {
    struct node *security = nodes_find(operation, "security");
    if (security)
        nodes_remove(operation, security);
    return nodes_add_sequence(operation, "security");
}

/* Whether some requirement of the list asks for nothing, or the list is empty. */
static bool is_optional(const struct node *security) {
    for (size_t i = 0; i < security->count; i++)
        if (!security->children[i].count)
            return true;
    return !security->count;
}

/* A module whose route is public may look for something else than a key, and say so. */
static bool fit_security(struct node *operation, const struct route *route,
                         const struct node *inherited) {
    const struct node *security = nodes_find(operation, "security");
    const bool changed = route->as.authentication != route->given_authentication;
    if (!security && inherited && !(security = nodes_add_copy(operation, "security", inherited)))
        return false;
    if (route->as.authentication == KOINE_AUTH_NONE)
        return security && !changed ? true : require_nothing(operation);
    if (!security || changed || is_optional(security))
        return require_key(operation, route->as.key_places);
    return true;
}

/* ---- where it is found */

static bool add_tag(struct node *operation, const char *module) {
    struct node *tags = nodes_find(operation, "tags");
    if (tags && tags->count)
        return true;
    if (tags)
        nodes_remove(operation, tags);
    if (!(tags = nodes_add_sequence(operation, "tags")))
        return false;
    tags->style = STYLE_FLOW;
    return nodes_add_text(tags, NULL, module);
}

bool operation_fit(struct node *operation, const struct route *route, const char *module,
                   const struct node *security) {
    return add_tag(operation, module) && fit_security(operation, route, security);
}

/* ---- parameters */

static bool add_parameter(struct node *parameters, const char *name, const char *place,
                          const char *description) {
    struct node *parameter = nodes_add_mapping(parameters, NULL);
    return nodes_add_text(parameter, "name", name) && nodes_add_text(parameter, "in", place) &&
           nodes_add_text(parameter, "description", description) &&
           nodes_add_true(parameter, "required") &&
           nodes_add_text(nodes_add_mapping(parameter, "schema"), "type", "string");
}

static bool make_parameters(struct node *operation, const struct koine_route *route) {
    struct koine_text rest = {route->path, strlen(route->path)};
    struct node *parameters = NULL;
    if (!strchr(route->path, '{') && !route->header)
        return true;
    if (!(parameters = nodes_add_sequence(operation, "parameters")))
        return false;
    while (rest.size) {
        const struct koine_text segment = route_path_next(&rest);
        char name[520];
        if (!route_path_is_param(segment))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)segment.size - 2, segment.data + 1);
        if (!add_parameter(parameters, name, "path", NOT_DESCRIBED))
            return false;
    }
    return !route->header ||
           add_parameter(parameters, route->header, "header",
                         "The route is for requests with this header, whatever its value.");
}

static bool same_text(const struct node *a, const struct node *b, const char *member) {
    const char *left = node_text(node_child(a, member)), *right = node_text(node_child(b, member));
    return left && right && strcmp(left, right) == 0;
}

static bool has_parameter(const struct node *parameters, const struct node *parameter) {
    for (size_t i = 0; i < parameters->count; i++) {
        const struct node *other = &parameters->children[i];
        if (same_text(other, parameter, "$ref") ||
            (same_text(other, parameter, "name") && same_text(other, parameter, "in")))
            return true;
    }
    return false;
}

bool operation_add_parameters(struct node *operation, const struct node *parameters) {
    struct node *own = nodes_find(operation, "parameters");
    if (!parameters)
        return true;
    if (!own)
        own = nodes_add_sequence(operation, "parameters");
    for (size_t i = 0; own && i < parameters->count; i++)
        if (!has_parameter(own, &parameters->children[i]) &&
            !nodes_add_copy(own, NULL, &parameters->children[i]))
            return false;
    return own;
}

/* ---- one that nobody describes */

/* Of letters, digits and '_' alone: names of functions are made of it. */
static bool add_id(struct node *operation, const struct route *route, const char *module) {
    char *id = NULL;
    if (asprintf(&id, "%s_%s%s%s%s", module, route->as.method, route->as.path,
                 route->as.header ? "_" : "", route->as.header ? route->as.header : "") < 0)
        return false;
    for (char *at = id; *at; at++)
        *at = isalnum((unsigned char)*at) ? *at : '_';
    const bool good = nodes_add_text(operation, "operationId", id);
    free(id);
    return good;
}

static bool add_answers(struct node *operation) {
    struct node *answers = nodes_add_mapping(operation, "responses");
    return nodes_add_text(nodes_add_mapping(answers, "4XX"), "description", "Refused.") &&
           nodes_add_text(nodes_add_mapping(answers, "default"), "description", NOT_DESCRIBED);
}

bool operation_make(struct node *operation, const struct route *route, const char *module) {
    if (!add_id(operation, route, module) || !add_tag(operation, module) ||
        !nodes_add_text(operation, "summary", NOT_DESCRIBED))
        return false;
    if (route->as.authentication == KOINE_AUTH_NONE ? !require_nothing(operation)
                                                    : !require_key(operation, route->as.key_places))
        return false;
    return make_parameters(operation, &route->as) && add_answers(operation);
}
