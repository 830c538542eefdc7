/* SPDX-License-Identifier: Apache-2.0 */
/* Each route finds its operation by the path and method that the module calls it by. */
#include "openapi/paths.h"
#include "openapi/nodes.h"
#include "openapi/operation.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct path_entry {
    char *path;                /* as it is served */
    char *mark;                /* what stands behind the '#'; NULL: nothing */
    const struct node *origin; /* the path item of its part, while that is looked at */
    struct node item;          /* a mapping */
};

/* ---- entries */

static struct path_entry *add_entry(struct paths *paths, const char *path, const char *mark) {
    struct path_entry *grown = reallocarray(paths->entries, paths->count + 1, sizeof(*grown));
    if (!grown)
        return NULL;
    paths->entries = grown;
    struct path_entry *entry = &grown[paths->count];
    *entry = (struct path_entry){.item = {.kind = NODE_MAPPING}};
    entry->path = strdup(path);
    entry->mark = mark ? strdup(mark) : NULL;
    if (!entry->path || (mark && !entry->mark)) {
        free(entry->path);
        free(entry->mark);
        return NULL;
    }
    paths->count++;
    return entry;
}

static bool marks_equal(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct path_entry *find_entry(const struct paths *paths, const char *path,
                                     const char *mark) {
    for (size_t i = 0; i < paths->count; i++)
        if (strcmp(paths->entries[i].path, path) == 0 && marks_equal(paths->entries[i].mark, mark))
            return &paths->entries[i];
    return NULL;
}

/* Whether another path of the document answers the same requests, but calls its parameters other
 * names: the two may not stand side by side. */
static bool is_taken_otherwise(const struct paths *paths, const char *path) {
    for (size_t i = 0; i < paths->count; i++)
        if (!paths->entries[i].mark && route_path_same(paths->entries[i].path, path) &&
            strcmp(paths->entries[i].path, path) != 0)
            return true;
    return false;
}

static bool copy_shared(struct path_entry *entry, const struct node *origin) {
    for (size_t i = 0; origin && i < origin->count; i++) {
        const struct node *member = &origin->children[i];
        if (!openapi_is_method(member->name) && !nodes_add_copy(&entry->item, member->name, member))
            return false;
    }
    return true;
}

static struct path_entry *make_entry(struct paths *paths, const char *path, const char *mark,
                                     const struct node *origin) {
    struct path_entry *entry = add_entry(paths, path, mark);
    if (!entry || !copy_shared(entry, origin))
        return NULL;
    entry->origin = origin;
    return entry;
}

/* Where an operation of this method can stand: at a key that has none yet. `origin`: the path item
 * that it comes from, or NULL; `mark` is what its author would like. NULL: memory is short. */
static struct path_entry *place(struct paths *paths, const char *path, const char *mark,
                                const char *method, const struct node *origin, const char *module) {
    char other[64];
    if (!mark && is_taken_otherwise(paths, path))
        mark = module;
    for (unsigned n = 1;; n++) {
        struct path_entry *entry = find_entry(paths, path, mark);
        if (!entry)
            return make_entry(paths, path, mark, origin);
        if (!node_child(&entry->item, method))
            return entry;
        snprintf(other, sizeof(other), n > 1 ? "%.40s-%u" : "%.40s", module, n);
        mark = other;
    }
}

/* ---- the host's */

static bool is_off(const char *path, const char *const *off) {
    for (; off && *off; off++) {
        const size_t size = strlen(*off);
        if (strncmp(path, *off, size) == 0 && (!path[size] || path[size] == '/'))
            return true;
    }
    return false;
}

bool paths_add_host(struct paths *paths, const struct node *host, const char *const *off) {
    for (size_t i = 0; host && i < host->count; i++) {
        const struct node *item = &host->children[i];
        if (is_off(item->name, off))
            continue;
        struct path_entry *entry = add_entry(paths, item->name, NULL);
        for (size_t j = 0; j < item->count; j++)
            if (!entry || !nodes_add_copy(&entry->item, item->children[j].name, &item->children[j]))
                return false;
    }
    return true;
}

/* ---- a module's */

static bool is_method(const char *registered, const char *member) {
    return strcasecmp(registered, member) == 0;
}

/* The route that an operation of the part describes, or route_count. One that wants a header goes
 * with a key that has a mark; without `exact` either goes with either. */
static size_t find_route(const struct openapi_source *source, const bool *used,
                         const struct node *item, const char *method, bool exact) {
    const size_t size = strcspn(item->name, "#");
    size_t i = 0;
    for (; i < source->route_count; i++) {
        const struct route *route = source->routes[i];
        if (!used[i] && strlen(route->given_path) == size &&
            memcmp(route->given_path, item->name, size) == 0 &&
            is_method(route->as.method, method) &&
            (!exact || !route->as.header == !item->name[size]))
            break;
    }
    return i;
}

/* Two operations of one id would be one to generators of clients. */
static bool has_id(const struct paths *paths, const char *id) {
    for (size_t i = 0; i < paths->count; i++)
        for (size_t j = 0; j < paths->entries[i].item.count; j++) {
            const char *other =
                node_text(node_child(&paths->entries[i].item.children[j], "operationId"));
            if (other && strcmp(other, id) == 0)
                return true;
        }
    return false;
}

/* MODULE_ID; where that is taken as well, the first number is one that is hardly ever. */
static bool make_id_unique(const struct paths *paths, struct node *operation, const char *module) {
    struct node *id = nodes_find(operation, "operationId");
    const char *text = node_text(id);
    if (!text || !has_id(paths, text))
        return true;
    for (size_t n = paths->count;; n++) {
        char *fresh = NULL, number[24] = "";
        if (n > paths->count)
            snprintf(number, sizeof(number), "_%zu", n);
        if (asprintf(&fresh, "%s_%s%s", module, text, number) < 0)
            return false;
        const bool taken = has_id(paths, fresh), good = taken || nodes_set_text(id, fresh);
        free(fresh);
        if (!taken)
            return good;
    }
}

/* Parameters that the operations of an entry share would be those of one that joins them, too. */
static bool keep_apart(struct path_entry *entry) {
    struct node *shared = nodes_find(&entry->item, "parameters");
    if (!shared)
        return true;
    for (size_t i = 0; i < entry->item.count; i++) {
        struct node *operation = &entry->item.children[i];
        if (openapi_is_method(operation->name) && !operation_add_parameters(operation, shared))
            return false;
    }
    nodes_remove(&entry->item, shared);
    return true;
}

static bool add_operation(struct paths *paths, const struct openapi_source *source,
                          const struct openapi_part *part, const struct route *route,
                          const struct node *item, struct node *operation) {
    const char *mark = strchr(item->name, '#');
    if (!make_id_unique(paths, operation, source->name))
        return false;
    struct path_entry *entry =
        place(paths, route->as.path, mark ? mark + 1 : NULL, operation->name, item, source->name);
    if (!entry || (entry->origin != item && !keep_apart(entry)))
        return false;
    struct node *moved = nodes_move(&entry->item, operation->name, operation);
    return moved &&
           (entry->origin == item ||
            operation_add_parameters(moved, node_child(item, "parameters"))) &&
           operation_fit(moved, route, source->name, part->security);
}

static bool add_described(struct paths *paths, const struct openapi_source *source,
                          const struct openapi_part *part, bool *used, bool exact) {
    for (size_t i = 0; part->paths && i < part->paths->count; i++) {
        struct node *item = &part->paths->children[i];
        for (size_t j = 0; j < item->count; j++) {
            struct node *operation = &item->children[j];
            if (!openapi_is_method(operation->name) || !operation->count)
                continue; /* moved already */
            const size_t index = find_route(source, used, item, operation->name, exact);
            if (index == source->route_count)
                continue;
            used[index] = true;
            if (!add_operation(paths, source, part, source->routes[index], item, operation))
                return false;
        }
    }
    return true;
}

static bool add_minimal(struct paths *paths, const struct openapi_source *source,
                        const struct route *route) {
    char method[16];
    snprintf(method, sizeof(method), "%s", route->as.method);
    for (char *at = method; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    struct node operation = {.kind = NODE_MAPPING};
    struct path_entry *entry = NULL;
    const bool made = operation_make(&operation, route, source->name) &&
                      make_id_unique(paths, &operation, source->name);
    if (made)
        entry = place(paths, route->as.path, route->as.header, method, NULL, source->name);
    const bool added = entry && keep_apart(entry) && nodes_move(&entry->item, method, &operation);
    node_finish(&operation);
    return added;
}

bool paths_add_module(struct paths *paths, const struct openapi_source *source,
                      struct openapi_part *part) {
    bool *used = calloc(source->route_count + 1, sizeof(*used));
    bool good = used && add_described(paths, source, part, used, true) &&
                add_described(paths, source, part, used, false);
    for (size_t i = 0; good && i < source->route_count; i++)
        good = used[i] || add_minimal(paths, source, source->routes[i]);
    for (size_t i = 0; i < paths->count; i++)
        paths->entries[i].origin = NULL;
    free(used);
    return good;
}

/* ---- all of them */

/* The mark goes where nothing stands beside it. */
static void unmark(struct paths *paths, struct path_entry *entry) {
    for (size_t i = 0; i < paths->count; i++)
        if (!paths->entries[i].mark && route_path_same(paths->entries[i].path, entry->path))
            return;
    free(entry->mark);
    entry->mark = NULL;
}

static bool finish_entry(struct path_entry *entry, struct node *document) {
    char *key = NULL;
    if (asprintf(&key, "%s%s%s", entry->path, entry->mark ? "#" : "",
                 entry->mark ? entry->mark : "") < 0)
        return false;
    const bool moved = nodes_move(document, key, &entry->item);
    free(key);
    return moved;
}

bool paths_finish(struct paths *paths, struct node *document) {
    for (size_t i = 0; i < paths->count; i++)
        if (paths->entries[i].mark)
            unmark(paths, &paths->entries[i]);
    for (size_t i = 0; i < paths->count; i++)
        if (!finish_entry(&paths->entries[i], document))
            return false;
    return true;
}

void paths_destroy(struct paths *paths) {
    for (size_t i = 0; i < paths->count; i++) {
        free(paths->entries[i].path);
        free(paths->entries[i].mark);
        node_finish(&paths->entries[i].item);
    }
    free(paths->entries);
    *paths = (struct paths){0};
}
