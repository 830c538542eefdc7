/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.loop/1": timers in virtual time; posts and file descriptors in real time. */
#include "test-host/call.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct loop_timer {
    struct loop_timer *next;
    struct koine_test_host *host;
    uint64_t handle;
    struct timed timed;
    uint32_t repeat_ms;
    void (*callback)(void *data, koine_timer timer);
    void *data;
};

struct loop_watch {
    struct loop_watch *next;
    uint64_t handle;
    int fd;
    uint32_t events;
    void (*callback)(void *data, koine_watch watch, uint32_t ready);
    void *data;
};

struct post {
    struct post *next;
    void (*callback)(void *data);
    void *data;
};

/* ---- timers */

static uint64_t loop_now_ms(const struct koine_host *host) {
    return host_of(host)->now_ms;
}

static void remove_timer(struct loop_timer *timer) {
    struct koine_test_host *host = timer->host;
    struct loop_timer **at = &host->timers;
    while (*at && *at != timer)
        at = &(*at)->next;
    *at = timer->next;
    timed_stop(host, &timer->timed);
    handle_remove(host, HANDLE_TIMER, timer->handle);
    free(timer);
}

static void fire_timer(void *data) {
    struct loop_timer *timer = data;
    struct visit visit;
    void (*callback)(void *, koine_timer) = timer->callback;
    void *callback_data = timer->data;
    koine_timer handle = {timer->handle};
    struct koine_test_host *host = timer->host;
    if (timer->repeat_ms)
        timed_set(host, &timer->timed, timer->repeat_ms, fire_timer, timer);
    else
        remove_timer(timer);
    visit_begin(&visit, host, "a timer's callback");
    callback(callback_data, handle);
    visit_end(&visit);
}

static int32_t loop_timer_start(const struct koine_host *seen, uint32_t delay_ms,
                                uint32_t repeat_ms, void (*callback)(void *data, koine_timer timer),
                                void *data, koine_timer *timer) {
    struct call call;
    if (!call_begin(&call, seen, "loop->timer_start", CALL_FROM_START))
        return call_end(&call, call.result);
    if (!callback || !timer)
        return call_end(&call, call_invalid(&call, "callback and timer must be given"));
    if (!host_may_allocate(call.host))
        return call_end(&call, KOINE_NO_MEMORY);
    struct loop_timer *made = memory_zeroed(sizeof(*made));
    *made = (struct loop_timer){.next = call.host->timers,
                                .host = call.host,
                                .repeat_ms = repeat_ms,
                                .callback = callback,
                                .data = data};
    call.host->timers = made;
    made->handle = handle_add(call.host, HANDLE_TIMER, made);
    *timer = (koine_timer){made->handle};
    timed_set(call.host, &made->timed, delay_ms, fire_timer, made);
    return call_end(&call, KOINE_OK);
}

static int32_t loop_timer_stop(const struct koine_host *seen, koine_timer handle) {
    struct call call;
    if (!call_begin(&call, seen, "loop->timer_stop", CALL_FROM_START))
        return call_end(&call, call.result);
    struct loop_timer *timer = handle_get(call.host, HANDLE_TIMER, handle.id);
    if (!timer)
        return call_end(&call, call_gone(&call, HANDLE_TIMER, handle.id));
    remove_timer(timer);
    return call_end(&call, KOINE_OK);
}

/* ---- posts */

/* Returns the state, which decides: only one that serves has taken the post. */
static enum host_state enqueue(struct koine_test_host *host, struct post *post) {
    pthread_mutex_lock(&host->lock);
    enum host_state state = host->state;
    if (state == HOST_SERVING) {
        *host->last_post = post;
        host->last_post = &post->next;
    }
    pthread_mutex_unlock(&host->lock);
    return state;
}

