/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a configuration although each key is right by itself.
 * Asks the tool policy and the file system; changes nothing.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/tree.h"

/* `root` is the tree that `config` was read from, for line numbers; NULL without a file.
 * `needs_key`: nobody could use it without a key. */
void check_config(const struct config *config, const struct node *root, char *const *environment,
                  bool needs_key, struct problems *problems);

#endif
