/* SPDX-License-Identifier: Apache-2.0 */
/* What a module that chats has once: its settings, and the names of models. */
#include "chat_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX_CONVERSATIONS = 10000 };

/* What the CLI calls its models by itself; each may be followed by CONTEXT. */
static const char *const short_names[] = {"sonnet", "opus", "haiku", NULL};
#define CONTEXT "[1m]"

/* ---- settings */

static bool read_tools(struct koine_chat *chat) {
    const json_t *tools = json_object_get(chat->settings, "tools");
    size_t at;
    json_t *tool;
    chat->tools = calloc(json_array_size(tools) + 1, sizeof(*chat->tools));
    if (!chat->tools)
        return false;
    json_array_foreach(tools, at, tool) {
        chat->tools[chat->tool_count++] =
            (struct koine_text){json_string_value(tool), json_string_length(tool)};
    }
    return true;
}

static bool is_short_name(struct koine_text name) {
    for (const char *const *known = short_names; *known; known++) {
        const size_t size = strlen(*known);
        if (name.size >= size && memcmp(name.data, *known, size) == 0 &&
            (name.size == size || (name.size == size + strlen(CONTEXT) &&
                                   memcmp(name.data + size, CONTEXT, strlen(CONTEXT)) == 0)))
            return true;
    }
    return false;
}

static bool read_models(struct koine_chat *chat) {
    json_t *aliases = json_object_get(chat->settings, "models");
    const char *name;
    json_t *model;
    chat->models = calloc(json_object_size(aliases) + sizeof(short_names) / sizeof(*short_names),
                          sizeof(*chat->models));
    if (!chat->models)
        return false;
    json_object_foreach(aliases, name, model) chat->models[chat->model_count++] = name;
    for (const char *const *known = short_names; *known; known++)
        if (!json_object_get(aliases, *known))
            chat->models[chat->model_count++] = *known;
    return true;
}

static bool read_prefix(struct koine_chat *chat, const char *module) {
    char *prefix = NULL;
    int size = asprintf(&prefix, "mcp__%s__", module);
    chat->prefix = (struct koine_text){size < 0 ? NULL : prefix, size < 0 ? 0 : (size_t)size};
    return size >= 0;
}

static void load_section(struct koine_chat *chat) {
    const struct koine_self *self = chat->self;
    struct koine_text section = {NULL, 0};
    self->config->section(self->host, &section);
    chat->settings = json_loadb(section.data, section.size, 0, NULL);
}

static bool read_settings(struct koine_chat *chat, const char *module) {
    const json_t *profile = json_object_get(chat->settings, "profile");
    const json_t *max = json_object_get(chat->settings, "max_conversations");
    const json_int_t limit =
        json_is_integer(max) ? json_integer_value(max) : DEFAULT_MAX_CONVERSATIONS;
    if (json_is_string(profile) && strcmp(json_string_value(profile), "auto") != 0)
        chat->profile =
            (struct koine_text){json_string_value(profile), json_string_length(profile)};
    chat->memory = chat_memory_create(limit > 0 ? (size_t)limit : 0);
    return chat->settings && chat->memory && read_prefix(chat, module) && read_tools(chat) &&
           read_models(chat);
}

/* The schema refuses them before; a module may have come without it. */
static const char *wrong_setting(const struct koine_chat *chat) {
    static const struct {
        const char *name;
        json_type type;
    } known[] = {{"models", JSON_OBJECT},
                 {"profile", JSON_STRING},
                 {"tools", JSON_ARRAY},
                 {"max_conversations", JSON_INTEGER}};
    const char *alias;
    json_t *value;
    size_t at;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        value = json_object_get(chat->settings, known[i].name);
        if (value && json_typeof(value) != known[i].type)
            return known[i].name;
    }
    json_object_foreach(json_object_get(chat->settings, "models"), alias, value) {
        if (!json_is_string(value))
            return "models";
    }
    json_array_foreach(json_object_get(chat->settings, "tools"), at, value) {
        if (!json_is_string(value))
            return "tools";
    }
    return NULL;
}

struct koine_chat *koine_chat_create(const struct koine_self *self, const char *module,
                                     struct koine_error *error) {
    struct koine_chat *chat = calloc(1, sizeof(*chat));
    const char *wrong = NULL;
    if (chat) {
        chat->self = self;
        load_section(chat);
        wrong = wrong_setting(chat);
        if (!wrong && read_settings(chat, module))
            return chat;
        koine_chat_destroy(chat);
    }
    if (wrong)
        koine_error_set(error, KOINE_INVALID,
                        "settings: %s is not of its type; give the module chat-settings.json as "
                        "its config schema, which says where",
                        wrong);
    else
        koine_error_set(error, KOINE_NO_MEMORY, "out of memory");
    return NULL;
}

void koine_chat_destroy(struct koine_chat *chat) {
    if (!chat)
        return;
    chat_memory_destroy(chat->memory);
    free((void *)chat->models);
    free(chat->tools);
    free((void *)(uintptr_t)chat->prefix.data);
    json_decref(chat->settings);
    free(chat);
}

/* ---- models */

struct koine_text koine_chat_model(const struct koine_chat *chat, struct koine_text name) {
    const json_t *aliases = json_object_get(chat->settings, "models");
    const json_t *alias = name.size ? json_object_getn(aliases, name.data, name.size) : NULL;
    if (alias)
        return (struct koine_text){json_string_value(alias), json_string_length(alias)};
    if (is_short_name(name) ||
        (name.size >= strlen("claude") && memcmp(name.data, "claude", strlen("claude")) == 0))
        return name;
    return (struct koine_text){NULL, 0};
}

const char *koine_chat_model_at(const struct koine_chat *chat, size_t index) {
    return index < chat->model_count ? chat->models[index] : NULL;
}
