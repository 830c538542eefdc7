/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a test host, shared by its files. Everything runs on the thread that made it, but
 * for what is marked [any-thread].
 */
#ifndef TEST_HOST_HOST_H
#define TEST_HOST_HOST_H

#include "http/router.h"
#include "modules/handles.h"
#include "ops/metrics.h"
#include "policy/tool_policy.h"
#include "test-host/allocation.h"
#include "test-host/memory.h"
#include <jansson.h>
#include <koine-test-host.h>
#include <koine/koine.h>
#include <pthread.h>
#include <stdatomic.h>

#define HOST_MAGIC 0x6b746873u

/* As in the lifecycle table of koine/module.h. */
enum host_state {
    HOST_LOADED,
    HOST_CREATING,
    HOST_CREATED,
    HOST_INITIALISING,
    HOST_INITIALISED,
    HOST_SERVING,
    HOST_DRAINING,
    HOST_DESTROYING,
    HOST_GONE
};

/* What handles are for; also the kind of their table. */
enum handle_kind {
    HANDLE_REQUEST = 1,
    HANDLE_RUN,
    HANDLE_CALL,
    HANDLE_TIMER,
    HANDLE_WATCH,
    HANDLE_METRIC,
    HANDLE_KINDS
};

/* Every id of a kind that was ever given out: tells a dead one from one that is made up. */
struct issued {
    uint64_t *ids;
    size_t count;
};

/* Something that happens at a moment of virtual time; part of a larger struct. */
struct timed {
    struct timed *next;
    uint64_t at_ms;
    bool waiting;
    void (*fire)(void *data);
    void *data;
};

struct slot_class {
    struct slot_class *next;
    char *name;
    uint32_t active, limit;
};

struct host_key {
    char *name, *secret;
    json_t *routes, *profiles; /* arrays; NULL: all */
    struct tool_policy *policy;
};

struct finding {
    struct koine_test_finding as;
    bool taken;
};

struct post;
struct visit;
struct loop_timer;
struct loop_watch;
struct run;

struct koine_test_host {
    struct koine_host seen; /* first: what the module holds */
    uint32_t magic;
    enum host_state state;
    struct koine_test_options limits; /* the numbers, with their defaults */
    pthread_t loop_thread;
    pid_t pid;
    FILE *trace;

    /* the module */
    const struct koine_module *descriptor;
    char *path;
    void *library;
    void *self;
    json_t *settings;
    char *settings_text;
    char *state_directory;
    char *openapi, *schema;
    const struct koine_tool_set *tools;
    const struct visit *visit;         /* the innermost call into the module, or NULL */
    unsigned depth;                    /* of calls into the module */
    struct answer_memory *kept_memory; /* of requests that ended meanwhile */
    bool rendering;                    /* inside render_failure */

    /* time */
    atomic_uint_least64_t now_ms;
    struct timed *timeline;
    struct loop_timer *timers;
    struct loop_watch *watches;
    pthread_mutex_t lock; /* posts, findings, log, and the state as far as posts ask for it */
    struct post *first_post, **last_post;
    bool posts_closed;        /* the end has begun: no more are taken */
    atomic_int foreign_calls; /* of the module's threads, that have not returned */
    unsigned long threads;    /* that there were before the module */
    int wake_fd;
    size_t posts_run, posts_awaited;
    bool restless;      /* callbacks call for each other without end */
    uint32_t waited_ms; /* in real time, of what one call of the test may */

    struct handles *handles[HANDLE_KINDS];
    struct issued issued[HANDLE_KINDS];

    /* what is served */
    struct router *router;
    struct buffer route_names;
    struct koine_test_answer **answers;
    size_t answer_count;
    struct slot_class *slots;
    struct host_key *keys;
    size_t key_count;
    json_t *profiles, *profiles_without_key; /* arrays */
    json_t *sessions;                        /* {id: name of the key} */
    uint64_t session_count;

    /* runs */
    struct run *runs;
    uint32_t parked;
    json_t *scripts; /* array of arrays */
    json_t *script_always;
    json_t *records; /* what each run was asked for */
    json_t *kept;    /* texts that a test was given */

    struct metrics *metrics;
    struct buffer log;
    struct finding *findings;
    size_t finding_count;
    struct allocation allocation;
};

/* The one checked way back from what a module hands in. Aborts on a pointer that is no host. */
struct koine_test_host *host_of(const struct koine_host *host);
const char *host_module_name(const struct koine_test_host *host);
extern const char *const handle_names[HANDLE_KINDS];

/* test_host.c */
/* As koine_test_host_create, with which allocation fails (0: none); a host whose module has refused
 * is given back in `refused` for its findings, and freed by the caller. */
struct koine_test_host *host_create(const struct koine_test_options *options, long fail_at,
                                    struct koine_test_host **refused,
                                    struct koine_test_error *error);
void host_free(struct koine_test_host *host);
const char *host_keep(struct koine_test_host *host, struct koine_text text); /* a copy for a test */

/* findings.c [any-thread] */
void finding_add(struct koine_test_host *host, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* loading.c: both fill error->message when they fail. */
bool host_load(struct koine_test_host *host, struct koine_test_error *error);
bool host_initialise(struct koine_test_host *host, const char *settings,
                     struct koine_test_error *error);
void host_destroy_module(struct koine_test_host *host);
void host_set_state(struct koine_test_host *host, enum host_state state);

/* timeline.c */
void timed_set(struct koine_test_host *host, struct timed *timed, uint64_t delay_ms,
               void (*fire)(void *data), void *data);
void timed_stop(struct koine_test_host *host, struct timed *timed); /* harmless twice */
bool host_settle(struct koine_test_host *host); /* all that is due now; true: there was some */
/* One step towards `until_ms`: what is due now, or the next moment at which something is. False:
 * nothing happens until then. */
bool host_step(struct koine_test_host *host, uint64_t until_ms);

unsigned long count_threads(void); /* of this process, the loop's too */

/* loop.c */
/* Waits in real time until the module's threads have ended; those that do not are a finding. */
void threads_await_end(struct koine_test_host *host);
bool post_run(struct koine_test_host *host); /* true: there was one */
bool post_waits(struct koine_test_host *host);
bool watches_poll(struct koine_test_host *host); /* true: a callback was called */
/* Waits in real time for a post, or for a file descriptor that is watched. */
bool loop_wait(struct koine_test_host *host, uint64_t at_most_ms);
/* No more posts are taken; those that were wait to be run. */
void posts_close(struct koine_test_host *host);
void loop_report_left(struct koine_test_host *host);
void loop_stop_all(struct koine_test_host *host);
void posts_finish(struct koine_test_host *host); /* forgets those that wait */

/* handles */
uint64_t handle_add(struct koine_test_host *host, enum handle_kind kind, void *object);
void *handle_get(const struct koine_test_host *host, enum handle_kind kind, uint64_t id);
void handle_remove(struct koine_test_host *host, enum handle_kind kind, uint64_t id);
void handle_note(struct koine_test_host *host, enum handle_kind kind, uint64_t id);
bool handle_was_issued(const struct koine_test_host *host, enum handle_kind kind, uint64_t id);

/* service_host.c [any-thread] */
void host_log(struct koine_test_host *host, int level, struct koine_text request_id,
              struct koine_text message);

/* The services. */
extern const struct koine_http test_http;
extern const struct koine_runner test_runner;
extern const struct koine_slots test_slots;
extern const struct koine_tools test_tools;
extern const struct koine_auth test_auth;
extern const struct koine_log test_log;
extern const struct koine_config test_config;
extern const struct koine_loop test_loop;
extern const struct koine_metrics test_metrics;

#endif
