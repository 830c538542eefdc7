/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loaded module and the set of them: loading with every refusal explained, lifecycle, and the
 * services that a module sees. Knows nothing of how requests or runs work.
 */
#ifndef MODULES_MODULE_H
#define MODULES_MODULE_H

#include "http/router.h"
#include "modules/complaint.h"
#include "modules/handles.h"
#include "modules/struct_size.h"
#include "supervisor/notes.h"
#include "worker.h"
#include <jansson.h>
#include <koine/koine.h>

#define MODULE_MAGIC 0x6d6f6475u

enum module_state {
    MODULE_LOADED,
    MODULE_CREATED,
    MODULE_INITIALISING,
    MODULE_INITIALISED,
    MODULE_SERVING,
    MODULE_DRAINING,
    MODULE_ENDING, /* nothing more is taken from its threads */
    MODULE_GONE
};

/* A route that a module has asked for. */
struct module_route {
    struct route route; /* as it is served, or would be */
    bool enabled;
};

struct module {
    struct koine_host host; /* first: what the module holds */
    uint32_t magic;
    unsigned ordinal; /* from 1, in the order of loading */
    unsigned number;  /* in the supervisor's notes; 0: there is no room for its name */
    enum module_state state;
    struct worker *worker;
    const struct koine_module *descriptor;
    char *path;
    void *library; /* of dlopen; never closed */
    void *self;
    json_t *settings;
    char *settings_text;
    char *state_directory;
    const struct koine_tool_set *tools; /* offered to every run, or NULL */
    struct koine_text openapi;          /* its fragment; none: it has none */
    struct module_route *routes;
    size_t route_count;
    char *refusal; /* why the host does not take it, whatever its init returns; or NULL */
    struct complaints complaints;    /* guarded by the set's book */
    uint64_t slow_calls, unanswered; /* of the metrics */
};

/*
 * From here to the end of the block the module's code runs: should the worker crash meanwhile or
 * not come back, its supervisor names the module and the call (NOTES_…); one that takes long is
 * logged and counted. A call within a call of the same module is part of that. Costs some
 * nanoseconds. Belongs around every call of a module.
 */
#define MODULE_RUNS_IN(module, call, route)                                                        \
    const struct module_visit module_visit __attribute__((cleanup(module_leave), unused)) =        \
        module_enter(module, call, route)

struct module_visit {
    struct module *module;     /* NULL: part of a call that is under way */
    const struct route *route; /* NULL: none */
    unsigned inside, before;   /* in the notes; whose code ran */
    uint64_t since_ms, since_before_ms;
};

/* A module, or an entry of the config, that cannot be had. */
struct module_refusal {
    char *path; /* NULL: no module's */
    char *name; /* NULL: not known, likewise the version */
    char *version;
    char *sentence;
};

/* Who looks at modules instead of serving with them. Refusals are collected and not logged. */
struct module_inspection {
    void (*loading)(void *data, const char *path); /* the code of this file runs next */
    const char *(*known_to_fail)(void *data, const char *path); /* why it is left out, or NULL */
    void *data;
};

struct module_set {
    struct worker *worker;
    const struct module_inspection *inspection; /* NULL: to serve */
    struct module **items;
    size_t count;
    struct module_refusal *refusals;
    size_t refusal_count;
    struct handles *timers;
    struct handles *watches;
    struct post_queue *posts;
    struct complaint_book *complaints;
    const unsigned char *origin; /* 1 in this process, 0 in one that a module has forked; or NULL */
};

/* The one checked way back from what a module hands in. Aborts on a pointer that is no host. */
struct module *module_of(const struct koine_host *host);
const char *module_name(const struct module *module);

struct module_visit module_enter(struct module *module, enum notes_call call,
                                 const struct route *route);
void module_leave(const struct module_visit *visit);
/* Ends this process if a module has forked it: its code must not come back to the host's. */
void module_end_child(const struct module *module);
/* Whether the loop is within a visit to any module. */
bool module_code_runs(const struct worker *worker);

/* Whether the caller is on the loop thread and the module has come to its init or, with `serving`,
 * beyond it; if not, the log names the module and the call, and the call answers
 * KOINE_WRONG_STATE. */
