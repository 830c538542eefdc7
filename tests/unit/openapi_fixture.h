/* SPDX-License-Identifier: Apache-2.0 */
/* A document merged of a host's part and fragments that a test writes, and what stands where in it.
 */
#ifndef UNIT_OPENAPI_FIXTURE_H
#define UNIT_OPENAPI_FIXTURE_H

#include "openapi/merge.h"
#include "openapi/write.h"
#include "support/test_main.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define HOST                                                                                       \
    "openapi: 3.1.0\n"                                                                             \
    "info: {title: Host, version: 0.0.0}\n"                                                        \
    "servers: [{url: 'http://host'}]\n"                                                            \
    "security: [{bearer: []}]\n"                                                                   \
    "tags: [{name: Own}, {name: Nobody's}]\n"                                                      \
    "paths:\n"                                                                                     \
    "  /health: {get: {tags: [Own], security: [], responses: {'200': {description: Yes.}}}}\n"     \
    "components:\n"                                                                                \
    "  securitySchemes:\n"                                                                         \
    "    bearer: {type: http, scheme: bearer}\n"                                                   \
    "    xApiKey: {type: apiKey, in: header, name: X-Api-Key}\n"                                   \
    "  responses:\n"                                                                               \
    "    Refused: {description: No., content: {application/json: {schema: {$ref: "                 \
    "'#/components/schemas/Error'}}}}\n"                                                           \
    "  schemas:\n"                                                                                 \
    "    Error: {type: object}\n"

enum { MODULES = 8, ROUTES = 16 };

struct fixture {
    struct openapi_source modules[MODULES];
    size_t module_count;
    struct route routes[MODULES][ROUTES];
    const struct route *lists[MODULES][ROUTES];
    const char *host;
    const char *notice;
    const char *const *off;
    struct node *root;
    json_t *json;
    char warnings[8192]; /* "MODULE: SENTENCE\n" */
};

static struct fixture fixture;

static void fixture_setup(void) {
    memset(&fixture, 0, sizeof fixture);
    fixture.host = HOST;
}

static void fixture_teardown(void) {
    tree_destroy(fixture.root);
    json_decref(fixture.json);
}

static struct koine_text text_of(const char *text) {
    return (struct koine_text){text, text ? strlen(text) : 0};
}

/* A module; `fragment` may be NULL. */
static inline void add_module(const char *name, const char *fragment) {
    ck_assert_uint_lt(fixture.module_count, MODULES);
    const size_t index = fixture.module_count++;
    fixture.modules[index] = (struct openapi_source){.name = name,
                                                     .summary = "What it does.",
                                                     .fragment = text_of(fragment),
                                                     .routes = fixture.lists[index]};
}

/* A route of the module that was added last, which needs a key; the test changes it. */
static inline struct route *add_route(const char *method, const char *path) {
    struct openapi_source *module = &fixture.modules[fixture.module_count - 1];
    ck_assert_uint_lt(module->route_count, ROUTES);
    struct route *route = &fixture.routes[fixture.module_count - 1][module->route_count];
    *route = (struct route){.as = {.method = method, .path = path}, .given_path = path};
    module->routes[module->route_count++] = route;
    return route;
}

static inline void on_warning(void *data, const char *module, const char *sentence) {
    const size_t used = strlen(fixture.warnings);
    (void)data;
    snprintf(fixture.warnings + used, sizeof fixture.warnings - used, "%s: %s\n", module, sentence);
}

static inline void merge(void) {
    const struct openapi_options options = {
        .server_url = "/", .notice = fixture.notice, .off = fixture.off, .warn = on_warning};
    fixture.root =
        openapi_merge(text_of(fixture.host), fixture.modules, fixture.module_count, &options);
    ck_assert_msg(fixture.root != NULL, "no document: %s", fixture.warnings);
    char *text = openapi_json(fixture.root, NULL);
    ck_assert_ptr_nonnull(text);
    json_error_t error;
    fixture.json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(fixture.json != NULL, "%s in %s", error.text, text);
    free(text);
}

/* Names with blanks between them: "paths /a get summary"; a number is a place in a list. */
static inline json_t *json_place(const char *path) {
    char name[256];
    json_t *at = fixture.json;
    for (int size = 0; at && sscanf(path, "%255s%n", name, &size) == 1; path += size)
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
    return at;
}

/* What stands there is this JSON, but for the kind of quotes; "" for nothing. */
static inline void assert_at(const char *path, const char *expected) {
    const json_t *value = json_place(path);
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("");
    for (char *quote = text; (quote = strchr(quote, '"'));)
        *quote = '\'';
    ck_assert_msg(strcmp(text, expected) == 0, "%s: found %s, expected %s", path, text, expected);
    free(text);
}

/* The names there, in their order: "a b c". */
static inline void assert_names(const char *path, const char *expected) {
    char names[2048] = "";
    const char *name;
    json_t *value;
    json_object_foreach(json_place(path), name, value) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? " " : "", name);
    }
    ck_assert_msg(strcmp(names, expected) == 0, "%s: found %s, expected %s", path, names, expected);
}

static inline void assert_warned(const char *expected) {
    ck_assert_msg(strstr(fixture.warnings, expected) != NULL, "expected \"%s\", found \"%s\"",
                  expected, fixture.warnings);
}

#endif
