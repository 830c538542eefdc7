/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module without manners: GET and POST /manners/{deed} do what a module must not, and note what
 * the host answered to each call; GET /noted gives the notes and forgets them. /forget and
 * /forget/stream are never answered. GET /answer and /cost are proper, and open to
 * everybody. With KOINE_TEST_EARLY it calls in init and start what has no place there, with
 * KOINE_TEST_TOO_EARLY in create and in extension.
 */
#include <fcntl.h>
#include <koine/koine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAXIMUM_NOTES = 200, MANY_TIMERS = 100000 };

struct manners {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_runner *runner;
    const struct koine_slots *slots;
    const struct koine_log *log;
    const struct koine_loop *loop;
    const struct koine_metrics *metrics;
    int32_t notes[MAXIMUM_NOTES];
    size_t note_count;
    int pipe[2];
    koine_run run;
    koine_request request; /* of the deed, for callbacks */
    koine_timer repeating;
};

static const struct koine_text none = {NULL, 0};

static void note(struct manners *self, int32_t result) {
    if (self->note_count < MAXIMUM_NOTES)
        self->notes[self->note_count++] = result;
}

static int32_t answer(const struct manners *self, koine_request request) {
    return self->http->respond(self->host, request, 200, none, KOINE_TEXT("{\"ok\":true}"));
}

static struct koine_failure made_failure(void) {
    return (struct koine_failure){.size = sizeof(struct koine_failure),
                                  .status = 400,
                                  .code = KOINE_TEXT("MANNERS"),
                                  .message = KOINE_TEXT("Said by the module.")};
}

/* ---- answers: too many, too late, in the wrong way */

static void twice(struct manners *self, koine_request request) {
    struct koine_failure failure = made_failure();
    note(self, answer(self, request));
    note(self, answer(self, request));
    note(self, self->http->fail(self->host, request, &failure));
}

static void stream_wrongly(struct manners *self, koine_request request) {
    struct koine_stream_options options = {.size = sizeof(options)};
    struct koine_failure failure = made_failure();
    const struct koine_http *http = self->http;
    note(self, http->stream_write(self->host, request, KOINE_TEXT("x")));
    note(self, http->stream_end(self->host, request));
    note(self, http->stream_begin(self->host, request, &options));
    note(self, http->stream_begin(self->host, request, &options));
    note(self, answer(self, request));
    note(self, http->fail(self->host, request, &failure));
    note(self, http->set_header(self->host, request, KOINE_TEXT("X-Late"), KOINE_TEXT("1")));
    note(self, http->stream_write(self->host, request, KOINE_TEXT("data: whole\n\n")));
    note(self, http->stream_end(self->host, request));
    note(self, http->stream_write(self->host, request, KOINE_TEXT("data: lost\n\n")));
    note(self, http->stream_end(self->host, request));
}

static void answer_at_end(void *data, koine_request request, int32_t how) {
    struct manners *self = data;
    note(self, how);
    note(self, answer(self, request));
    note(self, self->http->on_end(self->host, request, answer_at_end, self));
    note(self, self->http->alloc(self->host, request, 1) != NULL);
    self->log->write(self->host, KOINE_LOG_INFO, request, KOINE_TEXT("tried when it was over"));
}

/* Says nothing until the request is over, then all at once. */
static void late(struct manners *self, koine_request request) {
    note(self, self->http->on_end(self->host, request, answer_at_end, self));
}

/* ---- handles */

static void try_request(struct manners *self, uint64_t id) {
    note(self, answer(self, (koine_request){id}));
}

static void handles(struct manners *self, koine_request request) {
    try_request(self, 0);
    try_request(self, UINT64_MAX);
    try_request(self, request.id + 1);                   /* another slot */
    try_request(self, request.id + (UINT64_C(1) << 24)); /* the next generation */
    answer(self, request);
}

static void other_kinds(struct manners *self, koine_request request) {
    try_request(self, self->repeating.id);
    note(self, self->loop->timer_stop(self->host, (koine_timer){request.id}));
    note(self, self->loop->unwatch(self->host, (koine_watch){self->repeating.id}));
    note(self, self->runner->cancel(self->host, (koine_run){request.id}));
    note(self, self->metrics->add(self->host, (koine_metric){1}, 1)); /* the host's own */
    answer(self, request);
}

static uint64_t number(const char **at) {
    uint64_t value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        value = value * 10 + (uint64_t)(unsigned char)**at - '0';
    return value;
}

