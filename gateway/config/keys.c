/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of keys: every key with its type, range and default, and the search in them.
 * A new key is a row here and a member of struct config.
 */
#include "config/keys.h"

#include "config/sections.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000) /* in ms */
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
enum { MAXIMUM_SLOTS = 100000, MAXIMUM_ENTRIES = 1000 };

static const struct key_choice foreign_choices[] = {
    {"auto", -1}, {"true", 1}, {"false", 0}, {NULL, 0}};
static const struct key_choice error_choices[] = {{"stop", 1}, {"continue", 0}, {NULL, 0}};
static const struct key_choice authentication_choices[] = {{"required", 0}, {"none", 1}, {NULL, 0}};
static const struct key_choice cgroup_choices[] = {{"auto", 1}, {"off", 0}, {NULL, 0}};
static const struct key_choice level_choices[] = {
    {"error", 0}, {"warning", 1}, {"info", 2}, {"debug", 3}, {NULL, 0}};
static const struct key_choice format_choices[] = {{"text", 0}, {"json", 1}, {NULL, 0}};

#define NUMBER(type_, struct_, path_, member, minimum_, maximum_, initial_)                        \
    {                                                                                              \
        .path = (path_), .type = (type_), .offset = offsetof(struct_, member),                     \
        .width = sizeof(((const struct_ *)NULL)->member), .minimum = (minimum_),                   \
        .maximum = (maximum_), .initial = (initial_)                                               \
    }
#define INTEGER(path, member, minimum, maximum, initial)                                           \
    NUMBER(KEY_INTEGER, struct config, path, member, minimum, maximum, initial)
#define BYTES(path, member, minimum, maximum, initial)                                             \
    NUMBER(KEY_BYTES, struct config, path, member, minimum, maximum, initial)
#define CHOICE_OF(struct_, path_, member, choices_, initial_)                                      \
    {                                                                                              \
        .path = (path_), .type = KEY_CHOICE, .offset = offsetof(struct_, member),                  \
        .width = sizeof(((const struct_ *)NULL)->member), .choices = (choices_),                   \
        .initial = (initial_)                                                                      \
    }
#define CHOICE(path, member, choices, initial)                                                     \
    CHOICE_OF(struct config, path, member, choices, initial)
#define TEXT(struct_, path_, member, form_, text_)                                                 \
    {                                                                                              \
        .path = (path_), .type = KEY_TEXT, .offset = offsetof(struct_, member), .form = &(form_),  \
        .text = (text_)                                                                            \
    }
#define LIST(struct_, path_, member, form_)                                                        \
    {                                                                                              \
        .path = (path_), .type = KEY_LIST, .offset = offsetof(struct_, member), .form = &(form_),  \
        .maximum = MAXIMUM_ENTRIES                                                                 \
    }
#define CUSTOM(struct_, path_, member, name)                                                       \
    {                                                                                              \
        .path = (path_), .type = KEY_CUSTOM, .offset = offsetof(struct_, member),                  \
        .read = section_read_##name, .write = section_write_##name                                 \
    }

