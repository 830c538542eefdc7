/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module without the CLI: an event stream from a timer, and blocking work on a thread of its own.
 * GET /ticker?n ticks, GET /slow (answers from a thread), GET /late (answers after the client
 * left).
 */
#include <koine/koine.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ticker_module {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_loop *loop;
    const struct koine_log *log;
    const struct koine_metrics *metrics;
    koine_metric ticks_total;
};

/* ---- /ticker: ten ticks, one each 5 ms */

struct ticker {
    struct ticker_module *self;
    koine_request request;
    koine_timer timer;
    int tick;
};

static void stop_ticking(void *data, koine_request request, int32_t how) {
    struct ticker *ticker = data;
    (void)request;
    (void)how;
    ticker->self->loop->timer_stop(ticker->self->host, ticker->timer);
}

static void tick(void *data, koine_timer timer) {
    struct ticker *ticker = data;
    struct ticker_module *self = ticker->self;
    char event[64];
    (void)timer;
    int size = snprintf(event, sizeof(event), "event: tick\ndata: %d\n\n", ++ticker->tick);
    self->metrics->add(self->host, self->ticks_total, 1);
    if (self->http->stream_write(self->host, ticker->request,
                                 (struct koine_text){event, (size_t)size}) == KOINE_GONE)
        return; /* cut: the ticker was memory of the request */
    if (ticker->tick == 10)
        self->http->stream_end(self->host, ticker->request);
}

static void ticks_handler(void *data, koine_request request) {
    struct ticker_module *self = data;
    struct koine_stream_options options = {.size = sizeof(options)};
    struct ticker *ticker = self->http->alloc(self->host, request, sizeof(*ticker));
    if (!ticker || self->http->stream_begin(self->host, request, &options) != KOINE_OK)
        return;
    ticker->self = self;
    ticker->request = request;
    if (self->loop->timer_start(self->host, 0, 5, tick, ticker, &ticker->timer) == KOINE_OK)
        self->http->on_end(self->host, request, stop_ticking, ticker);
}

/* ---- /slow and /late: a thread that comes back through post */

struct job {
    struct ticker_module *self;
    koine_request request;
    int32_t post_result;
};

static void finish_job(void *data) {
    struct job *job = data;
    struct ticker_module *self = job->self;
    int32_t result =
        self->http->respond(self->host, job->request, 200, (struct koine_text){NULL, 0},
                            KOINE_TEXT("{\"from\":\"thread\"}"));
    if (result == KOINE_GONE)
        self->log->write(self->host, KOINE_LOG_INFO, job->request,
                         KOINE_TEXT("the late answer found its request gone"));
    free(job);
}

static void *work(void *data) {
    struct job *job = data;
    struct ticker_module *self = job->self;
    if (self->loop->post(self->host, finish_job, job) != KOINE_OK)
        free(job);
    return NULL;
}

static void *work_late(void *data);

static void start_job(struct ticker_module *self, koine_request request, void *(*body)(void *)) {
    pthread_t thread;
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return;
    job->self = self;
    job->request = request;
    if (pthread_create(&thread, NULL, body, job) == 0)
        pthread_detach(thread);
    else
        free(job);
}

static void slow_handler(void *data, koine_request request) {
    start_job(data, request, work);
}

/* The job of /late begins when its client has left, so its answer always comes too late. */
static void start_late(void *data, koine_request request, int32_t how) {
    if (how == KOINE_END_CLIENT_LEFT)
        start_job(data, request, work_late);
}

static void *work_late(void *data) {
    return work(data);
}

static void late_handler(void *data, koine_request request) {
    struct ticker_module *self = data;
    self->http->on_end(self->host, request, start_late, self);
}

/* ---- lifecycle */

static int32_t create(const struct koine_host *host, void **self) {
    struct ticker_module *module = calloc(1, sizeof(*module));
    if (!module)
        return KOINE_NO_MEMORY;
    module->host = host;
    *self = module;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    static const struct {
        const char *path;
        koine_handler handler;
    } routes[] = {{"/ticker", ticks_handler}, {"/slow", slow_handler}, {"/late", late_handler}};
    struct ticker_module *self = data;
    (void)config;
    self->http = self->host->service(self->host, KOINE_HTTP);
    self->loop = self->host->service(self->host, KOINE_LOOP);
    self->log = self->host->service(self->host, KOINE_LOG);
    self->metrics = self->host->service(self->host, KOINE_METRICS);
    struct koine_metric_options ticks = {.size = sizeof(ticks),
                                         .type = KOINE_METRIC_COUNTER,
                                         .name = "ticks_total",
                                         .help = "Ticks sent."};
    if (!self->http || !self->loop || !self->log || !self->metrics ||
        self->host->service(self->host, "koine.unknown/1")) {
        snprintf(error->message, error->capacity, "a service is missing, or one too many is there");
        return KOINE_UNSUPPORTED;
    }
    if (self->metrics->define(self->host, &ticks, &self->ticks_total) != KOINE_OK)
        return KOINE_INVALID;
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        struct koine_route route = {.size = sizeof(route),
                                    .method = "GET",
                                    .path = routes[i].path,
                                    .handler = routes[i].handler};
        if (self->http->route(self->host, &route) != KOINE_OK)
            return KOINE_INVALID;
    }
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
        .name = "ticker",
        .version = "1.0.0",
        .summary = "Ticks, and work on a thread",
        .create = create,
        .init = init,
        .destroy = destroy,
    };
    return &module;
}
