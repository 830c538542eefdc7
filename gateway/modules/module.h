/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loaded module and the set of them: loading with every refusal explained, lifecycle, and the
 * services that a module sees. Knows nothing of how requests or runs work.
 */
#ifndef MODULES_MODULE_H
#define MODULES_MODULE_H

#include "modules/handles.h"
#include "modules/struct_size.h"
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
    MODULE_GONE
};

struct module {
    struct koine_host host; /* first: what the module holds */
    uint32_t magic;
    unsigned number; /* in the supervisor's notes; 0: there is no room for its name */
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
    struct koine_text openapi;          /* its fragment, or none */
};

/*
 * From here to the end of the block the module's code runs: should the worker crash meanwhile, its
 * supervisor names the module. Nests; costs two stores. Belongs around every call of a module.
 */
#define MODULE_RUNS(module)                                                                        \
    const struct module_visit module_visit __attribute__((cleanup(module_leave), unused)) =        \
        module_enter(module)

struct module_visit {
    struct worker_notes *notes;
    unsigned before; /* whose code ran */
};

struct module_set {
    struct worker *worker;
    struct module **items;
    size_t count;
    struct handles *timers;
    struct handles *watches;
    struct post_queue *posts;
};

/* The one checked way back from what a module hands in. Aborts on a pointer that is no host. */
struct module *module_of(const struct koine_host *host);
const char *module_name(const struct module *module);

struct module_visit module_enter(const struct module *module);
void module_leave(const struct module_visit *visit);

/* Whether the caller is on the loop thread and, with `serving`, the module may be served; if not,
 * the log names the module and the call. */
bool module_may_call(struct module *module, const char *call, bool serving);

/* Logs in the module's name why an argument was refused; returns KOINE_INVALID. */
int32_t module_invalid(struct module *module, const char *call, const char *why);

/* Loads, creates and initialises what the config asks for. Returns NULL when one fails and
 * modules.on_error is stop; every reason is in the log. */
struct module_set *module_set_create(struct worker *worker);
int module_set_start(struct module_set *set);    /* 0, or -1: a start failed */
void module_set_quiesce(struct module_set *set); /* draining begins */
void module_set_destroy(struct module_set *set); /* takes NULL */

/* Loads one file without running anything of it but its descriptor function. NULL with `message`.
 */
const struct koine_module *module_open(const char *path, void **library, char *message,
                                       size_t size);
/* The directory where modules are looked for: of the config, beside the binary, or installed.
 * malloc'd; NULL when memory is short. */
char *module_directory(const struct config *config);
/* The file of an entry of modules.load: a path as it is, a name in the directory. malloc'd. */
char *module_path(const struct config *config, const char *entry);

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
/* Moves a module to a state that decides whether it may post, safely against its threads. */
void post_queue_set_state(struct post_queue *queue, struct module *module, int state);
void module_stop_timers(struct module_set *set, const struct module *module); /* NULL: all */

#endif
