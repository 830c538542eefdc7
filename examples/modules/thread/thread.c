/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /count?file=PATH: lines, words and bytes of a file below the directory of the settings. Files
 * block, so they are opened and read on threads: the event loop must never wait. Stops reading when
 * the client has left; gives nothing away but three numbers.
 */
#include <errno.h>
#include <fcntl.h>
#include <koine-module/answer.h>
#include <koine-module/embed.h>
#include <koine-module/request.h>
#include <koine-module/wanted.h>
#include <koine-module/workers.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

KOINE_EMBED(openapi, "openapi.yaml");
KOINE_EMBED(config_schema, "config-schema.json");

enum { PIECE_BYTES = 256 * 1024, RETRY_AFTER_S = 2 };

struct state {
    struct koine_self self;
    struct koine_workers *workers;
    int directory; /* open from start to destroy */
    int64_t threads, queue;
    koine_metric jobs;
};

static struct state *state_of(void *data) {
    return (struct state *)koine_self_of(data);
}

/* ---- a job: malloc'd, for the request's memory ends with the request */

struct job {
    uint32_t magic;
    int error; /* errno; 0: counted */
    struct state *state;
    koine_request request;
    struct koine_wanted wanted;
    uint64_t lines, words, bytes;
    char file[]; /* as the client wrote it, terminated */
};

enum { JOB_MAGIC = 0x6a6f6221 };

static struct job *job_of(void *data) {
    struct job *job = data;
    if (job->magic != JOB_MAGIC)
        abort();
    return job;
}

static void add_jobs(const struct state *state, double count) {
    state->self.metrics->add(state->self.host, state->jobs, count);
}

/* ---- on a thread: calls nothing of the host */

/* The kernel itself keeps the path below the directory, whatever "..", absolute path or symbolic
 * link it holds and whoever changes the tree meanwhile. O_NONBLOCK: a FIFO must not hold a thread.
 */
static int open_below(int directory, const char *file) {
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    const long fd = syscall(SYS_openat2, directory, file, &how, sizeof(how));
    struct stat status;
    if (fd < 0)
        return -errno;
    if (fstat((int)fd, &status) == 0 && S_ISREG(status.st_mode))
        return (int)fd;
    close((int)fd);
    return -EISDIR;
}

static void count_piece(struct job *job, const char *piece, size_t size, bool *in_word) {
    for (size_t i = 0; i < size; i++) {
        const bool space = piece[i] == ' ' || (piece[i] >= '\t' && piece[i] <= '\r');
        job->lines += piece[i] == '\n';
        job->words += !space && !*in_word;
        *in_word = !space;
    }
    job->bytes += size;
}

/* 0, or errno. */
static int count_file(struct job *job, int fd) {
    char *piece = malloc(PIECE_BYTES);
    bool in_word = false;
    ssize_t size = 0;
    if (!piece)
        return ENOMEM;
    while (koine_wanted(&job->wanted)) {
        size = read(fd, piece, PIECE_BYTES);
        if (size <= 0)
            break;
        count_piece(job, piece, (size_t)size, &in_word);
    }
    const int error = size < 0 ? errno : 0;
    free(piece);
    return error;
}

static void work(void *data) {
    struct job *job = job_of(data);
    if (!koine_wanted(&job->wanted))
        return; /* the client has left while the job waited */
    const int fd = open_below(job->state->directory, job->file);
    if (fd < 0) {
        job->error = -fd;
        return;
    }
    job->error = count_file(job, fd);
    close(fd);
}

/* ---- on the loop */

/* A path that leads out of the directory is answered as one that leads nowhere. */
static void answer_error(const struct koine_self *self, const struct job *job) {
    switch (job->error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EXDEV:
    case ELOOP:
    case EACCES:
    case ENAMETOOLONG:
        koine_fail(self, job->request, 404, "NOT_FOUND",
                   "There is no such file that can be read: give the path of a regular file, from "
                   "the directory that the gateway serves");
        break;
    default:
        koine_log_print(self, KOINE_LOG_ERROR, job->request, "a file cannot be read: %s",
                        strerror(job->error));
        koine_fail(self, job->request, 500, "INTERNAL_ERROR", "The file cannot be read");
    }
}

/* Also after the client has left: nothing here does harm then. */
static void answer(const struct koine_self *self, const struct job *job) {
    if (job->error)
        answer_error(self, job);
    else
        koine_answer(self, job->request, 200,
                     json_pack("{s:I,s:I,s:I}", "lines", (json_int_t)job->lines, "words",
                               (json_int_t)job->words, "bytes", (json_int_t)job->bytes));
}

