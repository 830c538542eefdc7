/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that does everything wrong, one thing a route: what a host is to report or to survive.
 * GET /NAME does it, POST /run starts a run and ignores what comes of it.
 */
#include <koine/koine.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct misbehaving {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_loop *loop;
    const struct koine_runner *runner;
    const struct koine_log *log;
    const struct koine_config *config;
    pthread_t thread;
    koine_request request;
    void *left;
};

static void answer(struct misbehaving *self, koine_request request) {
    self->http->respond(self->host, request, 200, (struct koine_text){NULL, 0}, KOINE_TEXT("{}"));
}

static void forgets(void *data, koine_request request) {
    (void)data;
    (void)request;
}

static void forgets_stream(void *data, koine_request request) {
    struct misbehaving *self = data;
    const struct koine_stream_options options = {.size = sizeof(options)};
    self->http->stream_begin(self->host, request, &options);
    self->http->stream_write(self->host, request, KOINE_TEXT("data: once\n\n"));
}

static void twice(void *data, koine_request request) {
    answer(data, request);
    answer(data, request);
}

static void responds_in_a_stream(void *data, koine_request request) {
    struct misbehaving *self = data;
    forgets_stream(data, request);
    answer(self, request);
    self->http->stream_end(self->host, request);
}

static void writes_without_a_stream(void *data, koine_request request) {
    struct misbehaving *self = data;
    self->http->stream_write(self->host, request, KOINE_TEXT("x"));
    answer(self, request);
}

/* ---- another thread */

static void answer_after_all(void *data) {
    struct misbehaving *self = data;
    pthread_join(self->thread, NULL);
    answer(self, self->request);
}

static void *call_from_thread(void *data) {
    struct misbehaving *self = data;
    answer(self, self->request);
    self->loop->post(self->host, answer_after_all, self);
    return NULL;
}

static void wrong_thread(void *data, koine_request request) {
    struct misbehaving *self = data;
    self->request = request;
    pthread_create(&self->thread, NULL, call_from_thread, self);
}

/* ---- arguments */

static void registers_late(void *data, koine_request request) {
    struct misbehaving *self = data;
    const struct koine_route route = {
        .size = sizeof(route), .method = "GET", .path = "/late-route", .handler = forgets};
    self->http->route(self->host, &route);
    answer(self, request);
}

static void makes_up(void *data, koine_request request) {
    struct misbehaving *self = data;
    answer(self, (koine_request){4711});
    self->loop->timer_stop(self->host, (koine_timer){request.id});
    answer(self, request);
}

static void invalid(void *data, koine_request request) {
    struct misbehaving *self = data;
    self->http->respond(self->host, request, 1000, (struct koine_text){NULL, 0}, KOINE_TEXT("x"));
    self->http->set_header(self->host, request, KOINE_TEXT("Date"), KOINE_TEXT("today"));
    answer(self, request);
}

static void size_missing(void *data, koine_request request) {
    struct misbehaving *self = data;
    const struct koine_failure failure = {.status = 400, .code = KOINE_TEXT("X")};
    self->http->fail(self->host, request, &failure);
    answer(self, request);
}

static void calls_in_render(void *data, koine_request request) {
    struct misbehaving *self = data;
    const struct koine_failure failure = {.size = sizeof(failure), .status = 400};
    self->request = request;
    self->http->fail(self->host, request, &failure);
}

static int32_t render(void *data, const struct koine_failure *failure, char *out, size_t capacity,
                      size_t *length, const char **content_type) {
    struct misbehaving *self = data;
    struct koine_text path;
    (void)failure;
    (void)content_type;
    self->http->path(self->host, self->request, &path);
    *length = (size_t)snprintf(out, capacity, "{}");
    return KOINE_OK;
}

/* ---- what is left */

static void do_nothing(void *data, koine_timer timer) {
    (void)data;
    (void)timer;
}

static void leaves_timer(void *data, koine_request request) {
    struct misbehaving *self = data;
    koine_timer timer;
    self->loop->timer_start(self->host, 1000, 1000, do_nothing, self, &timer);
    answer(self, request);
}

static void on_ready(void *data, koine_watch watch, uint32_t ready) {
    (void)data;
    (void)watch;
    (void)ready;
}

static void leaves_watch(void *data, koine_request request) {
    struct misbehaving *self = data;
    koine_watch watch;
    int ends[2];
    if (pipe(ends) == 0)
        self->loop->watch(self->host, ends[0], KOINE_WATCH_READ, on_ready, self, &watch);
    answer(self, request);
}

static void *wait_for_ever(void *data) {
    int ends[2];
    char byte;
    if (pipe(ends) == 0 && read(ends[0], &byte, 1) < 0)
        return data;
    return NULL;
}

static void leaves_thread(void *data, koine_request request) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_ever, data) == 0)
        pthread_detach(thread);
    answer(data, request);
}

static void leaks(void *data, koine_request request) {
    struct misbehaving *self = data;
    self->left = malloc(77);
    self->left = strdup("and a text of 31 bytes with its end");
    answer(self, request);
}

