/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's visits to modules: notes for the supervisor, and a warning when one took long. On the
 * path of every request; what is rare is kept out of it.
 */
#include "http/server.h"
#include "modules/module.h"
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* To the tick of the system, 1 to 10 ms: four times cheaper than to the nanosecond. */
static uint64_t coarse_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The supervisor has seen a worker at rest; from now on it looks once a second again. */
__attribute__((noinline, cold)) static void wake_watcher(const struct supervised *supervised) {
    pid_t pid = supervised->supervisor;
    if (atomic_exchange(&supervised->notes->watcher_sleeps, false) && getppid() == pid)
        kill(pid, SIGUSR1);
}

__attribute__((noinline, cold)) static void report_slow(const struct module_visit *visit,
                                                        uint64_t took_ms) {
    const struct module *module = visit->module;
    const struct route *route = visit->route;
    struct route_name name;
    char call[sizeof(name.text) + 40];
    notes_call_text(NOTES_CALL(visit->inside), route ? route_name(&route->as, &name) : NULL, call,
                    sizeof(call));
    module_count_slow_call(visit->module);
    log_print(module->worker->log, KOINE_LOG_WARNING, module_name(module),
              "%s kept the event loop for %llu ms, in which nothing else was served: work that "
              "takes long belongs on a thread of the module's own",
              call, (unsigned long long)took_ms);
}

struct module_visit module_enter(struct module *module, enum notes_call call,
                                 const struct route *route) {
    const struct supervised *supervised = module->worker->supervised;
    struct worker_notes *notes = supervised->notes;
    unsigned before = atomic_load_explicit(&notes->inside, memory_order_relaxed);
    struct module_visit visit = {.before = before};
    if (before && module->number && NOTES_MODULE(before) == module->number)
        return visit;
    visit.module = module;
    visit.route = route;
    visit.inside = NOTES_INSIDE((unsigned)call, module->number, route ? route->number : 0);
    visit.since_before_ms =
        before ? atomic_load_explicit(&notes->inside_since_ms, memory_order_relaxed) : 0;
    visit.since_ms = coarse_now_ms();
    atomic_store_explicit(&notes->inside_since_ms, visit.since_ms, memory_order_relaxed);
    atomic_store_explicit(&notes->inside, visit.inside, memory_order_release);
    if (atomic_load_explicit(&notes->watcher_sleeps, memory_order_relaxed))
        wake_watcher(supervised);
    return visit;
}

bool module_code_runs(const struct worker *worker) {
    return atomic_load_explicit(&worker->supervised->notes->inside, memory_order_relaxed) != 0;
}

/*
 * The module has forked and the child has come back, a second worker with the same connections. No
 * lock is taken: another thread may have held it. The supervisor's notes are not the child's.
 */
__attribute__((noinline, cold)) static void end_here(const struct module *module) {
    char line[200];
    int size = snprintf(line, sizeof(line),
                        "koine: module %s has forked a process that came back to the gateway: it "
                        "is ended; a child must call exec or _exit\n",
                        module_name(module));
    if (write(STDERR_FILENO, line, (size_t)size) < 0) {
        /* nobody reads */
    }
    _exit(1);
}

void module_end_child(const struct module *module) {
    const unsigned char *origin = module->worker->modules->origin;
    if (origin && !*origin)
        end_here(module);
}

void module_leave(const struct module_visit *visit) {
    const struct module *module = visit->module;
    if (!module)
        return;
    module_end_child(module);
    struct worker_notes *notes = module->worker->supervised->notes;
    uint32_t slow_ms = module->worker->config->modules.slow_call_ms;
    if (visit->before)
        atomic_store_explicit(&notes->inside_since_ms, visit->since_before_ms,
                              memory_order_relaxed);
    atomic_store_explicit(&notes->inside, visit->before, memory_order_release);
    const struct server *server = module->worker->server;
    if (!visit->before && server && server->kept)
        request_free_kept(module->worker->server);
    uint64_t took_ms = coarse_now_ms() - visit->since_ms;
    if (slow_ms && took_ms >= slow_ms)
        report_slow(visit, took_ms);
}
