/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /generate-text: one prompt in, the whole answer out as JSON.
 * Streams nothing and knows no schema; keys, slots, time limits and clients that leave are the
 * host's affair.
 */
#include "module/embed.h"
#include "module/endpoint.h"

KOINE_EMBED(text_openapi, "modules/text/openapi.yaml");

struct text_body {
    struct koine_generate common;
};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct text_body, common),
};

static void answer(const struct koine_endpoint *self, koine_request request,
                   const struct koine_run_result *result) {
    struct koine_json_text json;
    koine_json_text_init(&json, NULL, 0);
    koine_json_text_add(&json, KOINE_TEXT("{\"text\":"));
    koine_json_text_add_string(&json, result->text);
    koine_json_text_add(&json, KOINE_TEXT(","));
    koine_generate_add_result(&json, result);
    koine_json_text_add(&json, KOINE_TEXT("}"));
    koine_endpoint_answer(self, request, &json);
}

static void on_event(void *data, const struct koine_run_event *event) {
    const struct koine_endpoint *self = koine_endpoint_of(data);
    if (event->type == KOINE_RUN_RESULT)
        answer(self, event->request, event->result);
    else if (event->type == KOINE_RUN_FAILURE)
        self->http->fail(self->host, event->request, event->failure);
}

static void handle(void *data, koine_request request) {
    struct koine_endpoint *self = koine_endpoint_of(data);
    struct text_body body = {0};
    if (!koine_generate_parse(self->host, request, fields, sizeof(fields) / sizeof(*fields), &body,
                              &body.common))
        return;
    struct koine_run_options options = koine_generate_options(&body.common);
    koine_endpoint_start(self, request, &body.common, &options, on_event, self);
}

static int32_t create(const struct koine_host *host, void **out) {
    static const struct koine_route route = {
        .size = sizeof(route),
        .method = "POST",
        .path = "/generate-text",
        .slot_class = KOINE_SLOT_NONSTREAMING,
        .handler = handle,
    };
    return koine_endpoint_create(host, &route, text_openapi, text_openapi_size, out);
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(module),
        .name = "text",
        .version = KOINE_VERSION,
        .summary = "POST /generate-text: a whole answer as text",
        .create = create,
        .init = koine_endpoint_init,
        .destroy = koine_endpoint_destroy,
        .extension = koine_endpoint_extension,
    };
    return &module;
}
