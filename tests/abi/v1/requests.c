/* SPDX-License-Identifier: Apache-2.0 */
/* koine.http/1 and koine.loop/1: what a request holds, and its answer from a timer, a thread, a
 * file descriptor, or never. */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The oldest version of the symbol: the binary is to load wherever the gateway can be built. */
#if defined(__x86_64__) && defined(__GLIBC__)
__asm__(".symver pthread_create, pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.2.5");
#endif

static const struct koine_text none = {NULL, 0};

/* ---- koine.http/1 */

void show_request(void *data, koine_request request) {
    struct fixture *self = data;
    const struct koine_http *http = self->http;
    struct page *page = page_new(self, request);
    struct koine_text text;
    if (!page)
        return;
    http->method(self->host, request, &text);
    page_add(page, "method", text);
    http->path(self->host, request, &text);
    page_add(page, "path", text);
    http->query(self->host, request, &text);
    page_add(page, "query", text);
    http->param(self->host, request, "name", &text);
    page_add(page, "param", text);
    http->header(self->host, request, "x-probe", &text);
    page_add(page, "header", text);
    page_add_number(page, "withheld", http->header(self->host, request, "Authorization", &text));
    http->body(self->host, request, &text);
    page_add(page, "body", text);
    http->request_id(self->host, request, &text);
    page_add(page, "request_id", text);
    page_add_number(page, "peer",
                    http->peer(self->host, request, &text) == KOINE_OK && text.size > 0);
    self->auth->key_name(self->host, request, &text);
    page_add(page, "key", text);
    page_send(page);
    page_add_number(page, "twice", http->respond(self->host, request, 200, none, none));
}

static void note_end(void *data, koine_request request, int32_t how) {
    struct fixture *self = data;
    char text[64];
    int n = snprintf(text, sizeof(text), "the request ended, how=%d", (int)how);
    self->log->write(self->host, KOINE_LOG_INFO, (koine_request){0},
                     (struct koine_text){text, (size_t)n});
    (void)request;
}

/* Never answered: the host does it when the time is up. */
void wait_for_deadline(void *data, koine_request request) {
    struct fixture *self = data;
    self->http->on_end(self->host, request, note_end, self);
    self->http->set_deadline(self->host, request, 50);
}

void refuse(void *data, koine_request request) {
    struct fixture *self = data;
    struct koine_failure failure = {.size = sizeof(failure),
                                    .status = 418,
                                    .retry_after_s = 7,
                                    .code = KOINE_TEXT("TEAPOT"),
                                    .message = KOINE_TEXT("No coffee here."),
                                    .issues = KOINE_TEXT("[{\"path\":[\"a\"],\"message\":\"b\"}]")};
    self->http->fail(self->host, request, &failure);
}

int32_t render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
               size_t *length, const char **content_type) {
    int n = snprintf(out, capacity, "rendered %u %.*s", failure->status, (int)failure->code.size,
                     failure->code.data);
    *content_type = "text/plain";
    *length = (size_t)n;
    (void)self;
    return n > 0 && (size_t)n < capacity ? KOINE_OK : KOINE_INVALID;
}

/* ---- koine.loop/1: a stream from a timer, a thread, a file descriptor */

static void tick(void *data, koine_timer timer) {
    struct page *page = data;
    struct fixture *self = page->self;
    char text[32];
    int n = snprintf(text, sizeof(text), "data: %u\n\n", ++page->count);
    self->http->stream_write(self->host, page->request, (struct koine_text){text, (size_t)n});
    if (page->count < 3)
        return;
    self->loop->timer_stop(self->host, timer);
    self->http->stream_end(self->host, page->request);
}

static void drained(void *data, koine_request request) {
    (void)data;
    (void)request;
}

static void stop_page(void *data, koine_request request, int32_t how) {
    struct page *page = data;
    page->self->loop->timer_stop(page->self->host, page->timer);
    (void)request;
    (void)how;
}

void ticks(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    if (!page)
        return;
    struct fixture *self = page->self;
    struct koine_stream_options options = {.size = sizeof(options),
                                           .status = 202,
                                           .content_type = KOINE_TEXT("text/event-stream"),
                                           .keep_alive = KOINE_TEXT(": still here\n\n"),
                                           .keep_alive_ms = 1000,
                                           .drained = drained,
                                           .data = page};
    if (self->http->stream_begin(self->host, request, &options) == KOINE_OK &&
        self->loop->timer_start(self->host, 1, 2, tick, page, &page->timer) == KOINE_OK)
        self->http->on_end(self->host, request, stop_page, page);
}

struct job {
    struct fixture *self;
    koine_request request;
    pthread_t thread;
    uint64_t begun_ms;
};

static void finish_job(void *data) {
    struct job *job = data;
    struct fixture *self = job->self;
    pthread_join(job->thread, NULL);
    self->http->respond(self->host, job->request, 200, none, KOINE_TEXT("{\"from\":\"thread\"}"));
    free(job);
}

static void *work(void *data) {
    struct job *job = data;
    const struct koine_host *host = job->self->host;
    const struct koine_loop *loop = host->service(host, KOINE_LOOP);
    job->begun_ms = loop->now_ms(host);
    job->self->log->write(host, KOINE_LOG_INFO, (koine_request){0}, KOINE_TEXT("on a thread"));
    if (loop->post(host, finish_job, job) != KOINE_OK)
        abort(); /* only before start or after quiesce */
    return NULL;
}

void on_thread(void *data, koine_request request) {
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return;
    job->self = data;
    job->request = request;
    if (pthread_create(&job->thread, NULL, work, job) != 0)
        free(job);
}

static void readable(void *data, koine_watch watch, uint32_t ready) {
    struct page *page = data;
    char text[8];
    ssize_t n = read(page->pipe[0], text, sizeof(text));
    page->self->loop->unwatch(page->self->host, watch);
    close(page->pipe[0]);
    close(page->pipe[1]);
    page_add_number(page, "ready", ready);
    page_add(page, "read", (struct koine_text){text, n > 0 ? (size_t)n : 0});
    page_send(page);
}

void through_pipe(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    int ends[2];
    if (!page || pipe(ends) != 0)
        return;
    page->pipe[0] = ends[0];
    page->pipe[1] = ends[1];
    page->self->loop->watch(page->self->host, ends[0], KOINE_WATCH_READ, readable, page,
                            &page->watch);
    if (write(ends[1], "byte", 4) != 4)
        abort();
}
