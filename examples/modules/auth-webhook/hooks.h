/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks of the settings, their secrets, and whether a message bears the signature of one. Knows
 * no request and starts no run.
 */
#ifndef AUTH_WEBHOOK_HOOKS_H
#define AUTH_WEBHOOK_HOOKS_H

#include <jansson.h>
#include <koine-module/module.h>

struct hook {
    const char *name;
    const char *key;      /* of the gateway: whose rights a message has */
    const char *prompt;   /* what Claude is to do with a message */
    json_int_t max_age_s; /* 0: messages bear no time */
    unsigned char *secret;
    size_t secret_size;
};

struct hooks {
    json_t *settings; /* texts of hooks point into it */
    struct hook *items;
    size_t count;
    struct hook nobody; /* with a secret that nobody knows, for names that are none of a hook */
};

/* KOINE_OK, or why not in `error`. hooks_finish must follow after both. */
int32_t hooks_init(struct hooks *hooks, struct koine_text settings, struct koine_error *error);
void hooks_finish(struct hooks *hooks);

/* Never NULL: `nobody` for an unknown name, so that it takes as long as a known one. */
const struct hook *hooks_find(const struct hooks *hooks, struct koine_text name);

/*
 * Whether `signature` is "sha256=" and the HMAC-SHA256 of the message in hexadecimal. The message
 * is the body, or, for a hook with max_age_s, TIME "." body, TIME being the seconds since 1970 as
 * the sender has written them. KOINE_OK, KOINE_REFUSED: it is not, KOINE_NO_MEMORY. `joined`:
 * timestamp.size + 1 + body.size bytes to work in.
 */
int32_t hook_verify(const struct hook *hook, struct koine_text timestamp, struct koine_text body,
                    struct koine_text signature, char *joined);

/* Whether a time that the signature covers is within max_age_s of `now_s`. */
bool hook_is_fresh(const struct hook *hook, struct koine_text timestamp, int64_t now_s);

#endif
