/* SPDX-License-Identifier: Apache-2.0 */
/* A component that gets another name is marked meanwhile, likewise one that is used. */
#include "openapi/components.h"
#include "openapi/nodes.h"
#include "openapi/references.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which ones get another name */

enum { ROUNDS = 16 }; /* of one clash that makes another */

/* A visit: goes on until a reference leads to one that is marked. */
static bool stays_unmarked(void *data, const struct reference *reference) {
    const struct node *component = references_find(data, reference);
    return !component || !component->marked;
}

/* Whether it says something else than the one that is there, where that is judged so far. */
static bool differs(struct node *component, const struct node *other, struct node *own) {
    return !nodes_equal(component, other) || !references_walk(component, stays_unmarked, own);
}

/* One round. Returns how many were marked; `all`: every one whose name is there. */
static size_t mark_clashes(struct node *components, struct node *own, bool all) {
    size_t count = 0;
    for (size_t i = 0; i < own->count; i++) {
        struct node *section = &own->children[i];
        const struct node *there = nodes_find(components, section->name);
        for (size_t j = 0; there && j < section->count; j++) {
            struct node *component = &section->children[j];
            const struct node *other = node_child(there, component->name);
            if (other && !component->marked && (all || differs(component, other, own))) {
                component->marked = true;
                count++;
            }
        }
    }
    return count;
}

/* ---- what they are called then */

struct renaming {
    struct node *components, *own;
    const char *module;
    bool no_memory;
};

/* MODULE_NAME, malloc'd; with a number behind it where that is taken, or would be another's that
 * has the number in its name: whether that has its new one yet makes no difference then. */
static char *new_name(const struct renaming *renaming, const char *section, const char *name) {
    const struct node *there = nodes_find(renaming->components, section);
    const struct node *own = nodes_find(renaming->own, section);
    const size_t prefix = strlen(renaming->module) + 1;
    char *fresh = NULL;
    for (unsigned n = 1; n < 1000; n++) {
        char number[16] = "";
        if (n > 1)
            snprintf(number, sizeof(number), "_%u", n);
        if (asprintf(&fresh, "%s_%s%s", renaming->module, name, number) < 0)
            return NULL;
        if (!node_child(there, fresh) && !node_child(own, fresh) &&
            (n == 1 || !node_child(own, fresh + prefix)))
            return fresh;
        free(fresh);
    }
    return NULL;
}

static bool rename_reference(void *data, const struct reference *reference) {
    struct renaming *renaming = data;
    const struct node *component = references_find(renaming->own, reference);
    if (!component || !component->marked)
        return true;
    char *name = new_name(renaming, reference->section, component->name);
    renaming->no_memory = !name || !reference_replace(reference, name);
    free(name);
    return !renaming->no_memory;
}

static bool rename_section(const struct renaming *renaming, struct node *section) {
    for (size_t i = 0; i < section->count; i++) {
        struct node *component = &section->children[i];
        if (!component->marked)
            continue;
        char *name = new_name(renaming, section->name, component->name);
        const bool renamed = name && nodes_rename(component, name);
        component->marked = false;
        free(name);
        if (!renamed)
            return false;
    }
    return true;
}

/* References first: they are found by the names that the components have still. */
static bool rename_clashes(struct node *components, struct openapi_part *part, const char *module) {
    struct renaming renaming = {components, part->components, module, false};
    references_walk(part->root, rename_reference, &renaming);
    if (renaming.no_memory)
        return false;
    for (size_t i = 0; i < part->components->count; i++)
        if (!rename_section(&renaming, &part->components->children[i]))
            return false;
    return true;
}

/* ---- adding them */

static bool add_section(struct node *components, struct node *section) {
    struct node *there = nodes_find(components, section->name);
    if (!there)
        there = nodes_add_mapping(components, section->name);
    for (size_t i = 0; there && i < section->count; i++) {
        struct node *component = &section->children[i];
        if (!node_child(there, component->name) && !nodes_move(there, component->name, component))
            return false;
    }
    return there;
}

bool components_add(struct node *components, struct openapi_part *part, const char *module) {
    if (!part->components)
        return true;
    size_t marked = 0, round = 0, fresh;
    while ((fresh = mark_clashes(components, part->components, round == ROUNDS)) &&
           round++ < ROUNDS)
        marked += fresh;
    if ((marked || fresh) && !rename_clashes(components, part, module))
        return false;
    for (size_t i = 0; i < part->components->count; i++)
        if (!add_section(components, &part->components->children[i]))
            return false;
    return true;
}

/* ---- dropping them */

struct use {
    struct node *components;
    struct node **waiting; /* marked, but not gone through */
    size_t count;
};

static bool mark_used(void *data, const struct reference *reference) {
    struct use *use = data;
    struct node *component = references_find(use->components, reference);
    if (component && !component->marked) {
        component->marked = true;
        use->waiting[use->count++] = component;
    }
    return true;
}

static size_t count_of(const struct node *components) {
    size_t count = 0;
    for (size_t i = 0; i < components->count; i++)
        count += components->children[i].count;
    return count;
}

static void drop_unmarked(struct node *section) {
    size_t kept = 0;
    for (size_t i = 0; i < section->count; i++) {
        struct node *component = &section->children[i];
        if (component->marked) {
            component->marked = false;
            section->children[kept++] = *component;
        } else {
            node_finish(component);
        }
    }
    section->count = kept;
}

bool components_drop_unused(struct node *components, struct node *paths, struct node *security) {
    struct use use = {.components = components};
    use.waiting = calloc(count_of(components) + 1, sizeof(struct node *));
    if (!use.waiting)
        return false;
    struct node requirements = {.kind = NODE_MAPPING, .children = security, .count = 1};
    for (size_t i = 0; i < paths->count; i++)
        references_walk(&paths->children[i], mark_used, &use);
    if (security)
        references_walk(&requirements, mark_used, &use);
    while (use.count)
        references_walk(use.waiting[--use.count], mark_used, &use);
    free(use.waiting);
    for (size_t i = components->count; i > 0; i--) {
        struct node *section = &components->children[i - 1];
        drop_unmarked(section);
        if (!section->count)
            nodes_remove(components, section);
    }
    return true;
}
