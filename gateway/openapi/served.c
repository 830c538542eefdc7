/* SPDX-License-Identifier: Apache-2.0 */
/* Collects what the merge needs from the modules, and tells the log what it has to say of them. */
#include "openapi/served.h"
#include "modules/module.h"
#include "openapi/merge.h"
#include "openapi/write.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMO_NOTICE                                                                                \
    "**This is a demo.** Its answers are made up: no model is asked, and no tool runs. It takes "  \
    "the key `" CONFIG_DEMO_KEY "`."

/* ---- what is loaded */

struct sources {
    struct openapi_source *items;
    const struct route **routes; /* of all of them, one after the other */
};

static size_t count_routes(const struct module_set *set) {
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += set->items[i]->route_count;
    return count;
}

static void add_source(const struct module *module, struct openapi_source *source,
                       const struct route **routes) {
    *source = (struct openapi_source){.name = module_name(module),
                                      .summary = module->descriptor->summary,
                                      .fragment = module->openapi,
                                      .routes = routes};
    for (size_t i = 0; i < module->route_count; i++)
        if (module->routes[i].enabled)
            routes[source->route_count++] = &module->routes[i].route;
}

static bool collect(struct sources *sources, const struct module_set *set) {
    const struct route **next = calloc(count_routes(set) + 1, sizeof(struct route *));
    sources->routes = next;
    sources->items = calloc(set->count + 1, sizeof(*sources->items));
    if (!sources->routes || !sources->items)
        return false;
    for (size_t i = 0; i < set->count; i++) {
        add_source(set->items[i], &sources->items[i], next);
        next += sources->items[i].route_count;
    }
    return true;
}

/* ---- the document */

static void on_warning(void *data, const char *module, const char *sentence) {
    const struct worker *worker = data;
    log_print(worker->log, KOINE_LOG_WARNING, module, "%s", sentence);
}

static struct node *merge(struct worker *worker, const char *server_url, bool warn) {
    struct sources sources = {0};
    const char *off[3] = {NULL};
    size_t off_count = 0;
    if (!worker->config->pages.docs)
        off[off_count++] = "/docs";
    if (!worker->config->pages.console)
        off[off_count++] = "/console";
    const struct openapi_options options = {.server_url = server_url,
                                            .notice = worker->config->demo ? DEMO_NOTICE : NULL,
                                            .off = off,
                                            .warn = warn ? on_warning : NULL,
                                            .data = worker};
    struct node *document = NULL;
    if (collect(&sources, worker->modules))
        document =
            openapi_merge(openapi_host_part(), sources.items, worker->modules->count, &options);
    free(sources.routes);
    free(sources.items);
    return document;
}

const struct openapi_text *openapi_served_text(struct openapi_served *served, struct worker *worker,
                                               enum openapi_form form) {
    struct openapi_text *text = &served->texts[form];
    if (text->data)
        return text;
    struct node *document = merge(worker, "/", !served->warned);
    if (!document)
        return NULL;
    served->warned = true;
    text->data = form == OPENAPI_YAML ? openapi_yaml(document, &text->size)
                                      : openapi_json(document, &text->size);
    tree_destroy(document);
#ifdef __GLIBC__
    malloc_trim(0); /* several times the text, which is not needed again */
#endif
    if (!text->data)
        return NULL;
    page_etag((struct koine_text){text->data, text->size}, text->etag);
    return text;
}

void openapi_served_finish(struct openapi_served *served) {
    free(served->texts[OPENAPI_YAML].data);
    free(served->texts[OPENAPI_JSON].data);
    *served = (struct openapi_served){0};
}

char *openapi_file_text(struct worker *worker) {
    struct node *document = merge(worker, NULL, true);
    char *text = document ? openapi_yaml(document, NULL) : NULL;
    tree_destroy(document);
    return text;
}

void openapi_warn_of_fragments(struct worker *worker) {
    tree_destroy(merge(worker, NULL, true));
}
