/* SPDX-License-Identifier: Apache-2.0 */
/* What a fragment must be to be merged; what is wrong is told with its line. */
#include "openapi/part.h"
#include "openapi/nodes.h"
#include "openapi/references.h"
#include "openapi/write.h"
#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_NODES = 50000, MAXIMUM_ENTRIES = 2000 };

bool openapi_is_method(const char *member) {
    static const char *const methods[] = {"get",     "put",  "post",  "delete",
                                          "options", "head", "patch", "trace"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (strcmp(methods[i], member) == 0)
            return true;
    return false;
}

/* ---- the form of it */

static bool refuse(struct problems *problems, const struct node *node, const char *place,
                   const char *expected) {
    problems_add(problems, node->line, NULL, "%s: found %s, expected %s", place,
                 node_found(node).text, expected);
    return false;
}

/* A member of the root. An empty one is none. */
static bool find(struct node *root, const char *name, enum node_kind kind, struct node **member,
                 struct problems *problems) {
    *member = nodes_find(root, name);
    if (*member && node_is_null(*member))
        *member = NULL;
    return node_is(*member, kind) || !*member ||
           refuse(problems, *member, name, kind == NODE_MAPPING ? "a mapping" : "a list");
}

static bool check_version(struct node *root, struct problems *problems) {
    const struct node *version = nodes_find(root, "openapi");
    if (!version || (version->kind == NODE_SCALAR && strncmp(version->text, "3.1", 3) == 0))
        return true;
    return refuse(problems, version, "openapi", "version 3.1");
}

/* What merging goes through, of an operation or a path item. */
static bool check_lists(const struct node *item, struct problems *problems) {
    static const char *const lists[] = {"parameters", "security", "tags"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        const struct node *list = node_child(item, lists[i]);
        if (list && list->kind != NODE_SEQUENCE)
            return refuse(problems, list, lists[i], "a list");
    }
    return true;
}

static bool check_path_item(const struct node *item, struct problems *problems) {
    const char *name = item->name;
    if (strncmp(name, "x-", 2) == 0)
        return true; /* an extension; it is nobody's route, and so not shown */
    if (*name != '/') {
        problems_add(problems, item->line, NULL,
                     "paths: found %s, expected a path such as \"/name\"",
                     problems_quote(name).text);
        return false;
    }
    if (item->kind != NODE_MAPPING)
        return refuse(problems, item, problems_quote(name).text, "a mapping of operations");
    for (size_t i = 0; i < item->count; i++) {
        const struct node *member = &item->children[i];
        if (!openapi_is_method(member->name))
            continue;
        if (member->kind != NODE_MAPPING)
            return refuse(problems, member, member->name, "an operation, which is a mapping");
        if (!check_lists(member, problems))
            return false;
    }
    return check_lists(item, problems);
}

static bool check_paths(const struct node *paths, struct problems *problems) {
    for (size_t i = 0; paths && i < paths->count; i++)
        if (!check_path_item(&paths->children[i], problems))
            return false;
    return true;
}

static bool is_component_name(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._-";
    return *name && name[strspn(name, allowed)] == '\0';
}

static bool check_section(const struct node *section, struct problems *problems) {
    if (!references_section(section->name) && strncmp(section->name, "x-", 2) != 0) {
        problems_add(problems, section->line, NULL,
                     "components: found %s, expected schemas, responses, parameters, headers …",
                     problems_quote(section->name).text);
        return false;
    }
    if (section->kind != NODE_MAPPING)
        return refuse(problems, section, section->name, "a mapping of components");
    for (size_t i = 0; i < section->count; i++) {
        const struct node *component = &section->children[i];
        if (!is_component_name(component->name)) {
            problems_add(problems, component->line, NULL,
                         "%s: found %s, expected a name of letters, digits, '.', '-' and '_'",
                         section->name, problems_quote(component->name).text);
            return false;
        }
    }
    return true;
}

static bool check_components(const struct node *components, struct problems *problems) {
    for (size_t i = 0; components && i < components->count; i++)
        if (!check_section(&components->children[i], problems))
            return false;
    return true;
}

static bool check_tags(const struct node *tags, struct problems *problems) {
    for (size_t i = 0; tags && i < tags->count; i++)
        if (!node_text(node_child(&tags->children[i], "name")))
            return refuse(problems, &tags->children[i], "tags", "a mapping with a name");
    return true;
}

/* A document is JSON in the end. */
static bool check_scalars(const struct node *node, struct problems *problems) {
    if (node->kind == NODE_SCALAR && !openapi_scalar_is_json(node))
        return refuse(problems, node, node->name ? node->name : "here",
                      "a value of JSON; put text in quotes");
    for (size_t i = 0; i < node->count; i++)
        if (!check_scalars(&node->children[i], problems))
            return false;
    return true;
}

/* ---- where its references lead */

struct reference_check {
    struct openapi_part *part;
    struct node *host;
    struct problems *problems;
};

static bool check_reference(void *data, const struct reference *reference) {
    const struct reference_check *check = data;
    const char *text = *reference->text;
    if (references_find(check->part->components, reference) ||
        references_find(check->host, reference) || reference->loose ||
        (*text == '#' && !reference->begin && !reference->section))
        return true;
    problems_add(check->problems, reference->line, NULL, "%s %s: expected %s",
                 reference->begin || !reference->section ? "$ref" : "security",
                 problems_quote(text).text,
                 reference->section || reference->begin
                     ? "the name of a component that the fragment or the gateway has"
                     : "\"#/components/…\": nothing is fetched from elsewhere");
    return false;
}

static bool check_references(struct openapi_part *part, struct node *host,
                             struct problems *problems) {
    struct reference_check check = {part, host, problems};
    return references_walk(part->root, check_reference, &check);
}

/* ---- all of it */

static bool check(struct openapi_part *part, struct node *host, struct problems *problems) {
    struct node *root = part->root;
    return check_version(root, problems) &&
           find(root, "paths", NODE_MAPPING, &part->paths, problems) &&
           find(root, "components", NODE_MAPPING, &part->components, problems) &&
           find(root, "tags", NODE_SEQUENCE, &part->tags, problems) &&
           find(root, "security", NODE_SEQUENCE, &part->security, problems) &&
           check_paths(part->paths, problems) && check_components(part->components, problems) &&
           check_tags(part->tags, problems) && check_scalars(root, problems) &&
           check_references(part, host, problems);
}

bool openapi_part_read(struct openapi_part *part, struct koine_text text, struct node *host,
                       struct problems *problems) {
    static const struct tree_limits limits = {MAXIMUM_NODES, MAXIMUM_ENTRIES};
    *part = (struct openapi_part){0};
    if (text.size > OPENAPI_MAXIMUM_BYTES) {
        problems_add(problems, 0, NULL, "the fragment has %zu bytes, expected at most %d",
                     text.size, OPENAPI_MAXIMUM_BYTES);
        return false;
    }
    part->root = tree_read_within(text.data, text.size, &limits, problems);
    if (!part->root && !problems->count)
        problems_add(problems, 0, NULL, "the fragment is empty, expected paths and components");
    if (!part->root)
        return false;
    if (part->root->kind != NODE_MAPPING)
        return refuse(problems, part->root, "the whole", "a mapping with paths and components");
    return check(part, host, problems);
}

void openapi_part_finish(struct openapi_part *part) {
    tree_destroy(part->root);
    *part = (struct openapi_part){0};
}
