/* SPDX-License-Identifier: Apache-2.0 */
/* An exponentially weighted average of the time that slots were held for each one returned. */
#include "policy/slot_pace.h"

/* How many returns the average is made of: two rounds of all slots, as slots that were taken
 * together are returned together, and some more where there are few slots. */
static double memory(uint32_t active) {
    return 2.0 * active + 8;
}

void slot_pace_advance(struct slot_pace *pace, uint32_t active, uint64_t now_ms) {
    pace->since_return += (double)active * (double)(now_ms - pace->until);
    pace->until = now_ms;
}

void slot_pace_returned(struct slot_pace *pace, uint32_t active) {
    const double keep = 1 - 1 / memory(active);
    pace->held = pace->held * keep + pace->since_return;
    pace->returned = pace->returned * keep + 1;
    pace->since_return = 0;
}

double slot_pace_held_ms(const struct slot_pace *pace) {
    if (pace->returned <= 0) {
        return -1;
    }
    const double held_ms = pace->held / pace->returned;
    if (pace->since_return <= held_ms) {
        return held_ms;
    }
    /* A return is overdue: count it as if it came now, so that slots that hang are seen. */
    return (pace->held + pace->since_return) / (pace->returned + 1);
}
