/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether somebody still waits for an answer: lets work on a thread (workers.h) stop early when the
 * client has left, and outlives both the request and the job.
 *
 *     struct count { struct koine_wanted wanted; ...; }; // malloc'd
 *
 *     koine_wanted_follow(&count->wanted, self, request)  in the handler
 *     while (koine_wanted(&count->wanted) && …)           in work, on the thread
 *     koine_wanted_forget(&count->wanted); free(count);   in done, on the loop
 */
#ifndef KOINE_MODULE_WANTED_H
#define KOINE_MODULE_WANTED_H

#include <koine-module/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Not to be read or moved by its owner. */
struct koine_wanted {
    struct koine_wanted_link *link;
    int over;
};

/* From now on `wanted` says whether the request has ended. KOINE_OK: koine_wanted_forget must
 * follow. KOINE_GONE, KOINE_NO_MEMORY: it has ended, or cannot be followed. [loop] */
int32_t koine_wanted_follow(struct koine_wanted *wanted, const struct koine_self *self,
                            koine_request request);

/* False: the request has ended. [any-thread] */
bool koine_wanted(const struct koine_wanted *wanted);

/* `wanted` may be freed afterwards. [loop] */
void koine_wanted_forget(struct koine_wanted *wanted);

#ifdef __cplusplus
}
#endif
#endif