static int32_t loop_post(const struct koine_host *seen, void (*callback)(void *data), void *data) {
    struct call call;
    uint64_t one = 1;
    call_begin(&call, seen, "loop->post", CALL_ANYWHERE);
    struct koine_test_host *host = call.host;
    if (!callback)
        return call_end(&call, call_invalid(&call, "callback must be given"));
    if (!host_may_allocate(host))
        return call_end(&call, KOINE_NO_MEMORY);
    struct post *post = memory_zeroed(sizeof(*post));
    post->callback = callback;
    post->data = data;
    enum host_state state = enqueue(host, post);
    if (state != HOST_SERVING) {
        free(post);
        finding_add(host, "wrong-state",
                    "loop->post was called %s; tell and join the module's threads in quiesce",
                    state < HOST_SERVING ? "before start" : "after quiesce had returned");
        return call_end(&call, KOINE_WRONG_STATE);
    }
    if (write(host->wake_fd, &one, sizeof(one)) < 0) {
        /* the counter is full, so the loop is woken anyway */
    }
    /* cppcheck-suppress memleak ; the queue has it */
    return call_end(&call, KOINE_OK);
}

static struct post *take_post(struct koine_test_host *host) {
    pthread_mutex_lock(&host->lock);
    struct post *post = host->first_post;
    if (post && !(host->first_post = post->next))
        host->last_post = &host->first_post;
    pthread_mutex_unlock(&host->lock);
    return post;
}

bool post_waits(struct koine_test_host *host) {
    pthread_mutex_lock(&host->lock);
    bool waits = host->first_post != NULL;
    pthread_mutex_unlock(&host->lock);
    return waits;
}

bool post_run(struct koine_test_host *host) {
    struct visit visit;
    struct post *post = take_post(host);
    if (!post)
        return false;
    host->posts_run++;
    visit_begin(&visit, host, "a post's callback");
    post->callback(post->data);
    visit_end(&visit);
    free(post);
    return true;
}

void posts_finish(struct koine_test_host *host) {
    struct post *post;
    while ((post = take_post(host)))
        free(post);
}

/* ---- watches */

static int32_t loop_watch(const struct koine_host *seen, int32_t fd, uint32_t events,
                          void (*callback)(void *data, koine_watch watch, uint32_t ready),
                          void *data, koine_watch *watch) {
    struct call call;
    if (!call_begin(&call, seen, "loop->watch", CALL_FROM_START))
        return call_end(&call, call.result);
    if (!callback || !watch || !events || events > 3 || fcntl(fd, F_GETFD) < 0)
        return call_end(&call, call_invalid(&call, "needs an open fd, events and a callback"));
    if (!host_may_allocate(call.host))
        return call_end(&call, KOINE_NO_MEMORY);
    struct loop_watch *made = memory_zeroed(sizeof(*made));
    *made = (struct loop_watch){
        .next = call.host->watches, .fd = fd, .events = events, .callback = callback, .data = data};
    call.host->watches = made;
    made->handle = handle_add(call.host, HANDLE_WATCH, made);
    *watch = (koine_watch){made->handle};
    return call_end(&call, KOINE_OK);
}

static void remove_watch(struct koine_test_host *host, struct loop_watch *watch) {
    struct loop_watch **at = &host->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    handle_remove(host, HANDLE_WATCH, watch->handle);
    free(watch);
}

static int32_t loop_unwatch(const struct koine_host *seen, koine_watch handle) {
    struct call call;
    if (!call_begin(&call, seen, "loop->unwatch", CALL_FROM_START))
        return call_end(&call, call.result);
    struct loop_watch *watch = handle_get(call.host, HANDLE_WATCH, handle.id);
    if (!watch)
        return call_end(&call, call_gone(&call, HANDLE_WATCH, handle.id));
    remove_watch(call.host, watch);
    return call_end(&call, KOINE_OK);
}

static struct pollfd poll_of(const struct loop_watch *watch) {
    short events = 0;
    if (watch->events & KOINE_WATCH_READ)
        events |= POLLIN;
    if (watch->events & KOINE_WATCH_WRITE)
        events |= POLLOUT;
    return (struct pollfd){watch->fd, events, 0};
}

