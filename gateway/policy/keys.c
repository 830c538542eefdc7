/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking of keys. A check costs one SHA-256 and a comparison with every hash, no allocation: an
 * attacker who tries keys must not be able to make the gateway work.
 */
#include "policy/keys.h"

#include <koine/http.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct keys {
    EVP_MD *sha256; /* fetched once: a fetch for each check costs more than the hash */
    EVP_MD_CTX *context;
    struct tool_policy *gateway; /* its lists, without those of any key */
    struct key *items;
    size_t count;
};

/* ---- creation -------------------------------------------------------------------------------- */

/* NULL for a list that was not given; one that is empty is not NULL. */
static struct koine_text *texts_of(const struct config_list *list) {
    struct koine_text *texts = calloc(list->count + 1, sizeof(*texts));
    for (size_t i = 0; texts != NULL && i < list->count; i++) {
        texts[i] = (struct koine_text){list->items[i], strlen(list->items[i])};
    }
    return texts;
}

static struct tool_policy *narrow(const struct tool_policy *policy,
                                  const struct config_list *allowed,
                                  const struct config_list *disallowed,
                                  struct tool_policy_error *error) {
    struct tool_policy *narrowed = NULL;
    struct koine_text *allowed_texts = texts_of(allowed);
    struct koine_text *disallowed_texts = texts_of(disallowed);
    if (allowed_texts == NULL || disallowed_texts == NULL) {
        *error = (struct tool_policy_error){.problem = TOOL_POLICY_NO_MEMORY};
    } else {
        narrowed =
            tool_policy_narrow(policy, allowed->items != NULL ? allowed_texts : NULL,
                               allowed->count, disallowed_texts, disallowed->count, true, error);
    }
    free(allowed_texts);
    free(disallowed_texts);
    return narrowed;
}

/* `key`: NULL for the gateway's own lists. */
static void explain(const struct tool_policy_error *error, const struct config_key *key,
                    char *message, size_t size) {
    if (error->problem != TOOL_POLICY_BAD_RULE) {
        snprintf(message, size, "the tool lists cannot be read: memory is short");
    } else if (key == NULL) {
        snprintf(message, size, "tools.%s[%zu]: %s",
                 error->in_disallowed ? "disallowed" : "allowed", error->index, error->reason);
    } else {
        snprintf(message, size, "key \"%s\": %s[%zu]: %s", key->name,
                 error->in_disallowed ? "disallowed_tools" : "allowed_tools", error->index,
                 error->reason);
    }
}

static int add_keys(struct keys *keys, const struct config *config,
                    const struct tool_policy *gateway, char *message, size_t size) {
    for (size_t i = 0; i < config->key_count; i++) {
        const struct config_key *key = &config->keys[i];
        struct tool_policy_error error = {0};
        struct tool_policy *policy =
            narrow(gateway, &key->allowed_tools, &key->disallowed_tools, &error);
        if (policy == NULL) {
            explain(&error, key, message, size);
            return -1;
        }
        keys->items[keys->count++] = (struct key){.config = key, .policy = policy};
    }
    return 0;
}

static int build_policies(struct keys *keys, const struct config *config, char *message,
                          size_t size) {
    struct tool_policy_error error = {.problem = TOOL_POLICY_NO_MEMORY};
    struct tool_policy *top = tool_policy_create();
    struct tool_policy *gateway = NULL;
    int result = -1;
    if (top != NULL) {
        gateway = narrow(top, &config->tools.allowed, &config->tools.disallowed, &error);
    }
    if (gateway != NULL) {
        keys->gateway = tool_policy_ref(gateway);
        result = add_keys(keys, config, gateway, message, size);
    } else {
        explain(&error, NULL, message, size);
    }
    tool_policy_unref(gateway);
    tool_policy_unref(top);
    return result;
}

struct keys *keys_create(const struct config *config, char *message, size_t size) {
    struct keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL) {
        snprintf(message, size, "the keys cannot be read: memory is short");
        return NULL;
    }
    keys->items = calloc(config->key_count + 1, sizeof(keys->items[0]));
    keys->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    keys->context = EVP_MD_CTX_new();
    if (keys->items == NULL || keys->sha256 == NULL || keys->context == NULL) {
        snprintf(message, size,
                 "the keys cannot be read: libcrypto has no SHA-256, "
                 "or memory is short");
        goto error;
    }
    if (build_policies(keys, config, message, size) != 0) {
        goto error;
    }
    return keys;
