/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the parts of a configuration that are no single value.
 * What they contradict elsewhere in the file is found by check.c.
 */
#include "config/sections.h"

#include "config/flags.h"
#include "config/keys.h"
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAXIMUM_KEYS = 10000,
    MAXIMUM_NAMED = 1000, /* profiles, slot classes, variables, modules */
    MAXIMUM_FLAGS = 100,
    MAXIMUM_SLOTS = 100000,
    SHOWN_BYTES = 192
};

void section_read_listen(struct reader *reader, void *member, const struct node *node,
                         const char *shown) {
    (void)member;
    char host[64];
    uint16_t port = 0;
    const char *expected = "an address";
    if (node->kind == NODE_SCALAR) {
        expected = form_listen(node->text, host, sizeof host, &port);
    }
    if (expected != NULL) {
        problems_add(reader->problems, node->line, shown, "found %s, expected %s",
                     node_found(node).text, expected);
        return;
    }
    if (host[0] != '\0') {
        char *copy = strdup(host);
        if (copy == NULL) {
            problems_add_no_memory(reader->problems);
            return;
        }
        free(reader->config->listen_host);
        reader->config->listen_host = copy;
    }
    reader->config->listen_port = port;
}

static void read_key(struct reader *reader, struct config_key *key, const struct node *node,
                     const char *shown) {
    if (node->kind != NODE_MAPPING) {
        problems_add(reader->problems, node->line, shown,
                     "found %s, expected a mapping with at least name and sha256",
                     node_found(node).text);
        return;
    }
    if (key_set_defaults(&key_table_key, key) != 0) {
        problems_add_no_memory(reader->problems);
        return;
    }
    reader_lay(reader, &key_table_key, key, node, shown);
    if (node_child(node, "name") == NULL) {
        problems_add(reader->problems, node->line, shown, "name is missing");
    }
    if (node_child(node, "sha256") == NULL) {
        problems_add(reader->problems, node->line, shown,
                     "sha256 is missing; printf %%s \"$KEY\" | sha256sum computes it");
    }
}

void section_read_keys(struct reader *reader, void *member, const struct node *node,
                       const char *shown) {
    (void)member;
    struct config *config = reader->config;
    if (!reader_expect_list(reader, node, shown, MAXIMUM_KEYS)) {
        return;
    }
    config->keys = calloc(node->count + 1, sizeof *config->keys);
    if (config->keys == NULL) {
        problems_add_no_memory(reader->problems);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char entry[SHOWN_BYTES];
        snprintf(entry, sizeof entry, "%.100s[%zu]", shown, i);
        config->key_count = i + 1;
        read_key(reader, &config->keys[i], &node->children[i], entry);
    }
}

void section_read_sha256(struct reader *reader, void *member, const struct node *node,
                         const char *shown) {
    if (reader_is_masked(reader, node, shown)) {
        return;
    }
    if (node->kind != NODE_SCALAR) {
        problems_add(reader->problems, node->line, shown,
                     "found %s, expected 64 hexadecimal digits", node_found(node).text);
    } else if (form_sha256(node->text, member) != 0) {
        /* What stands here may be the key itself: not shown. */
        problems_add(reader->problems, node->line, shown,
                     "found %zu characters (not shown), expected the 64 hexadecimal digits that "
                     "printf %%s \"$KEY\" | sha256sum prints",
                     strlen(node->text));
    }
}

/* Common start of the sections that map names to values: false when there is nothing to read. */
static bool begin_named(struct reader *reader, const struct node *node, const char *shown) {
    if (!reader_expect_mapping(reader, node, shown)) {
        return false;
    }
    if (node->count > MAXIMUM_NAMED) {
        problems_add(reader->problems, node->line, shown, "found %zu entries, expected at most %d",
                     node->count, MAXIMUM_NAMED);
        return false;
    }
    return node->count > 0;
}

/* A copy of the child's name when it has the form, else NULL with a problem added. */
static char *take_name(struct reader *reader, const struct node *child, const char *shown,
                       const struct form *form) {
    if (!form->matches(child->name)) {
        problems_add(reader->problems, child->line, shown, "found the name %s, expected %s",
                     problems_quote(child->name).text, form->expected);
        return NULL;
    }
    char *name = strdup(child->name);
    if (name == NULL) {
        problems_add_no_memory(reader->problems);
    }
    return name;
}

void section_read_classes(struct reader *reader, void *member, const struct node *node,
                          const char *shown) {
    (void)member;
    struct config *config = reader->config;
    if (!begin_named(reader, node, shown)) {
        return;
    }
    config->slots.classes = calloc(node->count, sizeof *config->slots.classes);
    if (config->slots.classes == NULL) {
        problems_add_no_memory(reader->problems);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct node *child = &node->children[i];
        char entry[SHOWN_BYTES];
        int64_t limit = 0;
        snprintf(entry, sizeof entry, "%.100s.%.64s", shown, child->name);
        char *name = take_name(reader, child, shown, &form_class);
        if (name == NULL || !reader_integer(reader, child, entry, 0, MAXIMUM_SLOTS, &limit)) {
            free(name);
            continue;
        }
        config->slots.classes[config->slots.class_count] =
            (struct config_slot_class){.name = name, .limit = limit};
        config->slots.class_count++;
    }
}

