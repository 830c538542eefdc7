/* SPDX-License-Identifier: Apache-2.0 */
/* What a process writes to a pipe, drained by a thread and kept; tests wait for text in it. With
 * KOINE_TEST_LOG=FILE all of it is appended there too, for when a test fails. */
#ifndef SUPPORT_LOG_TAIL_H
#define SUPPORT_LOG_TAIL_H

#include <stdbool.h>

/* Takes over the descriptor and drains it. */
struct log_tail *log_tail_create(int fd);
/* Reads what is left, ends the thread, frees. Takes NULL. */
void log_tail_destroy(struct log_tail *tail);

/* A copy of everything so far; the caller frees. */
char *log_tail_copy(struct log_tail *tail);
/* Waits for the text: true; false after `timeout_ms` or when the writer has closed. */
bool log_tail_await(struct log_tail *tail, const char *text, unsigned timeout_ms);

#endif