error:
    keys_destroy(keys);
    return NULL;
}

void keys_destroy(struct keys *keys) {
    if (keys == NULL) {
        return;
    }
    for (size_t i = 0; i < keys->count; i++) {
        tool_policy_unref(keys->items[i].policy);
    }
    tool_policy_unref(keys->gateway);
    EVP_MD_CTX_free(keys->context);
    EVP_MD_free(keys->sha256);
    free(keys->items);
    free(keys);
}

size_t keys_count(const struct keys *keys) {
    return keys->count;
}

struct tool_policy *keys_gateway_policy(const struct keys *keys) {
    return keys->gateway;
}

struct key *keys_only(struct keys *keys) {
    return keys->count == 1 ? &keys->items[0] : NULL;
}

/* ---- checking -------------------------------------------------------------------------------- */

/* No early exit, so that the time does not tell which hash came close. */
static struct key *match(struct keys *keys, const unsigned char *digest) {
    struct key *found = NULL;
    for (size_t i = 0; i < keys->count; i++) {
        struct key *key = &keys->items[i];
        int differs = CRYPTO_memcmp(key->config->sha256, digest, SHA256_DIGEST_LENGTH);
        if (differs == 0) {
            found = key;
        }
    }
    return found;
}

enum key_check keys_check_secret(struct keys *keys, struct koine_text secret, struct key **key) {
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    *key = NULL;
    if (secret.size == 0) {
        return KEY_MISSING;
    }
    if (secret.size <= KEY_SECRET_MAX_BYTES &&
        EVP_DigestInit_ex2(keys->context, keys->sha256, NULL) == 1 &&
        EVP_DigestUpdate(keys->context, secret.data, secret.size) == 1 &&
        EVP_DigestFinal_ex(keys->context, digest, NULL) == 1) {
        *key = match(keys, digest);
    }
    OPENSSL_cleanse(digest, sizeof(digest));
    return *key != NULL ? KEY_OK : KEY_WRONG;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static struct koine_text trim(struct koine_text text) {
    while (text.size > 0 && is_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_blank(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

enum key_check keys_check_bearer(struct keys *keys, struct koine_text authorization,
                                 struct key **key) {
    static const struct koine_text scheme = {"Bearer", 6};
    struct koine_text text = trim(authorization);
    *key = NULL;
    if (text.size <= scheme.size || strncasecmp(text.data, scheme.data, scheme.size) != 0 ||
        !is_blank(text.data[scheme.size])) {
        return KEY_MISSING;
    }
    struct koine_text rest = {text.data + scheme.size, text.size - scheme.size};
    return keys_check_secret(keys, trim(rest), key);
}

enum key_check keys_check(struct keys *keys, uint32_t places, struct koine_text authorization,
                          struct koine_text api_key, struct key **key) {
    *key = NULL;
    if ((places & KOINE_KEY_X_API_KEY) != 0 && api_key.data != NULL) {
        return keys_check_secret(keys, api_key, key);
    }
    if (places == 0 || (places & KOINE_KEY_BEARER) != 0) {
        return keys_check_bearer(keys, authorization, key);
    }
    return KEY_MISSING;
}

/* ---- what a key may do ----------------------------------------------------------------------- */

struct key *keys_find(struct keys *keys, const char *name) {
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->items[i].config->name, name) == 0) {
            return &keys->items[i];
        }
    }
    return NULL;
}

static bool route_matches(const char *pattern, struct koine_text path) {
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*') {
        return path.size >= size - 1 && memcmp(pattern, path.data, size - 1) == 0;
    }
    return path.size == size && memcmp(pattern, path.data, size) == 0;
}

bool key_may_use_route(const struct key *key, struct koine_text path) {
    const struct config_list *routes = &key->config->routes;
    if (routes->items == NULL) {
        return true;
    }
    for (size_t i = 0; path.data != NULL && i < routes->count; i++) {
        if (route_matches(routes->items[i], path)) {
            return true;
        }
    }
    return false;
}

bool key_may_use_profile(const struct key *key, struct koine_text profile) {
    const struct config_list *profiles = &key->config->profiles;
    if (profiles->items == NULL) {
        return true;
    }
    for (size_t i = 0; profile.data != NULL && i < profiles->count; i++) {
        const char *name = profiles->items[i];
        if (strlen(name) == profile.size && memcmp(name, profile.data, profile.size) == 0) {
            return true;
        }
    }
    return false;
}
