/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module's OpenAPI fragment, read as the gateway reads it, against its routes. What is wrong is a
 * warning and no finding: the module works, but people are shown less of it.
 */
#include "openapi/merge.h"
#include "openapi/part.h"
#include "test-host/command.h"
#include <ctype.h>
#include <string.h>

/* Whether `route`, "GET /hello (with …)", is this operation. */
static bool is_operation(const char *route, const char *method, const char *path) {
    const size_t size = strlen(method), path_size = strcspn(path, "#");
    for (size_t i = 0; i < size; i++)
        if (route[i] != toupper((unsigned char)method[i]))
            return false;
    route += size;
    return *route == ' ' && strncmp(route + 1, path, path_size) == 0 &&
           (route[1 + path_size] == '\0' || route[1 + path_size] == ' ');
}

static bool is_route(struct koine_test_host *host, const char *method, const char *path) {
    const char *route;
    for (size_t i = 0; (route = koine_test_route(host, i)); i++)
        if (is_operation(route, method, path))
            return true;
    return false;
}

static bool is_described(const struct openapi_part *part, const char *route) {
    for (size_t i = 0; part->paths && i < part->paths->count; i++) {
        const struct node *item = &part->paths->children[i];
        for (size_t j = 0; j < item->count; j++)
            if (is_operation(route, item->children[j].name, item->name))
                return true;
    }
    return false;
}

static void warn_of_routes(struct koine_test_host *host, const struct openapi_part *part) {
    const char *route;
    for (size_t i = 0; (route = koine_test_route(host, i)); i++)
        if (!is_described(part, route))
            printf("  warning: %s is not in the module's OpenAPI fragment (extension "
                   "koine.openapi/1)\n",
                   route);
}

static void warn_of_operations(struct koine_test_host *host, const struct openapi_part *part) {
    for (size_t i = 0; part->paths && i < part->paths->count; i++) {
        const struct node *item = &part->paths->children[i];
        for (size_t j = 0; j < item->count; j++) {
            const struct node *operation = &item->children[j];
            if (openapi_is_method(operation->name) && !is_route(host, operation->name, item->name))
                printf("  warning: the OpenAPI fragment:%u: the module has no route for %s of %s: "
                       "the gateway does not show it\n",
                       operation->line, operation->name, item->name);
        }
    }
}

/* Its references may lead to what the gateway has. */
static bool read_fragment(const char *text, struct openapi_part *gateway, struct openapi_part *part,
                          struct config_error *error) {
    struct problems problems;
    problems_init(&problems, "the OpenAPI fragment", error);
    return openapi_part_read(gateway, openapi_host_part(), NULL, &problems) &&
           openapi_part_read(part, (struct koine_text){text, strlen(text)}, gateway->components,
                             &problems);
}

void check_openapi(struct koine_test_host *host) {
    const char *text = koine_test_openapi(host);
    struct openapi_part gateway = {0}, part = {0};
    struct config_error error;
    if (text && !read_fragment(text, &gateway, &part, &error)) {
        printf("  warning: %s: the gateway shows the module's routes without their description\n",
               error.message);
    } else {
        warn_of_routes(host, &part);
        warn_of_operations(host, &part);
    }
    openapi_part_finish(&part);
    openapi_part_finish(&gateway);
}
