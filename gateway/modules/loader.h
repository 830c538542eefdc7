/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to a descriptor that the gateway accepts. Every refusal is a sentence that names the
 * path, what was found, and what to do. Runs nothing of a module but its constructors and its
 * descriptor function. Which modules are wanted is module_set.c's affair.
 */
#ifndef MODULES_LOADER_H
#define MODULES_LOADER_H

#include "config/config.h"
#include <koine/module.h>

/* A sentence of why a file is refused: "module PATH: …". */
struct loader_message {
    char text[1024];
};
/* Fills it; returns false. */
bool loader_refuse(struct loader_message *message, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether the file may be loaded at all: what it is, for which machine it was built, who may have
 * changed it. Runs nothing of it. */
bool loader_check_file(const char *path, struct loader_message *message);

/* Loads the file into this process and judges its descriptor. NULL with `message`. `stage`: where
 * it notes how far it has come, for whoever watches; may be NULL. */
enum loader_stage { LOADER_BEGINS, LOADER_LOADS, LOADER_ASKS, LOADER_JUDGES };
const struct koine_module *loader_open(const char *path, void **library, _Atomic int *stage,
                                       struct loader_message *message);

/*
 * The same in a process that is made for it and ends with it, for at most `timeout_ms`: what
 * crashes, ends the process or hangs there harms nobody. Call it while this process has one thread.
 */
bool loader_try(const char *path, uint32_t timeout_ms, struct loader_message *message);

/* The directory where modules are looked for: of the config, beside the binary, or installed.
 * malloc'd; NULL when memory is short. */
char *module_directory(const struct config *config);
/* The file of an entry of modules.load: a path as it is, a name in the directory. malloc'd. */
char *module_path(const struct config *config, const char *entry);

#endif