static void done(void *data) {
    struct job *job = job_of(data);
    if (!koine_workers_ending(job->state->workers)) {
        answer(&job->state->self, job);
        add_jobs(job->state, -1);
    }
    koine_wanted_forget(&job->wanted);
    free(job);
}

/* ---- GET /count */

struct parameters {
    struct koine_text file;
};

static const struct koine_body_field parameters[] = {
    KOINE_BODY_LIMITED(struct parameters, file, "file", KOINE_BODY_STRING, KOINE_BODY_REQUIRED, 1,
                       4000),
};

static struct job *job_create(struct state *state, koine_request request, struct koine_text file) {
    struct job *job = calloc(1, sizeof(*job) + file.size + 1);
    if (!job || koine_wanted_follow(&job->wanted, &state->self, request) != KOINE_OK) {
        free(job); /* nothing follows the request yet */
        return NULL;
    }
    job->magic = JOB_MAGIC;
    job->state = state;
    job->request = request;
    memcpy(job->file, file.data, file.size);
    return job;
}

static void refuse(const struct koine_self *self, koine_request request, int32_t result) {
    if (result == KOINE_REFUSED)
        koine_fail_for_now(self, request, 503, "UNAVAILABLE", RETRY_AFTER_S,
                           "All threads are busy and the queue is full; try again later");
    else
        koine_fail_for_memory(self, request);
}

static void handle(void *data, koine_request request) {
    struct state *state = state_of(data);
    struct parameters query = {.file = {NULL, 0}};
    if (!koine_query_parse(state->self.host, request, parameters, KOINE_COUNT(parameters), &query))
        return;
    struct job *job = job_create(state, request, query.file);
    const int32_t result =
        job ? koine_workers_submit(state->workers, work, done, job) : KOINE_NO_MEMORY;
    if (result == KOINE_OK) {
        add_jobs(state, 1);
        return;
    }
    if (job)
        koine_wanted_forget(&job->wanted);
    free(job);
    refuse(&state->self, request, result);
}

/* ---- the module */

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct state *state = state_of(data);
    const struct koine_self *self = &state->self;
    const struct koine_metric_options jobs = {.size = sizeof(jobs),
                                              .type = KOINE_METRIC_GAUGE,
                                              .name = "jobs",
                                              .help = "Files being counted or waiting for it."};
    struct koine_text directory = {NULL, 0};
    (void)config;
    state->threads = 2;
    state->queue = 16;
    self->config->integer(self->host, "threads", &state->threads);
    self->config->integer(self->host, "queue", &state->queue);
    self->config->text(self->host, "directory", &directory); /* the schema requires it */
    state->directory = open(directory.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state->directory < 0)
        return koine_error_set(error, KOINE_INVALID,
                               "modules.settings.thread.directory: %s: %s; name a directory that "
                               "the gateway may read",
                               directory.data, strerror(errno));
    if (self->metrics->define(self->host, &jobs, &state->jobs) != KOINE_OK)
        return koine_error_set(error, KOINE_NO_MEMORY, "a metric cannot be made");
    return KOINE_OK;
}

static int32_t start(void *data, struct koine_error *error) {
    struct state *state = state_of(data);
    const int fd = open_below(state->directory, ".");
    if (fd == -ENOSYS || fd == -EPERM)
        return koine_error_set(error, KOINE_UNSUPPORTED,
                               "the kernel or its seccomp filter refuses openat2(2), which keeps "
                               "clients within the directory: Linux 5.6 or later is needed");
    state->workers =
        koine_workers_create(state->self.host, (uint32_t)state->threads, (uint32_t)state->queue);
    return state->workers ? KOINE_OK
                          : koine_error_set(error, KOINE_NO_MEMORY, "%d threads cannot be started",
                                            (int)state->threads);
}

/* Without quiesce: while the gateway drains, jobs go on and their requests are answered. Here all
 * requests have ended, so that jobs that still read stop by themselves. */
static void destroy(void *data) {
    struct state *state = state_of(data);
    koine_workers_destroy(state->workers);
    if (state->directory > 0)
        close(state->directory);
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route), .method = "GET", .path = "/count", .handler = handle},
};

static const struct koine_plan plan = {
    .state_bytes = sizeof(struct state),
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
    .config_schema = &config_schema,
    .init = init,
    .start = start,
    .destroy = destroy,
};

KOINE_MODULE_DEFINE("thread", "1.0.0", "GET /count: counts a file on a thread", plan);
