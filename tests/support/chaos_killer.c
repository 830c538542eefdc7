/* SPDX-License-Identifier: Apache-2.0 */
/* Strikes processes of the CLI at random moments. Only children of the gateway: a pidfd is taken
 * first, and then looked whether it is still the one that was meant. */
#include "support/chaos.h"
#include "support/process_family.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

enum {
    PROCESSES = 64,
    STARTING_MS = 40,
    STRIKE_MS = 40, /* between two strikes at most */
    RUNS_A_STRIKE = 3,
    STOPPED = 4,
    LONGEST_STOP_MS = 250
};

struct cli {
    pid_t pid;
    uint64_t age_ms;
    char session[37];
};

/* One that was stopped; something must follow. */
struct stopped {
    int pidfd; /* -1: free */
    uint64_t until_ms;
    int signal;
};

struct chaos_killer {
    struct chaos *chaos;
    pthread_t thread;
    atomic_bool stop;
    struct chaos_random random;
    struct stopped stopped[STOPPED];
    struct chaos_killed counts;
};

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- who is there */

bool chaos_is_cli(const char *arguments, size_t size, char session[37]) {
    const char *name = strrchr(arguments, '/');
    const char *id = process_argument(arguments, size, "--session-id=");
    if (!name || strcmp(name, "/claude") != 0 || !process_argument(arguments, size, "--print"))
        return false;
    if (!id)
        id = process_argument(arguments, size, "--resume=");
    memset(session, 0, 37);
    memcpy(session, id ? id : "", id ? strnlen(id, 36) : 0);
    return true;
}

/* Each leads a group. What one of them forks has its arguments too, until it executes a program. */
static bool is_started(pid_t pid) {
    return getpgid(pid) == pid;
}

static size_t find_clis(pid_t parent, struct cli clis[PROCESSES]) {
    struct process_family family = process_family_of(parent);
    size_t count = 0;
    for (size_t i = 0; i < family.count && count < PROCESSES; i++) {
        const struct process_relative *one = &family.items[i];
        char arguments[8192];
        size_t size = one->parent == parent && is_started(one->pid)
                          ? process_arguments(one->pid, arguments, sizeof arguments)
                          : 0;
        clis[count] = (struct cli){one->pid, one->age_ms, ""};
        count += size > 0 && chaos_is_cli(arguments, size, clis[count].session);
    }
    process_family_finish(&family);
    return count;
}

static bool is_still(const struct chaos_killer *killer, const struct cli *cli) {
    char arguments[8192], session[37];
    size_t size = process_arguments(cli->pid, arguments, sizeof arguments);
    return size > 0 && is_started(cli->pid) && chaos_is_cli(arguments, size, session) &&
           strcmp(session, cli->session) == 0 &&
           process_is_child_of(cli->pid, killer->chaos->worker);
}

/* A list is no snapshot: who ended while it was made may stand beside who was started after that.
 */
static void check_pool(struct chaos_killer *killer, const struct cli *clis, size_t count) {
    size_t living = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (strcmp(clis[i].session, clis[k].session) == 0)
                ck_assert_msg(!is_still(killer, &clis[i]) || !is_still(killer, &clis[k]),
                              "two processes, %d and %d, have the session %s", (int)clis[i].pid,
                              (int)clis[k].pid, clis[i].session);
    for (size_t i = 0; count > killer->chaos->limits.processes && i < count; i++)
        living += is_still(killer, &clis[i]);
    ck_assert_msg(living <= killer->chaos->limits.processes,
                  "there are %zu processes of the CLI, %u may be", living,
                  killer->chaos->limits.processes);
    if (count > killer->counts.most)
        killer->counts.most = (unsigned)count;
}

static enum chaos_victim kind_of(const struct chaos_killer *killer, const struct cli *cli) {
    if (cli->age_ms < STARTING_MS)
        return VICTIM_STARTING;
    switch (chaos_book_use(killer->chaos->book, cli->session)) {
    case SESSION_USED:
        return VICTIM_RUNNING;
    case SESSION_UNUSED:
        return VICTIM_IDLE;
    default:
        return VICTIM_OTHER;
    }
}