/* clang-format off */
static const struct key_spec config_specs[] = {
    CUSTOM(struct config, "listen", listen_host, listen),
    TEXT(struct config, "state_directory", state_directory, form_path, NULL),
    INTEGER("drain_seconds", drain_seconds, 0, 86400, 30),
    CUSTOM(struct config, "keys", keys, keys),
    CHOICE("sessions.accept_foreign", sessions.accept_foreign, foreign_choices, -1),
    INTEGER("sessions.wait_ms", sessions.wait_ms, 0, HOUR, 0),
    LIST(struct config, "tools.allowed", tools.allowed, form_text),
    LIST(struct config, "tools.disallowed", tools.disallowed, form_text),
    INTEGER("slots.streaming", slots.streaming, 0, MAXIMUM_SLOTS, 3),
    INTEGER("slots.nonstreaming", slots.nonstreaming, 0, MAXIMUM_SLOTS, 5),
    CUSTOM(struct config, "slots.classes", slots.classes, classes),
    INTEGER("slots.queue", slots.queue, 0, MAXIMUM_SLOTS, 0),
    INTEGER("slots.queue_timeout_ms", slots.queue_timeout_ms, 10, HOUR, 30 * SECOND),
    INTEGER("pool.warm", pool.warm, 0, 1000, 1),
    INTEGER("pool.max_processes", pool.max_processes, 0, 10000, 0),
    INTEGER("pool.session_idle_seconds", pool.session_idle_seconds, 0, 86400, 300),
    INTEGER("pool.spare_idle_seconds", pool.spare_idle_seconds, 1, 86400, 600),
    BYTES("pool.min_available_bytes", pool.min_available_bytes, 0, 1024 * GIB, 512 * MIB),
    BYTES("http.max_body_bytes", http.max_body_bytes, KIB, GIB, 10 * MIB),
    BYTES("http.max_head_bytes", http.max_head_bytes, KIB, MIB, 64 * KIB),
    INTEGER("http.head_timeout_ms", http.head_timeout_ms, 10, HOUR, 10 * SECOND),
    INTEGER("http.body_timeout_ms", http.body_timeout_ms, 10, HOUR, 30 * SECOND),
    INTEGER("http.idle_timeout_ms", http.idle_timeout_ms, 10, HOUR, 75 * SECOND),
    INTEGER("http.write_timeout_ms", http.write_timeout_ms, 10, HOUR, 30 * SECOND),
    INTEGER("http.request_timeout_ms", http.request_timeout_ms, 10, DAY, 10 * MINUTE),
    BYTES("http.stream_buffer_bytes", http.stream_buffer_bytes, KIB, 64 * MIB, 256 * KIB),
    INTEGER("http.keep_alive_ms", http.keep_alive_ms, 10, HOUR, 15 * SECOND),
    INTEGER("http.max_connections", http.max_connections, 1, 1000000, 10000),
    TEXT(struct config, "runner.command", runner.command, form_command, "claude"),
    TEXT(struct config, "runner.working_directory", runner.working_directory, form_path, NULL),
    LIST(struct config, "runner.pass", runner.pass, form_variable),
    CUSTOM(struct config, "runner.environment", runner.environment, environment),
    BYTES("runner.max_line_bytes", runner.max_line_bytes, 4 * KIB, GIB, 32 * MIB),
    INTEGER("runner.start_timeout_ms", runner.start_timeout_ms, 10, HOUR, 30 * SECOND),
    INTEGER("runner.first_byte_timeout_ms", runner.first_byte_timeout_ms, 10, HOUR, MINUTE),
    INTEGER("runner.silence_timeout_ms", runner.silence_timeout_ms, 10, DAY, 5 * MINUTE),
    INTEGER("runner.interrupt_grace_ms", runner.interrupt_grace_ms, 0, MINUTE, 2 * SECOND),
    /* Clients are promised that a whole tree of processes is gone within three seconds. */
    INTEGER("runner.kill_grace_ms", runner.kill_grace_ms, 0, 2500, 400),
    INTEGER("runner.parked_runs", runner.parked_runs, 0, 10000, 16),
    INTEGER("runner.parked_timeout_ms", runner.parked_timeout_ms, 10, DAY, 5 * MINUTE),
    TEXT(struct config, "runner.user", runner.user, form_user, NULL),
    INTEGER("runner.nice", runner.nice, 0, 19, 0),
    BYTES("runner.limits.memory_bytes", runner.limits.memory_bytes, 0, 1024 * GIB, 0),
    INTEGER("runner.limits.cpu_seconds", runner.limits.cpu_seconds, 0, 365 * 86400, 0),
    INTEGER("runner.limits.open_files", runner.limits.open_files, 0, 1000000, 0),
    BYTES("runner.limits.file_bytes", runner.limits.file_bytes, 0, 1024 * GIB, 0),
    CHOICE("runner.cgroup", runner.cgroup, cgroup_choices, 1),
    CUSTOM(struct config, "profiles", profiles, profiles),
    TEXT(struct config, "modules.directory", modules.directory, form_path, NULL),
    CHOICE("modules.on_error", modules.stop_on_error, error_choices, 1),
    LIST(struct config, "modules.load", modules.load, form_module),
    INTEGER("modules.load_timeout_ms", modules.load_timeout_ms, 10, HOUR, 10 * SECOND),
    INTEGER("modules.slow_call_ms", modules.slow_call_ms, 0, HOUR, 100),
    INTEGER("modules.hang_timeout_ms", modules.hang_timeout_ms, 0, DAY, MINUTE),
    CUSTOM(struct config, "modules.settings", modules.sections, settings),
    CUSTOM(struct config, "modules.routes", modules.routes, routes),
    NUMBER(KEY_BOOLEAN, struct config, "pages.docs", pages.docs, 0, 1, 1),
    NUMBER(KEY_BOOLEAN, struct config, "pages.console", pages.console, 0, 1, 1),
    INTEGER("health.probe_interval_ms", health.probe_interval_ms, 10, DAY, 30 * SECOND),
    INTEGER("health.probe_timeout_ms", health.probe_timeout_ms, 10, 10 * MINUTE, 10 * SECOND),
    CHOICE("log.level", log.level, level_choices, 2),
    CHOICE("log.format", log.json, format_choices, 0),
    NUMBER(KEY_BOOLEAN, struct config, "log.tool_inputs", log.tool_inputs, 0, 1, 0),
};

