/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects what is wrong with a configuration into one struct config_error, a line a problem.
 * Decides how problems look; does not find any.
 */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include "config/config.h"

struct problems {
    struct config_error *error;
    const char *file;  /* borrowed, for "FILE:LINE"; NULL without a file */
    size_t used;       /* bytes of error->message */
    unsigned count;    /* problems seen, also those that did not fit */
    unsigned left_out; /* those that did not fit */
};

void problems_init(struct problems *problems, const char *file, struct config_error *error);

/* Adds "FILE:LINE: KEY: sentence". Line 0 stands for "not in the file": only "KEY: sentence";
 * `key` may be NULL. */
void problems_add(struct problems *problems, unsigned line, const char *key, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

void problems_add_no_memory(struct problems *problems);

/* Says how many problems did not fit. Called once, at the end. */
void problems_finish(struct problems *problems);

/* Text of a file or variable made fit for a message: in quotes, cut after 48 bytes, control
 * characters replaced. */
struct quoted {
    char text[64];
};
struct quoted problems_quote(const char *text);

#endif
