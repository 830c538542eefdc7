/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concurrency slots: classes with a limit, per-key limits within the two stock classes, and a line
 * of those who wait for one. Counts only; who holds a slot, and for how long one waits, is the
 * request's affair. Loop thread only.
 */
#ifndef POLICY_SLOTS_H
#define POLICY_SLOTS_H

#include "policy/keys.h"
#include "policy/slot_line.h"
#include <koine/base.h>
#include <stdbool.h>

struct slots;
struct slot_class; /* lives as long as its slots */

/* "streaming" and "nonStreaming" with the limits of the config, and what modules declare. */
struct slots *slots_create(const struct config *config);
/* Those who wait are out of the line, without a call. */
void slots_destroy(struct slots *slots); /* takes NULL */

/* As koine_slots.declare: KOINE_OK, KOINE_EXISTS, KOINE_INVALID, KOINE_NO_MEMORY. */
int slots_declare(struct slots *slots, const char *name, uint32_t default_limit);
struct slot_class *slots_find(struct slots *slots, const char *name); /* NULL: none */
/* … also one of slots.classes that no module has declared: the operator gives it to routes. */
struct slot_class *slots_find_configured(struct slots *slots, const char *name);

const char *slot_class_name(const struct slot_class *class);
uint32_t slot_class_active(const struct slot_class *class);
uint32_t slot_class_limit(const struct slot_class *class);

/* Takes a slot of the class, counted for the key too (NULL: nobody's). False: the class or the key
 * is at its limit, or somebody who waits comes first; nothing was taken. */
bool slot_take(struct slot_class *class, struct key *key);

/* The next of those who wait is granted the slot before this returns; see slot_wait. */
void slot_return(struct slot_class *class, struct key *key);

enum slot_wait_result {
    SLOT_TAKEN,   /* as slot_take: no need to wait */
    SLOT_WAITING, /* `granted` will be called, unless slot_wait_cancel comes first */
    SLOT_REFUSED  /* the line is full, or none is configured, or a limit is 0 */
};

/*
 * Takes a slot, or else a place in the line of the class. `waiter` is the caller's, all zero or
 * left over from an earlier wait, and stays where it is while it waits.
 *
 * Within a key the first that came is served first, and the keys take turns (NULL is one of them).
 * A key at its own limit is passed over and keeps its turn. slots.queue may wait in a class, and
 * beyond these the first of each key, so that no key can lock out another by filling the line.
 *
 * `granted` is called once, from within somebody's slot_return: the slot is taken already, counted
 * for `key`, the waiter is out of the line and may be freed. It may call anything here but
 * slots_destroy; a slot that it returns is granted after it has returned, so there is no recursion.
 * Real work belongs into an event of its own: whoever called slot_return does not expect it, and
 * other callbacks wait.
 */
enum slot_wait_result slot_wait(struct slot_class *class, struct key *key,
                                struct slot_waiter *waiter, void (*granted)(void *data),
                                void *data);

enum slot_wait_end { SLOT_WAIT_TIMED_OUT, SLOT_WAIT_CANCELLED }; /* for the counters */

/* Gives the place up; `granted` will not be called. Does nothing when the waiter is in no line: all
 * zero, granted (the slot is then returned with slot_return), cancelled, or its slots destroyed. */
void slot_wait_cancel(struct slot_waiter *waiter, enum slot_wait_end why);

/* For Retry-After: whole seconds, 1 to 600, until one of this key who joined now would be served,
 * going by how long slots were held lately and by who waits. 5 while that is not known, without a
 * line, or with a limit of 0. */
uint32_t slot_retry_after_s(struct slot_class *class, struct key *key);

struct slot_wait_counts {
    uint32_t waiting;         /* now */
    uint64_t longest_wait_ms; /* of those who wait now */
    uint64_t granted;         /* after a wait; this and the rest since the start */
    uint64_t refused;         /* neither a slot nor a place */
    uint64_t timed_out, cancelled;
};
struct slot_wait_counts slot_class_waits(const struct slot_class *class);

/* Another clock than CLOCK_MONOTONIC, in milliseconds, for tests. */
void slots_set_clock(struct slots *slots, uint64_t (*now_ms)(void));

#endif
