/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags of the CLI that a profile may hold. A checked list: what is not on it is refused,
 * so that no profile can undo the tool policy or the protocol that the gateway speaks.
 */
#ifndef CONFIG_FLAGS_H
#define CONFIG_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

/* Returns 0, or -1 with a sentence in `reason` that names the flag but never shows its value. */
int flag_check(const char *flag, char *reason, size_t size);

/* True when the flag's value is JSON that stands in the flag itself, which may hold secrets.
 * `name_size`: bytes up to and with the '='. */
bool flag_has_inline_json(const char *flag, size_t *name_size);

/* True when config_print has replaced the flag's JSON by a mask. */
bool flag_has_masked_json(const char *flag, size_t *name_size);

#endif