/* "RUN/CALL" of another module, in the body. */
static void foreign(struct manners *self, koine_request request) {
    struct koine_failure failure = {.size = sizeof(failure)};
    struct koine_tool_result result = {.size = sizeof(result), .text = KOINE_TEXT("stolen")};
    struct koine_text body;
    char text[64];
    self->http->body(self->host, request, &body);
    snprintf(text, sizeof(text), "%.*s", (int)body.size, body.data);
    const char *at = text;
    koine_run run = {number(&at)};
    at++;
    koine_call call = {number(&at)};
    note(self, self->runner->cancel(self->host, run));
    note(self, self->runner->pause(self->host, run));
    note(self, self->runner->park(self->host, run, 0));
    note(self, self->runner->adopt(self->host, run, request, (koine_run_callback)(uintptr_t)1, self,
                                   &failure));
    note(self, self->runner->tool_result(self->host, call, &result));
    answer(self, request);
}

/* ---- structs of a wrong size: 0, and longer with something behind */

static void sizes(struct manners *self, koine_request request) {
    struct {
        struct koine_failure as;
        uint64_t more;
    } failure = {made_failure(), 0};
    struct {
        struct koine_stream_options as;
        uint64_t more;
    } stream = {.as = {.size = 0}, .more = 1};
    const struct koine_http *http = self->http;
    failure.as.size = 0;
    note(self, http->fail(self->host, request, &failure.as));
    failure.as.size = sizeof(failure);
    failure.more = 1;
    note(self, http->fail(self->host, request, &failure.as));
    note(self, http->fail(self->host, request, NULL));
    note(self, http->stream_begin(self->host, request, &stream.as));
    stream.as.size = sizeof(stream);
    note(self, http->stream_begin(self->host, request, &stream.as));
    failure.more = 0; /* a longer one whose rest is zero says nothing new */
    note(self, http->fail(self->host, request, &failure.as));
}

static void on_nothing(void *data, const struct koine_run_event *event) {
    (void)data;
    (void)event;
}

static void run_sizes(struct manners *self, koine_request request) {
    struct {
        struct koine_run_options as;
        uint64_t more;
    } options = {.as = {.size = 0, .prompt = KOINE_TEXT("x")}, .more = 1};
    struct koine_tool short_tool = {.size = 8};
    const struct koine_tool *const tools[] = {&short_tool};
    struct koine_failure failure = {.size = sizeof(failure)}, no_failure = {.size = 0};
    const struct koine_runner *runner = self->runner;
    koine_run run;
    note(self, runner->start(self->host, request, &options.as, on_nothing, self, &run, &failure));
    options.as.size = sizeof(options);
    note(self, runner->start(self->host, request, &options.as, on_nothing, self, &run, &failure));
    options.as.size = sizeof(options.as);
    note(self,
         runner->start(self->host, request, &options.as, on_nothing, self, &run, &no_failure));
    options.as.tools = tools;
    options.as.tool_count = 1;
    note(self, runner->start(self->host, request, &options.as, on_nothing, self, &run, &failure));
    note(self, self->slots->acquire(self->host, request, &no_failure));
    answer(self, request);
}

static void other_sizes(struct manners *self, koine_request request) {
    struct {
        struct koine_tool_result as;
        uint64_t more;
    } result = {.as = {.size = sizeof(result)}, .more = 1};
    struct koine_metric_options options = {.size = 4};
    struct koine_text text = {NULL, 5};
    koine_metric metric;
    note(self, self->runner->tool_result(self->host, (koine_call){1}, &result.as));
    note(self, self->metrics->define(self->host, &options, &metric));
    note(self, self->http->respond(self->host, request, 200, none, text));
    note(self, self->http->respond(self->host, request, 99, none, none));
    note(self, self->http->body(self->host, request, NULL));
    answer(self, request);
}

/* ---- without end */

static void flood(struct manners *self, koine_request request) {
    for (int i = 0; i < 1000; i++)
        self->http->respond(self->host, request, 99, none, none);
    answer(self, request);
}

static void on_tick(void *data, koine_timer timer) {
    (void)data;
    (void)timer;
}

static void on_ready(void *data, koine_watch watch, uint32_t ready) {
    (void)data;
    (void)watch;
    (void)ready;
}

