/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.auth/1": who sent a request, and which sessions are theirs.
 * The host authenticates a route with KOINE_AUTH_REQUIRED before its handler runs; this service is
 * for modules that ask more than that. No function ever gives a key away.
 * All functions are [loop], in the state "serving".
 */
#ifndef KOINE_AUTH_H
#define KOINE_AUTH_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_AUTH "koine.auth/1"

struct koine_auth {
    uint32_t size;
    uint32_t reserved;

    /*
     * The name of the key that the request acts under. Lives as long as the request.
     * KOINE_OK, KOINE_GONE, KOINE_NOT_FOUND (a public route, nobody is known).
     */
    int32_t (*key_name)(const struct koine_host *host, koine_request request,
                        struct koine_text *name);

    /*
     * For a route with KOINE_AUTH_NONE: does now what the host does before a protected route.
     * KOINE_OK: the request acts under its key. KOINE_REFUSED with `failure` (401, 403).
     * KOINE_GONE.
     */
    int32_t (*authenticate)(const struct koine_host *host, koine_request request,
                            struct koine_failure *failure);

    /*
     * For a route with KOINE_AUTH_NONE whose module has proven in its own way who is there (the
     * signature of a webhook, say): lets the request act under a configured key, with that key's
     * tool rules, slots and sessions. KOINE_OK, KOINE_GONE, KOINE_NOT_FOUND: no such key,
     * KOINE_REFUSED with `failure`: the key may not use the route, KOINE_WRONG_STATE: another kind
     * of route, or its run has started.
     */
    int32_t (*act_as)(const struct koine_host *host, koine_request request, const char *key_name,
                      struct koine_failure *failure);

    /*
     * Whether the request's key may continue this session. KOINE_OK; KOINE_REFUSED with `failure`
     * (404 SESSION_NOT_FOUND, 400 when it is no UUID); KOINE_GONE.
     */
    int32_t (*check_session)(const struct koine_host *host, koine_request request,
                             struct koine_text session_id, struct koine_failure *failure);
};

KOINE_PIN(koine_auth, key_name, 8);
KOINE_PIN(koine_auth, authenticate, 16);
KOINE_PIN(koine_auth, act_as, 24);
KOINE_PIN(koine_auth, check_session, 32);

#ifdef __cplusplus
}
#endif
#endif
