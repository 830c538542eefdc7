/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --demo makes of a configuration. Makes no files: see gateway/demo.h.
 */
#ifndef CONFIG_DEMO_H
#define CONFIG_DEMO_H

#include "config/problems.h"

/* As config_load_demo says. Comes after the file and the environment. */
void demo_lay(struct config *config, char *const *environment, const char *cli,
              struct problems *problems);

#endif
