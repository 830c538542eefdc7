/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which those who wait for a slot of one class get it: first come, first served within
 * a key, and the keys take turns. Knows no limits and grants nothing: that is slots.c.
 */
#ifndef POLICY_SLOT_LINE_H
#define POLICY_SLOT_LINE_H

#include <stdint.h>
#include <sys/queue.h>

struct key;
struct slot_class;

/* A place in a line, part of what its owner has anyway: joining and being served allocate nothing.
 * All zero: in no line. Only slots.c and slot_line.c look inside. */
struct slot_waiter {
    struct slot_class *class; /* NULL: in no line */
    struct key *key;          /* NULL: public routes, which count as one key */
    void (*granted)(void *data);
    void *data;
    uint64_t since_ms;
    struct slot_waiter *next, *previous; /* of the same key, a ring in the order of coming */
    TAILQ_ENTRY(slot_waiter) turn;       /* among the keys; only the first of each key is there */
    uint32_t count;                      /* of the first: how many of its key wait */
};

TAILQ_HEAD(slot_turns, slot_waiter);

struct slot_line {
    struct slot_turns turns; /* the first of each key, whose turn it is in front */
    uint32_t waiting;
};

void slot_line_init(struct slot_line *line);

/* The first of each key, in the order of their turns: begin with NULL, until NULL is returned. */
struct slot_waiter *slot_line_next_turn(const struct slot_line *line,
                                        const struct slot_waiter *before);
/* The first of this key; NULL: none of it waits. */
struct slot_waiter *slot_line_first_of(const struct slot_line *line, const struct key *key);
/* How many would be served before one of this key who came now, did every key take its turn. */
uint32_t slot_line_ahead_of(const struct slot_line *line, const struct key *key);

/* To the end of its key's; a key that nobody waits of gets the last turn. */
void slot_line_join(struct slot_line *line, struct slot_waiter *waiter);
/* Out of the line from any place; its key keeps its turn for the next one. */
void slot_line_leave(struct slot_line *line, struct slot_waiter *waiter);
/* Out of the line, the first of its key; its key has had its turn. */
void slot_line_serve(struct slot_line *line, struct slot_waiter *waiter);

#endif
