/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concurrency slots: classes with a limit, and per-key limits within the two stock classes.
 * Counts only; who holds a slot is the request's affair.
 */
#ifndef POLICY_SLOTS_H
#define POLICY_SLOTS_H

#include "policy/keys.h"
#include <koine/base.h>
#include <stdbool.h>

struct slots;
struct slot_class; /* lives as long as its slots */

/* "streaming" and "nonStreaming" with the limits of the config, and what modules declare. */
struct slots *slots_create(const struct config *config);
void slots_destroy(struct slots *slots); /* takes NULL */

/* As koine_slots.declare: KOINE_OK, KOINE_EXISTS, KOINE_INVALID, KOINE_NO_MEMORY. */
int slots_declare(struct slots *slots, const char *name, uint32_t default_limit);
struct slot_class *slots_find(struct slots *slots, const char *name); /* NULL: none */

const char *slot_class_name(const struct slot_class *class);
uint32_t slot_class_active(const struct slot_class *class);
uint32_t slot_class_limit(const struct slot_class *class);

/* Takes a slot of the class, counted for the key too (NULL: nobody's). False: the class or the key
 * is at its limit, nothing was taken. */
bool slot_take(struct slot_class *class, struct key *key);
void slot_return(struct slot_class *class, struct key *key);

#endif
