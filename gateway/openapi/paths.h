/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The paths of the merged document while they are collected: which operation stands where, and
 * what its route says about it. Two that answer the same requests but for a header stand apart: the
 * key of one has a name behind a '#'.
 */
#ifndef OPENAPI_PATHS_H
#define OPENAPI_PATHS_H

#include "openapi/merge.h"
#include "openapi/part.h"

struct path_entry;
struct paths {
    struct path_entry *entries;
    size_t count;
};

/* The host's own, copied as they are, but for those that are `off` (openapi_options). All of these:
 * false when memory is short. */
bool paths_add_host(struct paths *paths, const struct node *host, const char *const *off);

/* The operations of a module's routes: those of its part, which are taken out of it, and minimal
 * ones for the rest. `part` has no paths when there is no fragment. */
bool paths_add_module(struct paths *paths, const struct openapi_source *source,
                      struct openapi_part *part);

/* Moves all of them to `document`, under keys that no two have. */
bool paths_finish(struct paths *paths, struct node *document);
void paths_destroy(struct paths *paths);

#endif
