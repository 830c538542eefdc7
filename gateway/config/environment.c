/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What environment variables say about the configuration.
 * A value that cannot be read is a problem, never a silent default: a policy must not be lost.
 */
#include "config/environment.h"

#include "config/api_key.h"
#include "config/forms.h"
#include "config/scalar.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST_KEY = 16, LONGEST_KEY = 1024, MAXIMUM_SLOTS = 100000 };

const char *environment_value(char *const *environment, const char *name) {
    size_t size = strlen(name);
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=') {
            const char *value = *environment + size + 1;
            return *value != '\0' ? value : NULL;
        }
    }
    return NULL;
}

static bool is_printable(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static void lay_key(struct config *config, const char *secret, struct problems *problems) {
    size_t size = secret != NULL ? strlen(secret) : 0;
    if (secret == NULL || (config->demo && strcmp(secret, CONFIG_DEMO_KEY) == 0)) {
        return; /* whoever tries the demo's clients has that in the environment */
    }
    if (size < SHORTEST_KEY || size > LONGEST_KEY || !is_printable(secret)) {
        problems_add(problems, 0, FORM_KEY_VARIABLE,
                     "not fit for a key (it is not shown); expected %d to %d printable ASCII "
                     "characters without spaces, such as openssl rand -hex 32 makes",
                     SHORTEST_KEY, LONGEST_KEY);
        return;
    }
    struct config_key *key = api_key_open(config, "default", problems);
    if (key != NULL) {
        api_key_hash(secret, key->sha256, problems);
    }
}

static bool read_number(const char *name, const char *value, int64_t maximum, int64_t *number,
                        struct problems *problems) {
    if (scalar_integer(value, number) == 0 && *number >= 0 && *number <= maximum) {
        return true;
    }
    problems_add(problems, 0, name, "found %s, expected an integer from 0 to %" PRId64,
                 problems_quote(value).text, maximum);
    return false;
}

static void lay_port(struct config *config, char *const *environment, struct problems *problems) {
    static const char *const names[] = {"GATEWAY_PORT", "PORT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = environment_value(environment, names[i]);
        int64_t port = 0;
        if (value != NULL) {
            if (read_number(names[i], value, UINT16_MAX, &port, problems)) {
                config->listen_port = (uint16_t)port;
            }
            return;
        }
    }
}

static void lay_slots(uint32_t *slots, const char *name, char *const *environment,
                      struct problems *problems) {
    const char *value = environment_value(environment, name);
    int64_t number = 0;
    if (value != NULL && read_number(name, value, MAXIMUM_SLOTS, &number, problems)) {
        *slots = (uint32_t)number;
    }
}

/* The texts of a JSON array, NULL-terminated; 0 or -1 with a problem added. */
static int list_from_json(const json_t *array, const char *name, struct config_list *list,
                          struct problems *problems) {
    list->items = calloc(json_array_size(array) + 1, sizeof *list->items);
    if (list->items == NULL) {
        problems_add_no_memory(problems);
        return -1;
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text == NULL || *text == '\0') {
            problems_add(problems, 0, name, "entry %zu is not a string with a tool rule", i + 1);
            return -1;
        }
        list->items[i] = strdup(text);
        if (list->items[i] == NULL) {
            problems_add_no_memory(problems);
            return -1;
        }
        list->count++;
    }
    return 0;
}

static void list_finish(struct config_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
}

static void lay_tools(struct config_list *tools, const char *name, char *const *environment,
                      struct problems *problems) {
    const char *value = environment_value(environment, name);
    struct config_list list = {0};
    json_error_t error;
    if (value == NULL) {
        return;
    }
    json_t *array = json_loads(value, 0, &error);
    if (!json_is_array(array)) {
        problems_add(problems, 0, name,
                     "found %s, expected a JSON array of tool rules such as [\"Read\", "
                     "\"Bash(git:*)\"]%s%s",
                     problems_quote(value).text, array == NULL ? "; " : "",
                     array == NULL ? error.text : "");
    } else if (list_from_json(array, name, &list, problems) == 0) {
        list_finish(tools);
        *tools = list;
        list = (struct config_list){0};
    }
    list_finish(&list);
    json_decref(array);
}

void environment_lay(struct config *config, char *const *environment, struct problems *problems) {
    lay_key(config, environment_value(environment, FORM_KEY_VARIABLE), problems);
    lay_port(config, environment, problems);
    lay_slots(&config->slots.streaming, "KOINE_MAX_STREAMING_CONCURRENT", environment, problems);
    lay_slots(&config->slots.nonstreaming, "KOINE_MAX_NONSTREAMING_CONCURRENT", environment,
              problems);
    lay_tools(&config->tools.allowed, "KOINE_ALLOWED_TOOLS", environment, problems);
    lay_tools(&config->tools.disallowed, "KOINE_DISALLOWED_TOOLS", environment, problems);
}

/* `root` (up to a colon: systemd lists several) and `rest`; NULL when out of memory. */
static char *join(const char *root, const char *rest) {
    char *path = NULL;
    int size = asprintf(&path, "%.*s%s", (int)strcspn(root, ":"), root, rest);
    return size >= 0 ? path : NULL;
}

void environment_set_state_directory(struct config *config, char *const *environment,
                                     struct problems *problems) {
    static const struct {
        const char *variable;
        const char *rest;
    } roots[] = {{"STATE_DIRECTORY", ""},
                 {"XDG_STATE_HOME", "/koine-gateway"},
                 {"HOME", "/.local/state/koine-gateway"}};
    if (config->state_directory != NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        const char *root = environment_value(environment, roots[i].variable);
        if (root != NULL && *root == '/') {
            config->state_directory = join(root, roots[i].rest);
            if (config->state_directory == NULL) {
                problems_add_no_memory(problems);
            }
            return;
        }
    }
    problems_add(problems, 0, "state_directory",
                 "not given, and none of STATE_DIRECTORY, XDG_STATE_HOME and HOME holds an "
                 "absolute path; set it to a directory that the gateway may write to");
}
