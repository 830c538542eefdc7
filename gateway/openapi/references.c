/* SPDX-License-Identifier: Apache-2.0 */
/* Walks by the names of members: what an object is follows from where it stands. */
#include "openapi/references.h"
#include "openapi/nodes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "#/components/"
#define SCHEMAS "schemas"
#define SECURITY_SCHEMES "securitySchemes"

struct walk {
    reference_visit *visit;
    void *data;
};

static const char *one_of(const char *const *words, const char *text) {
    for (; *words; words++)
        if (**words == *text && strcmp(*words, text) == 0) /* of every member: mostly not */
            return *words;
    return NULL;
}

const char *references_section(const char *name) {
    static const char *const sections[] = {
        SECURITY_SCHEMES, "headers", "parameters", "requestBodies", "responses", SCHEMAS,
        "examples",       "links",   "callbacks",  "pathItems",     NULL};
    return one_of(sections, name);
}

/* Members whose own members have names that their author chose. */
static bool holds_names(const char *member) {
    static const char *const names[] = {
        "properties",       "patternProperties", "$defs",    "definitions",
        "dependentSchemas", "content",           "encoding", NULL};
    return references_section(member) || one_of(names, member) || strncmp(member, "x-", 2) == 0;
}

static bool holds_data(const struct node *member) {
    static const char *const data[] = {"example", "default", "const", "enum", "value", NULL};
    return one_of(data, member->name) ||
           (member->kind == NODE_SEQUENCE && strcmp(member->name, "examples") == 0);
}

/* ---- the kinds of references */

/* "#/components/SECTION/NAME", also with a place in it behind. */
static bool visit_pointer(const struct walk *walk, struct node *scalar) {
    struct reference reference = {.text = &scalar->text, .line = scalar->line};
    const char *text = node_text(scalar);
    if (!text)
        return true;
    if (strncmp(text, PREFIX, strlen(PREFIX)) == 0) {
        char section[32];
        const char *at = text + strlen(PREFIX);
        size_t size = strcspn(at, "/");
        snprintf(section, sizeof(section), "%.*s", size < sizeof(section) ? (int)size : 0, at);
        reference.section = references_section(section);
        reference.begin = strlen(PREFIX) + size + (at[size] == '/');
        reference.size = strcspn(text + reference.begin, "/");
    }
    return walk->visit(walk->data, &reference);
}

static bool visit_mapping(const struct walk *walk, struct node *discriminator) {
    struct node *mapping = nodes_find(discriminator, "mapping");
    for (size_t i = 0; mapping && i < mapping->count; i++) {
        struct node *scalar = &mapping->children[i];
        const char *text = node_text(scalar);
        const struct reference by_name = {.section = SCHEMAS,
                                          .text = &scalar->text,
                                          .size = text ? strlen(text) : 0,
                                          .loose = true,
                                          .line = scalar->line};
        if (text &&
            !(*text == '#' ? visit_pointer(walk, scalar) : walk->visit(walk->data, &by_name)))
            return false;
    }
    return true;
}

static bool visit_requirements(const struct walk *walk, struct node *security) {
    for (size_t i = 0; i < security->count; i++)
        for (size_t j = 0; j < security->children[i].count; j++) {
            struct node *scheme = &security->children[i].children[j];
            const struct reference reference = {.section = SECURITY_SCHEMES,
                                                .text = &scheme->name,
                                                .size = scheme->name ? strlen(scheme->name) : 0,
                                                .line = scheme->line};
            if (scheme->name && !walk->visit(walk->data, &reference))
                return false;
        }
    return true;
}

/* ---- the walk */

static bool walk_object(const struct walk *walk, struct node *node);

static bool is_reference(const struct node *member) {
    return member->name && strcmp(member->name, "$ref") == 0 && member->kind == NODE_SCALAR;
}

static bool walk_children(const struct walk *walk, struct node *node) {
    for (size_t i = 0; i < node->count; i++) {
        struct node *child = &node->children[i];
        if (!(is_reference(child) ? visit_pointer(walk, child) : walk_object(walk, child)))
            return false;
    }
    return true;
}

static bool walk_member(const struct walk *walk, struct node *member) {
    if (holds_data(member))
        return true;
    if (is_reference(member))
        return visit_pointer(walk, member);
    if (strcmp(member->name, "security") == 0 && member->kind == NODE_SEQUENCE)
        return visit_requirements(walk, member);
    if (strcmp(member->name, "discriminator") == 0 && !visit_mapping(walk, member))
        return false;
    return holds_names(member->name) ? walk_children(walk, member) : walk_object(walk, member);
}

static bool walk_object(const struct walk *walk, struct node *node) {
    if (node->kind != NODE_MAPPING)
        return walk_children(walk, node);
    for (size_t i = 0; i < node->count; i++)
        if (!walk_member(walk, &node->children[i]))
            return false;
    return true;
}

bool references_walk(struct node *part, reference_visit *visit, void *data) {
    const struct walk walk = {visit, data};
    return walk_object(&walk, part);
}

/* ---- one of them */

struct node *references_find(struct node *components, const struct reference *reference) {
    struct node *section = reference->section ? nodes_find(components, reference->section) : NULL;
    const char *name = *reference->text + reference->begin;
    for (size_t i = 0; section && section->kind == NODE_MAPPING && i < section->count; i++) {
        struct node *component = &section->children[i];
        if (*component->name == *name && strncmp(component->name, name, reference->size) == 0 &&
            component->name[reference->size] == '\0')
            return component;
    }
    return NULL;
}

bool reference_replace(const struct reference *reference, const char *name) {
    char *fresh = NULL;
    if (asprintf(&fresh, "%.*s%s%s", (int)reference->begin, *reference->text, name,
                 *reference->text + reference->begin + reference->size) < 0)
        return false;
    free(*reference->text);
    *reference->text = fresh;
    return true;
}
