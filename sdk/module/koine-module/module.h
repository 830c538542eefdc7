/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module as a table: what it is called, its routes, what it documents, and the few functions that
 * are its own. Looks up the services, registers the routes, answers the extensions, frees the
 * state.
 *
 *     struct hello {
 *         struct koine_self self; // first: the host and its services
 *         struct koine_text greeting;
 *     };
 *     static const struct koine_plan plan = {
 *         .state_bytes = sizeof(struct hello),
 *         .routes = routes,
 *         .route_count = KOINE_COUNT(routes),
 *         .openapi = &openapi,
 *         .init = init,
 *     };
 *     KOINE_MODULE_DEFINE("hello", "1.0.0", "GET /hello: says hello", plan);
 *
 * One file of a module includes this and defines it; any may include it for struct koine_self.
 */
#ifndef KOINE_MODULE_MODULE_H
#define KOINE_MODULE_MODULE_H

#include <koine/koine.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many rows a table has. */
#define KOINE_COUNT(table) (sizeof(table) / sizeof(*(table)))

struct koine_plan;

/* The host and its services, none of them NULL from init on. */
struct koine_self {
    uint32_t magic;
    const struct koine_plan *plan;
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_runner *runner;
    const struct koine_slots *slots;
    const struct koine_tools *tools;
    const struct koine_auth *auth;
    const struct koine_log *log;
    const struct koine_config *config;
    const struct koine_loop *loop;
    const struct koine_metrics *metrics;
};

/* Everything is constant and may be left out. Each function is called as that of koine_module. */
struct koine_plan {
    size_t state_bytes; /* of the module's struct, which begins with a struct koine_self and comes
                           zeroed; 0: it needs no more than that */
    const struct koine_route *routes;
    size_t route_count;
    const struct koine_document *openapi;       /* see embed.h */
    const struct koine_document *config_schema; /* none: the module takes no settings */
    const struct koine_tool_set *tools;         /* for every run of the gateway */

    /* Services are there, routes are not yet registered: declare slot classes and metrics, read
     * the settings. KOINE_OK, or koine_error_set. */
    int32_t (*init)(void *self, struct koine_text config, struct koine_error *error);
    int32_t (*start)(void *self, struct koine_error *error);
    void (*quiesce)(void *self);
    void (*destroy)(void *self); /* also after a failed init; the state itself is freed behind it */
};

/* The module's state back from the `void *` that the host hands to it. Ends the process when it is
 * something else: nothing after that would be safe. Never NULL. */
struct koine_self *koine_self_of(void *data);

/* Says why init or start fails; returns `code`, so that it can stand in a return statement. */
int32_t koine_error_set(struct koine_error *error, int32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Defines koine_module(). Name, version and summary are string literals, `plan` is a constant. */
#define KOINE_MODULE_DEFINE(name_, version_, summary_, plan_)                                      \
    static int32_t koine_module_create(const struct koine_host *host, void **self) {               \
        return koine_self_create(&(plan_), host, self);                                            \
    }                                                                                              \
    const struct koine_module *koine_module(void) {                                                \
        static const struct koine_module module = {                                                \
            KOINE_MODULE_MAGIC,                                                                    \
            KOINE_ABI_MAJOR,                                                                       \
            KOINE_ABI_MINOR,                                                                       \
            sizeof(struct koine_module),                                                           \
            0,                                                                                     \
            name_,                                                                                 \
            version_,                                                                              \
            summary_,                                                                              \
            koine_module_create,                                                                   \
            koine_self_init,                                                                       \
            koine_self_start,                                                                      \
            koine_self_quiesce,                                                                    \
            koine_self_destroy,                                                                    \
            koine_self_extension,                                                                  \
        };                                                                                         \
        return &module;                                                                            \
    }                                                                                              \
    KOINE_STATIC_ASSERT(sizeof(name_) > 1, "a module has a name")

/* What the macro puts into the descriptor. A descriptor written by hand may use them, too. */
int32_t koine_self_create(const struct koine_plan *plan, const struct koine_host *host, void **out);
int32_t koine_self_init(void *self, struct koine_text config, struct koine_error *error);
int32_t koine_self_start(void *self, struct koine_error *error);
void koine_self_quiesce(void *self);
void koine_self_destroy(void *self);
const void *koine_self_extension(void *self, const char *id);

#ifdef __cplusplus
}
#endif
#endif
