/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the modules in a child. When one crashes or hangs there, the child is started anew
 * without it, so that the others are told of all the same.
 */
#include "inspect.h"
#include "config/environment.h"
#include "http/server.h"
#include "modules/listing.h"
#include "openapi/served.h"
#include "ops/metrics.h"
#include "policy/keys.h"
#include "policy/slots.h"
#include "worker.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 }; /* with a module, beyond what its file may take */

/* Shared with the child. */
struct glimpse {
    struct worker_notes notes;
    atomic_uint progress; /* changes with each step */
    atomic_bool told;     /* all is written; only destroy follows */
    char path[PATH_MAX];  /* whose code runs */
};

/* A module that was no good for the child. */
struct failure {
    struct failure *next;
    char *path, *sentence;
};

struct inspect {
    struct config config; /* a copy but for the state directory */
    char *const *environment;
    enum inspection what;
    struct glimpse *glimpse;
    struct failure *failures;
    char *text; /* what the child wrote */
    size_t size;
};

/* ---- in the child */

static void on_loading(void *data, const char *path) {
    const struct inspect *inspect = data;
    snprintf(inspect->glimpse->path, PATH_MAX, "%s", path);
    atomic_fetch_add(&inspect->glimpse->progress, 1);
}

static const char *on_known_to_fail(void *data, const char *path) {
    const struct inspect *inspect = data;
    atomic_fetch_add(&inspect->glimpse->progress, 1);
    for (const struct failure *failure = inspect->failures; failure; failure = failure->next)
        if (strcmp(failure->path, path) == 0)
            return failure->sentence;
    return NULL;
}

/* What init may ask for. No runner: nothing may be started before `serving`. */
static bool bring_up(struct worker *worker, char *message, size_t size) {
    snprintf(message, size, "out of memory");
    return (worker->base = event_base_new()) && (worker->metrics = metrics_create()) &&
           (worker->slots = slots_create(worker->config)) &&
           (worker->keys = keys_create(worker->config, message, size)) &&
           (worker->server = server_create(worker));
}

static int write_openapi(struct worker *worker, FILE *out) {
    char *text = openapi_file_text(worker);
    listing_write_refusals(worker->modules, stderr);
    if (!text)
        fputs("koine-gateway: no memory for the OpenAPI document\n", stderr);
    else
        fputs(text, out);
    free(text);
    return !text;
}

static int tell(struct worker *worker, enum inspection what, FILE *out) {
    if (what == INSPECT_OPENAPI)
        return write_openapi(worker, out);
    if (what == INSPECT_LIST)
        listing_write(worker->modules, out);
    else
        listing_write_refusals(worker->modules, out);
    openapi_warn_of_fragments(worker);
    return 0;
}

static int look(struct inspect *inspect, FILE *out) {
    const struct supervised supervised = {.control = -1, .notes = &inspect->glimpse->notes};
    const struct module_inspection inspection = {on_loading, on_known_to_fail, inspect};
    char message[512];
    struct worker worker = {.config = &inspect->config,
                            .environment = inspect->environment,
                            .log = log_create(STDERR_FILENO, KOINE_LOG_WARNING, false),
                            .supervised = &supervised,
                            .loop_thread = pthread_self(),
                            .started_ms = worker_now_ms()};
    if (!bring_up(&worker, message, sizeof(message)) ||
        !(worker.modules = module_set_create(&worker, &inspection))) {
        fprintf(out, "koine-gateway: %s\n", message);
        return 1;
    }
    int result = tell(&worker, inspect->what, out) || worker.modules->refusal_count != 0;
    if (fclose(out))
        return 1;
    atomic_store(&inspect->glimpse->told, true);
    module_set_destroy(worker.modules); /* they may have something to put away */
    return result;
}

static void run_child(struct inspect *inspect, pid_t parent, int output) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    FILE *out = fdopen(output, "w");
    /* What modules print is no part of the listing. */
    if (getppid() != parent || !out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        _exit(1);
    int result = look(inspect, out);
    fflush(NULL);
    _exit(result);
}

/* ---- in the parent */

static bool take(struct inspect *inspect, int fd) {
    char bytes[4096];
    ssize_t size = read(fd, bytes, sizeof(bytes));
    char *grown = size > 0 ? realloc(inspect->text, inspect->size + (size_t)size) : NULL;
    if (!grown)
        return size < 0 && errno == EINTR;
    memcpy(grown + inspect->size, bytes, (size_t)size);
    inspect->text = grown;
    inspect->size += (size_t)size;
    return true;
}

static bool child_ended(pid_t pid) {
    siginfo_t end = {0};
    return waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT | WNOHANG) == 0 && end.si_pid == pid;
}

static uint64_t patience_ms(const struct inspect *inspect) {
    return PATIENCE_MS + (uint64_t)inspect->config.modules.load_timeout_ms;
}

