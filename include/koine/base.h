/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types that every header of the ABI shares: results, text, handles, refusals.
 * This file declares no function of the host; it includes nothing of the gateway.
 *
 * Trust: a module is trusted code. It runs inside the gateway's worker process with all its
 * rights; what protects the gateway from a module is review, not this interface.
 */
#ifndef KOINE_BASE_H
#define KOINE_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define KOINE_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define KOINE_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/*
 * What a call answers. Zero is success, a positive value is success with a remark, a negative
 * value is a refusal after which nothing has changed. New values may be added: treat an unknown
 * negative value as a refusal.
 */
enum {
    KOINE_OK = 0,
    KOINE_FULL = 1,         /* taken, but the queue is over its mark: wait for `drained` */
    KOINE_GONE = -1,        /* the handle is dead: request, run, timer … have ended */
    KOINE_INVALID = -2,     /* an argument is wrong; the log says which and names the module */
    KOINE_UNSUPPORTED = -3, /* a struct or flag is newer than this host */
    KOINE_REFUSED = -4,     /* refused for the client's sake; the koine_failure tells why */
    KOINE_NO_MEMORY = -5,   /* an allocation failed */
    KOINE_WRONG_STATE = -6, /* right call, wrong moment: see the lifecycle table in module.h */
    KOINE_EXISTS = -7,      /* the name or route is taken */
    KOINE_NOT_FOUND = -8    /* no such name, key or header */
};

/* Bytes with a length, not terminated unless a comment says so. Text is UTF-8. NULL with size 0
 * means "none", a non-NULL pointer with size 0 means "empty". The layout never grows. */
struct koine_text {
    const char *data;
    size_t size;
};

/* Handles. A value is never reused, so a dead one is harmless: every call answers KOINE_GONE.
 * An id of 0 is never valid and may stand for "none". */
typedef struct koine_request {
    uint64_t id;
} koine_request;
typedef struct koine_run {
    uint64_t id;
} koine_run;
typedef struct koine_call {
    uint64_t id;
} koine_call;
typedef struct koine_timer {
    uint64_t id;
} koine_timer;
typedef struct koine_watch {
    uint64_t id;
} koine_watch;
typedef struct koine_metric {
    uint64_t id;
} koine_metric;

/*
 * The host as one module sees it. Each module is given its own, so the host knows who calls.
 * Valid from koine_module.create to the return of koine_module.destroy.
 */
struct koine_host {
    uint32_t size;      /* sizeof(struct koine_host) of the host */
    uint16_t abi_major; /* KOINE_ABI_MAJOR of the host */
    uint16_t abi_minor; /* KOINE_ABI_MINOR of the host */
    /*
     * Looks up a service by its id, for example KOINE_HTTP. [any-thread]
     * Returns a table that is valid as long as the host, or NULL when the id is unknown.
     * Each table begins with its size: test members newer than 1.0 with KOINE_HAS.
     */
    const void *(*service)(const struct koine_host *host, const char *id);
};

/*
 * Why something was refused, ready to be sent to a client. The caller sets `size`, the callee
 * fills the rest. Texts that the host fills live as long as the request (or, for a call that
 * names no request, until the next call of this module into the host).
 */
struct koine_failure {
    uint32_t size;             /* sizeof(struct koine_failure) */
    uint16_t status;           /* HTTP status, 400 … 599 */
    uint16_t reserved;         /* 0 */
    uint32_t retry_after_s;    /* seconds for Retry-After; 0: no such header */
    uint32_t reserved2;        /* 0 */
    struct koine_text code;    /* for programs: "VALIDATION_ERROR" */
    struct koine_text message; /* for people: one sentence, holds no secret */
    struct koine_text issues;  /* JSON array of {"path":[…],"message":"…"}, or none */
    /* Since 1.1. With UPSTREAM_ERROR the HTTP status that the model's API gave the CLI: 429, 529 …;
     * 0: not known, or another failure. */
    uint32_t upstream_status;
    uint32_t reserved3; /* 0 */
};

/* True when the table `t` (never NULL) of this host is long enough to hold `member`. */
#define KOINE_HAS(t, member) ((t)->size >= offsetof(__typeof__(*(t)), member) + sizeof((t)->member))

/* Text of a string literal. */
#ifdef __cplusplus
#define KOINE_TEXT(literal) (koine_text{"" literal, sizeof(literal) - 1})
#else
#define KOINE_TEXT(literal) ((struct koine_text){"" literal, sizeof(literal) - 1})
#endif

#if UINTPTR_MAX == UINT64_MAX
#define KOINE_PIN(type, member, offset)                                                            \
    KOINE_STATIC_ASSERT(offsetof(struct type, member) == (offset),                                 \
                        "the ABI fixes the place of " #member)
#else
#define KOINE_PIN(type, member, offset) KOINE_STATIC_ASSERT(1, "")
#endif

KOINE_PIN(koine_text, size, 8);
KOINE_PIN(koine_host, service, 8);
KOINE_PIN(koine_failure, status, 4);
KOINE_PIN(koine_failure, retry_after_s, 8);
KOINE_PIN(koine_failure, code, 16);
KOINE_PIN(koine_failure, message, 32);
KOINE_PIN(koine_failure, issues, 48);
KOINE_PIN(koine_failure, upstream_status, 64);

#ifdef __cplusplus
}
#endif
#endif
