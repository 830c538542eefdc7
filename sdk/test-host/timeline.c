/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual time: what is due, in the order in which it is due, and how the test lets time pass.
 * Real time passes only where threads or file descriptors of the module may have something to say.
 */
#include "test-host/answer.h"
#include <sys/stat.h>

/* Rounds without a moment of time passing, before it is taken for a circle. */
enum { ROUNDS_AT_ONCE = 100000, POLLS_AT_ONCE = 1000 };

void timed_stop(struct koine_test_host *host, struct timed *timed) {
    for (struct timed **at = &host->timeline; *at; at = &(*at)->next)
        if (*at == timed) {
            *at = timed->next;
            break;
        }
    timed->waiting = false;
}

void timed_set(struct koine_test_host *host, struct timed *timed, uint64_t delay_ms,
               void (*fire)(void *data), void *data) {
    timed_stop(host, timed);
    *timed = (struct timed){
        .at_ms = host->now_ms + delay_ms, .waiting = true, .fire = fire, .data = data};
    struct timed **at = &host->timeline;
    while (*at && (*at)->at_ms <= timed->at_ms)
        at = &(*at)->next;
    timed->next = *at;
    *at = timed;
}

/* False: nothing is due. */
static bool fire_next(struct koine_test_host *host) {
    struct timed *timed = host->timeline;
    if (!timed || timed->at_ms > host->now_ms)
        return false;
    host->timeline = timed->next;
    timed->waiting = false;
    timed->fire(timed->data);
    return true;
}

bool host_settle(struct koine_test_host *host) {
    size_t polls = 0;
    for (size_t i = 0; i < ROUNDS_AT_ONCE; i++) {
        bool some = post_run(host);
        if (fire_next(host) || some) /* neither keeps the other from its turn */
            continue;
        if (polls++ >= POLLS_AT_ONCE || !watches_poll(host))
            return i > 0;
    }
    finding_add(host, "never-rests",
                "callbacks went on calling for each other at the same moment, %d times",
                ROUNDS_AT_ONCE);
    host->restless = true; /* time goes on nevertheless */
    return false;
}

unsigned long count_threads(void) {
    struct stat tasks;
    return stat("/proc/self/task", &tasks) == 0 ? (unsigned long)tasks.st_nlink - 2 : 1;
}

/* Whether something besides virtual time may call the module. */
static bool others_may_speak(const struct koine_test_host *host) {
    return host->watches || count_threads() > host->threads;
}

bool host_step(struct koine_test_host *host, uint64_t until_ms) {
    if (host_settle(host))
        return true; /* who waits for something may have it now */
    bool due = host->timeline && host->timeline->at_ms <= until_ms;
    uint64_t next = due ? host->timeline->at_ms : until_ms;
    uint64_t gap = next - host->now_ms;
    bool others = gap && others_may_speak(host);
    if (gap && !host->restless && post_waits(host)) /* of a thread that is gone by now */
        return true;
    if (others && host->waited_ms < host->limits.thread_wait_ms) {
        uint64_t left = host->limits.thread_wait_ms - host->waited_ms;
        if (loop_wait(host, gap < left ? gap : left))
            return true;
    }
    host->now_ms = next;
    if (due)
        host_settle(host);
    return due;
}

void koine_test_advance_ms(struct koine_test_host *host, uint64_t ms) {
    uint64_t until = host->now_ms + ms;
    host->waited_ms = 0;
    while (host_step(host, until)) {
    }
    host_settle(host);
}

void koine_test_await(struct koine_test_answer *answer) {
    struct koine_test_host *host = answer->host;
    /* Its deadline ends every request, and some seconds later every stream. */
    uint64_t until = host->now_ms + answer_limit_ms(answer) + 2 * ANSWER_GRACE_MS;
    host->waited_ms = 0;
    host_settle(host);
    while (!answer->complete && !answer_waits_for_reader(answer) && host_step(host, until)) {
    }
    host_settle(host);
}
