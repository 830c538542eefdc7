/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of clients that come from elsewhere than the configuration's file.
 * A secret is hashed and never kept or shown.
 */
#ifndef CONFIG_API_KEY_H
#define CONFIG_API_KEY_H

#include "config/problems.h"

/* The key of that name, from the file or new; NULL with a problem added. */
struct config_key *api_key_open(struct config *config, const char *name, struct problems *problems);

/* Returns 0, or -1 with a problem added. */
int api_key_hash(const char *secret, unsigned char sha256[32], struct problems *problems);

#endif
