/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAPI document of what is served: the host's part and, for each route of a module, the
 * operation of its fragment or a minimal one. Knows routes and texts, nothing of modules that run.
 */
#ifndef OPENAPI_MERGE_H
#define OPENAPI_MERGE_H

#include "config/tree.h"
#include "http/router.h"

struct openapi_source {
    const char *name, *summary;  /* of the module */
    struct koine_text fragment;  /* none: it has none */
    const struct route **routes; /* those that are served */
    size_t route_count;
};

struct openapi_options {
    const char *server_url; /* where it is served; NULL: as the host's part says */
    const char *notice;     /* what the description begins with; NULL: nothing */
    const char *const *off; /* pages of the host that are not served, with all below; NULL ends */
    /* What is wrong with a fragment, whose operations are minimal ones then. */
    void (*warn)(void *data, const char *module, const char *sentence);
    void *data;
};

/* The host's part, built in. */
struct koine_text openapi_host_part(void);

/* The document, which tree_destroy frees; NULL: memory is short, or the host's part is wrong, which
 * `warn` is told. */
struct node *openapi_merge(struct koine_text host, const struct openapi_source *sources,
                           size_t count, const struct openapi_options *options);

#endif
