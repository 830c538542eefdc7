/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of the CLI's flag --settings when the gateway has a rule of its own to add to what a
 * profile says there. The CLI takes the flag only once, so the two must become one object.
 */
#include "runner/cli_settings.h"

#include <jansson.h>
#include <stddef.h>

static json_t *load(const char *settings, const char **problem) {
    json_error_t error;
    json_t *object = NULL;
    if (settings == NULL) {
        return json_object();
    }
    if (*settings == '/') {
        object = json_load_file(settings, JSON_ALLOW_NUL, &error);
    } else {
        object = json_loads(settings, JSON_ALLOW_NUL, &error);
    }
    if (object == NULL && json_error_code(&error) == json_error_out_of_memory) {
        return NULL;
    }
    if (!json_is_object(object)) {
        *problem = "the file or text of its flag --settings holds no JSON object";
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The array at permissions.ask, made when it is not there. */
static json_t *open_ask(json_t *settings) {
    json_t *permissions = json_object_get(settings, "permissions");
    if (!json_is_object(permissions)) {
        permissions = json_object();
        if (json_object_set_new(settings, "permissions", permissions) != 0) {
            return NULL;
        }
    }
    json_t *ask = json_object_get(permissions, "ask");
    if (!json_is_array(ask)) {
        ask = json_array();
        if (json_object_set_new(permissions, "ask", ask) != 0) {
            return NULL;
        }
    }
    return ask;
}

char *cli_settings_ask(const char *settings, const char *tool, const char **problem) {
    char *text = NULL;
    *problem = NULL;
    json_t *object = load(settings, problem);
    json_t *ask = object != NULL ? open_ask(object) : NULL;
    if (ask != NULL && json_array_append_new(ask, json_string(tool)) == 0) {
        text = json_dumps(object, JSON_COMPACT);
    }
    json_decref(object);
    return text;
}
