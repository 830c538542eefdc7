/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker notes in a page that it shares with its supervisor, who can read it however the
 * worker ends. Written on the worker's loop thread only: what a thread of a module does shows as
 * what the loop was at.
 */
#ifndef SUPERVISOR_NOTES_H
#define SUPERVISOR_NOTES_H

#include <stdatomic.h>

enum { NOTES_MODULES = 110, NOTES_NAME_SIZE = 36 };

struct worker_notes {
    atomic_bool ready;  /* it answers requests */
    atomic_uint inside; /* number of the module whose code runs; 0: none's */
    char modules[NOTES_MODULES][NOTES_NAME_SIZE]; /* names: number 1 is the first */
};

_Static_assert(sizeof(struct worker_notes) <= 4096, "the notes are one page");

#endif
