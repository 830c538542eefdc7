/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals: with issues as the contract has them, and in the dialect of a route. */
#include "http/failure_form.h"
#include "test-host/answer.h"
#include "test-host/call.h"
#include <stdlib.h>

int32_t failure_issue(struct koine_test_answer *request, struct koine_failure *failure,
                      const char *path, const char *message) {
    char sentence[512];
    json_t *issues = memory_need(json_pack("[{s:[s],s:s}]", "path", path, "message", message));
    char *text = memory_need(json_dumps(issues, JSON_COMPACT));
    snprintf(sentence, sizeof(sentence), "%s: %s", path, message);
    failure_set(failure, 400, "VALIDATION_ERROR", "");
    failure->message = request_copy(request, text_of(sentence));
    failure->issues = request_copy(request, text_of(text));
    free(text);
    json_decref(issues);
    return KOINE_REFUSED;
}

static bool render(struct koine_test_host *host, const struct route *route,
                   const struct koine_failure *failure, char *out, size_t capacity, size_t *size,
                   const char **type) {
    struct visit visit;
    struct route_name name;
    visit_begin(&visit, host, "render_failure of %s", route_name(&route->as, &name));
    host->rendering = true;
    int32_t result = route->as.render_failure(host->self, failure, out, capacity, size, type);
    host->rendering = false;
    visit_end(&visit);
    if (result == KOINE_OK && *size > capacity)
        finding_add(host, "invalid-argument",
                    "render_failure of %s wrote %zu bytes where %zu were offered", name.text, *size,
                    capacity);
    return result == KOINE_OK && *size <= capacity;
}

char *failure_render(struct koine_test_host *host, const struct route *route,
                     const struct koine_failure *failure, size_t *size, const char **type) {
    static const char json[] = "application/json; charset=utf-8";
    *type = json;
    *size = 0;
    if (route && route->as.render_failure) {
        size_t capacity = 4096 + failure->message.size * 2 + failure->issues.size * 2;
        char *out = memory_zeroed(capacity);
        if (render(host, route, failure, out, capacity, size, type))
            return out;
        free(out);
        *type = json;
    }
    return memory_need(failure_json(failure, size));
}
