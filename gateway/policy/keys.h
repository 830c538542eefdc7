/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call: keys as SHA-256 hashes, compared in constant time. Also what a key may do: routes,
 * profiles, tools, own slot limits. Knows no HTTP beyond the value of the header that brings a key.
 */
#ifndef POLICY_KEYS_H
#define POLICY_KEYS_H

#include "config/config.h"
#include "policy/tool_policy.h"
#include <koine/base.h>
#include <stdbool.h>

/* A longer secret is wrong without being hashed: the size of a header must not buy work. */
enum { KEY_SECRET_MAX_BYTES = 1024 };

/* One key at run time. */
struct key {
    const struct config_key *config; /* name, routes … */
    struct tool_policy *policy;      /* gateway's and key's lists, already narrowed */
    uint32_t streaming;              /* slots that this key holds now */
    uint32_t nonstreaming;
};

struct keys;

/* Takes the keys and the gateway's tool lists of `config`, which must outlive it. NULL with
 * `message` filled when a rule cannot be read or memory is short. */
struct keys *keys_create(const struct config *config, char *message, size_t size);
void keys_destroy(struct keys *keys); /* takes NULL */
size_t keys_count(const struct keys *keys);
/* The gateway's own lists: the policy of a request that nobody has signed with a key. Borrowed. */
struct tool_policy *keys_gateway_policy(const struct keys *keys);
struct key *keys_only(struct keys *keys); /* NULL: there are several */

enum key_check {
    KEY_OK,
    KEY_MISSING, /* no credentials, or not in the expected form */
    KEY_WRONG
};

/* `authorization`: value of the Authorization header ("Bearer KEY", the scheme in any case, blanks
 * around are allowed), none when absent. Every configured hash is compared, whichever matches. */
enum key_check keys_check_bearer(struct keys *keys, struct koine_text authorization,
                                 struct key **key);
enum key_check keys_check_secret(struct keys *keys, struct koine_text secret, struct key **key);
/* By what a route says of where clients put the key (KOINE_KEY_…, 0: Bearer): the values of
 * Authorization and X-Api-Key, none when absent. */
enum key_check keys_check(struct keys *keys, uint32_t places, struct koine_text authorization,
                          struct koine_text api_key, struct key **key);
struct key *keys_find(struct keys *keys, const char *name); /* NULL: none */

bool key_may_use_route(const struct key *key, struct koine_text path);
bool key_may_use_profile(const struct key *key, struct koine_text profile);

#endif
