/* SPDX-License-Identifier: Apache-2.0 */
/* The events that every streaming endpoint has in common, and which of them a client wants. */
#include "body_internal.h"
#include <koine-module/run_stream.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t type;
    uint32_t flag; /* of the run, 0: it tells anyway */
} optional[] = {
    {"tool", KOINE_RUN_TOOL, KOINE_RUN_WANT_TOOLS},
    {"thinking", KOINE_RUN_THINKING, KOINE_RUN_WANT_THINKING},
    {"retry", KOINE_RUN_RETRY, 0},
};

enum { OPTIONAL = sizeof(optional) / sizeof(*optional) };

static uint32_t bit_of(uint32_t type) {
    for (uint32_t i = 0; i < OPTIONAL; i++)
        if (optional[i].type == type)
            return 1U << i;
    return 0;
}

static uint32_t bit_named(struct koine_text name) {
    for (uint32_t i = 0; i < OPTIONAL; i++)
        if (strlen(optional[i].name) == name.size &&
            memcmp(optional[i].name, name.data, name.size) == 0)
            return 1U << i;
    return 0;
}

uint32_t koine_run_stream_wanted(struct koine_body *body, const struct koine_body_strings *names) {
    uint32_t wanted = 0;
    for (size_t i = 0; i < names->count; i++) {
        uint32_t bit = bit_named(names->items[i]);
        if (!bit && names->items[i].data) /* else it is no string, which has been said */
            body_problem_at(body, "events", (long long)i,
                            "must be \"tool\", \"thinking\" or \"retry\"");
        wanted |= bit;
    }
    return wanted;
}

uint32_t koine_run_stream_flags(uint32_t wanted) {
    uint32_t flags = KOINE_RUN_TIE_STREAM;
    for (uint32_t i = 0; i < OPTIONAL; i++)
        if (wanted & 1U << i)
            flags |= optional[i].flag;
    return flags;
}

void koine_run_stream_init(struct koine_run_stream *stream, const struct koine_self *self,
                           koine_request request, uint32_t wanted,
                           void (*drained)(void *data, koine_request request), void *data) {
    *stream = (struct koine_run_stream){
        .sse = {.host = self->host, .http = self->http, .request = request},
        .self = self,
        .wanted = wanted,
        .drained = drained,
        .drained_data = data,
    };
}

static void begin(struct koine_run_stream *stream) {
    const koine_request request = stream->sse.request;
    stream->begun = koine_sse_open(&stream->sse, stream->self->host, request, stream->drained,
                                   stream->drained_data) == KOINE_OK;
    if (!stream->begun)
        koine_fail_for_memory(stream->self, request); /* ends the run too */
}

/* ---- one event each */

static json_t *number_or_null(uint32_t number) {
    return number ? json_integer(number) : json_null();
}

static void add_string(struct koine_sse_event *event, struct koine_text name,
                       struct koine_text text) {
    koine_sse_raw(event, name);
    koine_sse_string(event, text);
}

static void add_json(struct koine_sse_event *event, struct koine_text name,
                     struct koine_text json) {
    koine_sse_raw(event, name);
    koine_sse_raw(event, json.size ? json : KOINE_TEXT("null"));
}

static void send_tool(struct koine_run_stream *stream, const struct koine_tool_use *use) {
    static const char *const phases[] = {"started", "input", "ended"};
    if (use->phase >= sizeof(phases) / sizeof(*phases))
        return;
    const char *phase = phases[use->phase];
    struct koine_sse_event event;
    koine_sse_begin(&event, &stream->sse, "tool");
    add_string(&event, KOINE_TEXT("{\"phase\":"), (struct koine_text){phase, strlen(phase)});
    add_string(&event, KOINE_TEXT(",\"id\":"), use->id);
    if (use->name.data)
        add_string(&event, KOINE_TEXT(",\"name\":"), use->name);
    if (use->phase == KOINE_TOOL_INPUT)
        add_json(&event, KOINE_TEXT(",\"input\":"), use->input);
    if (use->phase == KOINE_TOOL_ENDED) {
        add_json(&event, KOINE_TEXT(",\"output\":"), use->output);
        koine_sse_raw(&event, use->is_error ? KOINE_TEXT(",\"isError\":true")
                                            : KOINE_TEXT(",\"isError\":false"));
    }
    if (use->parent.data)
        add_string(&event, KOINE_TEXT(",\"parentToolUseId\":"), use->parent);
    else
        koine_sse_raw(&event, KOINE_TEXT(",\"parentToolUseId\":null"));
    koine_sse_raw(&event, KOINE_TEXT("}"));
    koine_sse_send(&event);
}

static void send_retry(struct koine_run_stream *stream, const struct koine_retry *retry) {
    koine_sse_send_json(&stream->sse, "retry",
                        json_pack("{s:I,s:I,s:o,s:o}", "attempt", (json_int_t)retry->attempt,
                                  "maxRetries", (json_int_t)retry->max_retries, "errorStatus",
                                  number_or_null(retry->error_status), "delayMs",
                                  number_or_null(retry->delay_ms)));
}

