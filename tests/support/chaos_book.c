/* SPDX-License-Identifier: Apache-2.0 */
/* The conversations as their clients know them. What a transcript must hold of them is
 * chaos_transcripts.c. */
#include "support/chaos_book.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRESH_US = 700000 };

struct chaos_book {
    pthread_mutex_t mutex;
    struct chaos_session **sessions; /* whose id is known */
    size_t count;
};

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct chaos_book *chaos_book_create(void) {
    struct chaos_book *book = calloc(1, sizeof *book);
    ck_assert_ptr_nonnull(book);
    pthread_mutex_init(&book->mutex, NULL);
    return book;
}

static void session_free(struct chaos_session *session) {
    free(session->turns);
    free(session);
}

void chaos_book_destroy(struct chaos_book *book) {
    if (!book)
        return;
    for (size_t i = 0; i < book->count; i++)
        session_free(book->sessions[i]);
    free(book->sessions);
    pthread_mutex_destroy(&book->mutex);
    free(book);
}

size_t chaos_book_sessions(const struct chaos_book *book, struct chaos_session *const **sessions) {
    *sessions = book->sessions;
    return book->count;
}

/* ---- finding a session */

static bool suits(const struct chaos_session *session, const struct chaos_plan *plan) {
    if (plan->talk == TALK_FOREIGN)
        return session->second_key != plan->second_key;
    /* Mostly by the same kind of endpoint, or no process could ever go on with its session. */
    if (session->makes_object != plan->makes_object && plan->choice % 5 != 0)
        return false;
    return session->second_key == plan->second_key && !session->abandoned &&
           (session->users == 0 || plan->talk == TALK_CROWD);
}

/* Its process may still be there. */
static bool is_fresh(const struct chaos_session *session) {
    return now_us() - session->done_us < FRESH_US;
}

static struct chaos_session *choose(const struct chaos_book *book, const struct chaos_plan *plan) {
    size_t fitting = 0, fresh = 0;
    if (plan->talk == TALK_NEW)
        return NULL;
    struct chaos_session **found = calloc(book->count + 1, sizeof *found);
    ck_assert_ptr_nonnull(found);
    for (size_t i = 0; i < book->count; i++)
        if (suits(book->sessions[i], plan)) {
            found[fitting++] = book->sessions[i];
            if (is_fresh(found[fitting - 1])) { /* to the front */
                struct chaos_session *other = found[fresh];
                found[fresh++] = found[fitting - 1];
                found[fitting - 1] = other;
            }
        }
    size_t among = fresh > 0 && plan->choice % 8 ? fresh : fitting;
    struct chaos_session *chosen = among ? found[plan->choice / 8 % among] : NULL;
    free(found);
    return chosen;
}

static struct chaos_session *find(const struct chaos_book *book, const char *id) {
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->sessions[i]->id, id) == 0)
            return book->sessions[i];
    return NULL;
}

/* ---- turns */

static struct chaos_turn *add_turn(struct chaos_session *session, struct chaos_turn turn) {
    struct chaos_turn *grown =
        realloc(session->turns, (session->count + 1) * sizeof(struct chaos_turn));
    ck_assert_ptr_nonnull(grown);
    session->turns = grown;
    grown[session->count] = turn;
    return &grown[session->count++];
}

static struct chaos_session *session_create(const struct chaos_plan *plan) {
    struct chaos_session *session = calloc(1, sizeof *session);
    ck_assert_ptr_nonnull(session);
    session->second_key = plan->second_key;
    session->makes_object = plan->makes_object;
    return session;
}

/* What a copy holds of a turn that is not over can be all or nothing. */
static struct chaos_session *session_copy(struct chaos_session *from,
                                          const struct chaos_plan *plan) {
    struct chaos_session *copy = session_create(plan);
    copy->parent = from;
    copy->unsure = from->unsure;
    for (size_t i = 0; i < from->count; i++) {
        struct chaos_turn turn = from->turns[i];
        if (turn.state == TURN_OPEN) {
            turn.state = TURN_MAYBE;
            copy->unsure = true;
        }
        add_turn(copy, turn);
    }
    return copy;
}

/* How many turns it holds, for certain, and which was the last. */
static void recall(struct chaos_claim *claim) {
    const struct chaos_session *from = claim->from;
    if (from->unsure || from->users > 0) {
        claim->turns = -1;
        return;
    }
    for (size_t i = 0; i < from->count; i++)
        if (from->turns[i].state == TURN_DONE) {
            claim->turns++;
            claim->last = from->turns[i].run;
        }
}

static void join(struct chaos_session *session) {
    session->crowded |= session->users > 0;
    session->mixed |= session->users > 0;
    session->users++;
}

