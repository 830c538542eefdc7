/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds a client's key to the configuration. Which secret it has, and whether that is fit for one,
 * is its caller's affair.
 */
#include "config/api_key.h"

#include "config/keys.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct config_key *api_key_open(struct config *config, const char *name,
                                struct problems *problems) {
    for (size_t i = 0; i < config->key_count; i++) {
        if (config->keys[i].name != NULL && strcmp(config->keys[i].name, name) == 0) {
            return &config->keys[i];
        }
    }
    struct config_key *keys = reallocarray(config->keys, config->key_count + 1, sizeof *keys);
    if (keys == NULL) {
        problems_add_no_memory(problems);
        return NULL;
    }
    config->keys = keys;
    struct config_key *key = &keys[config->key_count];
    memset(key, 0, sizeof *key);
    key->name = strdup(name);
    if (key->name == NULL || key_set_defaults(&key_table_key, key) != 0) {
        free(key->name);
        problems_add_no_memory(problems);
        return NULL;
    }
    config->key_count++;
    return key;
}

int api_key_hash(const char *secret, unsigned char sha256[32], struct problems *problems) {
    unsigned int size = 0;
    if (EVP_Digest(secret, strlen(secret), sha256, &size, EVP_sha256(), NULL) == 1) {
        return 0;
    }
    problems_add(problems, 0, FORM_KEY_VARIABLE, "SHA-256 is not available in libcrypto");
    return -1;
}
