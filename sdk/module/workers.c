/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fixed number of threads and a bounded queue. Threads take jobs from it and leave them, done, in
 * a second list, which the loop thread empties when a post tells it to, or in destroy.
 */
#include <koine-module/workers.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { MAXIMUM_THREADS = 64 };

struct job {
    struct job *next;
    void (*work)(void *data);
    void (*done)(void *data);
    void *data;
};

struct list {
    struct job *first, **last;
};

struct koine_workers {
    const struct koine_host *host;
    const struct koine_loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job waits, or the end has come */
    struct list waiting, finished;
    bool stopping;
    uint32_t pending; /* of the loop thread alone */
    uint32_t most;    /* jobs that may be pending */
    uint32_t thread_count;
    pthread_t threads[MAXIMUM_THREADS];
};

static void list_clear(struct list *list) {
    list->first = NULL;
    list->last = &list->first;
}

static void list_add(struct list *list, struct job *job) {
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
}

static struct job *list_take(struct list *list) {
    struct job *job = list->first;
    if (job && !(list->first = job->next))
        list->last = &list->first;
    return job;
}

/* Everything of the list, so that `done` runs without the lock: it may submit again. */
static struct job *take_all(struct koine_workers *workers, struct list *list) {
    pthread_mutex_lock(&workers->lock);
    struct job *jobs = list->first;
    list_clear(list);
    pthread_mutex_unlock(&workers->lock);
    return jobs;
}

static void call_done(struct koine_workers *workers, struct job *jobs) {
    while (jobs) {
        struct job *job = jobs;
        jobs = job->next;
        workers->pending--;
        job->done(job->data);
        free(job);
    }
}

/* On the loop thread. A second post for the same jobs finds the list empty. */
static void collect(void *data) {
    struct koine_workers *workers = data;
    call_done(workers, take_all(workers, &workers->finished));
}

/* A job that is done must be told of, however short memory is; but not once destroy has been
 * called, which sees for itself and may not be posted to. So the lock is held. */
static void tell(struct koine_workers *workers) {
    static const struct timespec moment = {0, 10 * 1000 * 1000};
    while (!workers->stopping &&
           workers->loop->post(workers->host, collect, workers) == KOINE_NO_MEMORY) {
        pthread_mutex_unlock(&workers->lock);
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&workers->lock);
    }
}

static struct job *await_job(struct koine_workers *workers) {
    while (!workers->waiting.first && !workers->stopping)
        pthread_cond_wait(&workers->changed, &workers->lock);
    return workers->stopping ? NULL : list_take(&workers->waiting);
}

static void *run(void *data) {
    struct koine_workers *workers = data;
    struct job *job;
    pthread_mutex_lock(&workers->lock);
    while ((job = await_job(workers))) {
        pthread_mutex_unlock(&workers->lock);
        job->work(job->data);
        pthread_mutex_lock(&workers->lock);
        list_add(&workers->finished, job);
        tell(workers);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

struct koine_workers *koine_workers_create(const struct koine_host *host, uint32_t threads,
                                           uint32_t queue) {
    struct koine_workers *workers =
        threads >= 1 && threads <= MAXIMUM_THREADS ? calloc(1, sizeof(*workers)) : NULL;
    if (!workers)
        return NULL;
    workers->host = host;
    workers->loop = host->service(host, KOINE_LOOP);
    workers->most = queue < UINT32_MAX - threads ? threads + queue : UINT32_MAX;
    list_clear(&workers->waiting);
    list_clear(&workers->finished);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->changed, NULL);
    while (workers->thread_count < threads &&
           pthread_create(&workers->threads[workers->thread_count], NULL, run, workers) == 0)
        workers->thread_count++;
    if (workers->loop && workers->thread_count == threads)
        return workers;
    koine_workers_destroy(workers);
    return NULL;
}

int32_t koine_workers_submit(struct koine_workers *workers, void (*work)(void *data),
                             void (*done)(void *data), void *data) {
    if (workers->pending >= workers->most)
        return KOINE_REFUSED;
    struct job *job = malloc(sizeof(*job));
    if (!job)
        return KOINE_NO_MEMORY;
    *job = (struct job){NULL, work, done, data};
    workers->pending++;
    pthread_mutex_lock(&workers->lock);
    list_add(&workers->waiting, job);
    pthread_cond_signal(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    /* cppcheck-suppress memleak ; the list has it */
    return KOINE_OK;
}

uint32_t koine_workers_pending(const struct koine_workers *workers) {
    return workers->pending;
}

bool koine_workers_ending(const struct koine_workers *workers) {
    return workers->stopping; /* set by the loop thread alone */
}

void koine_workers_destroy(struct koine_workers *workers) {
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    for (uint32_t i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    call_done(workers, take_all(workers, &workers->finished));
    call_done(workers, take_all(workers, &workers->waiting));
    pthread_cond_destroy(&workers->changed);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}
