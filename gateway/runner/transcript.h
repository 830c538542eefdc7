/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation that happened elsewhere, written where the CLI's --resume finds it.
 */
#ifndef RUNNER_TRANSCRIPT_H
#define RUNNER_TRANSCRIPT_H

#include <jansson.h>
#include <koine/base.h>
#include <stdbool.h>
#include <stddef.h>

/* The messages of a history, for the functions below, which look at them and read nothing again: of
 * long strings only that they are there. New reference; NULL: no JSON, or no memory. */
json_t *transcript_messages(struct koine_text history);

/* Checks `history`, whose `messages` these are (JSON array of {role, content}; roles user and
 * assistant, beginning with user and ending with assistant so that the prompt follows; content a
 * non-empty string or array of content blocks). Where it ends with uses of tools, `prompt` (JSON
 * array of blocks; none: the prompt is text) must begin with the result of each. 0, or -1 with the
 * JSON path of the problem
 * ("history[2].role" as `path`) and `message`. */
int transcript_check(struct koine_text history, const json_t *messages, struct koine_text prompt,
                     char *path, size_t path_size, char *message, size_t message_size);

/* Whether a history that has passed the check ends with uses of tools. */
bool transcript_awaits_results(const json_t *messages);

/* Where the CLI keeps its projects: CLAUDE_CONFIG_DIR, else HOME/.claude, of `environment`.
 * malloc'd path of the transcript of a session begun in working_directory; NULL: memory, or no
 * HOME. */
char *transcript_path(char *const *environment, const char *working_directory,
                      struct koine_text session_id);

enum { TRANSCRIPT_UUID_SIZE = 37 }; /* with the terminating zero */

struct transcript {
    struct koine_text history; /* JSON array of messages; none: nothing was said before */
    const json_t *messages;    /* … and they themselves */
    struct koine_text prompt;  /* JSON content of a last message of the user; none: no such one */
    struct koine_text session_id;
    const char *working_directory;
    struct koine_text model; /* that goes on, by its full name; any other counts as unknown */
    /* Set by transcript_write: the lines of these messages, "" where there are none. */
    char last[TRANSCRIPT_UUID_SIZE];
    char last_of_assistant[TRANSCRIPT_UUID_SIZE];
};

/* Writes the transcript (mode 0600, directories 0700, whole or not at all). 0, or -1 with
 * `message`. */
int transcript_write(const char *path, struct transcript *transcript, char *message, size_t size);

/* What the session of this transcript had cost when its last turn ended, in USD; 0: nothing known.
 */
double transcript_cost(const char *path);

#endif
