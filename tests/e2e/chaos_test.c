/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many runs at once with clients that leave, processes that are killed, tools that do not want to
 * go: in the end nothing is left, nothing has grown, and no turn is lost. The parts are described
 * in support/chaos.h.
 *
 *     KOINE_CHAOS_RUNS   how many runs (150)
 *     KOINE_CHAOS_SEED   what chance starts from; it is printed. The same seed gives the same runs,
 *                        but not the same moments.
 *     KOINE_TEST_LOG     keeps the record: the gateway's log, and who did what when
 */
#include "support/chaos.h"
#include "support/guarded_run.h"
#include "support/process_table.h"
#include "support/scratch_directory.h"
#include "support/sse_client.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>

enum { CLIENTS = 8, RUNS = 150, PATIENCE_MS = 30000 };

static struct chaos chaos;
static uint64_t first_seed;

static unsigned run_count(void) {
    const char *text = getenv("KOINE_CHAOS_RUNS");
    return text && *text ? (unsigned)strtoul(text, NULL, 10) : RUNS;
}

static uint64_t choose_seed(void) {
    const char *text = getenv("KOINE_CHAOS_SEED");
    uint32_t seed = 0;
    if (text && *text)
        return strtoull(text, NULL, 10);
    return getrandom(&seed, sizeof seed, 0) == sizeof seed ? seed : 1;
}

static void start(uint64_t seed) {
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* whatever the gateway leaves comes here */
    chaos.seed = seed;
    chaos.patience_ms = getenv("KOINE_SLOW") ? 3 * PATIENCE_MS : PATIENCE_MS;
    chaos.book = chaos_book_create();
    sse_set_patience(chaos.patience_ms);
    chaos_start(&chaos);
}

/* ---- runs */

static void *client_thread(void *data) {
    (void)data;
    chaos_client(&chaos);
    return NULL;
}

static void begin_runs(pthread_t threads[CLIENTS], unsigned last) {
    chaos.next = chaos.last + 1;
    chaos.last = last;
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, client_thread, NULL), 0);
}

static void end_runs(const pthread_t threads[CLIENTS]) {
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
}

/* Carries out the runs up to that number. */
static void run_until(unsigned last) {
    pthread_t threads[CLIENTS];
    begin_runs(threads, last);
    end_runs(threads);
}

/* ---- figures */

static void print_runs(double seconds) {
    printf("chaos: %u runs in %.1f s: %u results, %u refused, %u timeouts, %u other failures, %u "
           "of an ended CLI; left %u sending, %u waiting, %u reading, %u after the result\n",
           (unsigned)chaos.begun, seconds, (unsigned)chaos.results, (unsigned)chaos.refused,
           (unsigned)chaos.timeouts, (unsigned)chaos.failed, (unsigned)chaos.broken,
           (unsigned)chaos.leaves[LEAVE_SENDING], (unsigned)chaos.leaves[LEAVE_WAITING],
           (unsigned)chaos.leaves[LEAVE_READING], (unsigned)chaos.leaves[LEAVE_RESULT]);
}

static void print_killed(const struct chaos_killed *killed) {
    printf(
        "chaos: struck %u starting, %u running, %u idle, %u other; %u killed, %u terminated, "
        "%u stopped and killed, %u stopped for a while, %u by themselves; %u processes at most\n",
        killed->victims[VICTIM_STARTING], killed->victims[VICTIM_RUNNING],
        killed->victims[VICTIM_IDLE], killed->victims[VICTIM_OTHER], killed->blows[BLOW_KILL],
        killed->blows[BLOW_TERMINATE], killed->blows[BLOW_STOP_AND_KILL],
        killed->blows[BLOW_STOP_FOR_A_WHILE], (unsigned)chaos.planned, killed->most);
}

static void print_health(void) {
    struct http_response health = http_get(chaos.gateway, "/health");
    char *pool = json_dumps(http_member(&health, "pool"), JSON_COMPACT);
    printf("chaos: pool %s, killed %d, strays %d\n", pool, (int)http_integer(&health, "killed"),
           (int)http_integer(&health, "strays"));
    free(pool);
    http_response_finish(&health);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- tests */

/* Each death explains one failure. */
static void check_deaths(const struct chaos_killed *killed) {
    unsigned deaths = killed->all - killed->blows[BLOW_STOP_FOR_A_WHILE] + chaos.planned;
    ck_assert_msg(chaos.broken <= deaths, "%u runs failed by the end of their CLI, %u have ended",
                  (unsigned)chaos.broken, deaths);
}

static void check_conversations(void) {
    char *home = gateway_path(chaos.gateway, "home");
    struct chaos_checked checked = chaos_book_check(chaos.book, home);
    printf("chaos: %u sessions of %u turns; %u hold exactly what they must\n", checked.sessions,
           checked.turns, checked.exact);
    free(home);
}

START_TEST(nothing_is_left_and_no_turn_is_lost)
{
    const unsigned runs = run_count();
    const double began_s = now_s();
    start(first_seed);
    chaos_settle(&chaos);
    const struct chaos_size first = chaos_size_of(&chaos);
    struct chaos_killer *killer = chaos_killer_start(&chaos);
    run_until(runs / 3);
    chaos_settle(&chaos);
    const struct chaos_size third = chaos_size_of(&chaos);
    run_until(runs);
    const struct chaos_killed killed = chaos_killer_stop(killer);
    print_runs(now_s() - began_s);
    print_killed(&killed);
    chaos_settle(&chaos);
    chaos_check_size(&chaos, &first, &third, runs - runs / 3);
    check_deaths(&killed);
    check_conversations();
    chaos_check_slots(&chaos);
    print_health();
    gateway_stop(chaos.gateway);
    chaos_check_alone(&chaos);
    chaos_book_destroy(chaos.book);
}
END_TEST

static bool has_asked(const void *data) {
    (void)data;
    return chaos.asked == chaos.begun;
}

static bool has_begun(const void *count) {
    return chaos.begun >= *(const unsigned *)count;
}

START_TEST(a_gateway_that_is_told_to_end_leaves_nothing)
{
    struct chaos_random random = {first_seed + (uint64_t)_i};
    const unsigned count = chaos_between(&random, CLIENTS, 5 * CLIENTS);
    pthread_t threads[CLIENTS];
    start(first_seed + (uint64_t)_i);
    struct chaos_killer *killer = chaos_killer_start(&chaos);
    begin_runs(threads, RUNS);
    ck_assert(await(has_begun, &count, chaos.patience_ms));
    chaos.last = 0;
    ck_assert(await(has_asked, NULL, chaos.patience_ms));
    chaos.ending = true;
    gateway_terminate(chaos.gateway);
    end_runs(threads);
    const struct chaos_killed killed = chaos_killer_stop(killer);
    check_deaths(&killed);
    check_conversations();
    gateway_join(chaos.gateway);
    chaos_check_alone(&chaos);
    chaos_book_destroy(chaos.book);
}
END_TEST

static int run_tests(void) {
    Suite *suite = suite_create("chaos");
    TCase *tcase = tcase_create("chaos");
    int endings = 1 + (int)run_count() / RUNS;
    first_seed = choose_seed();
    tcase_set_timeout(tcase, 120 + run_count());
    tcase_add_test(tcase, nothing_is_left_and_no_turn_is_lost);
    tcase_add_loop_test(tcase, a_gateway_that_is_told_to_end_leaves_nothing, 0, endings);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void) {
    chaos_record_begin();
    int status = guarded_run(run_tests);
    chaos_record_end(status != EXIT_SUCCESS);
    return status;
}
