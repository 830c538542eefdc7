/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory and the secret in it, under which session ids belong to keys.
 * Keeps nothing else: sessions themselves are the CLI's.
 */
#ifndef CONFIG_STATE_H
#define CONFIG_STATE_H

#include <stddef.h>

enum { STATE_SECRET_BYTES = 32 };

/*
 * Reads `session-secret` in the directory; makes both (0700, 0600) when they are not there.
 * Gateways that start at the same time agree on one secret. A secret that others may read, or of
 * another size, is refused.
 * Returns 0, or -1 with a sentence in `message` and `secret` zeroed. Blocks: call it at start.
 */
int state_secret_load(const char *state_directory, unsigned char secret[STATE_SECRET_BYTES],
                      char *message, size_t size);

#endif
