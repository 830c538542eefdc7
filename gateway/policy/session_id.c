/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and checking of session ids. 60 random bits, 62 bits of HMAC-SHA256; the other six are
 * the version and the variant of the UUID.
 */
#include "policy/session_id.h"
#include "policy/session_uuid.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_SIZE = 32, UUID_SIZE = SESSION_UUID_SIZE, HALF_SIZE = UUID_SIZE / 2 };

struct session_ids {
    EVP_MAC_CTX *context;
    unsigned char secret[SECRET_SIZE];
};

static EVP_MAC_CTX *create_context(void) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac); /* the context holds its own reference */
    if (context != NULL && EVP_MAC_CTX_set_params(context, parameters) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

struct session_ids *session_ids_create(const unsigned char secret[32]) {
    struct session_ids *ids = calloc(1, sizeof(*ids));
    if (ids == NULL) {
        return NULL;
    }
    ids->context = create_context();
    if (ids->context == NULL) {
        free(ids);
        return NULL;
    }
    memcpy(ids->secret, secret, SECRET_SIZE);
    return ids;
}

void session_ids_destroy(struct session_ids *ids) {
    if (ids == NULL) {
        return;
    }
    EVP_MAC_CTX_free(ids->context);
    OPENSSL_cleanse(ids->secret, sizeof(ids->secret));
    free(ids);
}

/* Fills the second half of the UUID from its first half and the name. The label keeps this MAC
 * apart from whatever else may come to use the secret; the length keeps name and rest apart. */
static int seal(struct session_ids *ids, const char *key_name, unsigned char uuid[UUID_SIZE]) {
    static const unsigned char label[] = "koine session id, version 1";
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t mac_size = 0;
    size_t name_size = strlen(key_name);
    unsigned char length[4] = {(unsigned char)(name_size >> 24), (unsigned char)(name_size >> 16),
                               (unsigned char)(name_size >> 8), (unsigned char)name_size};
    if (name_size > UINT32_MAX || EVP_MAC_init(ids->context, ids->secret, SECRET_SIZE, NULL) != 1 ||
        EVP_MAC_update(ids->context, label, sizeof(label)) != 1 ||
        EVP_MAC_update(ids->context, length, sizeof(length)) != 1 ||
        EVP_MAC_update(ids->context, (const unsigned char *)key_name, name_size) != 1 ||
        EVP_MAC_update(ids->context, uuid, HALF_SIZE) != 1 ||
        EVP_MAC_final(ids->context, mac, &mac_size, sizeof(mac)) != 1 || mac_size < HALF_SIZE) {
        return -1;
    }
    memcpy(uuid + HALF_SIZE, mac, HALF_SIZE);
    uuid[8] = (unsigned char)((uuid[8] & 0x3F) | 0x80); /* variant of RFC 9562 */
    OPENSSL_cleanse(mac, sizeof(mac));
    return 0;
}

int session_id_make(struct session_ids *ids, const char *key_name, char id[SESSION_ID_SIZE]) {
    unsigned char uuid[UUID_SIZE] = {0};
    if (getentropy(uuid, HALF_SIZE) != 0) {
        return -1;
    }
    uuid[6] = (unsigned char)((uuid[6] & 0x0F) | 0x80); /* version 8 */
    if (seal(ids, key_name, uuid) != 0) {
        return -1;
    }
    session_uuid_write(uuid, id);
    return 0;
}

/* Compares texts, not bytes: one session has one spelling, or two of its turns could run at the
 * same time under two of them. */
bool session_id_belongs(struct session_ids *ids, const char *key_name, struct koine_text id) {
    unsigned char uuid[UUID_SIZE];
    char expected[SESSION_ID_SIZE];
    if (!session_id_is_uuid(id) || id.data[14] != '8') {
        return false;
    }
    session_uuid_read(id, uuid);
    if (seal(ids, key_name, uuid) != 0) {
        return false;
    }
    session_uuid_write(uuid, expected);
    bool belongs = CRYPTO_memcmp(expected, id.data, SESSION_ID_SIZE - 1) == 0;
    OPENSSL_cleanse(expected, sizeof(expected)); /* else a forger's id lies here, made valid */
    OPENSSL_cleanse(uuid, sizeof(uuid));
    return belongs;
}
