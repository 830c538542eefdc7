/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a line reaches the descriptor: whole, in order, and without holding up the gateway for ever
 * when nobody reads. What a line looks like is log_line.c's affair.
 */
#include "ops/log.h"

#include "ops/log_line.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How long one line may wait for a reader. Once this has passed in vain, further lines do not wait
 * at all until one gets through: a stuck reader must not slow every request. */
enum { WAIT_MS = 200 };

struct log {
    int fd;
    int level;
    bool json;
    pthread_mutex_t mutex; /* guards what follows, and the order of what is written */
    bool stuck;            /* the last line found no reader in time */
    bool torn;             /* … and had begun: the next one starts on a line of its own */
    unsigned long lost;    /* lines since then */
};

struct log *log_create(int fd, int level, bool json) {
    struct log *log = calloc(1, sizeof(*log));
    if (log == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&log->mutex, NULL) != 0) {
        free(log);
        return NULL;
    }
    log->fd = fd;
    log->level = level;
    log->json = json;
    return log;
}

void log_destroy(struct log *log) {
    if (log == NULL) {
        return;
    }
    pthread_mutex_destroy(&log->mutex);
    free(log);
}

bool log_enabled(const struct log *log, int level) {
    return log != NULL && level <= log->level;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the descriptor takes bytes again; false when the time is over. */
static bool wait_writable(int fd, int64_t deadline_ms) {
    int64_t left_ms = deadline_ms - now_ms();
    if (left_ms <= 0) {
        return false;
    }
    struct pollfd poller = {.fd = fd, .events = POLLOUT};
    int ready = poll(&poller, 1, (int)left_ms);
    return ready > 0 || (ready < 0 && errno == EINTR);
}

/* Bytes written: fewer than `size` when the descriptor fails or nobody reads. */
static size_t write_within(int fd, const char *data, size_t size, int wait_ms) {
    int64_t deadline_ms = now_ms() + wait_ms;
    size_t done = 0;
    while (done < size) {
        ssize_t count = write(fd, data + done, size - done);
        if (count > 0) {
            done += (size_t)count;
        } else if (count < 0 && errno == EINTR) {
            continue;
        } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ||
                   !wait_writable(fd, deadline_ms)) {
            break;
        }
    }
    return done;
}

static bool put(struct log *log, const char *data, size_t size) {
    size_t done = write_within(log->fd, data, size, log->stuck ? 0 : WAIT_MS);
    if (done == size) {
        log->stuck = false;
        return true;
    }
    log->stuck = true;
    log->torn = log->torn || done > 0;
    return false;
}

/* After a gap: ends the torn line and says how many are missing, before anything else is said. */
static bool put_gap(struct log *log) {
    if (log->torn) {
        if (!put(log, "\n", 1)) {
            return false;
        }
        log->torn = false;
    }
    if (log->lost > 0) {
        char text[96];
        int size = snprintf(text, sizeof(text), "%lu lines of this log are lost: nobody read it",
                            log->lost);
        struct log_line line;
        log_line_format(&line, log->json, KOINE_LOG_WARNING, "gateway", (struct koine_text){0},
                        (struct koine_text){text, (size_t)size}, (size_t)size);
        if (!put(log, line.bytes, line.size)) {
            return false;
        }
        log->lost = 0;
    }
    return true;
}

/* `full_size`: of the message before the caller shortened it. */
static void write_line(struct log *log, int level, const char *unit, struct koine_text request_id,
                       struct koine_text message, size_t full_size) {
    struct log_line line;
    int saved_errno = errno;
    log_line_format(&line, log->json, level, unit, request_id, message, full_size);
    pthread_mutex_lock(&log->mutex);
    if (!put_gap(log) || !put(log, line.bytes, line.size)) {
        log->lost++;
    }
    pthread_mutex_unlock(&log->mutex);
    errno = saved_errno; /* whoever logs is often about to look at it */
}

void log_write(struct log *log, int level, const char *unit, struct koine_text request_id,
               struct koine_text message) {
    if (log_enabled(log, level)) {
        write_line(log, level, unit, request_id, message, message.size);
    }
}

static void __attribute__((format(printf, 5, 0)))
write_formatted(struct log *log, int level, const char *unit, struct koine_text request_id,
                const char *format, va_list arguments) {
    char text[LOG_MESSAGE_BYTES + 4]; /* the cut must see the character that it would split */
    int size = vsnprintf(text, sizeof(text), format, arguments);
    if (size < 0) {
        size = snprintf(text, sizeof(text), "(a message that cannot be formatted: %s)", format);
    }
    size_t full_size = (size_t)size;
    size_t kept = full_size < sizeof(text) ? full_size : sizeof(text) - 1;
    write_line(log, level, unit, request_id, (struct koine_text){text, kept}, full_size);
}

void log_print(struct log *log, int level, const char *unit, const char *format, ...) {
    if (!log_enabled(log, level)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    write_formatted(log, level, unit, (struct koine_text){0}, format, arguments);
    va_end(arguments);
}

void log_print_request(struct log *log, int level, const char *unit, struct koine_text request_id,
                       const char *format, ...) {
    if (!log_enabled(log, level)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    write_formatted(log, level, unit, request_id, format, arguments);
    va_end(arguments);
}