/* Reads until the child has ended. False: it did nothing for too long. */
static bool read_child(struct inspect *inspect, int fd, pid_t pid) {
    enum { LOOK_MS = 50 }; /* for a child whose pipe somebody else holds */
    uint64_t since_ms = worker_now_ms();
    unsigned seen = 0;
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    for (;;) {
        bool ended = child_ended(pid);
        int ready = poll(&poller, 1, ended ? 0 : LOOK_MS);
        if (ready > 0 && poller.fd >= 0 && !take(inspect, fd))
            poller.fd = -1;
        else if (ready == 0 && ended)
            return true;
        unsigned progress = atomic_load(&inspect->glimpse->progress);
        if (progress != seen)
            since_ms = worker_now_ms();
        seen = progress;
        if (worker_now_ms() - since_ms > patience_ms(inspect))
            return false;
    }
}

/* How a child ended that did not come to its end. */
struct end {
    int status; /* of waitpid */
    bool hung;
};

static void describe(const struct inspect *inspect, const struct end *end, char *out, size_t size) {
    const char *name = WIFSIGNALED(end->status) ? sigabbrev_np(WTERMSIG(end->status)) : NULL;
    if (end->hung)
        snprintf(out, size, "did not come back within %llu ms",
                 (unsigned long long)patience_ms(inspect));
    else if (WIFSIGNALED(end->status))
        snprintf(out, size, "crashed (SIG%s)", name ? name : "?");
    else
        snprintf(out, size, "ended the process (exit status %d)", WEXITSTATUS(end->status));
}

/* The next child leaves the module out. False: it is not a module's fault, or memory is short. */
static bool note_failure(struct inspect *inspect, const char *how) {
    const char *path = inspect->glimpse->path;
    struct failure *failure = calloc(1, sizeof(*failure));
    if (!*path || !failure || !(failure->path = strdup(path)) ||
        asprintf(&failure->sentence,
                 "module %s: %s while it was created and initialised; the gateway would not start "
                 "with it",
                 path, how) < 0) {
        if (failure)
            free(failure->path);
        free(failure);
        return false;
    }
    failure->next = inspect->failures;
    inspect->failures = failure;
    return true;
}

static int judge(struct inspect *inspect, const struct end *end) {
    const struct worker_notes *notes = &inspect->glimpse->notes;
    bool told = atomic_load(&inspect->glimpse->told);
    char how[80];
    if (told && !end->hung && WIFEXITED(end->status))
        return WEXITSTATUS(end->status);
    describe(inspect, end, how, sizeof(how));
    if (!told && note_failure(inspect, how))
        return -1;
    char where[256];
    notes_describe(notes, atomic_load(&notes->inside), where, sizeof(where));
    fprintf(stderr, "koine-gateway: %s %s\n", *where ? where : "the look at the modules", how);
    return 1;
}

static pid_t start_child(struct inspect *inspect, int *output) {
    int ends[2];
    pid_t parent = getpid();
    memset(inspect->glimpse, 0, sizeof(*inspect->glimpse));
    inspect->size = 0;
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_child(inspect, parent, ends[1]);
    }
    close(ends[1]);
    *output = ends[0];
    if (pid < 0)
        close(ends[0]);
    return pid;
}

/* One child. 0 or 1: the result; -1: try again without what it failed of. */
static int try(struct inspect *inspect) {
    int output;
    struct end end = {0};
    pid_t pid = start_child(inspect, &output);
    if (pid < 0) {
        fprintf(stderr, "koine-gateway: cannot look at the modules: %s\n", strerror(errno));
        return 1;
    }
    end.hung = !read_child(inspect, output, pid);
    close(output);
    if (end.hung)
        kill(pid, SIGKILL);
    waitpid(pid, &end.status, 0);
    return judge(inspect, &end);
}

/* ---- the state directory of this look */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* False, with a path that is none: modules that ask for their state are told so. */
static bool make_directory(char *const *environment, char *path, size_t size) {
    const char *temporary = environment_value(environment, "TMPDIR");
    int length = snprintf(path, size, "%s/koine-modules-XXXXXX",
                          temporary && *temporary == '/' ? temporary : "/tmp");
    return length > 0 && (size_t)length < size && mkdtemp(path);
}

int inspect_modules(const struct config *config, char *const *environment, enum inspection what,
                    FILE *out) {
    char directory[PATH_MAX];
    struct inspect inspect = {.config = *config, .environment = environment, .what = what};
    inspect.glimpse = mmap(NULL, sizeof(*inspect.glimpse), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (inspect.glimpse == MAP_FAILED) {
        fprintf(stderr, "koine-gateway: cannot look at the modules: %s\n", strerror(errno));
        return 1;
    }
    bool made = make_directory(environment, directory, sizeof(directory));
    inspect.config.state_directory = directory;
    int result;
    while ((result = try(&inspect)) < 0) {
    }
    if (made) /* before anything is written: whoever reads it may leave, which ends this process */
        nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (inspect.size && fwrite(inspect.text, 1, inspect.size, out) != inspect.size)
        result = 1;
    for (struct failure *failure; (failure = inspect.failures);) {
        inspect.failures = failure->next;
        free(failure->path);
        free(failure->sentence);
        free(failure);
    }
    free(inspect.text);
    munmap(inspect.glimpse, sizeof(*inspect.glimpse));
    return fflush(out) ? 1 : result;
}