/* The value is not shown, whatever it is: it may be a secret. */
static char *take_value(struct reader *reader, const struct node *child, const char *shown) {
    if (reader_is_masked(reader, child, shown)) {
        return NULL;
    }
    if (child->kind != NODE_SCALAR || node_is_null(child)) {
        problems_add(reader->problems, child->line, shown,
                     "found %s, expected text (\"\" is empty text)", node_found(child).text);
        return NULL;
    }
    char *value = strdup(child->text);
    if (value == NULL) {
        problems_add_no_memory(reader->problems);
    }
    return value;
}

void section_read_environment(struct reader *reader, void *member, const struct node *node,
                              const char *shown) {
    (void)member;
    struct config *config = reader->config;
    if (!begin_named(reader, node, shown)) {
        return;
    }
    config->runner.environment = calloc(node->count, sizeof *config->runner.environment);
    if (config->runner.environment == NULL) {
        problems_add_no_memory(reader->problems);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct node *child = &node->children[i];
        char entry[SHOWN_BYTES];
        snprintf(entry, sizeof entry, "%.100s.%.64s", shown, child->name);
        char *name = take_name(reader, child, shown, &form_variable);
        char *value = name != NULL ? take_value(reader, child, entry) : NULL;
        if (value == NULL) {
            free(name);
            continue;
        }
        config->runner.environment[config->runner.environment_count] =
            (struct config_pair){.name = name, .value = value};
        config->runner.environment_count++;
    }
}

static bool is_fit_for_profile(struct reader *reader, const struct node *node, const char *flag,
                               const char *shown) {
    char reason[640];
    size_t name_size = 0;
    if (flag_has_masked_json(flag, &name_size)) {
        snprintf(reason, sizeof reason,
                 "the value of %.*s is \"" FORM_MASK "\", which stands for JSON in a printed "
                 "configuration; expected the JSON itself",
                 (int)name_size, flag);
    } else if (flag_check(flag, reason, sizeof reason) == 0) {
        return true;
    }
    problems_add(reader->problems, node->line, shown, "%s", reason);
    return false;
}

void section_read_flags(struct reader *reader, void *member, const struct node *node,
                        const char *shown) {
    struct config_list *list = member;
    unsigned before = reader->problems->count;
    reader_list(reader, list, node, shown, &form_text, MAXIMUM_FLAGS);
    if (reader->problems->count != before) {
        return; /* places in the list and in the file do not agree */
    }
    for (size_t i = 0; i < list->count; i++) {
        char entry[SHOWN_BYTES];
        snprintf(entry, sizeof entry, "%.160s[%zu]", shown, i);
        is_fit_for_profile(reader, node_item(node, i), list->items[i], entry);
    }
}

static struct config_profile *find_profile(struct config *config, const char *name) {
    for (size_t i = 0; i < config->profile_count; i++) {
        if (strcmp(config->profiles[i].name, name) == 0) {
            return &config->profiles[i];
        }
    }
    return NULL;
}

/* The profile of that name, as it stands or new; takes `name`. There is room for it. */
static struct config_profile *open_profile(struct config *config, char *name) {
    struct config_profile *profile = find_profile(config, name);
    if (profile != NULL) {
        free(name);
        return profile;
    }
    profile = &config->profiles[config->profile_count];
    memset(profile, 0, sizeof *profile);
    profile->name = name;
    config->profile_count++;
    return profile;
}

void section_read_profiles(struct reader *reader, void *member, const struct node *node,
                           const char *shown) {
    (void)member;
    struct config *config = reader->config;
    if (!begin_named(reader, node, shown)) {
        return;
    }
    struct config_profile *profiles =
        reallocarray(config->profiles, config->profile_count + node->count, sizeof *profiles);
    if (profiles == NULL) {
        problems_add_no_memory(reader->problems);
        return;
    }
    config->profiles = profiles;
    for (size_t i = 0; i < node->count; i++) {
        const struct node *child = &node->children[i];
        char entry[SHOWN_BYTES];
        snprintf(entry, sizeof entry, "%.100s.%.64s", shown, child->name);
        char *name = take_name(reader, child, shown, &form_name);
        if (name != NULL) {
            reader_lay(reader, &key_table_profile, open_profile(config, name), child, entry);
        }
    }
}

static json_t *take_settings(struct reader *reader, const struct node *child, const char *shown) {
    if (!reader_expect_mapping(reader, child, shown)) {
        return NULL;
    }
    if (child->kind == NODE_MAPPING) {
        return settings_from_node(reader, child, shown);
    }
    json_t *empty = json_object();
    if (empty == NULL) {
        problems_add_no_memory(reader->problems);
    }
    return empty;
}

void section_read_settings(struct reader *reader, void *member, const struct node *node,
                           const char *shown) {
    (void)member;
    struct config *config = reader->config;
    if (!begin_named(reader, node, shown)) {
        return;
    }
    config->modules.sections = calloc(node->count, sizeof *config->modules.sections);
    if (config->modules.sections == NULL) {
        problems_add_no_memory(reader->problems);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct node *child = &node->children[i];
        char entry[SHOWN_BYTES];
        snprintf(entry, sizeof entry, "%.100s.%.64s", shown, child->name);
        char *name = take_name(reader, child, shown, &form_module);
        json_t *settings = name != NULL ? take_settings(reader, child, entry) : NULL;
        if (settings == NULL) {
            free(name);
            continue;
        }
        config->modules.sections[config->modules.section_count] =
            (struct config_module){.name = name,
                                   .settings = settings,
                                   .lines = settings_lines(child),
                                   .line = child->line};
        config->modules.section_count++;
    }
}
