/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A demo: made-up answers, so that pages and clients can be tried without an account. What is in
 * its configuration is config/demo.c, what it answers the stand-in CLI.
 */
#ifndef DEMO_H
#define DEMO_H

#include "config/config.h"
#include "ops/log.h"
#include <stddef.h>

/* In every answer of a demo. */
#define DEMO_HEADER_LINE "X-Koine-Demo: answers are made up\r\n"

/* Where the stand-in CLI is: beside the binary of a build, or installed. The caller frees; NULL
 * with `message` when it is nowhere. */
char *demo_find_cli(char *message, size_t size);

struct demo {
    const char *directory; /* the configuration's state_directory */
    long made_by;          /* the process that has made it, and removes it */
};

/* Makes the temporary directory that the configuration has a template of, and all that is in it.
 * Returns 0, or -1 with `message` and nothing left behind. */
int demo_begin(struct demo *demo, struct config *config, char *message, size_t size);
/* Removes it, in the process that has made it; elsewhere it does nothing. */
void demo_end(const struct demo *demo);

/* Logs that the answers are made up, what to open and a first request. */
void demo_announce(const struct config *config, struct log *log, const char *url);

#endif
