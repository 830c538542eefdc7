/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends what a child has left behind: this process, a child subreaper, has inherited it. Does not
 * care what it was. Signals and reaps nothing while the child lives.
 */
#ifndef SUPERVISOR_LEFTOVERS_H
#define SUPERVISOR_LEFTOVERS_H

#include "runner/process_tree.h"

/* Records the children that this process has now, so that leftovers_kill spares them: a shell that
 * became this process may have started some. */
void leftovers_spare_children(struct process_tree *spared);

/*
 * SIGKILL to every descendant of this process but the spared ones, again and again until none is
 * left or the time is over. Reaps them. Returns how many still live; `*killed`: how many were
 * found.
 */
size_t leftovers_kill(struct process_tree *spared, unsigned limit_ms, size_t *killed);

#endif
