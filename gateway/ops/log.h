/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line an event to a file descriptor, as text for people or as JSON for machines.
 * Thread-safe: each line leaves in one write(2). Does not rotate, buffer or drop.
 */
#ifndef OPS_LOG_H
#define OPS_LOG_H

#include <koine/base.h>
#include <koine/log.h>
#include <stdbool.h>
#include <stdint.h>

struct log;

/* Levels are KOINE_LOG_…. NULL when memory is short. The descriptor stays the caller's. */
struct log *log_create(int fd, int level, bool json);
void log_destroy(struct log *log); /* takes NULL */

bool log_enabled(const struct log *log, int level);

/*
 * Writes one line: time (ISO 8601 UTC, ms), level, `unit` ("gateway", "http", "runner", or a
 * module's name), request id when not none, message. Control characters and invalid UTF-8 are
 * escaped; a message over 4,096 bytes is cut and says so. A NULL log writes nothing. [any-thread]
 */
void log_write(struct log *log, int level, const char *unit, struct koine_text request_id,
               struct koine_text message);

/* The same, printf-like, without a request. */
void log_print(struct log *log, int level, const char *unit, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* … and with one. */
void log_print_request(struct log *log, int level, const char *unit, struct koine_text request_id,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
