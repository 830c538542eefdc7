/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module with the worst manners. GET /crash/handler, /crash/timer and /crash/end abort there, in
 * the last when the client has left; /crash/hang never returns; /crash/exit ends the process.
 * While the file that KOINE_TEST_CRASH names exists, it aborts in its init.
 */
#include <koine-module/module.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    struct koine_self *self = koine_self_of(data);
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

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    const char *file = getenv("KOINE_TEST_CRASH");
    (void)data;
    (void)config;
    (void)error;
    if (file && access(file, F_OK) == 0)
        abort();
    return KOINE_OK;
}

static const struct koine_route routes[] = {{.size = sizeof(struct koine_route),
                                             .method = "GET",
                                             .path = "/crash/{place}",
                                             .handler = handler}};
static const struct koine_plan plan = {
    .routes = routes, .route_count = KOINE_COUNT(routes), .init = init};
KOINE_MODULE_DEFINE("crash", "1.0.0", "Crashes when asked to", plan);
