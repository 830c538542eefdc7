/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /clock?every_ms=1000: the time as server-sent events, for everybody, without a key. No CLI: a
 * list of subscribers and one timer, set to whoever is due next. Keeps no event for a client that
 * does not read: it misses ticks and is told how many.
 */
#include <koine-module/answer.h>
#include <koine-module/embed.h>
#include <koine-module/request.h>
#include <koine-module/sse.h>
#include <stdlib.h>
#include <time.h>

KOINE_EMBED(openapi, "openapi.yaml");
KOINE_EMBED(config_schema, "config-schema.json");

/* A public stream must be bounded: in number by this class of slots, see slots.classes.clock of the
 * configuration, and in time by the route's deadline; browsers then connect again. */
static const char slot_class[] = "clock";
enum { DEFAULT_CLIENTS = 100, LONGEST_STREAM_MS = 24 * 60 * 60 * 1000 };

struct state {
    struct koine_self self;
    struct subscriber *first;
    koine_timer timer;
    bool timer_is_set;
    koine_metric ticks, skipped, subscribers;
    uint32_t default_every_ms;
};

/* In the memory of its request: gone with it, after subscriber_left. */
struct subscriber {
    uint32_t magic;
    struct state *state;
    struct subscriber *next, **place; /* `place` points to what points here */
    struct koine_sse stream;
    uint64_t due_ms;
    uint32_t every_ms;
    uint32_t missed; /* ticks since the last one that was sent */
    bool full;       /* the client does not read as fast as the clock ticks */
};

enum { SUBSCRIBER_MAGIC = 0x7469636b };

static struct state *state_of(void *data) {
    return (struct state *)koine_self_of(data);
}

static struct subscriber *subscriber_of(void *data) {
    struct subscriber *subscriber = data;
    if (subscriber->magic != SUBSCRIBER_MAGIC)
        abort();
    return subscriber;
}

static void count(const struct state *state, koine_metric metric, double value) {
    state->self.metrics->add(state->self.host, metric, value);
}

/* ---- ticks */

/* Milliseconds since 1970: what JavaScript's Date takes. */
static int64_t unix_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Nothing is queued for a client that has not read what is there: `drained` tells when it has. */
static void tick(struct subscriber *subscriber) {
    struct state *state = subscriber->state;
    if (subscriber->full) {
        subscriber->missed++;
        count(state, state->skipped, 1);
        return;
    }
    json_t *data = json_pack("{s:I,s:I}", "unixMs", (json_int_t)unix_ms(), "missed",
                             (json_int_t)subscriber->missed);
    subscriber->missed = 0;
    count(state, state->ticks, 1);
    /* Only when the answer is FULL is it sure that the subscriber is still there. */
    if (koine_sse_send_json(&subscriber->stream, "tick", data) == KOINE_FULL)
        subscriber->full = true;
}

static void on_timer(void *data, koine_timer timer);

/* Sets the timer to whoever is due next; without subscribers it stands still. */
static void arm(struct state *state) {
    const struct koine_self *self = &state->self;
    if (state->timer_is_set)
        self->loop->timer_stop(self->host, state->timer);
    state->timer_is_set = false;
    if (!state->first)
        return;
    const uint64_t now_ms = self->loop->now_ms(self->host);
    uint64_t due_ms = state->first->due_ms;
    for (const struct subscriber *other = state->first; other; other = other->next)
        due_ms = other->due_ms < due_ms ? other->due_ms : due_ms;
    const uint32_t delay_ms = due_ms > now_ms ? (uint32_t)(due_ms - now_ms) : 0;
    state->timer_is_set = self->loop->timer_start(self->host, delay_ms, 0, on_timer, state,
                                                  &state->timer) == KOINE_OK;
}

static void on_timer(void *data, koine_timer timer) {
    struct state *state = state_of(data);
    const uint64_t now_ms = state->self.loop->now_ms(state->self.host);
    (void)timer;
    state->timer_is_set = false; /* it rings once */
    for (struct subscriber *at = state->first, *next; at; at = next) {
        next = at->next; /* `at` may be gone behind its tick */
        if (at->due_ms > now_ms)
            continue;
        at->due_ms += at->every_ms;
        if (at->due_ms <= now_ms)
            at->due_ms = now_ms + at->every_ms; /* late: no burst of ticks to catch up */
        tick(at);
    }
    arm(state);
}

/* ---- subscribers */

static void on_drained(void *data, koine_request request) {
    (void)request;
    subscriber_of(data)->full = false;
}

