/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls the services that other modules of tests leave out, and answers with what they said: auth,
 * slots, tools, config, metrics, watches, deadlines. One route each; results are numbers or text.
 */
#include <koine/koine.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct services {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_auth *auth;
    const struct koine_slots *slots;
    const struct koine_tools *tools;
    const struct koine_config *config;
    const struct koine_metrics *metrics;
    const struct koine_loop *loop;
    koine_metric gauge;
};

static void answer(struct services *self, koine_request request, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void answer(struct services *self, koine_request request, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    self->http->respond(self->host, request, 200, KOINE_TEXT("text/plain"),
                        (struct koine_text){text, (size_t)size});
}

#define TEXT(text) (int)(text).size, (text).data ? (text).data : ""

/* ---- auth: a public route, so nobody is known at first */

static void who(void *data, koine_request request) {
    struct services *self = data;
    struct koine_failure failure = {.size = sizeof(failure)};
    struct koine_text before, after;
    int32_t unknown = self->auth->key_name(self->host, request, &before);
    int32_t result = self->auth->authenticate(self->host, request, &failure);
    int32_t known = self->auth->key_name(self->host, request, &after);
    answer(self, request, "%d %d %u %.*s %d", unknown, result, (unsigned)failure.status,
           TEXT(failure.code), known);
}

static void act_as(void *data, koine_request request) {
    struct services *self = data;
    struct koine_failure failure = {.size = sizeof(failure)};
    struct koine_text query;
    char name[64] = "";
    self->http->query(self->host, request, &query);
    snprintf(name, sizeof(name), "%.*s", TEXT(query));
    answer(self, request, "%d", self->auth->act_as(self->host, request, name, &failure));
}

static void session(void *data, koine_request request) {
    struct services *self = data;
    struct koine_failure failure = {.size = sizeof(failure)};
    struct koine_text query;
    self->http->query(self->host, request, &query);
    int32_t result = self->auth->check_session(self->host, request, query, &failure);
    answer(self, request, "%d %u %.*s %.*s", result, (unsigned)failure.status, TEXT(failure.code),
           TEXT(failure.issues));
}

/* ---- slots: of a class of its own with one slot */

static void slot(void *data, koine_request request) {
    struct services *self = data;
    struct koine_failure failure = {.size = sizeof(failure)};
    uint32_t before = 9, taken = 9, after = 9, limit = 9;
    self->slots->usage(self->host, "one", &before, &limit);
    int32_t first = self->slots->acquire(self->host, request, &failure);
    int32_t second = self->slots->acquire(self->host, request, &failure);
    self->slots->usage(self->host, "one", &taken, NULL);
    int32_t released = self->slots->release(self->host, request);
    self->slots->usage(self->host, "one", &after, NULL);
    int32_t unknown = self->slots->usage(self->host, "two", NULL, NULL);
    answer(self, request, "%d %d %d, %u %u %u of %u, %d", first, second, released, before, taken,
           after, limit, unknown);
}

/* ---- tools */

static void tools(void *data, koine_request request) {
    static const struct koine_text allowed[] = {{"Read", 4}, {"Bash(git:*)", 11}};
    static const struct koine_text bad[] = {{"Read(", 5}}, denied[] = {{"Read", 4}};
    struct services *self = data;
    struct koine_failure failure = {.size = sizeof(failure)}, refused = {.size = sizeof(refused)};
    struct koine_text policy;
    int32_t first = self->tools->narrow(self->host, request, allowed, 2, NULL, 0, &failure);
    int32_t second = self->tools->narrow(self->host, request, bad, 1, NULL, 0, &refused);
    int32_t third = self->tools->narrow(self->host, request, NULL, 0, denied, 1, &failure);
    self->tools->effective(self->host, request, &policy);
    answer(self, request, "%d %d %d %.*s, %d %d %d, %.*s", first, second, third,
           TEXT(refused.issues), self->tools->judge(self->host, request, allowed[0]),
           self->tools->judge(self->host, request, KOINE_TEXT("Bash")),
           self->tools->judge(self->host, request, KOINE_TEXT("Write")), TEXT(policy));
}

/* ---- config */

static void config(void *data, koine_request request) {
    struct services *self = data;
    const struct koine_config *config = self->config;
    struct koine_text text = {NULL, 0}, section, directory;
    int64_t integer = 0;
    double number = 0;
    int32_t boolean = 0;
    config->section(self->host, &section);
    int32_t found = config->text(self->host, "inner.text", &text);
    int32_t missing = config->text(self->host, "inner.none", &text);
    int32_t wrong = config->integer(self->host, "inner.text", &integer);
    config->integer(self->host, "integer", &integer);
    config->number(self->host, "integer", &number);
    config->boolean(self->host, "boolean", &boolean);
    int32_t made = config->state_directory(self->host, &directory);
    answer(self, request, "%d %d %d %.*s %lld %g %d %d %d %.*s", found, missing, wrong, TEXT(text),
           (long long)integer, number, boolean, made, access(directory.data, W_OK), TEXT(section));
}

/* ---- metrics */

static void metrics(void *data, koine_request request) {
    struct services *self = data;
    const double buckets[] = {1, 2};
    const struct koine_metric_options histogram = {.size = sizeof(histogram),
                                                   .type = KOINE_METRIC_HISTOGRAM,
                                                   .name = "wait_seconds",
                                                   .help = "Waiting.",
                                                   .buckets = buckets,
                                                   .bucket_count = 2};
    const struct koine_metric_options other = {
        .size = sizeof(other), .type = KOINE_METRIC_GAUGE, .name = "wait_seconds", .help = "Same."};
    koine_metric metric, again;
    int32_t defined = self->metrics->define(self->host, &histogram, &metric);
    int32_t twice = self->metrics->define(self->host, &other, &again);
    int32_t observed = self->metrics->add(self->host, metric, 1.5);
    int32_t set = self->metrics->set(self->host, self->gauge, 7);
    answer(self, request, "%d %d %d %d", defined, twice, observed, set);
}

/* ---- loop */

struct waiter {
    struct services *self;
    koine_request request;
    int ends[2];
};

static void on_ready(void *data, koine_watch watch, uint32_t ready) {
    struct waiter *waiter = data;
    struct services *self = waiter->self;
    char byte = 0;
    ssize_t got = read(waiter->ends[0], &byte, 1);
    int32_t stopped = self->loop->unwatch(self->host, watch);
    int32_t again = self->loop->unwatch(self->host, watch);
    close(waiter->ends[0]);
    close(waiter->ends[1]);
    answer(self, waiter->request, "%u %d %c %d %d", ready, (int)got, byte, stopped, again);
}

static void watch(void *data, koine_request request) {
    struct services *self = data;
    struct waiter *waiter = self->http->alloc(self->host, request, sizeof(*waiter));
    koine_watch handle;
    if (!waiter || pipe(waiter->ends))
        return;
    waiter->self = self;
    waiter->request = request;
    self->loop->watch(self->host, waiter->ends[0], KOINE_WATCH_READ, on_ready, waiter, &handle);
    if (write(waiter->ends[1], "x", 1) != 1)
        answer(self, request, "the pipe takes nothing");
}

static void deadline(void *data, koine_request request) {
    struct services *self = data;
    self->http->set_deadline(self->host, request, 50);
}

/* ---- lifecycle */

static int32_t create(const struct koine_host *host, void **out) {
    struct services *self = calloc(1, sizeof(*self));
    if (!self)
        return KOINE_NO_MEMORY;
    self->host = host;
    *out = self;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text section, struct koine_error *error) {
    static const struct koine_route routes[] = {
        {.path = "/who",
         .handler = who,
         .authentication = KOINE_AUTH_NONE,
         .key_places = KOINE_KEY_BEARER | KOINE_KEY_X_API_KEY},
        {.path = "/act-as", .handler = act_as, .authentication = KOINE_AUTH_NONE},
        {.path = "/session", .handler = session},
        {.path = "/slot", .handler = slot, .slot_class = "one"},
        {.path = "/tools", .handler = tools},
        {.path = "/config", .handler = config},
        {.path = "/module-metrics", .handler = metrics},
        {.path = "/watch", .handler = watch},
        {.path = "/deadline", .handler = deadline},
    };
    const struct koine_metric_options gauge = {
        .size = sizeof(gauge), .type = KOINE_METRIC_GAUGE, .name = "level", .help = "A level."};
    struct services *self = data;
    const struct koine_host *host = self->host;
    (void)section;
    self->http = host->service(host, KOINE_HTTP);
    self->auth = host->service(host, KOINE_AUTH);
    self->slots = host->service(host, KOINE_SLOTS);
    self->tools = host->service(host, KOINE_TOOLS);
    self->config = host->service(host, KOINE_CONFIG);
    self->metrics = host->service(host, KOINE_METRICS);
    self->loop = host->service(host, KOINE_LOOP);
    int32_t result = self->slots->declare(host, "one", 1);
    if (result == KOINE_OK)
        result = self->metrics->define(host, &gauge, &self->gauge);
    for (size_t i = 0; result == KOINE_OK && i < sizeof(routes) / sizeof(*routes); i++) {
        struct koine_route route = routes[i];
        route.size = sizeof(route);
        route.method = "GET";
        result = self->http->route(host, &route);
    }
    if (result != KOINE_OK)
        snprintf(error->message, error->capacity, "something was refused");
    return result;
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
        .name = "services",
        .version = "1.0.0",
        .summary = "Calls services",
        .create = create,
        .init = init,
        .destroy = destroy,
    };
    return &module;
}