bool module_may_call(struct module *module, const char *call, bool serving);

/* Logs in the module's name why a call was refused; returns KOINE_INVALID, KOINE_WRONG_STATE,
 * `result`. */
int32_t module_invalid(struct module *module, const char *call, const char *why);
int32_t module_wrong_state(struct module *module, const char *call, const char *why);
int32_t module_refused(struct module *module, const char *call, int32_t result, const char *why);

/* A handle (of `table`, for `what`) that resolves to nothing of the module's: one that is made up
 * or belongs to somebody else is a mistake and complained about, one that is dead is no wonder.
 * Returns KOINE_GONE. */
int32_t module_gone(struct module *module, const char *call, const struct handles *table,
                    uint64_t handle, const char *what);

/* Whether text that a module handed in can be read; logs when not. */
bool module_text_is_sane(struct module *module, const char *call, struct koine_text text);
/* Whether the host can fill the failure that a module brought; logs when not. */
bool module_can_fail(struct module *module, const char *call, const struct koine_failure *failure);

/* Reads a struct that a module filled: KOINE_OK; KOINE_UNSUPPORTED when it is longer than `known`
 * and the rest is not zero; KOINE_INVALID below `minimum`; both logged. Copies it into `to` (of
 * `known` bytes, which then is its size), the missing rest zeroed. */
int32_t module_read_struct(struct module *module, const char *call, void *to, size_t known,
                           const void *from, size_t minimum);

/*
 * Loads, creates and initialises what the config asks for. NULL when one fails and modules.on_error
 * is stop; every reason is in the log. With an inspection nothing stops it but a lack of memory.
 */
struct module_set *module_set_create(struct worker *worker,
                                     const struct module_inspection *inspection);
/* 0, or -1: a start failed and modules.on_error is stop; else that module is out. */
int module_set_start(struct module_set *set);
void module_set_quiesce(struct module_set *set); /* draining begins */
void module_set_destroy(struct module_set *set); /* takes NULL */

/* One module up to `initialised` (module_load.c). NULL with `refusal` filled, as far as known; its
 * texts are the caller's. */
struct module *module_load(struct module_set *set, const char *path,
                           struct module_refusal *refusal);
void module_free(struct module *module); /* destroys it and drops its routes; takes NULL */
/* Whether a name in the config means this module: it is its name, or its path. */
bool module_is(const struct module *module, const char *name);

/* koine_http.route (module_routes.c): adds it, as the operator wants it. A route that is another's
 * sets module->refusal. */
int32_t module_add_route(struct module *module, const struct koine_route *given);
/* Whether each entry of modules.routes for this module is one of its routes; else sets
 * module->refusal. */
bool module_routes_fit(struct module *module);
/* Notes why the host does not take the module; the first reason stays. */
void module_refuse(struct module *module, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* koine_host.service. */
const void *module_service(const struct koine_host *host, const char *id);
extern const struct koine_http service_http;
extern const struct koine_runner service_runner;
extern const struct koine_slots service_slots;
extern const struct koine_tools service_tools;
extern const struct koine_auth service_auth;
extern const struct koine_log service_log;
extern const struct koine_config service_config;
extern const struct koine_loop service_loop;
extern const struct koine_metrics service_metrics;

/* Posts of other threads (service_loop.c). */
struct post_queue;
struct post_queue *post_queue_create(struct event_base *base);
void post_queue_run(struct post_queue *queue); /* runs what waits, now */
void post_queue_destroy(struct post_queue *queue);
void post_queue_forget(struct post_queue *queue, const struct module *module); /* what waits */
/* Has the callback called on the loop; `module` NULL: the host's own. KOINE_OK or KOINE_NO_MEMORY.
 * [any-thread] */
int32_t post_queue_add(struct post_queue *queue, struct module *module, void (*callback)(void *),
                       void *data);
/* Moves a module to a state that decides whether it may post, safely against its threads. */
void post_queue_set_state(struct post_queue *queue, struct module *module, int state);
void module_stop_timers(struct module_set *set, const struct module *module); /* NULL: all */

#endif