/* Timers that never fire or fire again and again, and a watch, of a request that is answered. */
static void leave_behind(struct manners *self, koine_request request) {
    koine_timer timer;
    koine_watch watch;
    for (int i = 0; i < MANY_TIMERS; i++)
        if (self->loop->timer_start(self->host, 3600000, i % 2 ? 1000 : 0, on_tick, self, &timer))
            note(self, KOINE_NO_MEMORY);
    note(self, self->loop->timer_start(self->host, 1, 1, on_tick, self, &timer));
    note(self,
         self->loop->watch(self->host, self->pipe[0], KOINE_WATCH_READ, on_ready, self, &watch));
    note(self, self->loop->watch(self->host, -1, KOINE_WATCH_READ, on_ready, self, &watch));
    answer(self, request);
}

static void stop_itself(void *data, koine_timer timer) {
    struct manners *self = data;
    note(self, self->loop->timer_stop(self->host, timer));
    note(self, self->loop->timer_stop(self->host, timer));
    answer(self, self->request); /* a callback that ends its own request */
}

static void stop_twice(struct manners *self, koine_request request) {
    koine_timer timer;
    self->request = request;
    note(self, self->loop->timer_start(self->host, 1, 1000, on_tick, self, &timer));
    note(self, self->loop->timer_stop(self->host, timer));
    note(self, self->loop->timer_stop(self->host, timer));
    note(self, self->loop->timer_start(self->host, 1, 1, stop_itself, self, &timer));
}

/* ---- runs */

static int32_t start_run(struct manners *self, koine_request request, koine_run_callback on_event,
                         const struct koine_tool *const *tools, uint32_t tool_count) {
    struct koine_run_options options = {
        .size = sizeof(options), .tools = tools, .tool_count = tool_count};
    struct koine_failure failure = {.size = sizeof(failure)};
    koine_run run;
    self->http->body(self->host, request, &options.prompt);
    if (!options.prompt.size)
        options.prompt = KOINE_TEXT("x");
    int32_t result =
        self->runner->start(self->host, request, &options, on_event, self, &run, &failure);
    if (result == KOINE_OK)
        self->run = run;
    return result;
}

static void ignore_result(struct manners *self, koine_request request) {
    note(self, start_run(self, request, on_nothing, NULL, 0));
}

static void run_too_late(struct manners *self, koine_request request) {
    answer(self, request);
    note(self, start_run(self, request, on_nothing, NULL, 0));
}

static void on_cancelled(void *data, const struct koine_run_event *event) {
    struct manners *self = data;
    if (event->type != KOINE_RUN_END)
        return;
    note(self, self->runner->cancel(self->host, event->run));
    answer(self, event->request);
}

static void run_twice(struct manners *self, koine_request request) {
    note(self, start_run(self, request, on_cancelled, NULL, 0));
    note(self, start_run(self, request, on_cancelled, NULL, 0));
    note(self, self->slots->release(self->host, request));
    note(self, self->runner->cancel(self->host, self->run));
    note(self, self->runner->cancel(self->host, self->run));
    note(self, self->runner->park(self->host, self->run, 0));
}

static void on_tool(void *data, const struct koine_run_event *event) {
    struct manners *self = data;
    struct koine_tool_result result = {.size = sizeof(result), .text = KOINE_TEXT("done")};
    if (event->type == KOINE_RUN_TOOL_CALL) {
        note(self, self->runner->tool_result(self->host, event->call->call, &result));
        note(self, self->runner->tool_result(self->host, event->call->call, &result));
    } else if (event->type == KOINE_RUN_RESULT) {
        note(self, answer(self, event->request)); /* ends the request within its run's event */
        note(self, answer(self, event->request));
    }
}

static int32_t start_run_with_tool(struct manners *self, koine_request request,
                                   koine_run_callback on_event) {
    static const struct koine_tool tool = {.size = sizeof(struct koine_tool),
                                           .name = {"act", 3},
                                           .description = {"Acts", 4},
                                           .input_schema = {"{\"type\":\"object\"}", 17}};
    static const struct koine_tool *const tools[] = {&tool};
    return start_run(self, request, on_event, tools, 1);
}

static void tool_twice(struct manners *self, koine_request request) {
    note(self, start_run_with_tool(self, request, on_tool));
}

static void forget_tool(struct manners *self, koine_request request) {
    note(self, start_run_with_tool(self, request, on_nothing));
}

