/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first waiter of each key stands for it in the list of turns; the others hang on it in a ring.
 * So no key needs a record of its own, and to find one costs a step for each key that waits.
 */
#include "policy/slot_line.h"

#include <assert.h>
#include <stddef.h>

void slot_line_init(struct slot_line *line) {
    TAILQ_INIT(&line->turns);
    line->waiting = 0;
}

struct slot_waiter *slot_line_next_turn(const struct slot_line *line,
                                        const struct slot_waiter *before) {
    return before == NULL ? TAILQ_FIRST(&line->turns) : TAILQ_NEXT(before, turn);
}

struct slot_waiter *slot_line_first_of(const struct slot_line *line, const struct key *key) {
    struct slot_waiter *first = NULL;
    while ((first = slot_line_next_turn(line, first)) != NULL && first->key != key) {
    }
    return first;
}

uint32_t slot_line_ahead_of(const struct slot_line *line, const struct key *key) {
    const struct slot_waiter *own = slot_line_first_of(line, key);
    const uint32_t own_count = own != NULL ? own->count : 0;
    uint32_t ahead = own_count;
    const struct slot_waiter *first = NULL;
    while ((first = slot_line_next_turn(line, first)) != NULL) {
        if (first != own) { /* one turn for each of this key's own, and one before the new one */
            ahead += first->count <= own_count ? first->count : own_count + 1;
        }
    }
    return ahead;
}

void slot_line_join(struct slot_line *line, struct slot_waiter *waiter) {
    struct slot_waiter *first = slot_line_first_of(line, waiter->key);
    line->waiting++;
    if (first == NULL) {
        waiter->next = waiter->previous = waiter;
        waiter->count = 1;
        TAILQ_INSERT_TAIL(&line->turns, waiter, turn);
        return;
    }
    waiter->next = first;
    waiter->previous = first->previous;
    first->previous->next = waiter;
    first->previous = waiter;
    first->count++;
}

void slot_line_leave(struct slot_line *line, struct slot_waiter *waiter) {
    struct slot_waiter *first = slot_line_first_of(line, waiter->key);
    assert(first != NULL && line->waiting > 0);
    line->waiting--;
    first->count--;
    if (waiter == first) {
        struct slot_waiter *heir = waiter->next;
        if (heir != waiter) {
            heir->count = first->count;
            TAILQ_INSERT_BEFORE(waiter, heir, turn);
        }
        TAILQ_REMOVE(&line->turns, waiter, turn);
    }
    waiter->previous->next = waiter->next;
    waiter->next->previous = waiter->previous;
}

void slot_line_serve(struct slot_line *line, struct slot_waiter *waiter) {
    struct slot_waiter *heir = waiter->next;
    slot_line_leave(line, waiter);
    if (heir != waiter) {
        TAILQ_REMOVE(&line->turns, heir, turn);
        TAILQ_INSERT_TAIL(&line->turns, heir, turn);
    }
}
