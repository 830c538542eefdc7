/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small program between the gateway and a child with limits: sets them, then becomes the
 * child. It is the gateway's own file started under another name, so that there is nothing to
 * install or to find.
 */
#ifndef RUNNER_PROCESS_LAUNCHER_H
#define RUNNER_PROCESS_LAUNCHER_H

#define PROCESS_LAUNCHER_NAME "koine-launch"

/* To be called first in main() of every program that starts children with limits. Returns at once,
 * unless this program was started as a launcher: then never. */
void process_launcher_main(char **argv);

#endif
