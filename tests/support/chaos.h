/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the chaos test: runs that chance makes up, clients that carry them out and leave
 * when they please, somebody who kills processes of the CLI meanwhile, and a book that knows what
 * each conversation must hold. Failures abort the Check test.
 *
 *   chaos_gateway.c       the gateway, with limits from the seed
 *   chaos_plan.c          what a run asks for and when its client leaves, from the seed and its
 * number chaos_client.c        carries a plan out chaos_judge.c         whether what came back is
 * what the contract allows chaos_book.c          the conversations chaos_transcripts.c   what the
 * CLI has written down of them chaos_killer.c        kills, stops and goes on chaos_end.c nothing
 * may be left, nothing may have grown
 */
#ifndef SUPPORT_CHAOS_H
#define SUPPORT_CHAOS_H

#include "support/gateway.h"
#include "support/http_client.h"
#include "support/raw_client.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CHAOS_SECOND_KEY "other-key-0123456789abcdef"
#define CHAOS_SECOND_HASH "ef930a905aa029f128cd4ccc511beea86303b75a64904812bf9637466c2b82d9"

/* ---- chance */

struct chaos_random {
    uint64_t state;
};
uint64_t chaos_random_next(struct chaos_random *random);
unsigned chaos_below(struct chaos_random *random, unsigned limit);
unsigned chaos_between(struct chaos_random *random, unsigned least, unsigned most);
bool chaos_percent(struct chaos_random *random, unsigned percent);

/* ---- what a run does */

enum chaos_talk {
    TALK_NEW,
    TALK_NEXT,   /* of a session that nobody uses now */
    TALK_FORK,   /* of such a one */
    TALK_CROWD,  /* of one that somebody may be using */
    TALK_FOREIGN /* of one that belongs to the other key */
};

enum chaos_act {
    ACT_TELL,   /* what the CLI knows of the conversation */
    ACT_SLOW,   /* a text or an object, piece by piece */
    ACT_LONG,   /* more than the buffers hold */
    ACT_CUT,    /* by maxTokens */
    ACT_TOOL,   /* a shell command that leaves others behind */
    ACT_DAEMON, /* the CLI itself leaves one behind */
    ACT_HANG,
    ACT_LINGER, /* hangs once the result is out */
    ACT_CRASH,
    ACT_FAIL, /* the API, or a limit */
    ACT_MUTE, /* no result */
    CHAOS_ACTS
};

enum chaos_leave {
    LEAVE_NOT,
    LEAVE_SENDING, /* with `leave_after` percent of the request sent */
    LEAVE_WAITING, /* so many ms later */
    LEAVE_READING, /* after so many events */
    LEAVE_RESULT,  /* between the result and the end of the stream */
    CHAOS_LEAVES
};

enum chaos_manner { MANNER_CLOSE, MANNER_RESET, MANNER_HALF_CLOSE, CHAOS_MANNERS };

struct chaos_plan {
    unsigned number; /* from 1 */
    const char *path;
    bool second_key, streams, makes_object;
    enum chaos_talk talk;
    uint64_t choice; /* of the session */
    enum chaos_act act;
    bool ends_cli; /* by an act of its own */
    json_t *scenario, *fields;
    unsigned timeout_ms; /* 0: none */
    enum chaos_leave leave;
    enum chaos_manner manner;
    unsigned leave_after;
    int receive_buffer_bytes; /* 0: the usual one; else the client reads slowly */
    const char *piece;        /* the text is this, again and again; NULL: it may be any */
    unsigned repeat;
};

void chaos_plan_make(struct chaos_plan *plan, uint64_t seed, unsigned number);
void chaos_plan_finish(struct chaos_plan *plan);
const char *chaos_act_name(enum chaos_act act);
/* A line that says what the plan is. */
void chaos_plan_describe(const struct chaos_plan *plan, char *out, size_t size);

/* ---- what is known of conversations; may be called by any thread */

enum chaos_turn_state {
    TURN_OPEN,
    TURN_DONE,   /* its result has come: it must never be lost */
    TURN_MAYBE,  /* nobody can know whether the CLI has written it down */
    TURN_REFUSED /* must not have happened */
};

/* One turn as its client sees it. */
struct chaos_claim {
    const struct chaos_plan *plan;
    struct chaos_session *from; /* which it goes on with, or copies; NULL: it begins a new one */
    struct chaos_session *own;  /* to which the turn belongs; NULL: to none, it is foreign */
    size_t index;               /* of the turn in it */
    char id[37];                /* of `from`, "" for none */
    int turns;                  /* that the conversation holds; -1: nobody can know */
    unsigned last;              /* the number of the last one's run, 0: none */
};

