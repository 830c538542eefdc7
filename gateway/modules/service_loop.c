/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.loop/1": timers, watches, and posts from any thread through an eventfd. */
#include "modules/module.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A timer or a watch: both are one libevent event with an owner. */
struct loop_event {
    struct module *module;
    struct event *event;
    uint64_t handle;
    bool repeats;
    void (*on_timer)(void *data, koine_timer timer);
    void (*on_ready)(void *data, koine_watch watch, uint32_t ready);
    void *data;
};

static void free_event(struct loop_event *event, struct handles *table) {
    handles_remove(table, event->handle);
    if (event->event)
        event_free(event->event);
    free(event);
}

static struct handles *table_of(const struct loop_event *event) {
    struct module_set *set = event->module->worker->modules;
    return event->on_timer ? set->timers : set->watches;
}

static uint64_t loop_now_ms(const struct koine_host *host) {
    (void)host;
    return worker_now_ms();
}

static void fire_timer(evutil_socket_t fd, short what, void *data) {
    (void)fd;
    (void)what;
    struct loop_event *event = data;
    void (*callback)(void *, koine_timer) = event->on_timer;
    void *callback_data = event->data;
    koine_timer timer = {event->handle};
    MODULE_RUNS_IN(event->module, NOTES_TIMER, NULL);
    if (!event->repeats)
        free_event(event, table_of(event));
    callback(callback_data, timer);
}

/* After the first delay a repeating timer goes over to its interval. */
static void fire_first(evutil_socket_t fd, short what, void *data);

static int32_t add_event(struct module *module, struct loop_event made, struct handles *table,
                         uint64_t *handle, struct loop_event **out) {
    struct loop_event *event = malloc(sizeof(*event));
    if (!event)
        return KOINE_NO_MEMORY;
    *event = made;
    event->module = module;
    event->handle = handles_add(table, event);
    if (!event->handle) {
        free(event);
        return KOINE_NO_MEMORY;
    }
    *handle = event->handle;
    *out = event;
    return KOINE_OK;
}

static struct timeval span(uint32_t ms) {
    return (struct timeval){ms / 1000, (suseconds_t)(ms % 1000) * 1000};
}

/* The interval of a repeating timer waits in a second event of the same struct. */
struct repeat {
    struct loop_event *event;
    struct timeval every;
};

static void fire_first(evutil_socket_t fd, short what, void *data) {
    struct repeat *repeat = data;
    struct loop_event *event = repeat->event;
    struct timeval every = repeat->every;
    struct event *first = event->event;
    event->event = event_new(event->module->worker->base, -1, EV_PERSIST, fire_timer, event);
    event_free(first);
    free(repeat);
    if (event->event && event_add(event->event, &every) == 0)
        fire_timer(fd, what, event);
    else
        log_print(event->module->worker->log, KOINE_LOG_ERROR, module_name(event->module),
                  "a timer was lost: out of memory");
}

static int32_t loop_timer_start(const struct koine_host *host, uint32_t delay_ms,
                                uint32_t repeat_ms, void (*callback)(void *data, koine_timer timer),
                                void *data, koine_timer *timer) {
    struct module *module = module_of(host);
    struct module_set *set = module->worker->modules;
    struct loop_event *event;
    if (!module_may_call(module, "loop->timer_start", true))
        return KOINE_WRONG_STATE;
    if (!callback || !timer)
        return module_invalid(module, "loop->timer_start", "callback and timer must be given");
    struct loop_event made = {.on_timer = callback, .data = data, .repeats = repeat_ms != 0};
    if (add_event(module, made, set->timers, &timer->id, &event) != KOINE_OK)
        return KOINE_NO_MEMORY;
    struct timeval wait = span(delay_ms);
    if (!repeat_ms || delay_ms == repeat_ms) {
        event->event =
            event_new(module->worker->base, -1, repeat_ms ? EV_PERSIST : 0, fire_timer, event);
    } else {
        struct repeat *repeat = malloc(sizeof(*repeat));
        if (repeat) {
            *repeat = (struct repeat){event, span(repeat_ms)};
            event->event = event_new(module->worker->base, -1, 0, fire_first, repeat);
            if (!event->event)
                free(repeat);
        }
    }
    if (event->event && event_add(event->event, &wait) == 0)
        return KOINE_OK;
    free_event(event, set->timers);
    return KOINE_NO_MEMORY;
}