static bool poll_one(struct koine_test_host *host, const struct loop_watch *watch) {
    struct pollfd fd = poll_of(watch);
    struct visit visit;
    if (poll(&fd, 1, 0) <= 0)
        return false;
    if (fd.revents & POLLNVAL) {
        finding_add(host, "invalid-argument",
                    "the file descriptor %d was closed while it was watched; call loop->unwatch "
                    "before closing it",
                    watch->fd);
        return false;
    }
    uint32_t ready = 0;
    if (fd.revents & (POLLIN | POLLHUP | POLLERR))
        ready |= KOINE_WATCH_READ;
    if (fd.revents & (POLLOUT | POLLERR))
        ready |= KOINE_WATCH_WRITE;
    visit_begin(&visit, host, "a watch's callback");
    watch->callback(watch->data, (koine_watch){watch->handle}, ready & watch->events);
    visit_end(&visit);
    return true;
}

bool watches_poll(struct koine_test_host *host) {
    bool some = false;
    size_t position = 0;
    void *object;
    while (handles_next(host->handles[HANDLE_WATCH], &position, &object))
        some = poll_one(host, object) || some;
    return some;
}

/* ---- real time */

bool loop_wait(struct koine_test_host *host, uint64_t at_most_ms) {
    struct pollfd fds[64] = {{host->wake_fd, POLLIN, 0}};
    nfds_t count = 1;
    struct timespec began, now;
    uint64_t posts;
    for (const struct loop_watch *watch = host->watches; watch && count < 64; watch = watch->next)
        fds[count++] = poll_of(watch);
    clock_gettime(CLOCK_MONOTONIC, &began);
    int ready = poll(fds, count, at_most_ms > 60000 ? 60000 : (int)at_most_ms);
    clock_gettime(CLOCK_MONOTONIC, &now);
    host->waited_ms +=
        (uint32_t)((now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000);
    if (ready > 0 && read(host->wake_fd, &posts, sizeof(posts)) < 0 && errno != EAGAIN)
        return false;
    return ready > 0;
}

bool koine_test_await_posts(struct koine_test_host *host, size_t count, uint32_t timeout_ms) {
    size_t wanted = host->posts_awaited + count;
    host->waited_ms = 0;
    host_settle(host);
    while (host->posts_run < wanted && host->waited_ms < timeout_ms) {
        loop_wait(host, timeout_ms - host->waited_ms);
        host_settle(host);
    }
    bool good = host->posts_run >= wanted;
    host->posts_awaited = host->posts_run;
    return good;
}

/* ---- the end */

/* ThreadSanitizer has a thread of its own, which begins with the first other one. */
__attribute__((weak)) void __tsan_init(void);

static bool threads_run(const struct koine_test_host *host) {
    return !__tsan_init && count_threads() > host->threads;
}

void threads_await_end(struct koine_test_host *host) {
    const struct timespec moment = {0, 1000000};
    uint32_t waited_ms = 0;
    while ((atomic_load(&host->foreign_calls) || threads_run(host)) &&
           waited_ms++ < host->limits.thread_wait_ms)
        nanosleep(&moment, NULL);
    if (threads_run(host))
        finding_add(host, "thread-left",
                    "%lu threads still ran %u ms after destroy; tell and join them in quiesce",
                    count_threads() - host->threads, host->limits.thread_wait_ms);
}

void loop_report_left(struct koine_test_host *host) {
    for (const struct loop_timer *timer = host->timers; timer; timer = timer->next)
        finding_add(host, "timer-left",
                    "a timer (%s) still ran after quiesce and all requests had ended; stop it in "
                    "quiesce",
                    timer->repeat_ms ? "repeating" : "single");
    for (const struct loop_watch *watch = host->watches; watch; watch = watch->next)
        finding_add(host, "watch-left",
                    "a file descriptor was still watched after quiesce and all requests had ended; "
                    "call loop->unwatch in quiesce");
}

void loop_stop_all(struct koine_test_host *host) {
    size_t position = 0;
    void *object;
    while (handles_next(host->handles[HANDLE_TIMER], &position, &object))
        remove_timer(object);
    for (position = 0; handles_next(host->handles[HANDLE_WATCH], &position, &object);)
        remove_watch(host, object);
}

const struct koine_loop test_loop = {
    .size = sizeof(struct koine_loop),
    .now_ms = loop_now_ms,
    .timer_start = loop_timer_start,
    .timer_stop = loop_timer_stop,
    .post = loop_post,
    .watch = loop_watch,
    .unwatch = loop_unwatch,
};
