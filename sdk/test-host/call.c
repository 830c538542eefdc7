/* SPDX-License-Identifier: Apache-2.0 */
/* Checks, trace and timing of what crosses the border between module and host. */
#include "test-host/call.h"
#include "modules/struct_size.h"
#include "test-host/answer.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const char *const handle_names[HANDLE_KINDS] = {
    [HANDLE_REQUEST] = "request", [HANDLE_RUN] = "run",     [HANDLE_CALL] = "tool call",
    [HANDLE_TIMER] = "timer",     [HANDLE_WATCH] = "watch", [HANDLE_METRIC] = "metric",
};

/* ---- the module calls the host */

static const char *result_name(int32_t result) {
    static const char *const names[] = {"OK",          "GONE",    "INVALID",
                                        "UNSUPPORTED", "REFUSED", "NO_MEMORY",
                                        "WRONG_STATE", "EXISTS",  "NOT_FOUND"};
    if (result == KOINE_FULL)
        return "FULL";
    return result <= 0 && result >= KOINE_NOT_FOUND ? names[-result] : "?";
}

static const char *state_problem(const struct koine_test_host *host, enum call_needs needs) {
    if (host->rendering)
        return "from inside render_failure, which must not call the host";
    if (host->state == HOST_LOADED)
        return "before create";
    if (host->state >= HOST_DESTROYING)
        return "in destroy, where only the log may be written";
    if (host->state <= HOST_CREATED)
        return "in create, where only the log may be written";
    if (needs == CALL_IN_INIT && host->state != HOST_INITIALISING)
        return "after init: what is registered is complete before the first request";
    if (needs == CALL_FROM_START && host->state < HOST_SERVING)
        return "in init; it may be called from start on";
    return NULL;
}

bool call_begin(struct call *call, const struct koine_host *seen, const char *name,
                enum call_needs needs) {
    struct koine_test_host *host = host_of(seen);
    const char *problem = NULL;
    *call = (struct call){.host = host,
                          .name = name,
                          .inside = allocation_inside(false),
                          .foreign = !pthread_equal(pthread_self(), host->loop_thread)};
    if (call->foreign)
        atomic_fetch_add(&host->foreign_calls, 1);
    if (needs == CALL_ANYWHERE)
        return true;
    call->result = KOINE_WRONG_STATE;
    if (call->foreign) {
        finding_add(host, "wrong-thread",
                    "%s was called on another thread than the loop's; come back through loop->post",
                    name);
        return false;
    }
    problem = state_problem(host, needs);
    if (problem) {
        finding_add(host, "wrong-state", "%s was called %s", name, problem);
        return false;
    }
    call->result = KOINE_OK;
    return true;
}

int32_t call_end(const struct call *call, int32_t result) {
    struct koine_test_host *host = call->host;
    if (host->trace)
        fprintf(host->trace, "%8" PRIu64 " ms   %s = %s\n", koine_test_now_ms(host), call->name,
                result_name(result));
    allocation_inside(call->inside);
    if (call->foreign) /* the host may be gone from here on */
        atomic_fetch_sub(&host->foreign_calls, 1);
    return result;
}

int32_t call_invalid(const struct call *call, const char *why) {
    finding_add(call->host, "invalid-argument", "%s: %s", call->name, why);
    return KOINE_INVALID;
}

int32_t call_gone(const struct call *call, enum handle_kind kind, uint64_t id) {
    if (call->result != KOINE_OK)
        return KOINE_GONE; /* it has been said what was wrong */
    if (!handle_was_issued(call->host, kind, id))
        finding_add(call->host, "made-up-handle",
                    "%s was given the %s %" PRIx64 ", which this host never gave out", call->name,
                    handle_names[kind], id);
    return KOINE_GONE;
}

int32_t call_read(const struct call *call, void *to, size_t known, const void *from, size_t minimum,
                  const char *type) {
    int32_t result = struct_size_read(to, known, from, minimum);
    uint32_t size = 0;
    if (result == KOINE_OK)
        return result;
    if (!from) {
        finding_add(call->host, "struct-size", "%s was given no struct %s", call->name, type);
        return result;
    }
    memcpy(&size, from, sizeof(size));
    finding_add(call->host, "struct-size",
                "%s: struct %s has the size %u%s; set it to sizeof(struct %s), here %zu",
                call->name, type, size,
                result == KOINE_UNSUPPORTED ? " and what this host does not know in it is not zero"
                                            : "",
                type, known);
    return result;
}

bool call_wants(const struct call *call, struct koine_failure *failure) {
    if (!failure) {
        call_invalid(call, "failure must be given");
        return false;
    }
    if (failure->size < LENGTH_WITH(koine_failure, issues) || failure->size > sizeof(*failure))
        finding_add(call->host, "struct-size",
                    "%s: struct koine_failure has the size %u; set it to sizeof(struct "
                    "koine_failure), here %zu",
                    call->name, failure->size, sizeof(*failure));
    return true;
}

/* ---- the host calls the module */

static void measure(long *switches, double *cpu_ms) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    *switches = usage.ru_nvcsw;
    *cpu_ms = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
              (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

void note_place(const struct koine_test_host *host, const char *call) {
    struct koine_test_place *place = host->limits.place;
    if (!place)
        return;
    snprintf(place->call, sizeof(place->call), "%s", call);
    place->calls++;
}

void visit_begin(struct visit *visit, struct koine_test_host *host, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(visit->name, sizeof(visit->name), format, args);
    va_end(args);
    visit->host = host;
    if (host->trace)
        fprintf(host->trace, "%8" PRIu64 " ms %s\n", koine_test_now_ms(host), visit->name);
    note_place(host, visit->name);
    visit->outer = host->visit;
    host->visit = visit;
    host->depth++;
    measure(&visit->switches, &visit->cpu_ms);
    clock_gettime(CLOCK_MONOTONIC, &visit->began);
    visit->inside = allocation_inside(true);
}

/* Slow is what used the processor or slept; to be kept waiting by a busy machine is no fault. */
static void judge_time(const struct visit *visit) {
    struct timespec now;
    long switches;
    double cpu_ms, limit = visit->host->limits.slow_call_ms;
    clock_gettime(CLOCK_MONOTONIC, &now);
    measure(&switches, &cpu_ms);
    double took = (double)(now.tv_sec - visit->began.tv_sec) * 1e3 +
                  (double)(now.tv_nsec - visit->began.tv_nsec) / 1e6;
    if (took > limit && (switches > visit->switches || cpu_ms - visit->cpu_ms > limit))
        finding_add(visit->host, "slow-call",
                    "%s held the loop for more than %.0f ms; work that blocks belongs on a thread "
                    "that comes back through loop->post",
                    visit->name, limit);
}

/* A second test with the same files open, whose findings nobody would see. */
static void end_child(const struct koine_test_host *host) {
    static const char line[] = "koine-test-host: the module has forked a process that came back to "
                               "the host: it is ended; a child must call exec or _exit\n";
    if (getpid() == host->pid)
        return;
    if (host->limits.place)
        host->limits.place->forked = true;
    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0) {
        /* nobody reads */
    }
    _exit(1);
}

void visit_end(struct visit *visit) {
    end_child(visit->host);
    allocation_inside(visit->inside);
    visit->host->visit = visit->outer;
    note_place(visit->host, visit->outer ? visit->outer->name : "");
    if (--visit->host->depth == 0)
        request_free_kept(visit->host);
    /* Lifecycle functions may take their time: nobody waits for the loop then. */
    if (visit->host->depth == 0 && visit->host->state >= HOST_SERVING &&
        visit->host->state <= HOST_DRAINING)
        judge_time(visit);
}
