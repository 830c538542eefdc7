/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools for the model. POST /ask?PROMPT-BODY runs the CLI with two tools of this run: `add`,
 * answered at once, and `slow`, answered from a thread. POST /functions leaves its tool `client` to
 * the client: it answers with the call and parks the run; POST /functions/{call} brings the result
 * and gets the answer. Every run of the gateway is also offered `shout` (extension koine.tools/1).
 */
#include <koine-module/run.h>
#include <koine-module/tool.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const struct koine_tool add = {.size = sizeof(struct koine_tool),
                                      .name = {"add", 3},
                                      .description = {"Adds", 4},
                                      .input_schema = {"{\"type\":\"object\"}", 17}};
static const struct koine_tool slow = {.size = sizeof(struct koine_tool),
                                       .name = {"slow", 4},
                                       .description = {"Works on a thread", 17},
                                       .input_schema = {"{\"type\":\"object\"}", 17}};
static const struct koine_tool client = {.size = sizeof(struct koine_tool),
                                         .name = {"client", 6},
                                         .description = {"A function of the client", 24},
                                         .input_schema = {"{\"type\":\"object\"}", 17}};

/* ---- answered from a thread */

struct job {
    struct koine_self *self;
    koine_call call;
};

static void finish_slow(void *data) {
    struct job *job = data;
    koine_tool_answer(job->self, job->call, KOINE_TEXT("slow is done"));
    free(job);
}

static void *work(void *data) {
    struct job *job = data;
    if (job->self->loop->post(job->self->host, finish_slow, job) != KOINE_OK)
        free(job);
    return NULL;
}

static void start_slow(struct koine_self *self, koine_call call) {
    pthread_t thread;
    struct job *job = malloc(sizeof(*job));
    if (!job)
        return;
    *job = (struct job){self, call};
    if (pthread_create(&thread, NULL, work, job) == 0)
        pthread_detach(thread);
    else
        free(job);
}

/* ---- events, shared by all routes; what they need outlives every request: the module itself */

static void respond_text(const struct koine_self *self, koine_request request,
                         struct koine_text text) {
    self->http->respond(self->host, request, 200, KOINE_TEXT("text/plain; charset=utf-8"), text);
}

static void on_event(void *data, const struct koine_run_event *event) {
    struct koine_self *self = koine_self_of(data);
    switch (event->type) {
    case KOINE_RUN_TOOL_CALL:
        if (event->call->name.size == 4) {
            start_slow(self, event->call->call);
        } else if (event->call->name.size == 3) {
            koine_tool_answer(self, event->call->call, KOINE_TEXT("added up"));
        } else { /* `client`: the next request brings the result */
            char text[64];
            int size = snprintf(text, sizeof(text), "%llu/%llu", (unsigned long long)event->run.id,
                                (unsigned long long)event->call->call.id);
            if (self->runner->park(self->host, event->run, 0) == KOINE_OK)
                respond_text(self, event->request, (struct koine_text){text, (size_t)size});
        }
        break;
    case KOINE_RUN_RESULT:
        respond_text(self, event->request, event->result->text);
        break;
    case KOINE_RUN_FAILURE:
        self->http->fail(self->host, event->request, event->failure);
        break;
    default:
        break;
    }
}

static void run(struct koine_self *self, koine_request request,
                const struct koine_tool *const *tools, uint32_t count) {
    struct koine_run_options options = {
        .size = sizeof(options), .tools = tools, .tool_count = count};
    self->http->body(self->host, request, &options.prompt);
    koine_run_start(self, request, &options, on_event, self);
}

static void ask(void *data, koine_request request) {
    static const struct koine_tool *const tools[] = {&add, &slow};
    run(koine_self_of(data), request, tools, 2);
}

static void functions(void *data, koine_request request) {
    static const struct koine_tool *const tools[] = {&client};
    run(koine_self_of(data), request, tools, 1);
}

/* The host's texts are not terminated. */
static uint64_t read_handle(struct koine_text text) {
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++)
        value = value * 10 + (uint64_t)(unsigned char)text.data[i] - '0';
    return value;
}

static void function_result(void *data, koine_request request) {
    struct koine_self *self = koine_self_of(data);
    struct koine_text run_text, call_text, body;
    struct koine_failure failure = {.size = sizeof(failure)};
    self->http->param(self->host, request, "run", &run_text);
    self->http->param(self->host, request, "call", &call_text);
    self->http->body(self->host, request, &body);
    koine_run parked = {read_handle(run_text)};
    koine_call call = {read_handle(call_text)};
    int32_t result = self->runner->adopt(self->host, parked, request, on_event, self, &failure);
    if (result == KOINE_OK) {
        koine_tool_answer(self, call, body);
        return;
    }
    if (result == KOINE_REFUSED)
        self->http->fail(self->host, request, &failure);
    else
        self->http->respond(self->host, request, 410, (struct koine_text){NULL, 0},
                            KOINE_TEXT("{\"error\":\"gone\",\"code\":\"GONE\"}"));
}

/* ---- a tool for every run */

static void shout(void *data, const struct koine_tool_call *call) {
    koine_tool_answer(koine_self_of(data), call->call, KOINE_TEXT("SHOUTED"));
}

static const struct koine_tool shout_tool = {.size = sizeof(struct koine_tool),
                                             .name = {"shout", 5},
                                             .description = {"Shouts", 6},
                                             .input_schema = {"{\"type\":\"object\"}", 17},
                                             .call = shout};
static const struct koine_tool *const offered[] = {&shout_tool};
static const struct koine_tool_set tool_set = {
    .size = sizeof(struct koine_tool_set), .count = 1, .tools = offered};

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/ask",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = ask},
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/functions",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = functions},
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/functions/{run}/{call}",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = function_result},
};
static const struct koine_plan plan = {
    .routes = routes, .route_count = KOINE_COUNT(routes), .tools = &tool_set};
KOINE_MODULE_DEFINE("toolbox", "1.0.0", "Tools for the model", plan);
