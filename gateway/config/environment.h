/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What environment variables say about the configuration: some override the file, some only give
 * a default. Never reads the process's own environment, never shows the value of a key.
 */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "config/problems.h"

/* The value of the first "NAME=value"; NULL when there is none or it is empty. */
const char *environment_value(char *const *environment, const char *name);

/* Lays the variables that override the file over the configuration. */
void environment_lay(struct config *config, char *const *environment, struct problems *problems);

/* Fills state_directory when the file did not: from STATE_DIRECTORY, XDG_STATE_HOME or HOME. */
void environment_set_state_directory(struct config *config, char *const *environment,
                                     struct problems *problems);

#endif
