/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module without the CLI: an event stream from a timer, and blocking work on a thread of its own.
 * GET /ticker?n ticks, GET /slow (answers from a thread), GET /late (answers after the client
 * left).
 */
#include <koine-module/module.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct ticker_module {
    struct koine_self self; /* first */
    koine_metric ticks_total;
};

static struct ticker_module *module_of(void *data) {
    return (struct ticker_module *)(void *)koine_self_of(data);
}

/* ---- /ticker: ten ticks, one each 5 ms */

struct ticker {
    const struct ticker_module *module;
    koine_request request;
    koine_timer timer;
    int tick;
};

static void stop_ticking(void *data, koine_request request, int32_t how) {
    struct ticker *ticker = data;
    const struct koine_self *self = &ticker->module->self;
    (void)request;
    (void)how;
    self->loop->timer_stop(self->host, ticker->timer);
}

static void tick(void *data, koine_timer timer) {
    struct ticker *ticker = data;
    const struct koine_self *self = &ticker->module->self;
    char event[64];
    (void)timer;
    int size = snprintf(event, sizeof(event), "event: tick\ndata: %d\n\n", ++ticker->tick);
    self->metrics->add(self->host, ticker->module->ticks_total, 1);
    if (self->http->stream_write(self->host, ticker->request,
                                 (struct koine_text){event, (size_t)size}) == KOINE_GONE)
        return; /* cut */
    if (ticker->tick == 10)
        self->http->stream_end(self->host, ticker->request);
}

static void ticks_handler(void *data, koine_request request) {
    const struct ticker_module *module = module_of(data);
    const struct koine_self *self = &module->self;
    struct koine_stream_options options = {.size = sizeof(options)};
    struct ticker *ticker = self->http->alloc(self->host, request, sizeof(*ticker));
    if (!ticker || self->http->stream_begin(self->host, request, &options) != KOINE_OK)
        return;
    ticker->module = module;
    ticker->request = request;
    if (self->loop->timer_start(self->host, 0, 5, tick, ticker, &ticker->timer) == KOINE_OK)
        self->http->on_end(self->host, request, stop_ticking, ticker);
}

/* ---- /slow and /late: a thread that comes back through post */

struct job {
    const struct koine_self *self;
    koine_request request;
    int32_t post_result;
};

static void finish_job(void *data) {
    struct job *job = data;
    const struct koine_self *self = job->self;
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
    const struct koine_self *self = job->self;
    if (self->loop->post(self->host, finish_job, job) != KOINE_OK)
        free(job);
    return NULL;
}

static void start_job(const struct koine_self *self, koine_request request) {
    pthread_t thread;
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return;
    job->self = self;
    job->request = request;
    if (pthread_create(&thread, NULL, work, job) == 0)
        pthread_detach(thread);
    else
        free(job);
}

static void slow_handler(void *data, koine_request request) {
    start_job(koine_self_of(data), request);
}

/* The job of /late begins when its client has left, so its answer always comes too late. */
static void start_late(void *data, koine_request request, int32_t how) {
    if (how == KOINE_END_CLIENT_LEFT)
        start_job(koine_self_of(data), request);
}

static void late_handler(void *data, koine_request request) {
    struct koine_self *self = koine_self_of(data);
    self->http->on_end(self->host, request, start_late, self);
}

/* ---- what it is */

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    static const struct koine_metric_options ticks = {.size = sizeof(ticks),
                                                      .type = KOINE_METRIC_COUNTER,
                                                      .name = "ticks_total",
                                                      .help = "Ticks sent."};
    struct ticker_module *module = module_of(data);
    const struct koine_self *self = &module->self;
    (void)config;
    if (self->host->service(self->host, "koine.unknown/1"))
        return koine_error_set(error, KOINE_INVALID, "there is a service that nobody knows");
    return self->metrics->define(self->host, &ticks, &module->ticks_total);
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "GET",
     .path = "/ticker",
     .handler = ticks_handler},
    {.size = sizeof(struct koine_route), .method = "GET", .path = "/slow", .handler = slow_handler},
    {.size = sizeof(struct koine_route), .method = "GET", .path = "/late", .handler = late_handler},
};
static const struct koine_plan plan = {.state_bytes = sizeof(struct ticker_module),
                                       .routes = routes,
                                       .route_count = KOINE_COUNT(routes),
                                       .init = init};
KOINE_MODULE_DEFINE("ticker", "1.0.0", "Ticks, and work on a thread", plan);
