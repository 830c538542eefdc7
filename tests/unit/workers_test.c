/* SPDX-License-Identifier: Apache-2.0 */
/* The module SDK's worker threads against a host that only takes posts: each job is done once, on
 * the loop's thread, whatever happens to the posts, the queue and the module. */
#include "support/test_main.h"
#include <koine-module/workers.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* ---- a host that takes posts ------------------------------------------------------------- */

enum { POSTS = 64 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        void (*callback)(void *data);
        void *data;
    } posts[POSTS];
    size_t taken, run;
    int refusals;   /* so many posts find no memory at first */
    bool closed;    /* the module may no longer post */
    size_t refused; /* posts that were told so */
    pthread_t loop_thread;
} loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int32_t post(const struct koine_host *host, void (*callback)(void *data), void *data) {
    int32_t result = KOINE_OK;
    (void)host;
    pthread_mutex_lock(&loop.lock);
    if (loop.refusals) {
        loop.refusals--;
        result = KOINE_NO_MEMORY;
    } else if (loop.closed) {
        loop.refused++;
        result = KOINE_WRONG_STATE;
    } else {
        ck_assert_uint_lt(loop.taken, POSTS);
        loop.posts[loop.taken].callback = callback;
        loop.posts[loop.taken++].data = data;
    }
    pthread_cond_broadcast(&loop.changed);
    pthread_mutex_unlock(&loop.lock);
    return result;
}

static const struct koine_loop service = {.size = sizeof(service), .post = post};

static const void *find(const struct koine_host *host, const char *id) {
    (void)host;
    return strcmp(id, KOINE_LOOP) == 0 ? &service : NULL;
}

static const struct koine_host host = {sizeof(struct koine_host), 1, 0, find};

/* As the event loop does: the next post, waiting for it. */
static void run_post(void) {
    pthread_mutex_lock(&loop.lock);
    while (loop.run == loop.taken)
        pthread_cond_wait(&loop.changed, &loop.lock);
    size_t index = loop.run++;
    pthread_mutex_unlock(&loop.lock);
    loop.posts[index].callback(loop.posts[index].data);
}

static void await_refused(size_t count) {
    pthread_mutex_lock(&loop.lock);
    while (loop.refused < count)
        pthread_cond_wait(&loop.changed, &loop.lock);
    pthread_mutex_unlock(&loop.lock);
}

/* ---- jobs -------------------------------------------------------------------------------- */

struct job {
    atomic_int worked;
    int done;
    bool on_other_thread, done_on_loop;
    sem_t *gate; /* is waited for before the work; NULL: none */
};

static void work(void *data) {
    struct job *job = data;
    if (job->gate)
        sem_wait(job->gate);
    job->on_other_thread = !pthread_equal(pthread_self(), loop.loop_thread);
    atomic_fetch_add(&job->worked, 1);
}

static void done(void *data) {
    struct job *job = data;
    job->done++;
    job->done_on_loop = pthread_equal(pthread_self(), loop.loop_thread);
}

static void assert_done(const struct job *job, int worked) {
    ck_assert_int_eq(job->worked, worked);
    ck_assert_int_eq(job->done, 1);
    ck_assert(job->done_on_loop);
    ck_assert_int_eq(job->on_other_thread, worked);
}

static struct koine_workers *workers;

/* Posts of an earlier test belong to threads that are gone. */
static void start(uint32_t threads, uint32_t queue) {
    loop.taken = loop.run = loop.refused = 0;
    loop.refusals = 0;
    loop.closed = false;
    loop.loop_thread = pthread_self();
    workers = koine_workers_create(&host, threads, queue);
    ck_assert_ptr_nonnull(workers);
}

static void submit(struct job *job, int32_t expected) {
    ck_assert_int_eq(koine_workers_submit(workers, work, done, job), expected);
}

START_TEST(each_job_is_worked_and_done_once)
{
    struct job jobs[20] = {0};
    start(4, 20);
    for (size_t i = 0; i < 20; i++)
        submit(&jobs[i], KOINE_OK);
    while (koine_workers_pending(workers))
        run_post();
    koine_workers_destroy(workers);
    for (size_t i = 0; i < 20; i++)
        assert_done(&jobs[i], 1);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
    sem_t gate;
    struct job jobs[4] = {{.gate = &gate}, {.gate = &gate}, {0}, {0}};
    ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
    start(1, 1);
    submit(&jobs[0], KOINE_OK);
    submit(&jobs[1], KOINE_OK);
    submit(&jobs[2], KOINE_REFUSED);
    ck_assert_uint_eq(koine_workers_pending(workers), 2);
    sem_post(&gate);
    sem_post(&gate);
    while (koine_workers_pending(workers))
        run_post();
    submit(&jobs[3], KOINE_OK); /* there is room again */
    while (koine_workers_pending(workers))
        run_post();
    koine_workers_destroy(workers);
    assert_done(&jobs[1], 1);
    assert_done(&jobs[3], 1);
    ck_assert_int_eq(jobs[2].worked + jobs[2].done, 0);
}
END_TEST

START_TEST(without_memory_for_a_post_it_is_told_later)
{
    struct job job = {0};
    start(1, 0);
    loop.refusals = 3;
    submit(&job, KOINE_OK);
    run_post();
    koine_workers_destroy(workers);
    assert_done(&job, 1);
}
END_TEST

START_TEST(what_is_done_when_the_module_ends_is_told_all_the_same)
{
    struct job job = {0};
    start(1, 0);
    loop.closed = true;
    submit(&job, KOINE_OK);
    await_refused(1);
    ck_assert_int_eq(job.done, 0);
    koine_workers_destroy(workers);
    assert_done(&job, 1);
}
END_TEST

/* Lets the job go on once the end of the module may have begun: destroy waits for it. */
static void *open_gate(void *data) {
    sem_post(data);
    return NULL;
}

START_TEST(what_waits_when_the_module_ends_is_given_up)
{
    sem_t gate;
    struct job running = {.gate = &gate}, waiting[2] = {{0}, {0}};
    pthread_t opener;
    ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
    start(1, 2);
    loop.closed = true;
    submit(&running, KOINE_OK);
    submit(&waiting[0], KOINE_OK);
    submit(&waiting[1], KOINE_OK);
    ck_assert_int_eq(pthread_create(&opener, NULL, open_gate, &gate), 0);
    koine_workers_destroy(workers);
    pthread_join(opener, NULL);
    ck_assert_int_eq(running.done + waiting[0].done + waiting[1].done, 3);
    for (int i = 0; i < 2; i++)
        assert_done(&waiting[i], waiting[i].worked);
}
END_TEST

START_TEST(a_number_of_threads_that_cannot_be)
{
    ck_assert_ptr_null(koine_workers_create(&host, 0, 1));
    ck_assert_ptr_null(koine_workers_create(&host, 65, 1));
    koine_workers_destroy(NULL);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        each_job_is_worked_and_done_once,
        a_full_queue_refuses,
        without_memory_for_a_post_it_is_told_later,
        what_is_done_when_the_module_ends_is_told_all_the_same,
        what_waits_when_the_module_ends_is_given_up,
        a_number_of_threads_that_cannot_be,
    };
    return test_main("workers", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
