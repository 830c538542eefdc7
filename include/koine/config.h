/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.config/1": the module's own section of the configuration, and where to keep files.
 * init gets the same section as JSON; these accessors spare a module a JSON reader for plain
 * values. A `path` names a member, nested ones with dots: "database.timeout_ms".
 * All functions are [loop], from init on.
 */
#ifndef KOINE_CONFIG_H
#define KOINE_CONFIG_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_CONFIG "koine.config/1"

struct koine_config {
    uint32_t size;
    uint32_t reserved;

    /* The whole section, a JSON object; lives as long as the module. KOINE_OK. */
    int32_t (*section)(const struct koine_host *host, struct koine_text *json);

    /*
     * One value. KOINE_OK; KOINE_NOT_FOUND: not given, `*value` is unchanged, so set it to the
     * default first; KOINE_INVALID: another type stands there (an integer is also a number).
     * The text lives as long as the module and is terminated by a zero byte.
     */
    int32_t (*text)(const struct koine_host *host, const char *path, struct koine_text *value);
    int32_t (*integer)(const struct koine_host *host, const char *path, int64_t *value);
    int32_t (*number)(const struct koine_host *host, const char *path, double *value);
    int32_t (*boolean)(const struct koine_host *host, const char *path, int32_t *value);

    /*
     * A directory for the module's own files, STATE_DIRECTORY/modules/NAME, made when it is first
     * asked for (mode 0700). Lives as long as the module, terminated by a zero byte.
     * KOINE_OK, or KOINE_INVALID when it cannot be made (the log says why).
     */
    int32_t (*state_directory)(const struct koine_host *host, struct koine_text *path);
};

KOINE_PIN(koine_config, section, 8);
KOINE_PIN(koine_config, text, 16);
KOINE_PIN(koine_config, integer, 24);
KOINE_PIN(koine_config, number, 32);
KOINE_PIN(koine_config, boolean, 40);
KOINE_PIN(koine_config, state_directory, 48);

#ifdef __cplusplus
}
#endif
#endif
