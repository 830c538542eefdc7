/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the module in module_v1.c; what each route does stands beside its handler. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <koine/koine.h>

struct fixture {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_runner *runner;
    const struct koine_slots *slots;
    const struct koine_tools *tools;
    const struct koine_auth *auth;
    const struct koine_log *log;
    const struct koine_config *config;
    const struct koine_loop *loop;
    const struct koine_metrics *metrics;
    koine_metric runs_total, level, wait_seconds;
    koine_run parked;
    koine_call parked_call;
    uint64_t loaded_ms;
    int32_t started;
};

/* An answer that grows: memory of the request, cut when it is full. */
struct page {
    struct fixture *self;
    koine_request request;
    koine_run run;
    koine_timer timer;
    koine_watch watch;
    int32_t pipe[2];
    uint32_t count;
    size_t size;
    char text[4096];
};

/* A refusal with memory behind it that the host must leave alone, however long its own struct is.
 */
struct guarded_failure {
    struct koine_failure failure;
    unsigned char behind[512];
};

struct guarded_failure failure_new(void);
/* The refusal; ends the process when the host has written behind it. */
const struct koine_failure *failure_checked(const struct guarded_failure *guarded);

struct page *page_new(void *data, koine_request request);
void page_add(struct page *page, const char *label, struct koine_text text);
void page_add_number(struct page *page, const char *label, double number);
void page_send(struct page *page);

void show_request(void *data, koine_request request);
void wait_for_deadline(void *data, koine_request request);
void refuse(void *data, koine_request request);
void ticks(void *data, koine_request request);
void on_thread(void *data, koine_request request);
void through_pipe(void *data, koine_request request);
void narrow(void *data, koine_request request);
void take_slot(void *data, koine_request request);
void who(void *data, koine_request request);
void show_config(void *data, koine_request request);
void run(void *data, koine_request request);
void cancelled(void *data, koine_request request);
void stream(void *data, koine_request request);
void park(void *data, koine_request request);
void adopt(void *data, koine_request request);

int32_t render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
               size_t *length, const char **content_type);
void answer_call(struct fixture *self, koine_call call, struct koine_text text);

#endif
