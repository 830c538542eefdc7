/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at the modules without serving: they are loaded as far as their init, in a process of
 * their own, which listens nowhere, starts no CLI and has a state directory that is thrown away.
 */
#ifndef INSPECT_H
#define INSPECT_H

#include "config/config.h"
#include <stdio.h>

enum inspection {
    INSPECT_LIST,    /* everything about them, to `out` */
    INSPECT_REFUSED, /* what is wrong alone, to `out` */
    INSPECT_OPENAPI  /* the document of what is served to `out`, what is wrong to stderr */
};

/* 0: all is well; 1: something was refused, and what was written says why. */
int inspect_modules(const struct config *config, char *const *environment, enum inspection what,
                    FILE *out);

#endif
