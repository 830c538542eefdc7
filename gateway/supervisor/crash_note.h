/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a worker: what the notes of the loop cannot tell, that a crash happened on another thread, and
 * of which module. Changes nothing of how the worker ends.
 */
#ifndef SUPERVISOR_CRASH_NOTE_H
#define SUPERVISOR_CRASH_NOTE_H

#include "supervisor/notes.h"

/* From now on a fatal signal is noted, unless somebody else (a sanitizer) handles it. */
void crash_note_install(struct worker_notes *notes);

/* Notes where the code of module `number` lies: in the library that holds `address`. */
void crash_note_code(struct worker_notes *notes, unsigned number, const void *address);

#endif
