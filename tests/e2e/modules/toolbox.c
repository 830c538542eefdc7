/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools for the model. POST /ask?PROMPT-BODY runs the CLI with two tools of this run: `add`,
 * answered at once, and `slow`, answered from a thread. POST /functions leaves its tool `client` to
 * the client: it answers with the call and parks the run; POST /functions/{call} brings the result
 * and gets the answer. Every run of the gateway is also offered `shout` (extension koine.tools/1).
 */
#include <koine/koine.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct toolbox {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_runner *runner;
    const struct koine_tools *tools;
    const struct koine_loop *loop;
};

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

static void answer_tool(struct toolbox *self, koine_call call, struct koine_text text) {
    struct koine_tool_result result = {.size = sizeof(result), .text = text};
    self->runner->tool_result(self->host, call, &result);
}

/* ---- answered from a thread */

struct job {
    struct toolbox *self;
    koine_call call;
};

static void finish_slow(void *data) {
    struct job *job = data;
    answer_tool(job->self, job->call, KOINE_TEXT("slow is done"));
    free(job);
}

static void *work(void *data) {
    struct job *job = data;
    if (job->self->loop->post(job->self->host, finish_slow, job) != KOINE_OK)
        free(job);
    return NULL;
}

static void start_slow(struct toolbox *self, koine_call call) {
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

static void respond_text(struct toolbox *self, koine_request request, struct koine_text text) {
    self->http->respond(self->host, request, 200, KOINE_TEXT("text/plain; charset=utf-8"), text);
}

static void on_event(void *data, const struct koine_run_event *event) {
    struct toolbox *self = data;
    switch (event->type) {
    case KOINE_RUN_TOOL_CALL:
        if (event->call->name.size == 4) {
            start_slow(self, event->call->call);
        } else if (event->call->name.size == 3) {
            answer_tool(self, event->call->call, KOINE_TEXT("added up"));
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

static void run(struct toolbox *self, koine_request request, const struct koine_tool *const *tools,
                uint32_t count) {
    struct koine_run_options options = {
        .size = sizeof(options), .tools = tools, .tool_count = count};
    struct koine_failure failure = {.size = sizeof(failure)};
    koine_run started;
    self->http->body(self->host, request, &options.prompt);
    if (self->runner->start(self->host, request, &options, on_event, self, &started, &failure) !=
        KOINE_OK)
        self->http->fail(self->host, request, &failure);
}

static void ask(void *data, koine_request request) {
    static const struct koine_tool *const tools[] = {&add, &slow};
    run(data, request, tools, 2);
}

static void functions(void *data, koine_request request) {
    static const struct koine_tool *const tools[] = {&client};
    run(data, request, tools, 1);
}

/* The host's texts are not terminated. */
static uint64_t read_handle(struct koine_text text) {
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++)
        value = value * 10 + (uint64_t)(unsigned char)text.data[i] - '0';
    return value;
}

static void function_result(void *data, koine_request request) {
    struct toolbox *self = data;
    struct koine_text run_text, call_text, body;
    struct koine_failure failure = {.size = sizeof(failure)};
    self->http->param(self->host, request, "run", &run_text);
    self->http->param(self->host, request, "call", &call_text);
    self->http->body(self->host, request, &body);
    koine_run parked = {read_handle(run_text)};
    koine_call call = {read_handle(call_text)};
    int32_t result = self->runner->adopt(self->host, parked, request, on_event, self, &failure);
    if (result == KOINE_OK) {
        answer_tool(self, call, body);
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
    answer_tool(data, call->call, KOINE_TEXT("SHOUTED"));
}

static const struct koine_tool shout_tool = {.size = sizeof(struct koine_tool),
                                             .name = {"shout", 5},
                                             .description = {"Shouts", 6},
                                             .input_schema = {"{\"type\":\"object\"}", 17},
                                             .call = shout};
static const struct koine_tool *const offered[] = {&shout_tool};
static const struct koine_tool_set tool_set = {
    .size = sizeof(struct koine_tool_set), .count = 1, .tools = offered};

/* Asked for after init. */
static const void *extension(void *data, const char *id) {
    const struct toolbox *self = data;
    return strcmp(id, KOINE_EXTENSION_TOOLS) == 0 && self->runner ? &tool_set : NULL;
}

static int32_t create(const struct koine_host *host, void **self) {
    struct toolbox *module = calloc(1, sizeof(*module));
    if (!module)
        return KOINE_NO_MEMORY;
    module->host = host;
    *self = module;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct toolbox *self = data;
    const struct koine_route routes[] = {
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
    (void)config;
    (void)error;
    self->http = self->host->service(self->host, KOINE_HTTP);
    self->runner = self->host->service(self->host, KOINE_RUNNER);
    self->tools = self->host->service(self->host, KOINE_TOOLS);
    self->loop = self->host->service(self->host, KOINE_LOOP);
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        if (self->http->route(self->host, &routes[i]) != KOINE_OK)
            return KOINE_INVALID;
    return KOINE_OK;
}

static void destroy(void *self) {
    free(self);
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(struct koine_module),
        .name = "toolbox",
        .version = "1.0.0",
        .summary = "Tools for the model",
        .create = create,
        .init = init,
        .destroy = destroy,
        .extension = extension,
    };
    return &module;
}
