/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.log/1": the gateway's log. Every line names the module by itself.
 * Never log a key, a prompt, or what a tool was given, unless the operator asked for it.
 */
#ifndef KOINE_LOG_H
#define KOINE_LOG_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_LOG "koine.log/1"

enum {
    KOINE_LOG_ERROR = 0,   /* somebody must act */
    KOINE_LOG_WARNING = 1, /* works, but not as meant */
    KOINE_LOG_INFO = 2,    /* what an operator wants to see by default */
    KOINE_LOG_DEBUG = 3    /* what a developer wants to see */
};

struct koine_log {
    uint32_t size;
    uint32_t reserved;

    /*
     * Writes one line. Control characters are escaped, text above 4,096 bytes is cut.
     * `request`: the line also carries its X-Request-Id; id 0: none. From another thread only 0.
     * [any-thread], in every state.
     */
    void (*write)(const struct koine_host *host, int32_t level, koine_request request,
                  struct koine_text message);

    /* Whether a line of this level would be written: ask before building a costly one.
     * [any-thread] */
    int32_t (*enabled)(const struct koine_host *host, int32_t level);
};

KOINE_PIN(koine_log, write, 8);
KOINE_PIN(koine_log, enabled, 16);

#ifdef __cplusplus
}
#endif
#endif
