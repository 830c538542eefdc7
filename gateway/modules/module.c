/* SPDX-License-Identifier: Apache-2.0 */
/* One module as the host sees it: checks of what it hands in, and the look-up of services. */
#include "modules/module.h"
#include "http/server.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct module *module_of(const struct koine_host *host) {
    const struct module *module = (const struct module *)(const void *)host;
    if (!module || module->magic != MODULE_MAGIC)
        abort(); /* a module passed a pointer that is no host: nothing after this is safe */
    return (struct module *)(uintptr_t)module;
}

const char *module_name(const struct module *module) {
    return module->descriptor ? module->descriptor->name : module->path;
}

struct module_visit module_enter(const struct module *module) {
    struct worker_notes *notes = module->worker->supervised->notes;
    struct module_visit visit = {notes, atomic_load_explicit(&notes->inside, memory_order_relaxed)};
    atomic_store_explicit(&notes->inside, module->number, memory_order_relaxed);
    return visit;
}

void module_leave(const struct module_visit *visit) {
    atomic_store_explicit(&visit->notes->inside, visit->before, memory_order_relaxed);
}

bool module_may_call(struct module *module, const char *call, bool serving) {
    const char *problem = NULL;
    if (!pthread_equal(pthread_self(), module->worker->loop_thread))
        problem = "was called on another thread than the loop's; use loop->post";
    else if (serving && module->state < MODULE_INITIALISED)
        problem = "was called before start";
    if (!problem)
        return true;
    log_print(module->worker->log, KOINE_LOG_ERROR, module_name(module), "%s %s", call, problem);
    return false;
}

int32_t module_invalid(struct module *module, const char *call, const char *why) {
    log_print(module->worker->log, KOINE_LOG_ERROR, module_name(module), "%s: %s", call, why);
    return KOINE_INVALID;
}

const void *module_service(const struct koine_host *host, const char *id) {
    static const struct {
        const char *id;
        const void *table;
    } services[] = {
        {KOINE_HTTP, &service_http},       {KOINE_RUNNER, &service_runner},
        {KOINE_SLOTS, &service_slots},     {KOINE_TOOLS, &service_tools},
        {KOINE_AUTH, &service_auth},       {KOINE_LOG, &service_log},
        {KOINE_CONFIG, &service_config},   {KOINE_LOOP, &service_loop},
        {KOINE_METRICS, &service_metrics},
    };
    (void)module_of(host);
    for (size_t i = 0; id && i < sizeof(services) / sizeof(*services); i++)
        if (strcmp(services[i].id, id) == 0)
            return services[i].table;
    return NULL;
}