/* ---- time */

static void sleeps(void *data, koine_request request) {
    const struct timespec time = {0, 150000000};
    nanosleep(&time, NULL);
    answer(data, request);
}

static void post_again(void *data) {
    struct misbehaving *self = data;
    self->loop->post(self->host, post_again, self);
}

static void never_rests(void *data, koine_request request) {
    answer(data, request);
    post_again(data);
}

static void never_rests_nor_answers(void *data, koine_request request) {
    (void)request;
    post_again(data);
}

static void overfills(void *data, koine_request request) {
    static char bytes[65536];
    struct misbehaving *self = data;
    const struct koine_stream_options options = {.size = sizeof(options)};
    self->http->stream_begin(self->host, request, &options);
    for (int i = 0; i < 100; i++)
        self->http->stream_write(self->host, request, (struct koine_text){bytes, sizeof(bytes)});
}

/* ---- runs */

static void ignore(void *data, const struct koine_run_event *event) {
    (void)data;
    (void)event;
}

static void ignores_run(void *data, koine_request request) {
    struct misbehaving *self = data;
    const struct koine_run_options options = {.size = sizeof(options),
                                              .prompt = KOINE_TEXT("hello")};
    struct koine_failure failure = {.size = sizeof(failure)};
    koine_run run;
    self->runner->start(self->host, request, &options, ignore, self, &run, &failure);
    self->runner->start(self->host, request, &options, ignore, self, &run, &failure);
}

/* ---- lifecycle */

static const struct koine_route routes[] = {
    {.path = "/forgets", .handler = forgets},
    {.path = "/forgets-stream", .handler = forgets_stream},
    {.path = "/twice", .handler = twice},
    {.path = "/responds-in-a-stream", .handler = responds_in_a_stream},
    {.path = "/writes-without-a-stream", .handler = writes_without_a_stream},
    {.path = "/wrong-thread", .handler = wrong_thread},
    {.path = "/registers-late", .handler = registers_late},
    {.path = "/makes-up", .handler = makes_up},
    {.path = "/invalid", .handler = invalid},
    {.path = "/size-missing", .handler = size_missing},
    {.path = "/calls-in-render", .handler = calls_in_render, .render_failure = render},
    {.path = "/leaves-timer", .handler = leaves_timer},
    {.path = "/leaves-watch", .handler = leaves_watch},
    {.path = "/leaves-thread", .handler = leaves_thread},
    {.path = "/leaks", .handler = leaks},
    {.path = "/sleeps", .handler = sleeps},
    {.path = "/never-rests", .handler = never_rests},
    {.path = "/never-rests-nor-answers", .handler = never_rests_nor_answers},
    {.path = "/overfills", .handler = overfills},
    {.path = "/run", .method = "POST", .handler = ignores_run},
};

static int32_t create(const struct koine_host *host, void **out) {
    struct misbehaving *self = calloc(1, sizeof(*self));
    if (!self)
        return KOINE_NO_MEMORY;
    self->host = host;
    *out = self;
    return KOINE_OK;
}

/* What the settings ask for: {"mistake": "…"}. */
static int32_t mistake(struct misbehaving *self, struct koine_text name,
                       struct koine_error *error) {
    const struct koine_route again = {
        .size = sizeof(again), .method = "GET", .path = "/twice", .handler = forgets};
    const struct koine_route page = {
        .size = sizeof(page), .method = "GET", .path = "/health", .handler = forgets};
    koine_timer timer;
    if (strncmp(name.data, "conflict", name.size) == 0)
        self->http->route(self->host, &again);
    else if (strncmp(name.data, "page", name.size) == 0)
        self->http->route(self->host, &page);
    else if (strncmp(name.data, "timer in init", name.size) == 0)
        self->loop->timer_start(self->host, 1, 1, do_nothing, self, &timer);
    else
        snprintf(error->message, error->capacity, "asked to fail");
    return error->message[0] ? KOINE_INVALID : KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct misbehaving *self = data;
    struct koine_text name;
    (void)config;
    self->http = self->host->service(self->host, KOINE_HTTP);
    self->loop = self->host->service(self->host, KOINE_LOOP);
    self->runner = self->host->service(self->host, KOINE_RUNNER);
    self->log = self->host->service(self->host, KOINE_LOG);
    self->config = self->host->service(self->host, KOINE_CONFIG);
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        struct koine_route route = routes[i];
        route.size = sizeof(route);
        if (!route.method)
            route.method = "GET";
        int32_t result = self->http->route(self->host, &route);
        if (result != KOINE_OK)
            return result;
    }
    return self->config->text(self->host, "mistake", &name) == KOINE_OK ? mistake(self, name, error)
                                                                        : KOINE_OK;
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
        .name = "misbehaving",
        .version = "1.0.0",
        .summary = "Does everything wrong",
        .create = create,
        .init = init,
        .destroy = destroy,
    };
    return &module;
}
