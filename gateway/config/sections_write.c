/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the parts of a configuration that are no single value as JSON, for printing.
 * Secrets do not leave: hashes, variables, inline JSON of flags and secret settings are masked.
 */
#include "config/sections.h"

#include "config/flags.h"
#include "config/settings.h"
#include "config/write.h"

#include <string.h>

json_t *section_write_listen(const void *base, const void *member) {
    const struct config *config = base;
    (void)member;
    bool version6 = strchr(config->listen_host, ':') != NULL;
    return json_sprintf(version6 ? "[%s]:%u" : "%s:%u", config->listen_host,
                        (unsigned)config->listen_port);
}

json_t *section_write_keys(const void *base, const void *member) {
    const struct config *config = base;
    (void)member;
    json_t *keys = json_array();
    for (size_t i = 0; keys != NULL && i < config->key_count; i++) {
        if (json_array_append_new(keys, write_table(&key_table_key, &config->keys[i])) != 0) {
            json_decref(keys);
            keys = NULL;
        }
    }
    return keys;
}

json_t *section_write_sha256(const void *base, const void *member) {
    (void)base;
    (void)member;
    return json_string(FORM_MASK);
}

/* Adds a member; frees `object` and returns NULL when that fails. */
static json_t *with_member(json_t *object, const char *name, json_t *value) {
    if (json_object_set_new(object, name, value) == 0) {
        return object;
    }
    json_decref(object);
    return NULL;
}

json_t *section_write_classes(const void *base, const void *member) {
    const struct config *config = base;
    (void)member;
    json_t *classes = json_object();
    for (size_t i = 0; classes != NULL && i < config->slots.class_count; i++) {
        const struct config_slot_class *class = &config->slots.classes[i];
        classes = with_member(classes, class->name, json_integer(class->limit));
    }
    return classes;
}

json_t *section_write_environment(const void *base, const void *member) {
    const struct config *config = base;
    (void)member;
    json_t *environment = json_object();
    for (size_t i = 0; environment != NULL && i < config->runner.environment_count; i++) {
        environment =
            with_member(environment, config->runner.environment[i].name, json_string(FORM_MASK));
    }
    return environment;
}

json_t *section_write_profiles(const void *base, const void *member) {
    const struct config *config = base;
    (void)member;
    json_t *profiles = json_object();
    for (size_t i = 0; profiles != NULL && i < config->profile_count; i++) {
        const struct config_profile *profile = &config->profiles[i];
        profiles = with_member(profiles, profile->name, write_table(&key_table_profile, profile));
    }
    return profiles;
}

json_t *section_write_flags(const void *base, const void *member) {
    const struct config_list *flags = member;
    (void)base;
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < flags->count; i++) {
        const char *flag = flags->items[i];
        size_t name_size = 0;
        json_t *shown = flag_has_inline_json(flag, &name_size)
                            ? json_sprintf("%.*s" FORM_MASK, (int)name_size, flag)
                            : json_string(flag);
        if (json_array_append_new(array, shown) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

json_t *section_write_settings(const void *base, const void *member) {
    const struct config *config = base;
    (void)member;
    json_t *settings = json_object();
    for (size_t i = 0; settings != NULL && i < config->modules.section_count; i++) {
        const struct config_module *module = &config->modules.sections[i];
        settings = with_member(settings, module->name, settings_masked(module->settings));
    }
    return settings;
}
