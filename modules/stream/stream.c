/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /stream: one prompt in, the answer as server-sent events while it is written.
 * session, text …, result, done; a failure is error, then done. A slow client, one that leaves, and
 * time limits are the host's affair.
 */
#include <koine-module/embed.h>
#include <koine-module/generate.h>
#include <koine-module/run_stream.h>

KOINE_EMBED(openapi, "openapi.yaml");

struct stream_body {
    struct koine_generate common;
    struct koine_body_strings events;
};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct stream_body, common),
    KOINE_RUN_STREAM_FIELDS(struct stream_body, events),
};

static void handle(void *data, koine_request request) {
    const struct koine_self *self = koine_self_of(data);
    struct stream_body body = {0};
    struct koine_body *read =
        koine_body_read(self->host, request, fields, KOINE_COUNT(fields), &body);
    if (!read)
        return;
    koine_generate_check(read, &body.common);
    const uint32_t wanted = koine_run_stream_wanted(read, &body.events);
    if (!koine_body_accept(read) || !koine_generate_narrow(self, request, &body.common))
        return;
    const struct koine_run_options options = koine_generate_options(&body.common);
    koine_run_stream_answer(self, request, &options, wanted);
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/stream",
     .slot_class = KOINE_SLOT_STREAMING,
     .handler = handle},
};

static const struct koine_plan plan = {
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
};

KOINE_MODULE_DEFINE("stream", KOINE_VERSION, "POST /stream: an answer as server-sent events", plan);
