/* SPDX-License-Identifier: Apache-2.0 */
/* The draining thread. Ends at end of file, or when told: a grandchild may keep the pipe open. */
#include "support/log_tail.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct log_tail {
    int fd, stop, copy;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t grown;
    char *text;
    size_t size;
    bool ended;
};

static void append(struct log_tail *tail, const char *data, size_t size) {
    if (tail->copy >= 0 && write(tail->copy, data, size) < 0)
        tail->copy = -1;
    pthread_mutex_lock(&tail->mutex);
    char *text = realloc(tail->text, tail->size + size + 1);
    if (text) {
        memcpy(text + tail->size, data, size);
        tail->text = text;
        tail->size += size;
        text[tail->size] = '\0';
    }
    pthread_cond_broadcast(&tail->grown);
    pthread_mutex_unlock(&tail->mutex);
}

static void *drain(void *data) {
    struct log_tail *tail = data;
    struct pollfd wait[2] = {{.fd = tail->fd, .events = POLLIN},
                             {.fd = tail->stop, .events = POLLIN}};
    char buffer[65536];
    for (;;) {
        poll(wait, 2, -1);
        ssize_t got = read(tail->fd, buffer, sizeof buffer);
        if (got > 0)
            append(tail, buffer, (size_t)got);
        else if (got == 0 || (wait[1].revents & POLLIN))
            break;
    }
    pthread_mutex_lock(&tail->mutex);
    tail->ended = true;
    pthread_cond_broadcast(&tail->grown);
    pthread_mutex_unlock(&tail->mutex);
    return NULL;
}

struct log_tail *log_tail_create(int fd) {
    struct log_tail *tail = calloc(1, sizeof *tail);
    ck_assert_ptr_nonnull(tail);
    const char *copy = getenv("KOINE_TEST_LOG");
    tail->fd = fd;
    tail->copy = copy ? open(copy, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    tail->text = strdup("");
    tail->stop = eventfd(0, EFD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    pthread_mutex_init(&tail->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&tail->grown, &attributes);
    pthread_condattr_destroy(&attributes);
    ck_assert_int_eq(pthread_create(&tail->thread, NULL, drain, tail), 0);
    return tail;
}

void log_tail_destroy(struct log_tail *tail) {
    if (!tail)
        return;
    eventfd_write(tail->stop, 1);
    pthread_join(tail->thread, NULL);
    pthread_cond_destroy(&tail->grown);
    pthread_mutex_destroy(&tail->mutex);
    close(tail->stop);
    if (tail->copy >= 0)
        close(tail->copy);
    close(tail->fd);
    free(tail->text);
    free(tail);
}

char *log_tail_copy(struct log_tail *tail) {
    pthread_mutex_lock(&tail->mutex);
    char *text = strdup(tail->text);
    pthread_mutex_unlock(&tail->mutex);
    ck_assert_ptr_nonnull(text);
    return text;
}

bool log_tail_await(struct log_tail *tail, const char *text, unsigned timeout_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int result = 0;
    pthread_mutex_lock(&tail->mutex);
    while (!strstr(tail->text, text) && !tail->ended && result == 0)
        result = pthread_cond_timedwait(&tail->grown, &tail->mutex, &until);
    bool found = strstr(tail->text, text) != NULL;
    pthread_mutex_unlock(&tail->mutex);
    return found;
}
