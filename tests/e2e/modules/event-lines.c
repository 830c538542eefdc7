/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells every event of a run as a line, for tests of what is told when. POST /events/{flags} gives
 * the flags of the run, "blocks,thinking,tools,count"; its tools `first` and `second` may be open
 * together, `alone` may not, and each answers with its own name after the others of the turn.
 * POST /profiles/{name} says what runner->check_profile says. Its failures show the API's status.
 */
#include <koine-module/run.h>
#include <koine-module/tool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOL(name_, flags_)                                                                        \
    {                                                                                              \
        .size = sizeof(struct koine_tool), .flags = (flags_), .name = {name_, sizeof(name_) - 1},  \
        .description = {"A tool", 6}, .input_schema = {                                            \
            "{\"type\":\"object\"}",                                                               \
            17                                                                                     \
        }                                                                                          \
    }
static const struct koine_tool first = TOOL("first", 0), second = TOOL("second", 0),
                               alone = TOOL("alone", KOINE_TOOL_ALONE);
static const struct koine_tool *const tools[] = {&first, &second, &alone};

static const char *const names[] = {
    [KOINE_RUN_SESSION] = "SESSION",
    [KOINE_RUN_TEXT] = "TEXT",
    [KOINE_RUN_OBJECT_BEGIN] = "OBJECT_BEGIN",
    [KOINE_RUN_OBJECT_DELTA] = "OBJECT_DELTA",
    [KOINE_RUN_THINKING] = "THINKING",
    [KOINE_RUN_TOOL] = "TOOL",
    [KOINE_RUN_TOOL_CALL] = "TOOL_CALL",
    [KOINE_RUN_MESSAGE] = "MESSAGE",
    [KOINE_RUN_RETRY] = "RETRY",
    [KOINE_RUN_RESULT] = "RESULT",
    [KOINE_RUN_FAILURE] = "FAILURE",
    [KOINE_RUN_END] = "END",
    [KOINE_RUN_MESSAGE_BEGIN] = "MESSAGE_BEGIN",
    [KOINE_RUN_BLOCK_BEGIN] = "BLOCK_BEGIN",
    [KOINE_RUN_BLOCK_DELTA] = "BLOCK_DELTA",
    [KOINE_RUN_BLOCK_END] = "BLOCK_END",
};

/* ---- tools */

struct answer {
    struct koine_self *self;
    koine_call call;
    char name[32];
};

static void give_answer(void *data) {
    struct answer *answer = data;
    koine_tool_answer(answer->self, answer->call,
                      (struct koine_text){answer->name, strlen(answer->name)});
    free(answer);
}

static void answer_later(struct koine_self *self, const struct koine_tool_call *call) {
    struct answer *answer = malloc(sizeof(*answer));
    if (!answer)
        return;
    *answer = (struct answer){.self = self, .call = call->call};
    snprintf(answer->name, sizeof(answer->name), "%.*s", (int)call->name.size, call->name.data);
    if (self->loop->post(self->host, give_answer, answer) != KOINE_OK)
        free(answer);
}

/* ---- lines */

static int put(char *to, size_t size, const char *name, struct koine_text text) {
    int n = text.data ? snprintf(to, size, " %s=%.*s", name, (int)text.size, text.data) : 0;
    return n > 0 && (size_t)n < size ? n : 0;
}

static size_t describe(const struct koine_run_event *event, char *line, size_t size) {
    char *at = line, *end = line + size;
    at += snprintf(at, size, "%s", names[event->type]);
    if (event->type != KOINE_RUN_SESSION)
        at += put(at, (size_t)(end - at), "text", event->text);
    if (event->block) {
        at += snprintf(at, (size_t)(end - at), " %u", event->block->index);
        at += put(at, (size_t)(end - at), "type", event->block->type);
        at += put(at, (size_t)(end - at), "id", event->block->id);
        at += put(at, (size_t)(end - at), "name", event->block->name);
        at += put(at, (size_t)(end - at), "json", event->block->json);
    }
    if (event->message) {
        at += put(at, (size_t)(end - at), "model", event->message->model);
        at += put(at, (size_t)(end - at), "stop", event->message->stop_reason);
        at += snprintf(at, (size_t)(end - at), " uses=%u in=%u out=%u", event->message->tool_uses,
                       (unsigned)event->message->usage.input_tokens,
                       (unsigned)event->message->usage.output_tokens);
    }
    if (event->call) {
        at += put(at, (size_t)(end - at), "name", event->call->name);
        at += put(at, (size_t)(end - at), "id", event->call->tool_use_id);
    }
    if (event->result) {
        at += put(at, (size_t)(end - at), "text", event->result->text);
        at +=
            snprintf(at, (size_t)(end - at), " in=%u", (unsigned)event->result->usage.input_tokens);
    }
    if (event->tool)
        at += snprintf(at, (size_t)(end - at), " phase=%u", event->tool->phase);
    if (event->failure)
        at += snprintf(at, (size_t)(end - at), " upstream=%u", event->failure->upstream_status);
    at += snprintf(at, (size_t)(end - at), "\n");
    return (size_t)(at - line);
}

