/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that keeps the event loop. GET /block/{place}?MS sleeps there for so long: in the
 * handler, a timer, a post, the end of the request. With KOINE_TEST_BLOCK_START_MS its start does.
 */
#include <errno.h>
#include <koine/koine.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct blocker {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_loop *loop;
};

struct stay {
    struct blocker *self;
    koine_request request;
    long ms;
};

static void block(long ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

static void answer(const struct blocker *self, koine_request request) {
    self->http->respond(self->host, request, 200, (struct koine_text){NULL, 0},
                        KOINE_TEXT("{\"ok\":true}"));
}

static void block_and_answer(const struct stay *stay) {
    block(stay->ms);
    answer(stay->self, stay->request);
}

static void on_timer(void *data, koine_timer timer) {
    (void)timer;
    block_and_answer(data);
}

static void on_post(void *data) {
    block_and_answer(data);
}

static void on_end(void *data, koine_request request, int32_t how) {
    const struct stay *stay = data;
    (void)request;
    (void)how;
    block(stay->ms);
}

static int is(struct koine_text text, const char *word) {
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

static long milliseconds(struct koine_text text) {
    long value = 0;
    for (size_t i = 0; i < text.size; i++)
        value = value * 10 + text.data[i] - '0';
    return value;
}

static void handler(void *data, koine_request request) {
    struct blocker *self = data;
    struct koine_text place, query;
    koine_timer timer;
    struct stay *stay = self->http->alloc(self->host, request, sizeof(*stay));
    if (!stay || self->http->param(self->host, request, "place", &place) != KOINE_OK ||
        self->http->query(self->host, request, &query) != KOINE_OK)
        return;
    *stay = (struct stay){self, request, milliseconds(query)};
    if (is(place, "timer")) {
        self->loop->timer_start(self->host, 0, 0, on_timer, stay, &timer);
    } else if (is(place, "post")) {
        self->loop->post(self->host, on_post, stay);
    } else if (is(place, "end")) {
        self->http->on_end(self->host, request, on_end, stay);
        answer(self, request);
    } else {
        block_and_answer(stay);
    }
}

static int32_t create(const struct koine_host *host, void **self) {
    struct blocker *module = calloc(1, sizeof(*module));
    if (!module)
        return KOINE_NO_MEMORY;
    module->host = host;
    *self = module;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct blocker *self = data;
    const struct koine_route route = {
        .size = sizeof(route), .method = "GET", .path = "/block/{place}", .handler = handler};
    (void)config;
    (void)error;
    self->http = self->host->service(self->host, KOINE_HTTP);
    self->loop = self->host->service(self->host, KOINE_LOOP);
    return self->http->route(self->host, &route);
}

static int32_t start(void *data, struct koine_error *error) {
    const char *ms = getenv("KOINE_TEST_BLOCK_START_MS");
    (void)data;
    (void)error;
    if (ms)
        block(strtol(ms, NULL, 10));
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
        .name = "blocker",
        .version = "1.0.0",
        .summary = "Keeps the event loop when asked to",
        .create = create,
        .init = init,
        .start = start,
        .destroy = destroy,
    };
    return &module;
}
