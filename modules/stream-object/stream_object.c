/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /stream-object: a prompt and a JSON Schema in, the object as server-sent events while it is
 * written. session, partial-object … (or object-delta …), object, result, done. How often partials
 * are told is partials.c; what is said of every run is the module SDK's.
 */
#include "module/embed.h"
#include "module/schema.h"
#include "partials.h"
#include <stdlib.h>
#include <string.h>

KOINE_EMBED(stream_object_openapi, "modules/stream-object/openapi.yaml");

static const char config_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"max_partial_bytes\":{\"type\":\"integer\",\"minimum\":4096,\"maximum\":1073741824,"
    "\"description\":\"Text of an object up to which partials are sent; 4194304\"}}}";

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

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct object_stream_body, common),
    KOINE_RUN_STREAM_FIELDS(struct object_stream_body, events),
    KOINE_BODY_FIELD(struct object_stream_body, schema, "schema", KOINE_BODY_OBJECT,
                     KOINE_BODY_REQUIRED),
    KOINE_BODY_FIELD(struct object_stream_body, partials, "partials", KOINE_BODY_STRING, 0),
};

static bool is(struct koine_text text, const char *want) {
    return text.size == strlen(want) && memcmp(text.data, want, text.size) == 0;
}

static size_t max_partial_bytes(const struct koine_endpoint *self) {
    int64_t bytes = DEFAULT_MAX_PARTIAL_BYTES;
    self->config->integer(self->host, "max_partial_bytes", &bytes);
    return (size_t)bytes;
}

static struct object_stream *create_stream(const struct koine_endpoint *self, koine_request request,
                                           bool deltas) {
    struct object_stream *stream = self->http->alloc(self->host, request, sizeof(*stream));
    if (!stream || !partials_init(&stream->partials, self, &stream->events.sse, deltas,
                                  max_partial_bytes(self))) {
        koine_endpoint_fail_for_memory(self, request);
        return NULL;
    }
    stream->magic = OBJECT_STREAM_MAGIC;
    return stream;
}

static void handle(void *data, koine_request request) {
    const struct koine_endpoint *self = koine_endpoint_of(data);
    struct object_stream_body body = {0};
    struct koine_body *read =
        koine_body_read(self->host, request, fields, sizeof(fields) / sizeof(*fields), &body);
    if (!read)
        return;
    koine_generate_check(read, &body.common);
    koine_schema_prepare(read, "schema", &body.schema);
    const uint32_t wanted = koine_run_stream_wanted(read, &body.events);
    const bool deltas = is(body.partials, "delta");
    if (body.partials.data && !deltas && !is(body.partials, "full"))
        koine_body_problem(read, "partials", "must be \"full\" or \"delta\"");
    if (!koine_body_accept(read))
        return;
    struct object_stream *stream = create_stream(self, request, deltas);
    if (!stream)
        return;
    struct koine_run_options options = koine_generate_options(&body.common);
    options.schema = body.schema;
    options.flags |= koine_run_stream_flags(wanted);
    if (koine_endpoint_start(self, request, &body.common, &options, on_event, stream))
        koine_run_stream_init(&stream->events, self, request, wanted, on_drained, stream);
    else
        partials_finish(&stream->partials);
}

/* ---- the module -------------------------------------------------------------------------- */

static int32_t create(const struct koine_host *host, void **out) {
    static const struct koine_route route = {
        .size = sizeof(route),
        .method = "POST",
        .path = "/stream-object",
        .slot_class = KOINE_SLOT_STREAMING,
        .handler = handle,
    };
    int32_t result =
        koine_endpoint_create(host, &route, stream_object_openapi, stream_object_openapi_size, out);
    if (result == KOINE_OK)
        koine_endpoint_of(*out)->config_schema = (struct koine_document){
            .size = sizeof(struct koine_document),
            .text = {config_schema, sizeof(config_schema) - 1},
        };
    return result;
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(module),
        .name = "stream-object",
        .version = KOINE_VERSION,
        .summary = "POST /stream-object: an object as server-sent events while it is written",
        .create = create,
        .init = koine_endpoint_init,
        .destroy = koine_endpoint_destroy,
        .extension = koine_endpoint_extension,
    };
    return &module;
}
