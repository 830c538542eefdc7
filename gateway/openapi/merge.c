/* SPDX-License-Identifier: Apache-2.0 */
/* The host's part is copied, parts of modules are taken apart: each lives no longer than needed. */
#include "openapi/merge.h"
#include "openapi/components.h"
#include "openapi/nodes.h"
#include "openapi/part.h"
#include "openapi/paths.h"
#include <stdlib.h>
#include <string.h>

struct merge {
    const struct openapi_options *options;
    struct openapi_part host;
    struct paths paths;
    struct node components; /* a mapping */
    struct node tags;       /* a sequence */
};

/* ---- reading a part */

static bool read_part(const struct merge *merge, struct openapi_part *part, const char *file,
                      struct koine_text text, struct config_error *error) {
    struct problems problems;
    problems_init(&problems, file, error);
    const bool good = openapi_part_read(part, text, merge->host.components, &problems);
    problems_finish(&problems);
    return good;
}

static void warn(const struct merge *merge, const char *module, const char *problem,
                 const char *rest) {
    char sentence[sizeof(struct config_error) + 200];
    if (!merge->options->warn)
        return;
    snprintf(sentence, sizeof(sentence), "%s%s", problem, rest);
    merge->options->warn(merge->options->data, module, sentence);
}

/* ---- a module */

static bool has_tag(const struct merge *merge, const char *name) {
    for (size_t i = 0; i < merge->tags.count; i++) {
        const char *other = node_text(node_child(&merge->tags.children[i], "name"));
        if (other && strcmp(other, name) == 0)
            return true;
    }
    return false;
}

static bool add_tags(struct merge *merge, const struct node *tags) {
    for (size_t i = 0; tags && i < tags->count; i++) {
        const char *name = node_text(node_child(&tags->children[i], "name"));
        if (!has_tag(merge, name) && !nodes_add_copy(&merge->tags, NULL, &tags->children[i]))
            return false;
    }
    return true;
}

/* What stands under the module's own name is dropped again where no operation is. */
static bool add_module_tag(struct merge *merge, const struct openapi_source *source) {
    if (has_tag(merge, source->name))
        return true;
    struct node *tag = nodes_add_mapping(&merge->tags, NULL);
    return nodes_add_text(tag, "name", source->name) &&
           nodes_add_text(tag, "description", source->summary);
}

static bool add_source(struct merge *merge, const struct openapi_source *source) {
    struct openapi_part part = {0};
    struct config_error error;
    if (source->fragment.data &&
        !read_part(merge, &part, "the OpenAPI fragment", source->fragment, &error)) {
        warn(merge, source->name, error.message,
             "; its routes are shown without their description");
        openapi_part_finish(&part);
    }
    const bool good = components_add(&merge->components, &part, source->name) &&
                      paths_add_module(&merge->paths, source, &part) &&
                      add_tags(merge, part.tags) && add_module_tag(merge, source);
    openapi_part_finish(&part);
    return good;
}

/* ---- the whole */

static bool set_text(struct node *mapping, const char *name, const char *text) {
    struct node *member = nodes_find(mapping, name);
    return member ? nodes_set_text(member, text) : (bool)nodes_add_text(mapping, name, text);
}

static bool add_notice(struct node *info, const char *notice) {
    const struct node *description = nodes_find(info, "description");
    const char *text = node_text(description);
    char *whole = NULL;
    if (!notice)
        return true;
    const bool good =
        asprintf(&whole, "%s%s%s", notice, text ? "\n\n" : "", text ? text : "") >= 0 &&
        set_text(info, "description", whole);
    free(whole);
    return good;
}

static bool set_server(struct node *root, const char *url) {
    struct node *servers = nodes_find(root, "servers");
    if (!url)
        return true;
    if (!servers)
        servers = nodes_add_sequence(root, "servers");
    while (node_is(servers, NODE_SEQUENCE) && servers->count)
        nodes_remove(servers, &servers->children[servers->count - 1]);
    return nodes_add_text(nodes_add_mapping(servers, NULL), "url", url);
}

static bool is_used(const struct node *paths, const char *tag) {
    for (size_t i = 0; i < paths->count; i++)
        for (size_t j = 0; j < paths->children[i].count; j++) {
            const struct node *tags = node_child(&paths->children[i].children[j], "tags");
            for (size_t k = 0; tags && k < tags->count; k++) {
                const char *name = node_text(&tags->children[k]);
                if (name && strcmp(name, tag) == 0)
                    return true;
            }
        }
    return false;
}

static bool finish_tags(struct merge *merge, struct node *root, const struct node *paths) {
    for (size_t i = merge->tags.count; i > 0; i--) {
        struct node *tag = &merge->tags.children[i - 1];
        if (!is_used(paths, node_text(node_child(tag, "name"))))
            nodes_remove(&merge->tags, tag);
    }
    return !merge->tags.count || nodes_move(root, "tags", &merge->tags);
}

/* In the order in which people look for them. */
static bool finish(struct merge *merge, struct node *root) {
    struct node paths = {.kind = NODE_MAPPING};
    bool good = set_server(root, merge->options->server_url) &&
                set_text(nodes_find(root, "info"), "version", KOINE_VERSION) &&
                add_notice(nodes_find(root, "info"), merge->options->notice) &&
                paths_finish(&merge->paths, &paths) &&
                components_drop_unused(&merge->components, &paths, nodes_find(root, "security")) &&
                finish_tags(merge, root, &paths) && nodes_move(root, "paths", &paths) &&
                (!merge->components.count || nodes_move(root, "components", &merge->components));
    node_finish(&paths);
    return good;
}

/* The members of the host's part that need no merging. */
static struct node *begin(const struct merge *merge) {
    struct node *root = calloc(1, sizeof(*root));
    const struct node *host = merge->host.root;
    if (root)
        root->kind = NODE_MAPPING;
    for (size_t i = 0; root && i < host->count; i++) {
        const struct node *member = &host->children[i];
        if (member == merge->host.paths || member == merge->host.components ||
            member == merge->host.tags)
            continue;
        if (!nodes_add_copy(root, member->name, member)) {
            tree_destroy(root);
            return NULL;
        }
    }
    return root;
}

static bool copy_components(struct merge *merge) {
    const struct node *components = merge->host.components;
    for (size_t i = 0; components && i < components->count; i++)
        if (!nodes_add_copy(&merge->components, components->children[i].name,
                            &components->children[i]))
            return false;
    return true;
}

static bool fill(struct merge *merge, struct node *root, const struct openapi_source *sources,
                 size_t count) {
    bool good = copy_components(merge) &&
                paths_add_host(&merge->paths, merge->host.paths, merge->options->off) &&
                add_tags(merge, merge->host.tags);
    for (size_t i = 0; good && i < count; i++)
        good = add_source(merge, &sources[i]);
    return good && finish(merge, root);
}

struct node *openapi_merge(struct koine_text host, const struct openapi_source *sources,
                           size_t count, const struct openapi_options *options) {
    struct merge merge = {
        .options = options, .components = {.kind = NODE_MAPPING}, .tags = {.kind = NODE_SEQUENCE}};
    struct config_error error;
    struct node *root = NULL;
    if (!read_part(&merge, &merge.host, "gateway/openapi.yaml", host, &error))
        warn(&merge, "gateway", error.message, "");
    else
        root = begin(&merge);
    if (root && !fill(&merge, root, sources, count)) {
        tree_destroy(root);
        root = NULL;
    }
    paths_destroy(&merge.paths);
    node_finish(&merge.components);
    node_finish(&merge.tags);
    openapi_part_finish(&merge.host);
    return root;
}
