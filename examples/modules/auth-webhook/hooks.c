/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets are read from files once, at the start, never logged and never shown. Comparing takes the
 * same time whatever differs.
 */
#include "hooks.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SECRET_LEAST_BYTES = 16,
    SECRET_MOST_BYTES = 1024,
    SECRET_BUFFER_BYTES =
        SECRET_MOST_BYTES + 3, /* a line break at the end, and one byte too many */
    MAC_BYTES = 32
};

/* ---- secrets */

static int32_t refuse(struct koine_error *error, const char *path, const char *why) {
    return koine_error_set(error, KOINE_INVALID, "%s: %s", path, why);
}

/* The file without the line breaks at its end. */
static int32_t read_secret(struct hook *hook, const char *path, struct koine_error *error) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0)
        return refuse(error, path, strerror(errno));
    hook->secret = OPENSSL_zalloc(SECRET_BUFFER_BYTES);
    ssize_t size = hook->secret ? read(fd, hook->secret, SECRET_BUFFER_BYTES) : -1;
    const bool open_to_all = fstat(fd, &status) != 0 || (status.st_mode & S_IRWXO);
    close(fd);
    while (size > 0 && (hook->secret[size - 1] == '\n' || hook->secret[size - 1] == '\r'))
        size--;
    if (open_to_all)
        return refuse(error, path, "everybody may read the secret: chmod o= it");
    if (size < SECRET_LEAST_BYTES || size > SECRET_MOST_BYTES)
        return refuse(error, path,
                      "a secret has 16 to 1,024 bytes: openssl rand -hex 32 makes one");
    hook->secret_size = (size_t)size;
    return KOINE_OK;
}

static bool make_up_secret(struct hook *hook) {
    hook->name = "";
    hook->secret = OPENSSL_zalloc(SECRET_BUFFER_BYTES);
    hook->secret_size = MAC_BYTES;
    return hook->secret && RAND_bytes(hook->secret, MAC_BYTES) == 1;
}

static void forget_secret(struct hook *hook) {
    OPENSSL_clear_free(hook->secret, SECRET_BUFFER_BYTES);
    hook->secret = NULL;
}

/* ---- settings; the schema has checked what is there and of which type */

static int32_t read_hooks(struct hooks *hooks, json_t *settings, struct koine_error *error) {
    const char *name;
    json_t *setting;
    json_object_foreach(settings, name, setting) {
        struct hook *hook = &hooks->items[hooks->count++];
        const char *path = NULL;
        hook->name = name;
        if (json_unpack(setting, "{s:s,s:s,s:s,s?I}", "secret_file", &path, "key", &hook->key,
                        "prompt", &hook->prompt, "max_age_s", &hook->max_age_s) != 0)
            return koine_error_set(error, KOINE_INVALID,
                                   "the hook %s needs secret_file, key and prompt", name);
        const int32_t result = read_secret(hook, path, error);
        if (result != KOINE_OK)
            return result;
    }
    return KOINE_OK;
}

int32_t hooks_init(struct hooks *hooks, struct koine_text settings, struct koine_error *error) {
    *hooks = (struct hooks){.settings = json_loadb(settings.data, settings.size, 0, NULL)};
    json_t *items = json_object_get(hooks->settings, "hooks");
    hooks->items = OPENSSL_zalloc((json_object_size(items) + 1) * sizeof(*hooks->items));
    if (!hooks->settings || !hooks->items || !make_up_secret(&hooks->nobody))
        return koine_error_set(error, KOINE_NO_MEMORY, "memory or random numbers are short");
    return read_hooks(hooks, items, error);
}

void hooks_finish(struct hooks *hooks) {
    for (size_t i = 0; i < hooks->count; i++)
        forget_secret(&hooks->items[i]);
    forget_secret(&hooks->nobody);
    OPENSSL_free(hooks->items);
    json_decref(hooks->settings);
    *hooks = (struct hooks){.settings = NULL};
}

const struct hook *hooks_find(const struct hooks *hooks, struct koine_text name) {
    const struct hook *found = &hooks->nobody;
    for (size_t i = 0; i < hooks->count; i++)
        if (strlen(hooks->items[i].name) == name.size &&
            memcmp(hooks->items[i].name, name.data, name.size) == 0)
            found = &hooks->items[i];
    return found;
}

/* ---- signatures */

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* False: it is not of the form. What it looks like is no secret. */
static bool read_signature(struct koine_text text, unsigned char mac[MAC_BYTES]) {
    static const char prefix[] = "sha256=";
    const size_t skipped = sizeof(prefix) - 1;
    if (text.size != skipped + 2 * (size_t)MAC_BYTES || memcmp(text.data, prefix, skipped) != 0)
        return false;
    for (size_t i = 0; i < MAC_BYTES; i++) {
        const int high = hex_value(text.data[skipped + 2 * i]);
        const int low = hex_value(text.data[skipped + 2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        mac[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* The time is part of what is signed: it cannot be taken off or put on. */
static struct koine_text join(struct koine_text timestamp, struct koine_text body, char *joined) {
    memcpy(joined, timestamp.data ? timestamp.data : "", timestamp.size);
    joined[timestamp.size] = '.';
    memcpy(joined + timestamp.size + 1, body.data ? body.data : "", body.size);
    return (struct koine_text){joined, timestamp.size + 1 + body.size};
}

int32_t hook_verify(const struct hook *hook, struct koine_text timestamp, struct koine_text body,
                    struct koine_text signature, char *joined) {
    const struct koine_text message = hook->max_age_s ? join(timestamp, body, joined) : body;
    unsigned char given[MAC_BYTES] = {0}, expected[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const bool formed = read_signature(signature, given);
    if (!HMAC(EVP_sha256(), hook->secret, (int)hook->secret_size,
              (const unsigned char *)(message.data ? message.data : ""), message.size, expected,
              &size) ||
        size != MAC_BYTES)
        return KOINE_NO_MEMORY;
    return CRYPTO_memcmp(given, expected, MAC_BYTES) == 0 && formed ? KOINE_OK : KOINE_REFUSED;
}

bool hook_is_fresh(const struct hook *hook, struct koine_text timestamp, int64_t now_s) {
    int64_t then_s = 0;
    if (!timestamp.size || timestamp.size > 15)
        return false;
    for (size_t i = 0; i < timestamp.size; i++) {
        if (timestamp.data[i] < '0' || timestamp.data[i] > '9')
            return false;
        then_s = then_s * 10 + timestamp.data[i] - '0';
    }
    return then_s >= now_s - hook->max_age_s && then_s <= now_s + hook->max_age_s;
}