static const struct key_spec key_specs[] = {
    TEXT(struct config_key, "name", name, form_name, NULL),
    CUSTOM(struct config_key, "sha256", sha256, sha256),
    LIST(struct config_key, "allowed_tools", allowed_tools, form_text),
    LIST(struct config_key, "disallowed_tools", disallowed_tools, form_text),
    LIST(struct config_key, "routes", routes, form_route),
    LIST(struct config_key, "profiles", profiles, form_name),
    NUMBER(KEY_INTEGER, struct config_key, "max_streaming", max_streaming, -1, MAXIMUM_SLOTS, -1),
    NUMBER(KEY_INTEGER, struct config_key, "max_nonstreaming", max_nonstreaming, -1, MAXIMUM_SLOTS,
           -1),
    TEXT(struct config_key, "working_directory", working_directory, form_path, NULL),
};

static const struct key_spec profile_specs[] = {
    CUSTOM(struct config_profile, "flags", flags, flags),
    NUMBER(KEY_BOOLEAN, struct config_profile, "slash_commands", slash_commands, 0, 1, 0),
};

static const struct key_spec route_specs[] = {
    NUMBER(KEY_BOOLEAN, struct config_route, "enabled", enabled, 0, 1, 1),
    TEXT(struct config_route, "path", moved_to, form_served_path, NULL),
    CHOICE_OF(struct config_route, "authentication", authentication, authentication_choices, -1),
    TEXT(struct config_route, "slot_class", slot_class, form_class, NULL),
};
/* clang-format on */

#define TABLE(specs)                                                                               \
    { specs, sizeof(specs) / sizeof *(specs) }
const struct key_table key_table_config = TABLE(config_specs);
const struct key_table key_table_key = TABLE(key_specs);
const struct key_table key_table_profile = TABLE(profile_specs);
const struct key_table key_table_route = TABLE(route_specs);

const struct key_spec *key_find(const struct key_table *table, const char *path) {
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->specs[i].path, path) == 0) {
            return &table->specs[i];
        }
    }
    return NULL;
}

bool key_is_section(const struct key_table *table, const char *path) {
    size_t size = strlen(path);
    for (size_t i = 0; i < table->count; i++) {
        const char *known = table->specs[i].path;
        if (strncmp(known, path, size) == 0 && known[size] == '.') {
            return true;
        }
    }
    return false;
}

int64_t key_load(const struct key_spec *spec, const void *base) {
    const char *member = (const char *)base + spec->offset;
    uint64_t eight = 0;
    uint32_t four = 0;
    if (spec->width == 1) {
        return *(const bool *)member;
    }
    if (spec->width == sizeof four) {
        memcpy(&four, member, sizeof four);
        return spec->type == KEY_CHOICE ? (int64_t)(int32_t)four : (int64_t)four;
    }
    assert(spec->width == sizeof eight);
    memcpy(&eight, member, sizeof eight);
    return (int64_t)eight;
}

void key_store(const struct key_spec *spec, void *base, int64_t value) {
    char *member = (char *)base + spec->offset;
    uint64_t eight = (uint64_t)value;
    uint32_t four = (uint32_t)value;
    if (spec->width == 1) {
        *(bool *)member = value != 0;
    } else if (spec->width == sizeof four) {
        memcpy(member, &four, sizeof four);
    } else {
        assert(spec->width == sizeof eight);
        memcpy(member, &eight, sizeof eight);
    }
}

int key_set_defaults(const struct key_table *table, void *base) {
    for (size_t i = 0; i < table->count; i++) {
        const struct key_spec *spec = &table->specs[i];
        if (spec->type == KEY_TEXT && spec->text != NULL) {
            char *text = strdup(spec->text);
            if (text == NULL) {
                return -1;
            }
            *(char **)((char *)base + spec->offset) = text;
        } else if (spec->type == KEY_INTEGER || spec->type == KEY_BYTES ||
                   spec->type == KEY_BOOLEAN || spec->type == KEY_CHOICE) {
            key_store(spec, base, spec->initial);
        }
    }
    return 0;
}
