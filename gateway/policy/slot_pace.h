/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a slot of a class is held lately, by Little's law: the time that all slots together were
 * held, divided by the slots returned meanwhile. No slot needs to know when it was taken.
 */
#ifndef POLICY_SLOT_PACE_H
#define POLICY_SLOT_PACE_H

#include <stdint.h>

/* All zero: nothing is known. Milliseconds. */
struct slot_pace {
    uint64_t until;        /* the time that is counted */
    double since_return;   /* that slots were held since the last return */
    double held, returned; /* before that; older returns weigh less and less */
};

/* Before the number of held slots changes, and before asking: until now it was `active`. */
void slot_pace_advance(struct slot_pace *pace, uint32_t active, uint64_t now_ms);
/* One of `active` held slots is returned now. */
void slot_pace_returned(struct slot_pace *pace, uint32_t active);
/* How long a slot is held. Negative: none was returned yet. */
double slot_pace_held_ms(const struct slot_pace *pace);

#endif
