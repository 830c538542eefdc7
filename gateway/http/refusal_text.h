/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals that name what was asked for: the path, the method, a limit. What a client has sent is
 * shortened here; escaping is the affair of the form that the answer has. Constant sentences are in
 * refusal_words.h.
 */
#ifndef HTTP_REFUSAL_TEXT_H
#define HTTP_REFUSAL_TEXT_H

#include "http/router.h"

struct refusal_text {
    char text[512];
};

/* Each fills `out` and returns its text. */

/* 404: with the path that was probably meant, when there is one. */
const char *refusal_unknown_path(struct refusal_text *out, const struct router *router,
                                 struct koine_text path);

/* 405; `allow` is the value of that header. */
const char *refusal_wrong_method(struct refusal_text *out, struct koine_text method,
                                 struct koine_text path, const char *allow);

/* 413; `route` may bring a limit of its own, or be NULL. */
const char *refusal_large_body(struct refusal_text *out, const struct route *route,
                               uint64_t limit_bytes);

/* 431 */
const char *refusal_large_head(struct refusal_text *out, uint64_t limit_bytes);

#endif
