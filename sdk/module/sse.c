/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: framing and numbering. What the events mean is their writer's affair. */
#include <koine-module/sse.h>
#include <string.h>

int32_t koine_sse_open(struct koine_sse *stream, const struct koine_host *host,
                       koine_request request, void (*drained)(void *data, koine_request request),
                       void *data) {
    const struct koine_stream_options options = {
        .size = sizeof(options), .drained = drained, .data = data};
    *stream = (struct koine_sse){host, host->service(host, KOINE_HTTP), request, 0, false};
    return stream->http->stream_begin(host, request, &options);
}

void koine_sse_begin(struct koine_sse_event *event, struct koine_sse *stream, const char *name) {
    event->stream = stream;
    koine_json_text_init(&event->text, event->own, sizeof(event->own));
    koine_json_text_add(&event->text, KOINE_TEXT("id: "));
    koine_json_text_add_number(&event->text, ++stream->last_id);
    koine_json_text_add(&event->text, KOINE_TEXT("\nevent: "));
    koine_json_text_add(&event->text, (struct koine_text){name, strlen(name)});
    koine_json_text_add(&event->text, KOINE_TEXT("\ndata: "));
}

void koine_sse_raw(struct koine_sse_event *event, struct koine_text json) {
    koine_json_text_add_line(&event->text, json);
}

void koine_sse_string(struct koine_sse_event *event, struct koine_text text) {
    koine_json_text_add_string(&event->text, text);
}

void koine_sse_json(struct koine_sse_event *event, json_t *value) {
    koine_json_text_add_value(&event->text, value, 0);
    json_decref(value);
}

/* False: the stream is gone, and may be no more. */
static bool send_last(struct koine_sse *stream, const char *name, struct koine_text data) {
    struct koine_sse_event event;
    koine_sse_begin(&event, stream, name);
    koine_sse_raw(&event, data);
    return koine_sse_send(&event) >= KOINE_OK;
}

int32_t koine_sse_end(struct koine_sse *stream) {
    if (stream->ended)
        return KOINE_GONE;
    stream->ended = true;
    return stream->http->stream_end(stream->host, stream->request);
}

/* The last words are short: they need no memory of the heap. */
static void give_up(struct koine_sse *stream) {
    if (send_last(stream, "error",
                  KOINE_TEXT("{\"error\":\"The gateway is short of memory; try again later\","
                             "\"code\":\"INTERNAL_ERROR\"}")) &&
        send_last(stream, "done",
                  KOINE_TEXT("{\"code\":null,\"signal\":null,\"reason\":\"out_of_memory\"}")))
        koine_sse_end(stream);
}

int32_t koine_sse_send(struct koine_sse_event *event) {
    struct koine_sse *stream = event->stream;
    int32_t result = KOINE_NO_MEMORY;
    koine_json_text_add(&event->text, KOINE_TEXT("\n\n"));
    if (stream->ended)
        result = KOINE_GONE;
    else if (event->text.no_memory)
        give_up(stream);
    else
        result =
            stream->http->stream_write(stream->host, stream->request,
                                       (struct koine_text){event->text.bytes, event->text.size});
    koine_json_text_finish(&event->text);
    return result;
}

int32_t koine_sse_send_json(struct koine_sse *stream, const char *name, json_t *value) {
    struct koine_sse_event event;
    koine_sse_begin(&event, stream, name);
    koine_sse_json(&event, value);
    return koine_sse_send(&event);
}

int32_t koine_sse_send_string(struct koine_sse *stream, const char *name, struct koine_text open,
                              struct koine_text text) {
    struct koine_sse_event event;
    koine_sse_begin(&event, stream, name);
    koine_json_text_add(&event.text, open);
    koine_json_text_add_string(&event.text, text);
    koine_json_text_add(&event.text, KOINE_TEXT("}"));
    return koine_sse_send(&event);
}
