/* SPDX-License-Identifier: Apache-2.0 */
/* koine.runner/1: runs with every kind of event, cancelled, streamed, parked and adopted. */
#include "fixture.h"

#include <string.h>

static const struct koine_text none = {NULL, 0};

void answer_call(struct fixture *self, koine_call call, struct koine_text text) {
    struct koine_tool_result result = {.size = sizeof(result), .text = text};
    self->runner->tool_result(self->host, call, &result);
}

static const struct koine_tool add_tool = {.size = sizeof(struct koine_tool),
                                           .name = {"add", 3},
                                           .description = {"Adds", 4},
                                           .input_schema = {"{\"type\":\"object\"}", 17}};
static const struct koine_tool *const run_tools[] = {&add_tool};

static void add_result(struct page *page, const struct koine_run_result *result) {
    page_add(page, "answer", result->text);
    page_add(page, "object", result->object);
    page_add_number(page, "session_bytes", (double)result->session_id.size);
    page_add_number(page, "turns", result->num_turns);
    page_add_number(page, "output_tokens", (double)result->usage.output_tokens);
    page_add_number(page, "cost", result->cost_usd);
    page_add(page, "stop", result->stop_reason);
}

/* Every event as a line; the page is sent with END. */
static void on_event(void *data, const struct koine_run_event *event) {
    static const char *const names[] = {"",         "session", "text",      "object_begin", "delta",
                                        "thinking", "tool",    "tool_call", "message",      "retry",
                                        "result",   "failure", "end"};
    struct page *page = data;
    struct fixture *self = page->self;
    if (event->type >= sizeof(names) / sizeof(*names))
        return; /* of a later version */
    page_add(page, "event", (struct koine_text){names[event->type], strlen(names[event->type])});
    if (event->type == KOINE_RUN_SESSION) {
        self->runner->pause(self->host, event->run);
        self->runner->resume(self->host, event->run);
    } else if (event->type == KOINE_RUN_TOOL) {
        page_add(page, "tool", event->tool->name);
    } else if (event->type == KOINE_RUN_TOOL_CALL) {
        page_add(page, "input", event->call->input);
        answer_call(self, event->call->call, KOINE_TEXT("added up"));
    } else if (event->type == KOINE_RUN_MESSAGE) {
        page_add_number(page, "tool_uses", event->message->tool_uses);
    } else if (event->type == KOINE_RUN_RETRY) {
        page_add_number(page, "attempt", event->retry->attempt);
    } else if (event->type == KOINE_RUN_RESULT) {
        add_result(page, event->result);
    } else if (event->type == KOINE_RUN_FAILURE) {
        page_add(page, "code", event->failure->code);
    } else if (event->type == KOINE_RUN_END) {
        page_add(page, "reason", event->end->reason);
        self->metrics->add(self->host, self->runs_total, 1);
        page_send(page);
    }
}

static void start_run(struct page *page, struct koine_run_options *options,
                      koine_run_callback callback, void *data) {
    struct fixture *self = page->self;
    struct guarded_failure failure = failure_new();
    self->http->body(self->host, page->request, &options->prompt);
    if (self->runner->start(self->host, page->request, options, callback, data, &page->run,
                            &failure.failure) != KOINE_OK)
        self->http->fail(self->host, page->request, failure_checked(&failure));
}

void run(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct koine_run_options options = {.size = sizeof(options),
                                        .flags = KOINE_RUN_WANT_TOOLS | KOINE_RUN_WANT_THINKING,
                                        .system = KOINE_TEXT("Be brief."),
                                        .max_turns = 5,
                                        .timeout_ms = 30000,
                                        .max_budget_usd = 1.5,
                                        .tool_count = 1,
                                        .tools = run_tools};
    struct koine_text schema;
    if (!page)
        return;
    page->self->http->query(page->self->host, request, &schema);
    if (schema.size)
        options.schema = KOINE_TEXT("{\"type\":\"object\"}");
    start_run(page, &options, on_event, page);
}

static void cancel_on_session(void *data, const struct koine_run_event *event) {
    struct page *page = data;
    if (event->type == KOINE_RUN_SESSION)
        page->self->runner->cancel(page->self->host, event->run);
    else
        on_event(data, event);
}

void cancelled(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct koine_run_options options = {.size = sizeof(options)};
    if (page)
        start_run(page, &options, cancel_on_session, page);
}

static void stream_event(void *data, const struct koine_run_event *event) {
    struct page *page = data;
    struct fixture *self = page->self;
    if (event->type == KOINE_RUN_TEXT)
        self->http->stream_write(self->host, event->request, event->text);
    else if (event->type == KOINE_RUN_END)
        self->http->stream_end(self->host, event->request);
}

void stream(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct koine_run_options options = {.size = sizeof(options), .flags = KOINE_RUN_TIE_STREAM};
    struct koine_stream_options form = {.size = sizeof(form),
                                        .content_type = KOINE_TEXT("text/plain")};
    if (!page)
        return;
    start_run(page, &options, stream_event, page);
    page->self->http->stream_begin(page->self->host, request, &form);
}

/* The tool call ends this request with the run parked; the next request brings the result. */
static void park_on_call(void *data, const struct koine_run_event *event) {
    struct fixture *self = data;
    if (event->type == KOINE_RUN_TOOL_CALL &&
        self->runner->park(self->host, event->run, 30000) == KOINE_OK) {
        self->parked = event->run;
        self->parked_call = event->call->call;
        self->http->respond(self->host, event->request, 202, none, KOINE_TEXT("{\"parked\":true}"));
    }
}

void park(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct koine_run_options options = {
        .size = sizeof(options), .tool_count = 1, .tools = run_tools};
    if (page)
        start_run(page, &options, park_on_call, data);
}

void adopt(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct guarded_failure failure = failure_new();
    struct koine_text result;
    if (!page)
        return;
    struct fixture *self = page->self;
    self->http->body(self->host, request, &result);
    if (self->runner->adopt(self->host, self->parked, request, on_event, page, &failure.failure) ==
        KOINE_OK)
        answer_call(self, self->parked_call, result);
    else
        self->http->fail(self->host, request, failure_checked(&failure));
}
