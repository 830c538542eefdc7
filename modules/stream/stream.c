/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /stream: one prompt in, the answer as server-sent events while it is written.
 * session, text …, result, done; a failure is error, then done. A slow client, one that leaves, and
 * time limits are the host's affair.
 */
#include "module/embed.h"
#include "module/run_stream.h"
#include <stdlib.h>

KOINE_EMBED(stream_openapi, "modules/stream/openapi.yaml");

struct stream {
    uint32_t magic;
    bool said_something;
    struct koine_run_stream events;
};

enum { STREAM_MAGIC = 0x73747265 };

static struct stream *stream_of(void *data) {
    struct stream *stream = data;
    if (stream->magic != STREAM_MAGIC)
        abort();
    return stream;
}

static void send_text(struct stream *stream, struct koine_text text) {
    stream->said_something = true;
    koine_sse_send_string(&stream->events.sse, "text", KOINE_TEXT("{\"text\":"), text);
}

static void on_event(void *data, const struct koine_run_event *event) {
    struct stream *stream = stream_of(data);
    if (event->type == KOINE_RUN_TEXT) {
        send_text(stream, event->text);
        return;
    }
    /* What a command of the CLI answers comes without deltas. */
    if (event->type == KOINE_RUN_RESULT && !stream->said_something && event->result->text.size)
        send_text(stream, event->result->text);
    koine_run_stream_event(&stream->events, event);
}

struct stream_body {
    struct koine_generate common;
    struct koine_body_strings events;
};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct stream_body, common),
    KOINE_RUN_STREAM_FIELDS(struct stream_body, events),
};

static void handle(void *data, koine_request request) {
    const struct koine_endpoint *self = koine_endpoint_of(data);
    struct stream_body body = {0};
    struct koine_body *read =
        koine_body_read(self->host, request, fields, sizeof(fields) / sizeof(*fields), &body);
    if (!read)
        return;
    koine_generate_check(read, &body.common);
    const uint32_t wanted = koine_run_stream_wanted(read, &body.events);
    if (!koine_body_accept(read))
        return;
    struct stream *stream = self->http->alloc(self->host, request, sizeof(*stream));
    if (!stream) {
        koine_endpoint_fail_for_memory(self, request);
        return;
    }
    stream->magic = STREAM_MAGIC;
    struct koine_run_options options = koine_generate_options(&body.common);
    options.flags |= koine_run_stream_flags(wanted);
    if (koine_endpoint_start(self, request, &body.common, &options, on_event, stream))
        koine_run_stream_init(&stream->events, self, request, wanted, NULL, NULL);
}

static int32_t create(const struct koine_host *host, void **out) {
    static const struct koine_route route = {
        .size = sizeof(route),
        .method = "POST",
        .path = "/stream",
        .slot_class = KOINE_SLOT_STREAMING,
        .handler = handle,
    };
    return koine_endpoint_create(host, &route, stream_openapi, stream_openapi_size, out);
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(module),
        .name = "stream",
        .version = KOINE_VERSION,
        .summary = "POST /stream: an answer as server-sent events",
        .create = create,
        .init = koine_endpoint_init,
        .destroy = koine_endpoint_destroy,
        .extension = koine_endpoint_extension,
    };
    return &module;
}
