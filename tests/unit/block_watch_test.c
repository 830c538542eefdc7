/* SPDX-License-Identifier: Apache-2.0 */
/* The judge of blocked loops, look by look. With real processes: e2e/module_blocks_test.c. */
#include "supervisor/block_watch.h"
#include "support/test_main.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 1000000, LIMIT_MS = 10000 };

static struct worker_notes notes;
static struct block_watch watch;
static uint64_t next_ms;

static void setup(void) {
    memset(&notes, 0, sizeof notes);
    memset(&watch, 0, sizeof watch);
}

static void enter_at(uint64_t since_ms) {
    atomic_store(&notes.inside_since_ms, since_ms);
    atomic_store(&notes.inside, NOTES_INSIDE(NOTES_HANDLER, 1u, 0u));
}

static void leave(void) {
    atomic_store(&notes.inside, 0);
}

static enum block_verdict look_at(uint64_t now_ms) {
    return block_watch_look(&watch, &notes, getpid(), LIMIT_MS, now_ms, &next_ms);
}

START_TEST(a_block_is_noticed_once_and_at_its_time)
{
    enter_at(START_MS);
    ck_assert_int_eq(look_at(START_MS + 400), BLOCK_NONE);
    ck_assert_uint_eq(next_ms, START_MS + 1000);
    ck_assert_int_eq(look_at(START_MS + 1000), BLOCK_NOTICED);
    ck_assert_int_eq(look_at(START_MS + 2000), BLOCK_NONE);
    leave();
    ck_assert_int_eq(look_at(START_MS + 3000), BLOCK_NONE);
    enter_at(START_MS + 3500);
    ck_assert_int_eq(look_at(START_MS + 4000), BLOCK_NONE);
    ck_assert_int_eq(look_at(START_MS + 4500), BLOCK_NOTICED);
}
END_TEST

START_TEST(it_is_too_long_at_the_limit)
{
    enter_at(START_MS);
    for (uint64_t now = START_MS + 1000; now < START_MS + LIMIT_MS; now += 1000)
        ck_assert_int_ne(look_at(now), BLOCK_TOO_LONG);
    ck_assert_int_eq(look_at(START_MS + LIMIT_MS), BLOCK_TOO_LONG);
    ck_assert_uint_eq(watch.blocked_ms, LIMIT_MS);
}
END_TEST

START_TEST(many_short_calls_are_no_block)
{
    for (uint64_t now = START_MS; now < START_MS + 60000; now += 1000) {
        enter_at(now - 3);
        ck_assert_int_eq(look_at(now), BLOCK_NONE);
    }
    ck_assert(!atomic_load(&notes.watcher_sleeps)); /* it is at work */
}
END_TEST

/* A supervisor that was stopped itself has seen nothing of the time between. */
START_TEST(a_gap_between_looks_counts_little)
{
    enter_at(START_MS);
    look_at(START_MS + 500);
    ck_assert_int_eq(look_at(START_MS + 3600000), BLOCK_NOTICED);
    ck_assert_uint_le(watch.blocked_ms, 2500);
}
END_TEST

START_TEST(a_stopped_worker_does_not_block)
{
    pid_t worker = fork();
    if (worker == 0)
        for (;;)
            pause();
    int status;
    ck_assert_int_gt(worker, 0);
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(worker, &status, WUNTRACED), worker);
    enter_at(START_MS);
    for (uint64_t now = START_MS; now < START_MS + 60000; now += 1000)
        ck_assert_int_eq(block_watch_look(&watch, &notes, worker, LIMIT_MS, now, &next_ms),
                         BLOCK_NONE);
    kill(worker, SIGKILL);
    waitpid(worker, &status, 0);
}
END_TEST

START_TEST(at_rest_it_asks_to_be_woken_and_looks_no_more)
{
    enter_at(START_MS);
    leave();
    look_at(START_MS + 1000);
    ck_assert(!atomic_load(&notes.watcher_sleeps));
    look_at(START_MS + 2000);
    ck_assert(atomic_load(&notes.watcher_sleeps)); /* said, and looked at once more */
    ck_assert_uint_eq(next_ms, START_MS + 3000);
    look_at(START_MS + 3000);
    ck_assert_uint_eq(next_ms, UINT64_MAX);
    enter_at(START_MS + 9000); /* the worker wakes it */
    ck_assert_int_eq(look_at(START_MS + 9000), BLOCK_NONE);
    ck_assert_uint_eq(next_ms, START_MS + 10000);
}
END_TEST

START_TEST(notes_become_words)
{
    char out[200];
    strcpy(notes.modules[0], "sql");
    strcpy(notes.routes[1], "POST /query");
    ck_assert_str_eq(notes_describe(&notes, NOTES_INSIDE(NOTES_HANDLER, 1u, 2u), out, sizeof out),
                     "module sql (handler of POST /query)");
    ck_assert_str_eq(notes_describe(&notes, NOTES_INSIDE(NOTES_TIMER, 1u, 0u), out, sizeof out),
                     "module sql (timer)");
    ck_assert_str_eq(notes_describe(&notes, NOTES_INSIDE(NOTES_POST, 0u, 0u), out, sizeof out),
                     "module ? (post)");
    ck_assert_str_eq(notes_describe(&notes, 0, out, sizeof out), "");
    ck_assert_str_eq(notes_describe(&notes, UINT32_MAX, out, sizeof out), "module ? (its code)");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_block_is_noticed_once_and_at_its_time,
        it_is_too_long_at_the_limit,
        many_short_calls_are_no_block,
        a_gap_between_looks_counts_little,
        a_stopped_worker_does_not_block,
        at_rest_it_asks_to_be_woken_and_looks_no_more,
        notes_become_words,
    };
    return test_main("block_watch", setup, NULL, tests, sizeof tests / sizeof *tests);
}
