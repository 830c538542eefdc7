/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation that happened elsewhere, written where the CLI's --resume finds it.
 */
#ifndef RUNNER_TRANSCRIPT_H
#define RUNNER_TRANSCRIPT_H

#include <koine/base.h>
#include <stddef.h>

/* Checks `history` (JSON array of {role, content}; roles user and assistant, beginning with user
 * and ending with assistant so that the prompt follows; content a non-empty string or array of
 * content blocks). 0, or -1 with the JSON path of the problem ("history[2].role" as `path`) and
 * `message`. */
int transcript_check(struct koine_text history, char *path, size_t path_size, char *message,
                     size_t message_size);

/* Where the CLI keeps its projects: CLAUDE_CONFIG_DIR, else HOME/.claude, of `environment`.
 * malloc'd path of the transcript of a session begun in working_directory; NULL: memory, or no
 * HOME. */
char *transcript_path(char *const *environment, const char *working_directory,
                      struct koine_text session_id);

/* Writes the transcript (mode 0600, directories 0700, whole or not at all). 0, or -1 with
 * `message`. */
int transcript_write(const char *path, struct koine_text history, struct koine_text session_id,
                     const char *working_directory, char *message, size_t size);

/* What the session of this transcript had cost when its last turn ended, in USD; 0: nothing known.
 */
double transcript_cost(const char *path);

#endif
