/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module with the worst manners. GET /crash/handler, /crash/timer and /crash/end abort there, in
 * the last when the client has left; /crash/hang never returns; /crash/exit ends the process.
 * While the file that KOINE_TEST_CRASH names exists, it aborts in its init.
 */
#include <koine/koine.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct crash {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_loop *loop;
};

static void on_timer(void *data, koine_timer timer) {
    (void)data;
    (void)timer;
    abort();
}

static void on_end(void *data, koine_request request, int32_t how) {
    (void)data;
    (void)request;
    (void)how;
    abort();
}

static void handler(void *data, koine_request request) {
    struct crash *self = data;
    struct koine_text place = {NULL, 0};
    koine_timer timer;
    self->http->param(self->host, request, "place", &place);
    if (strncmp(place.data, "timer", place.size) == 0)
        self->loop->timer_start(self->host, 1, 0, on_timer, self, &timer);
    else if (strncmp(place.data, "end", place.size) == 0)
        self->http->on_end(self->host, request, on_end, self);
    else if (strncmp(place.data, "exit", place.size) == 0)
        _exit(7);
    else if (strncmp(place.data, "hang", place.size) == 0)
        for (;;)
            pause();
    else if (strncmp(place.data, "fork", place.size) == 0) {
        if (fork() < 0)
            abort();
        self->http->respond(self->host, request, 200, (struct koine_text){NULL, 0},
                            KOINE_TEXT("{}")); /* both: the parent and the child */
    } else
        abort();
}

static int32_t create(const struct koine_host *host, void **self) {
    struct crash *module = calloc(1, sizeof(*module));
    if (!module)
        return KOINE_NO_MEMORY;
    module->host = host;
    *self = module;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct crash *self = data;
    const char *file = getenv("KOINE_TEST_CRASH");
    const struct koine_route route = {
        .size = sizeof(route), .method = "GET", .path = "/crash/{place}", .handler = handler};
    (void)config;
    (void)error;
    if (file && access(file, F_OK) == 0)
        abort();
    self->http = self->host->service(self->host, KOINE_HTTP);
    self->loop = self->host->service(self->host, KOINE_LOOP);
    return self->http->route(self->host, &route);
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
        .name = "crash",
        .version = "1.0.0",
        .summary = "Crashes when asked to",
        .create = create,
        .init = init,
        .destroy = destroy,
    };
    return &module;
}
