/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock is for threads of modules, which are complained about too: they call what only the loop
 * may. They cannot set a timer, so the loop does when the first line has been held back.
 */
#include "modules/complaint.h"
#include "modules/module.h"
#include "ops/metrics.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND_MS = 1000, LINE_BYTES = 1024, MAXIMUM_SERIES = 1000 };

struct complaint_book {
    struct module_set *set;
    pthread_mutex_t lock; /* guards the complaints of every module */
    bool armed;           /* the timer is set, or about to be */
    struct event *timer;
};

/* ---- what is said */

static void say_more(struct module *module, unsigned more) {
    if (more)
        log_print(module->worker->log, KOINE_LOG_WARNING, module_name(module),
                  "%u more complaints about this module were not logged", more);
}

void module_complain_rest(struct module *module) {
    struct complaint_book *book = module->worker->modules->complaints;
    pthread_mutex_lock(&book->lock);
    unsigned more = module->complaints.more;
    module->complaints.more = 0;
    pthread_mutex_unlock(&book->lock);
    say_more(module, more);
}

static void on_timer(evutil_socket_t fd, short what, void *data) {
    struct complaint_book *book = data;
    (void)fd;
    (void)what;
    pthread_mutex_lock(&book->lock);
    book->armed = false;
    pthread_mutex_unlock(&book->lock);
    for (size_t i = 0; i < book->set->count; i++)
        module_complain_rest(book->set->items[i]);
}

static void arm(void *data) {
    const struct complaint_book *book = data;
    static const struct timeval second = {1, 0};
    evtimer_add(book->timer, &second);
}

/* Whether this one may be logged. `*first`: it is the first that may not. */
static bool admit(struct complaint_book *book, struct complaints *complaints, bool *first) {
    uint64_t now = worker_now_ms();
    pthread_mutex_lock(&book->lock);
    if (now - complaints->second_ms >= SECOND_MS) {
        complaints->second_ms = now;
        complaints->said = 0;
    }
    bool admitted = complaints->said < COMPLAINTS_A_SECOND;
    if (admitted)
        complaints->said++;
    else
        complaints->more++;
    *first = !admitted && !book->armed;
    book->armed = book->armed || *first;
    pthread_mutex_unlock(&book->lock);
    return admitted;
}

void module_complain(struct module *module, int level, struct koine_text request_id,
                     const char *format, ...) {
    struct module_set *set = module->worker->modules;
    char line[LINE_BYTES];
    bool first;
    va_list arguments;
    if (!log_enabled(module->worker->log, level))
        return;
    if (!admit(set->complaints, &module->complaints, &first)) {
        if (first)
            post_queue_add(set->posts, NULL, arm, set->complaints);
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    log_write(module->worker->log, level, module_name(module), request_id,
              (struct koine_text){line, strlen(line)});
}

struct complaint_book *complaint_book_create(struct module_set *set) {
    struct complaint_book *book = calloc(1, sizeof(*book));
    if (!book)
        return NULL;
    book->set = set;
    pthread_mutex_init(&book->lock, NULL);
    book->timer = evtimer_new(set->worker->base, on_timer, book);
    if (!book->timer) {
        complaint_book_destroy(book);
        return NULL;
    }
    return book;
}

void complaint_book_destroy(struct complaint_book *book) {
    if (!book)
        return;
    if (book->timer)
        event_free(book->timer);
    pthread_mutex_destroy(&book->lock);
    free(book);
}

/* ---- what is counted */

static void define(struct module *module, const char *name, const char *help, uint64_t *index) {
    const char *value = module_name(module);
    const struct koine_label label = {KOINE_TEXT("module"), {value, strlen(value)}};
    const struct koine_metric_options options = {.size = sizeof(options),
                                                 .type = KOINE_METRIC_COUNTER,
                                                 .name = name,
                                                 .help = help,
                                                 .labels = &label,
                                                 .label_count = 1};
    if (metrics_define(module->worker->metrics, "koine_", MAXIMUM_SERIES, &options, index) !=
        KOINE_OK)
        *index = 0; /* it is not counted then */
}

void module_count_begin(struct module *module) {
    define(module, "module_slow_calls_total",
           "Calls of the module that kept the event loop for modules.slow_call_ms.",
           &module->slow_calls);
    define(module, "module_unanswered_requests_total",
           "Requests that the module had not answered at their deadline.", &module->unanswered);
}

void module_count_slow_call(struct module *module) {
    metrics_add(module->worker->metrics, module->slow_calls, 1);
}

void module_count_unanswered(struct module *module) {
    metrics_add(module->worker->metrics, module->unanswered, 1);
}
