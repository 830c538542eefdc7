/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings for the CLI. It takes the flag --settings only once, so what a profile says there and
 * the gateway's own rule must become one object.
 */
#include "runner/cli_settings.h"

#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

bool cli_settings_have_credential(const char *settings, const char *const *variables,
                                  size_t count) {
    const char *problem = NULL;
    json_t *object = load(settings, &problem);
    const json_t *environment = json_object_get(object, "env");
    bool found = json_string_length(json_object_get(object, "apiKeyHelper")) > 0;
    for (size_t i = 0; i < count && !found; i++) {
        found = json_string_length(json_object_get(environment, variables[i])) > 0;
    }
    json_decref(object);
    return found;
}

/* Permissions are always said, for the CLI keeps those of the turn before where they are not. */
char *cli_settings_of_turn(const struct cli_turn_settings *settings) {
    bool permits = strcmp(settings->allow, "[]") != 0 || strcmp(settings->deny, "[]") != 0;
    char limit[80] = "", *text = NULL;
    if (!permits && settings->max_tokens == 0) {
        return strdup("");
    }
    if (settings->max_tokens > 0) {
        snprintf(limit, sizeof limit,
                 ",\"env\":{\"CLAUDE_CODE_MAX_OUTPUT_TOKENS\":\"%" PRIu32 "\"}",
                 settings->max_tokens);
    }
    int size =
        asprintf(&text, "{\"permissions\":{\"allow\":%s,\"deny\":%s%s}%s}", settings->allow,
                 settings->deny, settings->asks_about_bash ? ",\"ask\":[\"Bash\"]" : "", limit);
    return size >= 0 ? text : NULL;
}
