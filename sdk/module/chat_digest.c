/* SPDX-License-Identifier: Apache-2.0 */
#include "chat_digest.h"
#include <stdlib.h>
#include <string.h>

bool chat_digest_same(const struct chat_digest *a, const struct chat_digest *b) {
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool add_text(EVP_MD_CTX *context, struct koine_text text) {
    const uint64_t size = text.size; /* in front, so that no text runs into the next */
    return EVP_DigestUpdate(context, &size, sizeof(size)) == 1 &&
           (!text.size || EVP_DigestUpdate(context, text.data, text.size) == 1);
}

bool chat_digest_texts(struct chat_digest *out, const struct koine_text *texts, size_t count) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = add_text(context, texts[i]);
    good = good && EVP_DigestFinal_ex(context, out->bytes, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

/* ---- JSON */

static bool add_value(EVP_MD_CTX *context, const json_t *value);

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Members in the order of their names. */
static bool add_object(EVP_MD_CTX *context, const json_t *object) {
    const size_t count = json_object_size(object);
    const char **names = calloc(count + 1, sizeof(*names));
    const char *name;
    json_t *member;
    size_t at = 0;
    bool good = names != NULL;
    if (names)
        json_object_foreach((json_t *)(uintptr_t)object, name, member) {
            names[at++] = name;
        }
    if (names)
        qsort((void *)names, at, sizeof(*names), by_name);
    for (size_t i = 0; good && i < at; i++)
        good = add_text(context, (struct koine_text){names[i], strlen(names[i])}) &&
               add_value(context, json_object_get(object, names[i]));
    free((void *)names);
    return good;
}

static bool add_scalar(EVP_MD_CTX *context, const json_t *value) {
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    bool good = text && add_text(context, (struct koine_text){text, strlen(text)});
    free(text);
    return good;
}

static bool add_value(EVP_MD_CTX *context, const json_t *value) {
    const char kind = "oasirtfn"[json_typeof(value)]; /* as jansson counts them */
    size_t at;
    json_t *item;
    bool good = EVP_DigestUpdate(context, &kind, 1) == 1;
    if (json_is_string(value))
        return good && add_text(context, (struct koine_text){json_string_value(value),
                                                             json_string_length(value)});
    if (!json_is_object(value) && !json_is_array(value))
        return good && add_scalar(context, value);
    const uint64_t count = json_is_object(value) ? json_object_size(value) : json_array_size(value);
    good = good && EVP_DigestUpdate(context, &count, sizeof(count)) == 1;
    if (json_is_object(value))
        return good && add_object(context, value);
    json_array_foreach(value, at, item) {
        good = good && add_value(context, item);
    }
    return good;
}

bool chat_digest_json(struct chat_digest *out, const json_t *value) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                (!value || add_value(context, value)) &&
                EVP_DigestFinal_ex(context, out->bytes, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

/* ---- one message */

void chat_message_digest_begin(struct chat_message_digest *digest, const struct chat_digest *before,
                               bool is_assistant) {
    chat_message_digest_finish(digest);
    digest->all = EVP_MD_CTX_new();
    digest->text = EVP_MD_CTX_new();
    digest->failed = !digest->all || !digest->text ||
                     EVP_DigestInit_ex(digest->all, EVP_sha256(), NULL) != 1 ||
                     EVP_DigestUpdate(digest->all, before->bytes, sizeof(before->bytes)) != 1 ||
                     EVP_DigestUpdate(digest->all, is_assistant ? "a" : "u", 1) != 1;
}

static void end_text(struct chat_message_digest *digest) {
    struct chat_digest text;
    if (!digest->in_text || digest->failed)
        return;
    digest->in_text = false;
    digest->failed = EVP_DigestFinal_ex(digest->text, text.bytes, NULL) != 1 ||
                     EVP_DigestUpdate(digest->all, "t", 1) != 1 ||
                     EVP_DigestUpdate(digest->all, text.bytes, sizeof(text.bytes)) != 1;
}

void chat_message_digest_text(struct chat_message_digest *digest, struct koine_text piece) {
    if (digest->failed || !piece.size)
        return;
    if (!digest->in_text)
        digest->failed = EVP_DigestInit_ex(digest->text, EVP_sha256(), NULL) != 1;
    digest->in_text = true;
    if (!digest->failed)
        digest->failed = EVP_DigestUpdate(digest->text, piece.data, piece.size) != 1;
}

static bool is(const char *type, const char *what) {
    return strcmp(type, what) == 0;
}

void chat_message_digest_block(struct chat_message_digest *digest, const json_t *block) {
    const char *type = json_string_value(json_object_get(block, "type"));
    const json_t *text = json_object_get(block, "text");
    struct chat_digest other;
    if (!type || is(type, "thinking") || is(type, "redacted_thinking"))
        return;
    if (is(type, "text")) {
        chat_message_digest_text(
            digest, (struct koine_text){json_string_value(text), json_string_length(text)});
        return;
    }
    end_text(digest);
    if (!digest->failed)
        digest->failed = !chat_digest_json(&other, block) ||
                         EVP_DigestUpdate(digest->all, "b", 1) != 1 ||
                         EVP_DigestUpdate(digest->all, other.bytes, sizeof(other.bytes)) != 1;
}

bool chat_message_digest_end(struct chat_message_digest *digest, struct chat_digest *out) {
    end_text(digest);
    bool good = !digest->failed && EVP_DigestFinal_ex(digest->all, out->bytes, NULL) == 1;
    chat_message_digest_finish(digest);
    return good;
}

void chat_message_digest_finish(struct chat_message_digest *digest) {
    EVP_MD_CTX_free(digest->all);
    EVP_MD_CTX_free(digest->text);
    *digest = (struct chat_message_digest){0};
}

bool chat_digest_messages(struct chat_digest *out, const struct chat_digest *before,
                          const json_t *messages, size_t from, size_t to) {
    struct chat_message_digest digest = {0};
    *out = *before;
    for (size_t i = from; i < to; i++) {
        const json_t *message = json_array_get(messages, i);
        const char *role = json_string_value(json_object_get(message, "role"));
        size_t at;
        json_t *block;
        chat_message_digest_begin(&digest, out, role && is(role, "assistant"));
        json_array_foreach(json_object_get(message, "content"), at, block)
            chat_message_digest_block(&digest, block);
        if (!chat_message_digest_end(&digest, out))
            return false;
    }
    return true;
}
