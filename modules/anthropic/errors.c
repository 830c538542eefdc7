/* SPDX-License-Identifier: Apache-2.0 */
/* Errors by their status, and their JSON. What happened is said by whoever refuses. */
#include "errors.h"
#include <koine-module/answer.h>
#include <string.h>

enum {
    FRAME_BYTES = 256,      /* all of an error but its sentence, at most */
    WIDEST_CHARACTER = 6,   /* \u0000 */
    SHOWN_MODEL_BYTES = 200 /* the name is the client's */
};

static const struct {
    uint16_t status;
    struct koine_text type;
} types[] = {
    {401, {"authentication_error", sizeof("authentication_error") - 1}},
    {402, {"billing_error", sizeof("billing_error") - 1}},
    {403, {"permission_error", sizeof("permission_error") - 1}},
    {404, {"not_found_error", sizeof("not_found_error") - 1}},
    {413, {"request_too_large", sizeof("request_too_large") - 1}},
    {429, {"rate_limit_error", sizeof("rate_limit_error") - 1}},
    {503, {"overloaded_error", sizeof("overloaded_error") - 1}},
    {504, {"timeout_error", sizeof("timeout_error") - 1}},
    {529, {"overloaded_error", sizeof("overloaded_error") - 1}},
};

struct koine_text error_type(uint16_t status) {
    for (size_t i = 0; i < KOINE_COUNT(types); i++)
        if (types[i].status == status)
            return types[i].type;
    return status < 500 ? KOINE_TEXT("invalid_request_error") : KOINE_TEXT("api_error");
}

static void write_error(struct koine_json_text *out, uint16_t status, struct koine_text message,
                        struct koine_text details, struct koine_text request_id) {
    koine_json_text_add(out, KOINE_TEXT("{\"type\":\"error\",\"error\":{\"type\":"));
    koine_json_text_add_string(out, error_type(status));
    koine_json_text_add(out, KOINE_TEXT(",\"message\":"));
    koine_json_text_add_string(out, message);
    koine_json_text_add(out, details);
    koine_json_text_add(out, KOINE_TEXT("},\"request_id\":"));
    if (request_id.data)
        koine_json_text_add_string(out, request_id);
    else
        koine_json_text_add(out, KOINE_TEXT("null"));
    koine_json_text_add(out, KOINE_TEXT("}"));
}

void error_write(struct koine_json_text *out, uint16_t status, struct koine_text message,
                 struct koine_text request_id) {
    write_error(out, status, message, (struct koine_text){NULL, 0}, request_id);
}

#define THREAD_CODE "THREAD_UNSUPPORTED"
static const struct koine_text thread_details =
    KOINE_TEXT(",\"details\":{\"error_code\":\"thread_unsupported_request\",\"unsupported\":"
               "[\"thread\"]}");

static bool is_thread(const struct koine_failure *failure) {
    return failure->code.size == strlen(THREAD_CODE) &&
           memcmp(failure->code.data, THREAD_CODE, failure->code.size) == 0;
}

/* False: it was too long for `out`. */
static bool render(const struct koine_failure *failure, struct koine_text message, char *out,
                   size_t capacity, size_t *length) {
    const struct koine_text none = {NULL, 0};
    struct koine_json_text text;
    koine_json_text_init(&text, out, capacity);
    write_error(&text, failure->status, message, is_thread(failure) ? thread_details : none, none);
    const bool fits = !text.on_heap && !text.no_memory;
    *length = fits ? text.size : 0;
    koine_json_text_finish(&text);
    return fits;
}

int32_t error_render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
                     size_t *length, const char **content_type) {
    (void)self, (void)content_type;
    if (render(failure, failure->message, out, capacity, length))
        return KOINE_OK;
    if (capacity < FRAME_BYTES)
        return KOINE_INVALID;
    const size_t sure = (capacity - FRAME_BYTES) / WIDEST_CHARACTER;
    return render(failure, koine_text_front(failure->message, sure), out, capacity, length)
               ? KOINE_OK
               : KOINE_INVALID;
}

void fail_thread(const struct koine_self *self, koine_request request) {
    koine_fail(self, request, 400, THREAD_CODE,
               "thread: is not supported: send the whole conversation");
}

void fail_unknown_model(const struct koine_self *self, koine_request request,
                        struct koine_text name) {
    const struct koine_text shown = koine_text_front(name, SHOWN_MODEL_BYTES);
    koine_fail(self, request, 404, "MODEL_NOT_FOUND", "model: %.*s", (int)shown.size, shown.data);
}