/* Writes on until its stream is cut, and still uses the request's memory then. */
static void overfill(struct manners *self, koine_request request) {
    static const char kilobytes[64 * 1024];
    const struct koine_stream_options options = {.size = sizeof(options)};
    struct {
        int32_t result, writes;
    } *state = self->http->alloc(self->host, request, sizeof(*state));
    if (!state || self->http->stream_begin(self->host, request, &options) != KOINE_OK)
        return;
    do {
        state->result = self->http->stream_write(self->host, request,
                                                 (struct koine_text){kilobytes, sizeof(kilobytes)});
        state->writes++;
    } while (state->result >= KOINE_OK && state->writes < 1000);
    note(self, state->result);
    note(self, state->writes > 4 && state->writes < 1000);
}

/* ---- routes */

static const struct {
    const char *name;
    void (*act)(struct manners *self, koine_request request);
} deeds[] = {
    {"twice", twice},           {"stream", stream_wrongly},       {"late", late},
    {"handles", handles},       {"other-kinds", other_kinds},     {"foreign", foreign},
    {"sizes", sizes},           {"run-sizes", run_sizes},         {"other-sizes", other_sizes},
    {"flood", flood},           {"overfill", overfill},           {"leave-behind", leave_behind},
    {"stop-twice", stop_twice}, {"ignore-result", ignore_result}, {"run-too-late", run_too_late},
    {"run-twice", run_twice},   {"tool-twice", tool_twice},       {"forget-tool", forget_tool},
};

static void do_deed(void *data, koine_request request) {
    struct manners *self = data;
    struct koine_text deed;
    self->http->param(self->host, request, "deed", &deed);
    for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++)
        if (strlen(deeds[i].name) == deed.size && memcmp(deeds[i].name, deed.data, deed.size) == 0)
            deeds[i].act(self, request);
}

/* Takes a slot and does nothing more; a stream also says something. */
static void forget(void *data, koine_request request) {
    struct manners *self = data;
    struct koine_failure failure = {.size = sizeof(failure)};
    note(self, self->slots->acquire(self->host, request, &failure));
}

static void forget_stream(void *data, koine_request request) {
    struct manners *self = data;
    struct koine_stream_options options = {.size = sizeof(options)};
    forget(self, request);
    note(self, self->http->stream_begin(self->host, request, &options));
    note(self, self->http->stream_write(self->host, request, KOINE_TEXT("data: begun\n\n")));
}

static void give_notes(void *data, koine_request request) {
    struct manners *self = data;
    char text[MAXIMUM_NOTES * 12 + 8];
    size_t size = 0;
    for (size_t i = 0; i < self->note_count; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%d", i ? " " : "",
                                 (int)self->notes[i]);
    self->note_count = 0;
    self->http->respond(self->host, request, 200, KOINE_TEXT("text/plain"),
                        (struct koine_text){text, size});
}

/* As the host's /livez, beside which it is measured. */
static void give_answer(void *data, koine_request request) {
    const struct manners *self = data;
    self->http->respond(self->host, request, 200, none, KOINE_TEXT("{\"status\":\"alive\"}"));
}

/* What one call of the host costs: nanoseconds, as the mean of many. */
static void give_cost(void *data, koine_request request) {
    enum { CALLS = 100000 };
    const struct manners *self = data;
    struct timespec before, after;
    struct koine_text path = none;
    char text[32];
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < CALLS; i++)
        self->http->path(self->host, request, &path);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double ns =
        (double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec);
    int size = snprintf(text, sizeof(text), "%.1f ns", ns / CALLS);
    self->http->respond(self->host, request, 200, KOINE_TEXT("text/plain"),
                        (struct koine_text){text, (size_t)size});
}

/* ---- lifecycle */

/* Only the log is there in create. */
static void call_in_create(struct manners *self) {
    const struct koine_config *config = self->host->service(self->host, KOINE_CONFIG);
    struct koine_text text;
    note(self, config->section(self->host, &text));
    note(self, config->text(self->host, "name", &text));
}

static int32_t create(const struct koine_host *host, void **self) {
    struct manners *module = calloc(1, sizeof(*module));
    if (!module || pipe2(module->pipe, O_CLOEXEC | O_NONBLOCK)) {
        free(module);
        return KOINE_NO_MEMORY;
    }
    module->host = host;
    *self = module;
    if (getenv("KOINE_TEST_TOO_EARLY"))
        call_in_create(module);
    return KOINE_OK;
}

