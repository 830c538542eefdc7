/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /generate-object: a prompt and a JSON Schema in, an object that fits it out.
 * The CLI's own structured output makes and checks the object; nothing is validated here, and a run
 * without a fitting object is a failure.
 */
#include "module/embed.h"
#include "module/endpoint.h"
#include "module/schema.h"

KOINE_EMBED(object_openapi, "modules/object/openapi.yaml");

struct object_body {
    struct koine_generate common;
    struct koine_text schema;
};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct object_body, common),
    KOINE_BODY_FIELD(struct object_body, schema, "schema", KOINE_BODY_OBJECT, KOINE_BODY_REQUIRED),
};

static void answer(const struct koine_endpoint *self, koine_request request,
                   const struct koine_run_result *result) {
    struct koine_json_text json;
    koine_json_text_init(&json, NULL, 0);
    koine_json_text_add(&json, KOINE_TEXT("{\"object\":"));
    koine_json_text_add(&json, result->object); /* as the model wrote it, to the last digit */
    koine_json_text_add(&json, KOINE_TEXT(",\"rawText\":"));
    koine_json_text_add_string(&json, result->object);
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
    struct object_body body = {0};
    struct koine_body *read =
        koine_body_read(self->host, request, fields, sizeof(fields) / sizeof(*fields), &body);
    if (!read)
        return;
    koine_generate_check(read, &body.common);
    koine_schema_prepare(read, "schema", &body.schema);
    if (!koine_body_accept(read))
        return;
    struct koine_run_options options = koine_generate_options(&body.common);
    options.schema = body.schema;
    koine_endpoint_start(self, request, &body.common, &options, on_event, self);
}

static int32_t create(const struct koine_host *host, void **out) {
    static const struct koine_route route = {
        .size = sizeof(route),
        .method = "POST",
        .path = "/generate-object",
        .slot_class = KOINE_SLOT_NONSTREAMING,
        .handler = handle,
    };
    return koine_endpoint_create(host, &route, object_openapi, object_openapi_size, out);
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(module),
        .name = "object",
        .version = KOINE_VERSION,
        .summary = "POST /generate-object: an object that fits a JSON Schema",
        .create = create,
        .init = koine_endpoint_init,
        .destroy = koine_endpoint_destroy,
        .extension = koine_endpoint_extension,
    };
    return &module;
}