/* Frees what belongs to an event that has not fired yet, then the event. */
static void stop_event(struct loop_event *event) {
    if (event->event && event_get_callback(event->event) == fire_first)
        free(event_get_callback_arg(event->event));
    free_event(event, table_of(event));
}

static int32_t stop(const struct koine_host *host, uint64_t handle, const char *call, bool timer) {
    struct module *module = module_of(host);
    if (!module_may_call(module, call, true))
        return KOINE_WRONG_STATE;
    struct module_set *set = module->worker->modules;
    struct loop_event *event = handles_get(timer ? set->timers : set->watches, handle);
    if (!event || event->module != module)
        return module_gone(module, call, timer ? set->timers : set->watches, handle,
                           timer ? "timer" : "watch");
    stop_event(event);
    return KOINE_OK;
}

static int32_t loop_timer_stop(const struct koine_host *host, koine_timer timer) {
    return stop(host, timer.id, "loop->timer_stop", true);
}

static int32_t loop_unwatch(const struct koine_host *host, koine_watch watch) {
    return stop(host, watch.id, "loop->unwatch", false);
}

static void fire_watch(evutil_socket_t fd, short what, void *data) {
    (void)fd;
    struct loop_event *event = data;
    uint32_t ready =
        (what & EV_READ ? KOINE_WATCH_READ : 0u) | (what & EV_WRITE ? KOINE_WATCH_WRITE : 0u);
    MODULE_RUNS_IN(event->module, NOTES_WATCH, NULL);
    event->on_ready(event->data, (koine_watch){event->handle}, ready);
}

static int32_t loop_watch(const struct koine_host *host, int32_t fd, uint32_t events,
                          void (*callback)(void *data, koine_watch watch, uint32_t ready),
                          void *data, koine_watch *watch) {
    struct module *module = module_of(host);
    struct module_set *set = module->worker->modules;
    struct loop_event *event;
    if (!module_may_call(module, "loop->watch", true))
        return KOINE_WRONG_STATE;
    if (!callback || !watch || !events || events > 3 || fcntl(fd, F_GETFD) < 0)
        return module_invalid(module, "loop->watch", "needs an open fd, events and a callback");
    struct loop_event made = {.on_ready = callback, .data = data, .repeats = true};
    if (add_event(module, made, set->watches, &watch->id, &event) != KOINE_OK)
        return KOINE_NO_MEMORY;
    short what = EV_PERSIST;
    if (events & KOINE_WATCH_READ)
        what |= EV_READ;
    if (events & KOINE_WATCH_WRITE)
        what |= EV_WRITE;
    event->event = event_new(module->worker->base, fd, what, fire_watch, event);
    if (event->event && event_add(event->event, NULL) == 0)
        return KOINE_OK;
    free_event(event, set->watches);
    return KOINE_NO_MEMORY;
}

static void stop_all(struct handles *table, const struct module *module) {
    size_t position = 0;
    void *object;
    while (handles_next(table, &position, &object)) {
        struct loop_event *event = object;
        if (!module || event->module == module)
            stop_event(event);
    }
}

void module_stop_timers(struct module_set *set, const struct module *module) {
    if (set->timers)
        stop_all(set->timers, module);
    if (set->watches)
        stop_all(set->watches, module);
}

/* ---- posts */

struct post {
    struct post *next;
    struct module *module; /* NULL: the host's own */
    void (*callback)(void *data);
    void *data;
};

struct post_queue {
    pthread_mutex_t lock;
    struct post *first, **last;
    bool closed;
    int fd;
    struct event *event;
};

static void on_posts(evutil_socket_t fd, short what, void *data) {
    (void)what;
    uint64_t count;
    if (read(fd, &count, sizeof(count)) < 0)
        return; /* somebody emptied it before: nothing is lost, the queue is the truth */
    post_queue_run(data);
}