/* The client has left, the deadline has passed, or the gateway has ended the stream. */
static void on_end(void *data, koine_request request, int32_t how) {
    struct subscriber *subscriber = subscriber_of(data);
    struct state *state = subscriber->state;
    (void)request;
    (void)how;
    *subscriber->place = subscriber->next;
    if (subscriber->next)
        subscriber->next->place = subscriber->place;
    count(state, state->subscribers, -1);
    if (!state->first)
        arm(state);
}

static void add(struct subscriber *subscriber) {
    struct state *state = subscriber->state;
    subscriber->place = &state->first;
    subscriber->next = state->first;
    if (state->first)
        state->first->place = &subscriber->next;
    state->first = subscriber;
    count(state, state->subscribers, 1);
}

/* ---- GET /clock */

static const struct koine_body_field parameters[] = {
    KOINE_BODY_LIMITED(struct subscriber, every_ms, "every_ms", KOINE_BODY_POSITIVE_INTEGER, 0, 10,
                       60000),
};

/* False: all slots are taken, and that has been answered. */
static bool take_slot(const struct koine_self *self, koine_request request) {
    struct koine_failure failure = {.size = sizeof(failure)};
    if (self->slots->acquire(self->host, request, &failure) == KOINE_OK)
        return true;
    self->http->fail(self->host, request, &failure);
    return false;
}

static void subscribe(void *data, koine_request request) {
    struct state *state = state_of(data);
    const struct koine_self *self = &state->self;
    struct subscriber *subscriber = self->http->alloc(self->host, request, sizeof(*subscriber));
    if (!subscriber) {
        koine_fail_for_memory(self, request);
        return;
    }
    subscriber->magic = SUBSCRIBER_MAGIC;
    subscriber->state = state;
    subscriber->every_ms = state->default_every_ms;
    if (!koine_query_parse(self->host, request, parameters, KOINE_COUNT(parameters), subscriber) ||
        !take_slot(self, request))
        return;
    subscriber->due_ms = self->loop->now_ms(self->host); /* the first tick comes at once */
    if (self->http->on_end(self->host, request, on_end, subscriber) != KOINE_OK) {
        koine_fail_for_memory(self, request);
        return;
    }
    add(subscriber); /* from here on on_end takes it out again */
    if (koine_sse_open(&subscriber->stream, self->host, request, on_drained, subscriber) !=
        KOINE_OK)
        koine_fail_for_memory(self, request);
    else
        arm(state);
}

/* ---- the module */

static int32_t define(struct state *state, uint32_t type, const char *name, const char *help,
                      koine_metric *metric) {
    const struct koine_metric_options options = {
        .size = sizeof(options), .type = type, .name = name, .help = help};
    return state->self.metrics->define(state->self.host, &options, metric);
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct state *state = state_of(data);
    const struct koine_self *self = &state->self;
    int64_t every_ms = 1000;
    (void)config;
    self->config->integer(self->host, "default_every_ms", &every_ms);
    state->default_every_ms = (uint32_t)every_ms; /* the schema has checked its limits */
    if (self->slots->declare(self->host, slot_class, DEFAULT_CLIENTS) != KOINE_OK)
        return koine_error_set(error, KOINE_INVALID, "the slot class %s is taken", slot_class);
    if (define(state, KOINE_METRIC_COUNTER, "ticks_total", "Ticks sent.", &state->ticks) ||
        define(state, KOINE_METRIC_COUNTER, "skipped_total",
               "Ticks not sent because the client does not read.", &state->skipped) ||
        define(state, KOINE_METRIC_GAUGE, "subscribers", "Open streams.", &state->subscribers))
        return koine_error_set(error, KOINE_NO_MEMORY, "a metric cannot be made");
    return KOINE_OK;
}

/* The gateway drains: a stream that never ends by itself is ended here, properly. */
static void quiesce(void *data) {
    struct state *state = state_of(data);
    const struct koine_self *self = &state->self;
    for (struct subscriber *at = state->first, *next; at; at = next) {
        next = at->next;
        koine_sse_send_json(&at->stream, "end", json_pack("{s:s}", "reason", "shutdown"));
        koine_sse_end(&at->stream);
    }
    if (state->timer_is_set)
        self->loop->timer_stop(self->host, state->timer);
    state->timer_is_set = false;
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .authentication = KOINE_AUTH_NONE,
     .deadline_ms = LONGEST_STREAM_MS,
     .method = "GET",
     .path = "/clock",
     .slot_class = slot_class,
     .handler = subscribe},
};

static const struct koine_plan plan = {
    .state_bytes = sizeof(struct state),
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
    .config_schema = &config_schema,
    .init = init,
    .quiesce = quiesce,
};

KOINE_MODULE_DEFINE("clock", "1.0.0", "GET /clock: the time as an event stream", plan);
