/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that keeps the event loop. GET /block/{place}?MS sleeps there for so long: in the
 * handler, a timer, a post, the end of the request. With KOINE_TEST_BLOCK_START_MS its start does.
 */
#include <errno.h>
#include <koine-module/answer.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct stay {
    const struct koine_self *self;
    koine_request request;
    long ms;
};

static void block(long ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

static void answer(const struct koine_self *self, koine_request request) {
    self->http->respond(self->host, request, 200, (struct koine_text){NULL, 0},
                        KOINE_TEXT("{\"ok\":true}"));
}

static void block_and_answer(const struct stay *stay) {
    koine_log_print(stay->self, KOINE_LOG_INFO, stay->request, "the loop is blocked from here on");
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
    const struct koine_self *self = koine_self_of(data);
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

static int32_t start(void *data, struct koine_error *error) {
    const char *ms = getenv("KOINE_TEST_BLOCK_START_MS");
    (void)data;
    (void)error;
    if (ms)
        block(strtol(ms, NULL, 10));
    return KOINE_OK;
}

static const struct koine_route routes[] = {{.size = sizeof(struct koine_route),
                                             .method = "GET",
                                             .path = "/block/{place}",
                                             .handler = handler}};
static const struct koine_plan plan = {
    .routes = routes, .route_count = KOINE_COUNT(routes), .start = start};
KOINE_MODULE_DEFINE("blocker", "1.0.0", "Keeps the event loop when asked to", plan);
