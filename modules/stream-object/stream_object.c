/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /stream-object: a prompt and a JSON Schema in, the object as server-sent events while it is
 * written. session, partial-object … (or object-delta …), object, result, done. How often partials
 * are told is partials.c; what is said of every run is the module SDK's.
 */
#include "partials.h"
#include <koine-module/embed.h>
#include <koine-module/generate.h>
#include <koine-module/schema.h>
#include <stdlib.h>
#include <string.h>

KOINE_EMBED(openapi, "openapi.yaml");
KOINE_EMBED(config_schema, "config-schema.json");

enum { DEFAULT_MAX_PARTIAL_BYTES = 4194304 };

struct object_stream {
    uint32_t magic;
    struct koine_run_stream events;
    struct partials partials;
};

enum { OBJECT_STREAM_MAGIC = 0x736f626a };

static struct object_stream *stream_of(void *data) {
    struct object_stream *stream = data;
    if (stream->magic != OBJECT_STREAM_MAGIC)
        abort();
    return stream;
}

static void on_drained(void *data, koine_request request) {
    (void)request;
    partials_drained(&stream_of(data)->partials);
}

static void send_object(struct object_stream *stream, struct koine_text object) {
    struct koine_sse_event event;
    partials_end(&stream->partials, object);
    koine_sse_begin(&event, &stream->events.sse, "object");
    koine_sse_raw(&event, KOINE_TEXT("{\"object\":"));
    koine_sse_raw(&event, object);
    koine_sse_raw(&event, KOINE_TEXT("}"));
    koine_sse_send(&event);
}

static void on_event(void *data, const struct koine_run_event *event) {
    struct object_stream *stream = stream_of(data);
    if (event->type == KOINE_RUN_OBJECT_BEGIN)
        partials_begin(&stream->partials);
    else if (event->type == KOINE_RUN_OBJECT_DELTA)
        partials_add(&stream->partials, event->text);
    else if (event->type == KOINE_RUN_RESULT)
        send_object(stream, event->result->object);
    else if (event->type == KOINE_RUN_FAILURE || event->type == KOINE_RUN_END)
        partials_finish(&stream->partials); /* what waited to be told is void */
    koine_run_stream_event(&stream->events, event);
}

/* ---- the request ------------------------------------------------------------------------- */

struct object_stream_body {
    struct koine_generate common;
    struct koine_body_strings events;
    struct koine_text schema;
    struct koine_text partials;
};

static const char *const partials_choices[] = {"full", "delta", NULL};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct object_stream_body, common),
    KOINE_RUN_STREAM_FIELDS(struct object_stream_body, events),
    KOINE_BODY_FIELD(struct object_stream_body, schema, "schema", KOINE_BODY_OBJECT,
                     KOINE_BODY_REQUIRED),
    KOINE_BODY_CHOICE(struct object_stream_body, partials, "partials", 0, partials_choices),
};

static size_t max_partial_bytes(const struct koine_self *self) {
    int64_t bytes = DEFAULT_MAX_PARTIAL_BYTES;
    self->config->integer(self->host, "max_partial_bytes", &bytes);
    return (size_t)bytes;
}

static struct object_stream *create_stream(const struct koine_self *self, koine_request request,
                                           bool deltas) {
    struct object_stream *stream = self->http->alloc(self->host, request, sizeof(*stream));
    if (!stream || !partials_init(&stream->partials, self, &stream->events.sse, deltas,
                                  max_partial_bytes(self))) {
        koine_fail_for_memory(self, request);
        return NULL;
    }
    stream->magic = OBJECT_STREAM_MAGIC;
    return stream;
}

static void handle(void *data, koine_request request) {
    const struct koine_self *self = koine_self_of(data);
    struct object_stream_body body = {0};
    struct koine_body *read =
        koine_body_read(self->host, request, fields, KOINE_COUNT(fields), &body);
    if (!read)
        return;
    koine_generate_check(read, &body.common);
    koine_schema_prepare(read, "schema", &body.schema);
    const uint32_t wanted = koine_run_stream_wanted(read, &body.events);
    const bool deltas = body.partials.size == strlen("delta");
    if (!koine_body_accept(read) || !koine_generate_narrow(self, request, &body.common))
        return;
    struct object_stream *stream = create_stream(self, request, deltas);
    if (!stream)
        return;
    struct koine_run_options options = koine_generate_options(&body.common);
    options.schema = body.schema;
    options.flags |= koine_run_stream_flags(wanted);
    if (koine_run_start(self, request, &options, on_event, stream))
        koine_run_stream_init(&stream->events, self, request, wanted, on_drained, stream);
    else
        partials_finish(&stream->partials);
}

/* ---- the module -------------------------------------------------------------------------- */

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/stream-object",
     .slot_class = KOINE_SLOT_STREAMING,
     .handler = handle},
};

static const struct koine_plan plan = {
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
    .config_schema = &config_schema,
};

KOINE_MODULE_DEFINE("stream-object", KOINE_VERSION,
                    "POST /stream-object: an object as server-sent events while it is written",
                    plan);
