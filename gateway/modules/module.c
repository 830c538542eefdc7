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

bool module_may_call(struct module *module, const char *call, bool serving) {
    const char *problem = NULL;
    module_end_child(module);
    if (!pthread_equal(pthread_self(), module->worker->loop_thread))
        problem = "was called on another thread than the loop's; use loop->post";
    else if (module->state < MODULE_INITIALISING)
        problem = "was called before init, where nothing but the log is there";
    else if (serving && module->state < MODULE_SERVING)
        problem = "was called before start";
    else if (serving && module->state == MODULE_GONE)
        problem = "was called in destroy, where nothing but the log is left";
    if (!problem)
        return true;
    module_complain(module, KOINE_LOG_ERROR, (struct koine_text){0}, "%s %s", call, problem);
    return false;
}

int32_t module_refused(struct module *module, const char *call, int32_t result, const char *why) {
    module_complain(module, KOINE_LOG_ERROR, (struct koine_text){0}, "%s: %s", call, why);
    return result;
}

int32_t module_invalid(struct module *module, const char *call, const char *why) {
    return module_refused(module, call, KOINE_INVALID, why);
}

int32_t module_wrong_state(struct module *module, const char *call, const char *why) {
    return module_refused(module, call, KOINE_WRONG_STATE, why);
}

int32_t module_gone(struct module *module, const char *call, const struct handles *table,
                    uint64_t handle, const char *what) {
    bool known = !handle || handles_knows(table, handle); /* 0 stands for none */
    const char *why = "has ended";                        /* a late call is no wonder */
    if (!known)
        why = "is none: the handle is made up, or of another kind";
    else if (handles_get(table, handle))
        why = "is another module's";
    module_complain(module,
                    known && !handles_get(table, handle) ? KOINE_LOG_DEBUG : KOINE_LOG_ERROR,
                    (struct koine_text){0}, "%s: the %s %s", call, what, why);
    return KOINE_GONE;
}

bool module_text_is_sane(struct module *module, const char *call, struct koine_text text) {
    if (text.data || !text.size)
        return true;
    module_invalid(module, call, "a text has a size and no data");
    return false;
}

/* Texts that are longer than this gateway's are a newer module's, which is not loaded. */
bool module_can_fail(struct module *module, const char *call, const struct koine_failure *failure) {
    if (failure && failure->size >= LENGTH_WITH(koine_failure, issues))
        return true;
    module_invalid(module, call,
                   failure ? "failure.size must be sizeof(struct koine_failure)"
                           : "failure must be given");
    return false;
}

int32_t module_read_struct(struct module *module, const char *call, void *to, size_t known,
                           const void *from, size_t minimum) {
    int32_t result = struct_size_read(to, known, from, minimum);
    if (result == KOINE_INVALID)
        module_invalid(module, call,
                       from ? "the struct's size is too small: set it to sizeof the struct"
                            : "the struct is missing");
    else if (result == KOINE_UNSUPPORTED)
        module_refused(module, call, result,
                       "the struct is longer than this gateway's and the rest is not zero");
    return result;
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