static void find_services(struct manners *self) {
    const struct koine_host *host = self->host;
    self->http = host->service(host, KOINE_HTTP);
    self->runner = host->service(host, KOINE_RUNNER);
    self->slots = host->service(host, KOINE_SLOTS);
    self->log = host->service(host, KOINE_LOG);
    self->loop = host->service(host, KOINE_LOOP);
    self->metrics = host->service(host, KOINE_METRICS);
}

static int32_t register_routes(struct manners *self) {
    static const struct koine_route routes[] = {
        {.method = "GET", .path = "/manners/{deed}", .handler = do_deed, .deadline_ms = 400},
        {.method = "POST", .path = "/manners/{deed}", .handler = do_deed, .deadline_ms = 3000},
        {.method = "GET", .path = "/forget", .handler = forget, .deadline_ms = 300},
        {.method = "GET", .path = "/forget/stream", .handler = forget_stream, .deadline_ms = 300},
        {.method = "GET", .path = "/forget/long", .handler = forget},
        {.method = "GET", .path = "/forget/long-stream", .handler = forget_stream},
        {.method = "GET", .path = "/noted", .handler = give_notes},
    };
    static const struct koine_route open[] = {
        {.method = "GET", .path = "/answer", .handler = give_answer},
        {.method = "GET", .path = "/cost", .handler = give_cost},
    };
    int32_t result = KOINE_OK;
    for (size_t i = 0; i < sizeof(open) / sizeof(*open) && result == KOINE_OK; i++) {
        struct koine_route route = open[i];
        route.size = sizeof(route);
        route.authentication = KOINE_AUTH_NONE;
        result = self->http->route(self->host, &route);
    }
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes) && result == KOINE_OK; i++) {
        struct koine_route route = routes[i];
        route.size = sizeof(route);
        route.slot_class = KOINE_SLOT_NONSTREAMING;
        result = self->http->route(self->host, &route);
    }
    return result;
}

/* What is too early or too late. */
static void break_the_lifecycle(struct manners *self) {
    struct {
        struct koine_route as;
        uint64_t more;
    } route = {.as = {.size = sizeof(route), .method = "GET", .path = "/x", .handler = do_deed},
               .more = 1};
    koine_timer timer;
    note(self, self->http->route(self->host, &route.as));
    route.as.size = 0;
    note(self, self->http->route(self->host, &route.as));
    note(self, self->loop->timer_start(self->host, 0, 0, on_tick, self, &timer));
    note(self, self->loop->post(self->host, (void (*)(void *))(uintptr_t)1, self));
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct manners *self = data;
    (void)config;
    (void)error;
    find_services(self);
    if (getenv("KOINE_TEST_EARLY"))
        break_the_lifecycle(self);
    return register_routes(self);
}

static int32_t start(void *data, struct koine_error *error) {
    struct manners *self = data;
    const struct koine_route route = {
        .size = sizeof(route), .method = "GET", .path = "/x", .handler = do_deed};
    (void)error;
    if (getenv("KOINE_TEST_EARLY")) {
        note(self, self->http->route(self->host, &route));
        note(self, self->slots->declare(self->host, "own", 1));
    }
    return self->loop->timer_start(self->host, 3600000, 1000, on_tick, self, &self->repeating);
}

/* Called behind init: not serving yet. */
static const void *extension(void *data, const char *id) {
    struct manners *self = data;
    koine_timer timer;
    if (!getenv("KOINE_TEST_TOO_EARLY") || strcmp(id, KOINE_EXTENSION_TOOLS) != 0)
        return NULL;
    note(self, self->loop->timer_start(self->host, 0, 0, on_tick, self, &timer));
    note(self, self->runner->cancel(self->host, (koine_run){0}));
    return NULL;
}

static void destroy(void *data) {
    struct manners *self = data;
    koine_timer timer;
    char text[80];
    int size = snprintf(text, sizeof(text), "in destroy: post %d, timer_start %d",
                        (int)self->loop->post(self->host, (void (*)(void *))(uintptr_t)1, self),
                        (int)self->loop->timer_start(self->host, 0, 0, on_tick, self, &timer));
    self->log->write(self->host, KOINE_LOG_INFO, (koine_request){0},
                     (struct koine_text){text, (size_t)size});
    close(self->pipe[0]);
    close(self->pipe[1]);
    free(self);
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(struct koine_module),
        .name = "manners",
        .version = "1.0.0",
        .summary = "Has none",
        .create = create,
        .init = init,
        .start = start,
        .destroy = destroy,
        .extension = extension,
    };
    return &module;
}
