/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.slots/1": concurrency slots for work that does not go through the CLI runner.
 * A run takes the slot of its route by itself; a module that works without a run asks here. A slot
 * belongs to a request and is returned by the host when the request ends: nothing can leak.
 */
#ifndef KOINE_SLOTS_H
#define KOINE_SLOTS_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_SLOTS "koine.slots/1"

struct koine_slots {
    uint32_t size;
    uint32_t reserved;

    /*
     * Declares a slot class of the module's own; the limit is slots.classes.NAME of the config,
     * else `default_limit`. Only in init. `name`: [A-Za-z][A-Za-z0-9-]{0,31}. [loop]
     * KOINE_OK, KOINE_EXISTS, KOINE_INVALID, KOINE_NO_MEMORY, KOINE_WRONG_STATE.
     */
    int32_t (*declare)(const struct koine_host *host, const char *name, uint32_t default_limit);

    /*
     * Takes a slot of the route's class for the request. [loop, serving]
     * KOINE_OK (also when it has one already, or the route has no class); KOINE_REFUSED with
     * `failure` (429 CONCURRENCY_LIMIT_ERROR); KOINE_GONE.
     */
    int32_t (*acquire)(const struct koine_host *host, koine_request request,
                       struct koine_failure *failure);

    /* Returns the slot before the request ends. Refused while a run holds it. [loop, serving]
     * KOINE_OK, KOINE_GONE, KOINE_WRONG_STATE. */
    int32_t (*release)(const struct koine_host *host, koine_request request);

    /* How many slots of a class are taken and how many there are. [loop]
     * KOINE_OK, KOINE_NOT_FOUND. */
    int32_t (*usage)(const struct koine_host *host, const char *name, uint32_t *active,
                     uint32_t *limit);
};

KOINE_PIN(koine_slots, declare, 8);
KOINE_PIN(koine_slots, acquire, 16);
KOINE_PIN(koine_slots, release, 24);
KOINE_PIN(koine_slots, usage, 32);

#ifdef __cplusplus
}
#endif
#endif
