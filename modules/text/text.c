/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /generate-text: one prompt in, the whole answer out as JSON.
 * Streams nothing and knows no schema; keys, slots, time limits and clients that leave are the
 * host's affair.
 */
#include <koine-module/embed.h>
#include <koine-module/generate.h>
#include <koine-module/run.h>

KOINE_EMBED(openapi, "openapi.yaml");

struct text_body {
    struct koine_generate common;
};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct text_body, common),
};

static void handle(void *data, koine_request request) {
    const struct koine_self *self = koine_self_of(data);
    struct text_body body = {0};
    if (!koine_generate_parse(self->host, request, fields, KOINE_COUNT(fields), &body,
                              &body.common) ||
        !koine_generate_narrow(self, request, &body.common))
        return;
    const struct koine_run_options options = koine_generate_options(&body.common);
    koine_run_answer(self, request, &options);
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/generate-text",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = handle},
};

static const struct koine_plan plan = {
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
};

KOINE_MODULE_DEFINE("text", KOINE_VERSION, "POST /generate-text: a whole answer as text", plan);