static void leave(struct chaos_session *session) {
    ck_assert_uint_gt(session->users, 0);
    if (--session->users == 0)
        session->crowded = false;
}

struct chaos_claim chaos_book_begin(struct chaos_book *book, const struct chaos_plan *plan) {
    struct chaos_claim claim = {.plan = plan};
    pthread_mutex_lock(&book->mutex);
    claim.from = choose(book, plan);
    if (claim.from) {
        memcpy(claim.id, claim.from->id, sizeof claim.id);
        recall(&claim);
    }
    if (claim.from && plan->talk == TALK_FOREIGN)
        goto out;
    if (!claim.from)
        claim.own = session_create(plan);
    else if (plan->talk == TALK_FORK)
        claim.own = session_copy(claim.from, plan);
    else
        claim.own = claim.from;
    claim.own->abandoned |= plan->act == ACT_LINGER;
    join(claim.own);
    if (claim.from && claim.from != claim.own)
        join(claim.from);
    claim.index = claim.own->count;
    add_turn(claim.own, (struct chaos_turn){.run = plan->number, .began_us = now_us()});
out:
    pthread_mutex_unlock(&book->mutex);
    return claim;
}

void chaos_book_learn(struct chaos_book *book, const struct chaos_claim *claim, const char *id) {
    struct chaos_session *own = claim->own;
    ck_assert_msg(own != NULL, "run %u: a session of another key was gone on with",
                  claim->plan->number);
    pthread_mutex_lock(&book->mutex);
    if (!*own->id) {
        ck_assert_msg(strlen(id) == sizeof own->id - 1 && !find(book, id),
                      "run %u: the id of the new session is '%s'", claim->plan->number, id);
        memcpy(own->id, id, sizeof own->id);
        chaos_note("run %u has the new session %s", claim->plan->number, id);
        struct chaos_session **grown =
            realloc(book->sessions, (book->count + 1) * sizeof(struct chaos_session *));
        ck_assert_ptr_nonnull(grown);
        book->sessions = grown;
        grown[book->count++] = own;
    }
    ck_assert_msg(strcmp(own->id, id) == 0, "run %u: the session is %s, expected %s",
                  claim->plan->number, id, own->id);
    pthread_mutex_unlock(&book->mutex);
}

bool chaos_book_is_crowded(struct chaos_book *book, const struct chaos_claim *claim) {
    pthread_mutex_lock(&book->mutex);
    bool crowded = claim->from && claim->from->crowded;
    pthread_mutex_unlock(&book->mutex);
    return crowded;
}

bool chaos_book_may_be_busy(struct chaos_book *book, const struct chaos_claim *claim) {
    pthread_mutex_lock(&book->mutex);
    bool may = claim->from && (claim->from->crowded || claim->from->was_left);
    pthread_mutex_unlock(&book->mutex);
    return may;
}

bool chaos_book_may_be_missing(struct chaos_book *book, const struct chaos_claim *claim) {
    pthread_mutex_lock(&book->mutex);
    bool may = claim->from != NULL;
    for (size_t i = 0; may && i < claim->from->count; i++)
        may = claim->from->turns[i].state != TURN_DONE;
    pthread_mutex_unlock(&book->mutex);
    return may;
}

/* A copy that may not have been finished, or not begun. */
static void doubt_copied(struct chaos_session *session, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (session->turns[i].state == TURN_DONE)
            session->turns[i].state = TURN_MAYBE;
}

void chaos_book_end(struct chaos_book *book, const struct chaos_claim *claim,
                    enum chaos_turn_state state) {
    struct chaos_session *own = claim->own, *from = claim->from;
    if (!own)
        return;
    pthread_mutex_lock(&book->mutex);
    own->turns[claim->index].state = state;
    own->turns[claim->index].ended_us = now_us();
    own->unsure |= state == TURN_MAYBE;
    if (state == TURN_DONE)
        own->done_us = now_us();
    own->was_left = state == TURN_MAYBE || (own->was_left && state != TURN_DONE);
    leave(own);
    if (from && from != own) {
        if (state != TURN_DONE)
            doubt_copied(own, claim->index);
        from->was_left |= state == TURN_MAYBE;
        leave(from);
    }
    bool unknown = !*own->id;
    pthread_mutex_unlock(&book->mutex);
    if (unknown) {
        ck_assert_int_ne(state, TURN_DONE);
        session_free(own);
    }
}

enum chaos_session_use chaos_book_use(struct chaos_book *book, const char *id) {
    pthread_mutex_lock(&book->mutex);
    const struct chaos_session *session = find(book, id);
    enum chaos_session_use use = !session             ? SESSION_UNKNOWN
                                 : session->users > 0 ? SESSION_USED
                                                      : SESSION_UNUSED;
    pthread_mutex_unlock(&book->mutex);
    return use;
}