struct post_queue *post_queue_create(struct event_base *base) {
    struct post_queue *queue = calloc(1, sizeof(*queue));
    if (!queue)
        return NULL;
    pthread_mutex_init(&queue->lock, NULL);
    queue->last = &queue->first;
    queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    queue->event =
        queue->fd < 0 ? NULL : event_new(base, queue->fd, EV_READ | EV_PERSIST, on_posts, queue);
    if (!queue->event || event_add(queue->event, NULL)) {
        post_queue_destroy(queue);
        return NULL;
    }
    return queue;
}

static void run_post(const struct post *post) {
    MODULE_RUNS_IN(post->module, NOTES_POST, NULL);
    post->callback(post->data);
}

void post_queue_run(struct post_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    struct post *post = queue->first;
    queue->first = NULL;
    queue->last = &queue->first;
    pthread_mutex_unlock(&queue->lock);
    while (post) {
        struct post *next = post->next;
        if (post->module)
            run_post(post);
        else
            post->callback(post->data);
        free(post);
        post = next;
    }
}

void post_queue_forget(struct post_queue *queue, const struct module *module) {
    pthread_mutex_lock(&queue->lock);
    struct post **at = &queue->first;
    while (*at) {
        struct post *post = *at;
        if (post->module != module) {
            at = &post->next;
            continue;
        }
        *at = post->next;
        free(post);
    }
    queue->last = at;
    pthread_mutex_unlock(&queue->lock);
}

void post_queue_destroy(struct post_queue *queue) {
    if (!queue)
        return;
    post_queue_run(queue);
    if (queue->event)
        event_free(queue->event);
    if (queue->fd >= 0)
        close(queue->fd);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* `module` must be serving, or it is NULL. */
int32_t post_queue_add(struct post_queue *queue, struct module *module, void (*callback)(void *),
                       void *data) {
    struct post *post = malloc(sizeof(*post));
    uint64_t one = 1;
    if (!post)
        return KOINE_NO_MEMORY;
    *post = (struct post){NULL, module, callback, data};
    pthread_mutex_lock(&queue->lock);
    /* the state changes under this lock's protection, see post_queue_set_state */
    bool open = !module || module->state == MODULE_SERVING || module->state == MODULE_DRAINING;
    if (open) {
        *queue->last = post;
        queue->last = &post->next;
    }
    pthread_mutex_unlock(&queue->lock);
    if (!open) {
        free(post);
        return KOINE_WRONG_STATE;
    }
    if (write(queue->fd, &one, sizeof(one)) < 0) {
        /* EAGAIN: the counter is full, so the loop is woken anyway */
    }
    /* cppcheck-suppress memleak ; the queue has it */
    return KOINE_OK;
}

/* A thread that is refused when all has ended is what destroy waits for: that is no mistake. */
static bool refusal_is_expected(struct post_queue *queue, const struct module *module) {
    pthread_mutex_lock(&queue->lock);
    bool ended = module->state >= MODULE_ENDING;
    pthread_mutex_unlock(&queue->lock);
    return ended && !pthread_equal(pthread_self(), module->worker->loop_thread);
}

static int32_t loop_post(const struct koine_host *host, void (*callback)(void *data), void *data) {
    struct module *module = module_of(host);
    if (!callback)
        return module_invalid(module, "loop->post", "the callback must be given");
    struct post_queue *queue = module->worker->modules->posts;
    int32_t result = post_queue_add(queue, module, callback, data);
    if (result == KOINE_WRONG_STATE && !refusal_is_expected(queue, module))
        module_wrong_state(module, "loop->post", "was called before start or after the end");
    return result;
}

void post_queue_set_state(struct post_queue *queue, struct module *module, int state) {
    pthread_mutex_lock(&queue->lock);
    module->state = (enum module_state)state;
    pthread_mutex_unlock(&queue->lock);
}

const struct koine_loop service_loop = {
    .size = sizeof(struct koine_loop),
    .now_ms = loop_now_ms,
    .timer_start = loop_timer_start,
    .timer_stop = loop_timer_stop,
    .post = loop_post,
    .watch = loop_watch,
    .unwatch = loop_unwatch,
};
