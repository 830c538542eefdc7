/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /generate-object: a prompt and a JSON Schema in, an object that fits it out.
 * The CLI's own structured output makes and checks the object; nothing is validated here, and a run
 * without a fitting object is a failure.
 */
#include <koine-module/embed.h>
#include <koine-module/generate.h>
#include <koine-module/run.h>
#include <koine-module/schema.h>

KOINE_EMBED(openapi, "openapi.yaml");

struct object_body {
    struct koine_generate common;
    struct koine_text schema;
};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct object_body, common),
    KOINE_BODY_FIELD(struct object_body, schema, "schema", KOINE_BODY_OBJECT, KOINE_BODY_REQUIRED),
};

static void handle(void *data, koine_request request) {
    const struct koine_self *self = koine_self_of(data);
    struct object_body body = {0};
    struct koine_body *read =
        koine_body_read(self->host, request, fields, KOINE_COUNT(fields), &body);
    if (!read)
        return;
    koine_generate_check(read, &body.common);
    koine_schema_prepare(read, "schema", &body.schema);
    if (!koine_body_accept(read) || !koine_generate_narrow(self, request, &body.common))
        return;
    struct koine_run_options options = koine_generate_options(&body.common);
    options.schema = body.schema;
    koine_run_answer(self, request, &options);
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/generate-object",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = handle},
};

static const struct koine_plan plan = {
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
};

KOINE_MODULE_DEFINE("object", KOINE_VERSION,
                    "POST /generate-object: an object that fits a JSON Schema", plan);