static void on_event(void *data, const struct koine_run_event *event) {
    struct koine_self *self = koine_self_of(data);
    char line[1024];
    const size_t size = describe(event, line, sizeof(line));
    self->http->stream_write(self->host, event->request, (struct koine_text){line, size});
    if (event->type == KOINE_RUN_TOOL_CALL)
        answer_later(self, event->call);
    if (event->type == KOINE_RUN_END)
        self->http->stream_end(self->host, event->request);
}

/* ---- routes */

static bool has(struct koine_text flags, const char *name) {
    return flags.size && memmem(flags.data, flags.size, name, strlen(name));
}

static void events(void *data, koine_request request) {
    struct koine_self *self = koine_self_of(data);
    struct koine_text flags = {NULL, 0};
    struct koine_run_options options = {.size = sizeof(options), .tools = tools, .tool_count = 3};
    const struct koine_stream_options stream = {.size = sizeof(stream),
                                                .content_type = KOINE_TEXT("text/plain")};
    self->http->param(self->host, request, "flags", &flags);
    self->http->body(self->host, request, &options.prompt);
    options.flags = (has(flags, "blocks") ? KOINE_RUN_WANT_BLOCKS : 0) |
                    (has(flags, "thinking") ? KOINE_RUN_WANT_THINKING : 0) |
                    (has(flags, "tools") ? KOINE_RUN_WANT_TOOLS : 0) |
                    (has(flags, "count") ? KOINE_RUN_COUNT_TOKENS : 0);
    if (has(flags, "object"))
        options.schema = KOINE_TEXT("{\"type\":\"object\"}");
    if (koine_run_start(self, request, &options, on_event, self))
        self->http->stream_begin(self->host, request, &stream);
}

static void profile(void *data, koine_request request) {
    struct koine_self *self = koine_self_of(data);
    struct koine_text name = {NULL, 0};
    struct koine_failure failure = {.size = sizeof(failure)};
    self->http->param(self->host, request, "name", &name);
    if (self->runner->check_profile(self->host, request, name, &failure) == KOINE_OK)
        self->http->respond(self->host, request, 200, KOINE_TEXT("text/plain"), name);
    else
        self->http->fail(self->host, request, &failure);
}

static int32_t render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
                      size_t *length, const char **content_type) {
    (void)self;
    int size =
        snprintf(out, capacity, "%.*s: %.*s (%u)", (int)failure->code.size, failure->code.data,
                 (int)failure->message.size, failure->message.data, failure->upstream_status);
    *content_type = "text/plain";
    *length = (size_t)size;
    return size > 0 && (size_t)size < capacity ? KOINE_OK : KOINE_INVALID;
}

static void overloaded(void *data, koine_request request) {
    struct koine_self *self = koine_self_of(data);
    const struct koine_failure failure = {.size = sizeof(failure),
                                          .status = 502,
                                          .code = KOINE_TEXT("UPSTREAM_ERROR"),
                                          .message = KOINE_TEXT("Overloaded"),
                                          .upstream_status = 529};
    self->http->fail(self->host, request, &failure);
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/events/{flags}",
     .slot_class = KOINE_SLOT_STREAMING,
     .handler = events,
     .render_failure = render},
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/profiles/{name}",
     .handler = profile,
     .render_failure = render},
    {.size = sizeof(struct koine_route),
     .method = "GET",
     .path = "/versioned/overloaded",
     .header = "Api-Version",
     .handler = overloaded,
     .render_failure = render,
     .failure_prefix = "/versioned/"},
};
static const struct koine_plan plan = {.routes = routes, .route_count = KOINE_COUNT(routes)};
KOINE_MODULE_DEFINE("event-lines", "1.0.0", "Events of runs as lines", plan);