/* Each kind is as likely as any other that is there. */
static const struct cli *choose(struct chaos_killer *killer, const struct cli *clis, size_t count,
                                enum chaos_victim *kind) {
    const struct cli *of_kind[CHAOS_VICTIMS][PROCESSES];
    size_t counts[CHAOS_VICTIMS] = {0};
    if (count == 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        enum chaos_victim its = kind_of(killer, &clis[i]);
        of_kind[its][counts[its]++] = &clis[i];
    }
    do
        *kind = (enum chaos_victim)chaos_below(&killer->random, CHAOS_VICTIMS);
    while (counts[*kind] == 0);
    return of_kind[*kind][chaos_below(&killer->random, (unsigned)counts[*kind])];
}

/* ---- blows */

static enum chaos_blow choose_blow(struct chaos_killer *killer) {
    unsigned number = chaos_below(&killer->random, 100);
    return number < 45   ? BLOW_KILL
           : number < 70 ? BLOW_TERMINATE
           : number < 88 ? BLOW_STOP_AND_KILL
                         : BLOW_STOP_FOR_A_WHILE;
}

/* True when the descriptor is kept for what follows. */
static bool stop(struct chaos_killer *killer, int pidfd, int then) {
    for (unsigned i = 0; i < STOPPED; i++)
        if (killer->stopped[i].pidfd < 0) {
            unsigned after = chaos_between(&killer->random, 1, LONGEST_STOP_MS);
            pidfd_send_signal(pidfd, SIGSTOP, NULL, 0);
            killer->stopped[i] = (struct stopped){pidfd, now_ms() + after, then};
            return true;
        }
    pidfd_send_signal(pidfd, then, NULL, 0); /* too many are stopped already */
    return false;
}

static void strike(struct chaos_killer *killer, const struct cli *cli, enum chaos_victim kind) {
    static const char *const kinds[] = {"starting", "running", "idle", "other"};
    static const char *const blows[] = {"killed", "terminated", "stopped, to be killed",
                                        "stopped for a while"};
    enum chaos_blow blow = choose_blow(killer);
    int pidfd = pidfd_open(cli->pid, 0);
    bool kept = false;
    if (pidfd < 0)
        return;
    if (is_still(killer, cli)) {
        chaos_note("process %d (%s, session %s) is %s", (int)cli->pid, kinds[kind], cli->session,
                   blows[blow]);
        killer->counts.victims[kind]++;
        killer->counts.blows[blow]++;
        killer->counts.all++;
        if (blow == BLOW_KILL || blow == BLOW_TERMINATE)
            pidfd_send_signal(pidfd, blow == BLOW_KILL ? SIGKILL : SIGTERM, NULL, 0);
        else
            kept = stop(killer, pidfd, blow == BLOW_STOP_AND_KILL ? SIGKILL : SIGCONT);
    }
    if (!kept)
        close(pidfd);
}

static void follow_up(struct chaos_killer *killer, bool all) {
    for (unsigned i = 0; i < STOPPED; i++) {
        struct stopped *stopped = &killer->stopped[i];
        if (stopped->pidfd < 0 || (!all && now_ms() < stopped->until_ms))
            continue;
        pidfd_send_signal(stopped->pidfd, stopped->signal, NULL, 0);
        close(stopped->pidfd);
        stopped->pidfd = -1;
    }
}

/* ---- its life */

static void *work(void *data) {
    struct chaos_killer *killer = data;
    struct cli clis[PROCESSES];
    while (!killer->stop) {
        enum chaos_victim kind;
        unsigned ms = chaos_between(&killer->random, 1, STRIKE_MS);
        nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
        size_t count = find_clis(killer->chaos->worker, clis);
        check_pool(killer, clis, count);
        const struct cli *victim = choose(killer, clis, count, &kind);
        bool may_strike = killer->counts.all * RUNS_A_STRIKE < killer->chaos->begun;
        if (victim && may_strike && !killer->stop)
            strike(killer, victim, kind);
        follow_up(killer, false);
    }
    follow_up(killer, true);
    return NULL;
}

struct chaos_killer *chaos_killer_start(struct chaos *chaos) {
    struct chaos_killer *killer = calloc(1, sizeof *killer);
    ck_assert_ptr_nonnull(killer);
    killer->chaos = chaos;
    killer->random.state = ~chaos->seed;
    for (unsigned i = 0; i < STOPPED; i++)
        killer->stopped[i].pidfd = -1;
    ck_assert_int_eq(pthread_create(&killer->thread, NULL, work, killer), 0);
    return killer;
}

struct chaos_killed chaos_killer_stop(struct chaos_killer *killer) {
    killer->stop = true;
    pthread_join(killer->thread, NULL);
    struct chaos_killed counts = killer->counts;
    free(killer);
    return counts;
}