struct chaos_book *chaos_book_create(void);
void chaos_book_destroy(struct chaos_book *book); /* takes NULL */
/* Finds a session that suits the plan; without one the turn begins a new one. */
struct chaos_claim chaos_book_begin(struct chaos_book *book, const struct chaos_plan *plan);
/* The gateway has told the id of the turn's session: it must be what is known of it. */
void chaos_book_learn(struct chaos_book *book, const struct chaos_claim *claim, const char *id);
/* Whether others have used the session since the turn began. */
bool chaos_book_is_crowded(struct chaos_book *book, const struct chaos_claim *claim);
/* Whether the gateway may say that the session is busy, or not there. */
bool chaos_book_may_be_busy(struct chaos_book *book, const struct chaos_claim *claim);
bool chaos_book_may_be_missing(struct chaos_book *book, const struct chaos_claim *claim);
void chaos_book_end(struct chaos_book *book, const struct chaos_claim *claim,
                    enum chaos_turn_state state);

enum chaos_session_use { SESSION_UNKNOWN, SESSION_UNUSED, SESSION_USED };
enum chaos_session_use chaos_book_use(struct chaos_book *book, const char *id);

/* Compares all sessions with the transcripts that the CLI has written below `home`. */
struct chaos_checked {
    unsigned sessions, turns;
    unsigned exact; /* sessions that must hold these turns, in this order, and no other */
};
struct chaos_checked chaos_book_check(struct chaos_book *book, const char *home);

/* ---- the gateway under test, and what has happened to it */

struct chaos {
    uint64_t seed;
    unsigned patience_ms; /* for whatever must come */
    struct gateway *gateway;
    pid_t worker; /* its process that serves */
    struct {      /* its configuration, from the seed */
        unsigned streaming, nonstreaming, queue, session_wait_ms, processes, warm;
    } limits;
    struct chaos_book *book;
    atomic_uint next, last; /* the number of the next run to do, and of the last one */
    atomic_bool ending; /* it was told to end: it may refuse, and cut what it has not accepted */
    /* What has happened: */
    atomic_uint begun, asked; /* runs, and those whose request is out */
    atomic_uint acts[CHAOS_ACTS], leaves[CHAOS_LEAVES];
    atomic_uint results, refused, timeouts, failed;
    atomic_uint broken;  /* runs that failed because their process had ended */
    atomic_uint planned; /* ends of processes that runs had planned */
};

/* Starts a gateway whose limits follow from the seed, with two keys. Prints them. */
void chaos_start(struct chaos *chaos);

/* ---- the record, for whoever looks for the reason of a failure */

/* Around all tests. Without KOINE_TEST_LOG its end is printed when they have failed. */
void chaos_record_begin(void);
void chaos_record_end(bool failed);
/* A line of it. */
void chaos_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- clients */

/* Takes runs and carries them out until none is left. For as many threads as you like. */
void chaos_client(struct chaos *chaos);

/* What has come back. */
struct chaos_answer {
    const struct chaos_plan *plan;
    const struct chaos_claim *claim;
    long status;    /* 0: of a stream that had begun */
    json_t *body;   /* of a failure, or of its event */
    char *text;     /* of a success, NULL: none */
    json_t *object; /* the same */
};
void chaos_judge_success(struct chaos *chaos, const struct chaos_answer *answer);
/* Gives what it says of the turn. */
enum chaos_turn_state chaos_judge_failure(struct chaos *chaos, const struct chaos_answer *answer);

/* ---- the killer */

enum chaos_victim {
    VICTIM_STARTING, /* it has been there for some ms */
    VICTIM_RUNNING,  /* a client uses its session */
    VICTIM_IDLE,     /* nobody does */
    VICTIM_OTHER,    /* a spare, or its client has not been told the session yet */
    CHAOS_VICTIMS
};
enum chaos_blow {
    BLOW_KILL,
    BLOW_TERMINATE,
    BLOW_STOP_AND_KILL,
    BLOW_STOP_FOR_A_WHILE,
    CHAOS_BLOWS
};

struct chaos_killed {
    unsigned victims[CHAOS_VICTIMS], blows[CHAOS_BLOWS], all;
    unsigned most; /* processes of the CLI seen at a time */
};

/* A thread that strikes now and then, less often than runs begin. Meanwhile it asserts that there
 * are never more processes of the CLI than may be, and never two with one session. */
struct chaos_killer *chaos_killer_start(struct chaos *chaos);
/* When it returns nothing is stopped any more. */
struct chaos_killed chaos_killer_stop(struct chaos_killer *killer);

/* Whether these are the arguments of a CLI that does turns; its session. */
bool chaos_is_cli(const char *arguments, size_t size, char session[37]);

/* ---- the end; each aborts the test */

/* Waits until no slot is taken and none waited for, and of processes there are none but those of
 * the CLI that wait, within their limit; then until these have gone too. */
void chaos_settle(const struct chaos *chaos);
/* Each key gets all of its slots. */
void chaos_check_slots(const struct chaos *chaos);
/* This process has no descendant left. */
void chaos_check_alone(const struct chaos *chaos);

struct chaos_size {
    int descriptors;
    uint64_t resident; /* bytes, of no file */
    uint64_t heap;     /* bytes in use; 0 where a sanitizer keeps it */
};
struct chaos_size chaos_size_of(const struct chaos *chaos);
/* No descriptor more than at first, and no more memory than some since `third`, `runs` ago. */
void chaos_check_size(const struct chaos *chaos, const struct chaos_size *first,
                      const struct chaos_size *third, unsigned runs);

#endif
