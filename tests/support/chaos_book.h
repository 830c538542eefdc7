/* SPDX-License-Identifier: Apache-2.0 */
/* What the book's two files share; nobody else includes this. */
#ifndef SUPPORT_CHAOS_BOOK_H
#define SUPPORT_CHAOS_BOOK_H

#include "support/chaos.h"

#include <pthread.h>

struct chaos_turn {
    unsigned run;
    uint64_t began_us, ended_us; /* as its client saw it */
    enum chaos_turn_state state;
};

struct chaos_session {
    char id[37];
    bool second_key, makes_object;
    struct chaos_session *parent; /* of which it is a copy */
    struct chaos_turn *turns;
    size_t count;
    uint64_t done_us; /* when its last result came */
    unsigned users;   /* turns and copies under way */
    bool crowded;     /* more than one of them, since there was none the last time */
    bool mixed;       /* turns were under way at the same time: their order is unknown */
    bool unsure;      /* a turn may or may not have happened */
    bool was_left;    /* the gateway may not know yet that the last turn is over */
    bool abandoned;   /* its process hangs: nobody goes on with it */
};

/* For use while no client is at work. */
size_t chaos_book_sessions(const struct chaos_book *book, struct chaos_session *const **sessions);

#endif
