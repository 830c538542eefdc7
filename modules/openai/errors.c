/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a failure's status and code to the API's error object. Clients choose their exception by the
 * status alone; type, code and param are for those who look closer.
 */
#include "errors.h"
#include "openai.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { PARAM_BYTES = 512 };

struct kind {
    uint16_t status;
    const char *type;
    const char *code;
};

static const struct kind kinds[] = {
    {401, "invalid_request_error", "invalid_api_key"},
    {403, "invalid_request_error", "permission_denied"},
    {405, "invalid_request_error", "method_not_supported"},
    {408, "invalid_request_error", "request_timeout"},
    {409, "invalid_request_error", "conflict"},
    {413, "invalid_request_error", "request_too_large"},
    {415, "invalid_request_error", "unsupported_media_type"},
    {429, "requests", "rate_limit_exceeded"},
    {503, "server_error", "service_unavailable"},
    {504, "server_error", "timeout"},
    {529, "server_error", "overloaded"},
};

static struct kind kind_of(uint16_t status) {
    for (size_t i = 0; i < KOINE_COUNT(kinds); i++)
        if (kinds[i].status == status)
            return kinds[i];
    return status < 500 ? (struct kind){status, "invalid_request_error", NULL}
                        : (struct kind){status, "server_error", NULL};
}

static bool has_code(const struct koine_failure *failure, const char *code) {
    return failure->code.size == strlen(code) &&
           memcmp(failure->code.data, code, failure->code.size) == 0;
}

const char *errors_code(const struct koine_failure *failure) {
    return has_code(failure, "MODEL_NOT_FOUND") ? "model_not_found" : kind_of(failure->status).code;
}

/* What the SDK's and the module's own sentences begin with. */
static const char *code_of_issue(const char *message) {
    static const struct {
        const char *begins;
        const char *code;
    } codes[] = {
        {"is required", "missing_required_parameter"},
        {"is not known here", "unknown_parameter"},
        {"is not supported", "unsupported_parameter"},
    };
    for (size_t i = 0; message && i < KOINE_COUNT(codes); i++)
        if (strncmp(message, codes[i].begins, strlen(codes[i].begins)) == 0)
            return codes[i].code;
    return NULL;
}

/* messages[0].content: a path as the API writes it; cut when there is no room. */
static void print_param(char *out, size_t capacity, const json_t *path) {
    size_t used = 0, index;
    json_t *step;
    *out = '\0';
    json_array_foreach(path, index, step) {
        const char *name = json_string_value(step);
        const int size = name
                             ? snprintf(out + used, capacity - used, "%s%s", index ? "." : "", name)
                             : snprintf(out + used, capacity - used, "[%" JSON_INTEGER_FORMAT "]",
                                        json_integer_value(step));
        if (size < 0 || (size_t)size >= capacity - used) {
            out[used] = '\0';
            return;
        }
        used += (size_t)size;
    }
}

static void add_string_or_null(struct koine_json_text *text, const char *string) {
    if (string && *string)
        koine_json_text_add_string(text, openai_text(string));
    else
        koine_json_text_add(text, KOINE_TEXT("null"));
}

void errors_add(struct koine_json_text *text, const struct koine_failure *failure) {
    char param[PARAM_BYTES] = "";
    const char *code = errors_code(failure);
    json_t *issues = failure->issues.size
                         ? json_loadb(failure->issues.data, failure->issues.size, 0, NULL)
                         : NULL;
    const json_t *first = json_array_get(issues, 0);
    print_param(param, sizeof(param), json_object_get(first, "path"));
    if (!code)
        code = code_of_issue(json_string_value(json_object_get(first, "message")));
    koine_json_text_add(text, KOINE_TEXT("\"message\":"));
    koine_json_text_add_string(text, failure->message);
    koine_json_text_add(text, KOINE_TEXT(",\"type\":"));
    add_string_or_null(text, kind_of(failure->status).type);
    koine_json_text_add(text, KOINE_TEXT(",\"param\":"));
    add_string_or_null(text, param);
    koine_json_text_add(text, KOINE_TEXT(",\"code\":"));
    add_string_or_null(text, code);
    json_decref(issues);
}

int32_t errors_render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
                      size_t *length, const char **content_type) {
    struct koine_json_text text;
    (void)self;
    (void)content_type;
    koine_json_text_init(&text, out, capacity);
    koine_json_text_add(&text, KOINE_TEXT("{\"error\":{"));
    errors_add(&text, failure);
    koine_json_text_add(&text, KOINE_TEXT("}}"));
    const bool fits = !text.no_memory && !text.on_heap;
    *length = text.size;
    koine_json_text_finish(&text);
    return fits ? KOINE_OK : KOINE_NO_MEMORY;
}
