/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/*
 * What a module is: one exported function that returns a constant descriptor, and its lifecycle.
 * Build it with -fvisibility=hidden -Wl,-z,defs: it needs no symbol of the host.
 *
 * Lifecycle. Every function below runs on the loop thread.
 *
 * | state       | the host calls                   | the module may call              | on failure      |
 * |-------------|----------------------------------|----------------------------------|-----------------|
 * | loaded      | koine_module()                   | nothing                          | refused, logged |
 * | created     | create(host, &self), extension   | log                              | destroy if self |
 * | initialised | init(self, config, error),       | log, config, metrics, routes,    | destroy         |
 * |             | extension                        | slot classes, service look-up    |                 |
 * | serving     | start(self, error); handlers,    | everything but registration      | the request's   |
 * |             | events, timers, posts            |                                  |                 |
 * | draining    | quiesce(self); the same as while | the same as while serving: what  | cut after the   |
 * |             | serving, but no new request      | is open may finish               | drain deadline  |
 * | gone        | destroy(self)                    | log                              | –               |
 *
 * A failed init or start is followed by destroy only. A module is never unloaded from a live
 * process. A handler or callback must return within milliseconds: work that blocks belongs on a
 * thread of the module's own that comes back through koine_loop.post. From such a thread only
 * post, log.write, log.enabled, loop.now_ms and host->service may be called.
 */
/* clang-format on */
#ifndef KOINE_MODULE_H
#define KOINE_MODULE_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A module is loaded when its major equals the host's and its minor is not above the host's. */
#define KOINE_ABI_MAJOR 1
#define KOINE_ABI_MINOR 1

#define KOINE_MODULE_MAGIC 0x4b4f494eu /* "KOIN" */

/* Where init and start say why they failed: a buffer of the host's. Write a sentence, cut to fit
 * and terminated by a zero byte. */
struct koine_error {
    uint32_t size; /* sizeof(struct koine_error) of the host */
    uint32_t capacity;
    char *message;
};

struct koine_module {
    /* These four never move, in any major version. */
    uint32_t magic; /* KOINE_MODULE_MAGIC */
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t size; /* sizeof(struct koine_module) that the module was built with */
    uint32_t reserved;

    const char *name;    /* [a-z][a-z0-9-]{0,31}, no "--"; unique in a gateway */
    const char *version; /* the module's own, for people: "1.2.0" */
    const char *summary; /* one line; both are UTF-8 of at most 1,000 bytes */

    /*
     * Makes the module's state. `*self` is handed to every other function; NULL is allowed.
     * `host` stays valid until destroy returns. Returns KOINE_OK or a negative code.
     */
    int32_t (*create)(const struct koine_host *host, void **self);

    /*
     * Reads the configuration and registers routes, slot classes and metrics.
     * `config`: the module's section as a JSON object ("{}" when there is none), already checked
     * against the module's schema when it brings one; valid until init returns.
     * Returns KOINE_OK, or a negative code with `error` filled.
     */
    int32_t (*init)(void *self, struct koine_text config, struct koine_error *error);

    /* The route table is complete and the gateway is about to serve. May be NULL. */
    int32_t (*start)(void *self, struct koine_error *error);

    /*
     * The gateway drains: no new request will come, open ones may finish, threads may go on and
     * post. End here what would never end by itself, such as an endless stream. Must not block.
     * Comes at most once, always before the destroy of a module that was started. May be NULL.
     */
    void (*quiesce)(void *self);

    /*
     * Frees everything. All requests, runs and timers have ended, all posts that were accepted have
     * run (after a failed start: none of them will), no callback will come. Join threads of your
     * own here: `host` is valid until destroy returns, so a thread that still posts is told
     * KOINE_WRONG_STATE. May be NULL.
     */
    void (*destroy)(void *self);

    /*
     * What the module offers beyond its routes, by id (see extension.h). Must answer NULL for an
     * id that it does not know. What it returns is constant and lives as long as the module.
     * Called with koine.config-schema/1 between create and init, with all others after init: what
     * they offer may depend on the settings. May be NULL.
     */
    const void *(*extension)(void *self, const char *id);
};

/* The one symbol that a module exports. Returns a constant; must not call anything. */
#if defined(__GNUC__)
#define KOINE_EXPORT __attribute__((visibility("default")))
#else
#define KOINE_EXPORT
#endif
KOINE_EXPORT const struct koine_module *koine_module(void);

KOINE_PIN(koine_module, abi_major, 4);
KOINE_PIN(koine_module, size, 8);
KOINE_PIN(koine_module, name, 16);
KOINE_PIN(koine_module, create, 40);
KOINE_PIN(koine_module, init, 48);
KOINE_PIN(koine_module, start, 56);
KOINE_PIN(koine_module, quiesce, 64);
KOINE_PIN(koine_module, destroy, 72);
KOINE_PIN(koine_module, extension, 80);

#ifdef __cplusplus
}
#endif
#endif
