/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configured struct as JSON, as its table of keys says; and config_print.
 * The inverse of reader.c, with secrets masked.
 */
#include "config/write.h"

#include <string.h>

static json_t *write_bytes(int64_t bytes) {
    static const struct {
        int shift;
        const char *suffix;
    } units[] = {{30, "GiB"}, {20, "MiB"}, {10, "KiB"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t unit = INT64_C(1) << units[i].shift;
        if (bytes > 0 && bytes % unit == 0) {
            return json_sprintf("%lld%s", (long long)(bytes / unit), units[i].suffix);
        }
    }
    return json_integer(bytes);
}

static json_t *write_choice(const struct key_choice *choices, int64_t value) {
    while (choices->word != NULL && choices->value != value) {
        choices++;
    }
    if (choices->word != NULL && strcmp(choices->word, "true") == 0) {
        return json_true();
    }
    if (choices->word != NULL && strcmp(choices->word, "false") == 0) {
        return json_false();
    }
    return choices->word != NULL ? json_string(choices->word) : json_null();
}

static json_t *write_list(const struct config_list *list) {
    if (list->items == NULL) {
        return json_null();
    }
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < list->count; i++) {
        if (json_array_append_new(array, json_string(list->items[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

/* json_null() for a member that is not there. */
static json_t *write_member(const struct key_spec *spec, const void *base) {
    const char *member = (const char *)base + spec->offset;
    const char *text = NULL;
    switch (spec->type) {
    case KEY_INTEGER:
        return json_integer(key_load(spec, base));
    case KEY_BYTES:
        return write_bytes(key_load(spec, base));
    case KEY_BOOLEAN:
        return json_boolean(key_load(spec, base) != 0);
    case KEY_CHOICE:
        return write_choice(spec->choices, key_load(spec, base));
    case KEY_TEXT:
        text = *(char *const *)member;
        return text != NULL ? json_string(text) : json_null();
    case KEY_LIST:
        return write_list((const struct config_list *)member);
    case KEY_CUSTOM:
        return spec->write(base, member);
    }
    return json_null();
}

/* Puts the value under its path: "name", "section.name", "section.part.name". Takes `value`. */
static int put(json_t *object, const char *path, json_t *value) {
    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        const size_t size = (size_t)(dot - path);
        json_t *section = json_object_getn(object, path, size);
        if (section == NULL) {
            section = json_object();
            if (json_object_setn_new(object, path, size, section) != 0) {
                json_decref(value);
                return -1;
            }
        }
        object = section;
    }
    return json_object_set_new(object, path, value);
}

json_t *write_table(const struct key_table *table, const void *base) {
    json_t *object = json_object();
    for (size_t i = 0; object != NULL && i < table->count; i++) {
        json_t *value = write_member(&table->specs[i], base);
        if (json_is_null(value)) {
            continue;
        }
        if (put(object, table->specs[i].path, value) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

int config_print(const struct config *config, FILE *out) {
    json_t *object = write_table(&key_table_config, config);
    int result = -1;
    if (object != NULL &&
        fputs("# The configuration in effect. \"" FORM_MASK "\" stands for a secret.\n", out) >=
            0) {
        result = write_yaml(object, out);
    }
    json_decref(object);
    return result;
}