/* A validation error that only the CLI could see names its issues here too. */
static void send_error(struct koine_run_stream *stream, const struct koine_failure *failure) {
    struct koine_sse_event event;
    koine_sse_begin(&event, &stream->sse, "error");
    add_string(&event, KOINE_TEXT("{\"error\":"), failure->message);
    add_string(&event, KOINE_TEXT(",\"code\":"), failure->code);
    if (failure->issues.size) {
        add_string(&event, KOINE_TEXT(",\"rawText\":"), failure->issues);
        add_json(&event, KOINE_TEXT(",\"issues\":"), failure->issues);
    }
    koine_sse_raw(&event, KOINE_TEXT("}"));
    koine_sse_send(&event);
}

static json_t *signal_name(uint32_t signal) {
    const char *name = signal ? sigabbrev_np((int)signal) : NULL;
    if (name)
        return json_sprintf("SIG%s", name);
    return signal ? json_sprintf("SIG%u", (unsigned)signal) : json_null();
}

static void send_done(struct koine_run_stream *stream, const struct koine_run_end *end) {
    if (stream->ended)
        return;
    stream->ended = true;
    json_t *data = json_pack("{s:o,s:o}", "code",
                             end->exit_code < 0 ? json_null() : json_integer(end->exit_code),
                             "signal", signal_name(end->signal));
    if (data && end->reason.size)
        json_object_set_new(data, "reason", json_stringn(end->reason.data, end->reason.size));
    koine_sse_send_json(&stream->sse, "done", data);
    koine_sse_end(&stream->sse);
}

/* The client need not wait until the process has ended, or until a live one is asked again. */
static void send_result(struct koine_run_stream *stream, const struct koine_run_result *result) {
    static const struct koine_run_end success = {.size = sizeof(success)};
    struct koine_sse_event event;
    koine_sse_begin(&event, &stream->sse, "result");
    koine_sse_raw(&event, KOINE_TEXT("{"));
    koine_run_add_result(&event.text, result);
    koine_sse_raw(&event, KOINE_TEXT("}"));
    koine_sse_send(&event);
    send_done(stream, &success);
}

void koine_run_stream_event(struct koine_run_stream *stream, const struct koine_run_event *event) {
    const uint32_t bit = bit_of(event->type);
    if (event->type == KOINE_RUN_SESSION)
        begin(stream);
    else if (event->type == KOINE_RUN_FAILURE && !stream->begun) /* refused after it had waited */
        stream->sse.http->fail(stream->sse.host, stream->sse.request, event->failure);
    if (!stream->begun || stream->ended || (bit && !(stream->wanted & bit)))
        return;
    switch (event->type) {
    case KOINE_RUN_SESSION:
        koine_sse_send_string(&stream->sse, "session", KOINE_TEXT("{\"sessionId\":"), event->text);
        break;
    case KOINE_RUN_THINKING:
        koine_sse_send_string(&stream->sse, "thinking", KOINE_TEXT("{\"text\":"), event->text);
        break;
    case KOINE_RUN_TOOL:
        send_tool(stream, event->tool);
        break;
    case KOINE_RUN_RETRY:
        send_retry(stream, event->retry);
        break;
    case KOINE_RUN_RESULT:
        send_result(stream, event->result);
        break;
    case KOINE_RUN_FAILURE:
        send_error(stream, event->failure);
        break;
    case KOINE_RUN_END:
        send_done(stream, event->end);
        break;
    default:
        break;
    }
}

/* ---- a stream of text */

struct text_stream {
    uint32_t magic;
    bool said_something;
    struct koine_run_stream events;
};

enum { TEXT_STREAM_MAGIC = 0x74787473 };

static struct text_stream *text_stream_of(void *data) {
    struct text_stream *stream = data;
    if (stream->magic != TEXT_STREAM_MAGIC)
        abort();
    return stream;
}

static void send_text(struct text_stream *stream, struct koine_text text) {
    stream->said_something = true;
    koine_sse_send_string(&stream->events.sse, "text", KOINE_TEXT("{\"text\":"), text);
}

static void on_event(void *data, const struct koine_run_event *event) {
    struct text_stream *stream = text_stream_of(data);
    if (event->type == KOINE_RUN_TEXT) {
        send_text(stream, event->text);
        return;
    }
    /* What a command of the CLI answers comes without deltas. */
    if (event->type == KOINE_RUN_RESULT && !stream->said_something && event->result->text.size)
        send_text(stream, event->result->text);
    koine_run_stream_event(&stream->events, event);
}

bool koine_run_stream_answer(const struct koine_self *self, koine_request request,
                             const struct koine_run_options *options, uint32_t wanted) {
    struct text_stream *stream = self->http->alloc(self->host, request, sizeof(*stream));
    if (!stream) {
        koine_fail_for_memory(self, request);
        return false;
    }
    struct koine_run_options streamed = *options;
    streamed.flags |= koine_run_stream_flags(wanted);
    stream->magic = TEXT_STREAM_MAGIC;
    if (!koine_run_start(self, request, &streamed, on_event, stream))
        return false;
    koine_run_stream_init(&stream->events, self, request, wanted, NULL, NULL);
    return true;
}
