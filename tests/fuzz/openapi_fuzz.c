/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two fragments of arbitrary bytes, the second behind a NUL, of modules with the same routes. The
 * document must always be there with each route, be JSON to jansson, and as YAML mean the same.
 */
#include "openapi/merge.h"
#include "openapi/nodes.h"
#include "openapi/write.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds)
        abort();
}

static const char host[] = "openapi: 3.1.0\n"
                           "info: {title: T, version: '0'}\n"
                           "security: [{bearer: []}]\n"
                           "paths: {/health: {get: {}}}\n"
                           "components:\n"
                           "  securitySchemes: {bearer: {type: http}, xApiKey: {type: apiKey}}\n"
                           "  schemas: {E: {type: object}}\n";

enum { ROUTES = 4, MODULES = 2 };

static const struct route routes[ROUTES] = {
    {.as = {.method = "GET", .path = "/a"}, .given_path = "/a"},
    {.as = {.method = "POST", .path = "/moved/{x}", .authentication = KOINE_AUTH_NONE},
     .given_path = "/b/{x}"},
    {.as = {.method = "GET", .path = "/a", .header = "x-h", .key_places = KOINE_KEY_X_API_KEY},
     .given_path = "/a"},
    {.as = {.method = "DELETE", .path = "/c"}, .given_path = "/c"},
};

static void check_json(const struct node *root) {
    size_t size = 0;
    json_error_t error;
    char *text = openapi_json(root, &size);
    require(text != NULL && strlen(text) == size);
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    /* jansson has numbers that a double holds */
    require(json != NULL || json_error_code(&error) == json_error_numeric_overflow);
    require(json == NULL || json_object_size(json_object_get(json, "paths")) >= 3);
    json_decref(json);
    free(text);
}

static void check_yaml(const struct node *root) {
    struct config_error error;
    struct problems problems;
    size_t size = 0;
    char *text = openapi_yaml(root, &size);
    require(text != NULL);
    problems_init(&problems, NULL, &error);
    struct node *again = tree_read(text, size, &problems);
    require(again != NULL && nodes_equal(root, again));
    tree_destroy(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct route *lists[MODULES][ROUTES];
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\0', size) : NULL;
    const size_t first = end != NULL ? (size_t)(end - text) : size;
    const struct openapi_options options = {.server_url = "/"};
    struct openapi_source sources[MODULES] = {
        {.name = "alpha", .fragment = {text, first}},
        {.name = "beta", .fragment = {end, size - first}},
    };
    if (end != NULL) {
        sources[1].fragment = (struct koine_text){end + 1, size - first - 1};
    }
    for (size_t i = 0; i < MODULES; i++) {
        sources[i].summary = "S";
        sources[i].routes = lists[i];
        sources[i].route_count = ROUTES;
        for (size_t j = 0; j < ROUTES; j++) {
            lists[i][j] = &routes[j];
        }
    }
    struct node *root =
        openapi_merge((struct koine_text){host, sizeof host - 1}, sources, MODULES, &options);
    require(root != NULL);
    check_json(root);
    check_yaml(root);
    tree_destroy(root);
    return 0;
}
