/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals of a request: texts that live as long as it, and the dialect of its route. */
#include "http/request.h"
#include "http/server.h"
#include "modules/module.h"
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

int32_t failure_print(struct request *request, struct koine_failure *failure, int status,
                      const char *code, const char *format, ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    failure_set(failure, status, code, "The request failed.");
    struct koine_text copy = request_copy(request, text_of(message));
    if (copy.data)
        failure->message = copy;
    return KOINE_REFUSED;
}

int32_t failure_issue(struct request *request, struct koine_failure *failure, const char *path,
                      const char *message) {
    failure_print(request, failure, 400, "VALIDATION_ERROR", "%s%s%s", path ? path : "",
                  path ? ": " : "", message);
    json_t *issues = path ? json_pack("[{s:[s],s:s}]", "path", path, "message", message)
                          : json_pack("[{s:[],s:s}]", "path", "message", message);
    char *text = issues ? json_dumps(issues, JSON_COMPACT) : NULL;
    if (text)
        failure->issues = request_copy(request, text_of(text));
    free(text);
    json_decref(issues);
    return KOINE_REFUSED;
}

/* A module's own form, or NULL when it has none or fails. */
static char *render_in_dialect(const struct route *route, const struct koine_failure *failure,
                               size_t *size, const char **content_type) {
    MODULE_RUNS_IN(route->module, NOTES_RENDER_FAILURE, route);
    size_t capacity = 4096 + failure->message.size * 2 + failure->issues.size * 2;
    char *out = malloc(capacity);
    if (out &&
        route->as.render_failure(route->module->self, failure, out, capacity, size, content_type) ==
            KOINE_OK &&
        *size <= capacity)
        return out;
    free(out);
    return NULL;
}

char *server_render(const struct route *route, const struct koine_failure *failure, size_t *size,
                    const char **content_type) {
    static const char json[] = "application/json; charset=utf-8";
    *content_type = json;
    if (route && route->as.render_failure) {
        char *body = render_in_dialect(route, failure, size, content_type);
        if (body)
            return body;
        *content_type = json;
    }
    return failure_json(failure, size);
}
