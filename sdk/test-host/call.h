/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The border between module and host, crossed in one place: calls of the module into the host are
 * checked and traced, calls of the host into the module are timed.
 */
#ifndef TEST_HOST_CALL_H
#define TEST_HOST_CALL_H

#include "test-host/host.h"
#include <time.h>

/* When a call may be made. */
enum call_needs {
    CALL_ANYWHERE,   /* from any thread, in every state */
    CALL_IN_INIT,    /* registration */
    CALL_FROM_INIT,  /* config, metrics */
    CALL_FROM_START, /* everything else */
};

struct call {
    struct koine_test_host *host;
    const char *name;
    bool inside;  /* what allocation_inside said before */
    bool foreign; /* made by a thread of the module's */
    int32_t result;
};

/* False: the call is refused, with `result` KOINE_WRONG_STATE and a finding. call_end must follow
 * in both cases. */
bool call_begin(struct call *call, const struct koine_host *host, const char *name,
                enum call_needs needs);
int32_t call_end(const struct call *call, int32_t result);
/* An argument is wrong: a finding. Returns KOINE_INVALID. */
int32_t call_invalid(const struct call *call, const char *why);
/* A handle that resolves to nothing: a finding if it never did. Returns KOINE_GONE. */
int32_t call_gone(const struct call *call, enum handle_kind kind, uint64_t id);
/* Reads a struct by the rule of the ABI: KOINE_OK, or the refusal, with a finding. */
int32_t call_read(const struct call *call, void *to, size_t known, const void *from, size_t minimum,
                  const char *type);
/* A struct koine_failure that the module wants filled: false: it gave none. Its size is checked. */
bool call_wants(const struct call *call, struct koine_failure *failure);

/* A call into the module. */
struct visit {
    struct koine_test_host *host;
    const struct visit *outer; /* that it happens in, or NULL */
    char name[160];
    bool inside;
    struct timespec began;
    long switches;
    double cpu_ms;
};
void visit_begin(struct visit *visit, struct koine_test_host *host, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void visit_end(struct visit *visit);
/* What runs of the module, for whoever watches; "": nothing. */
void note_place(const struct koine_test_host *host, const char *call);

#endif
