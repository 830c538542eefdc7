/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests (SHA-256, by libcrypto) of conversations: of roles and contents, so that the same one is
 * told again however its JSON is written. Thinking does not count: clients may leave it out.
 */
#ifndef MODULE_CHAT_DIGEST_H
#define MODULE_CHAT_DIGEST_H

#include <jansson.h>
#include <koine/base.h>
#include <openssl/evp.h>
#include <stdbool.h>

struct chat_digest {
    unsigned char bytes[32];
};

bool chat_digest_same(const struct chat_digest *a, const struct chat_digest *b);

/* Of several texts, none of which can run into the next. False: memory is short. */
bool chat_digest_texts(struct chat_digest *out, const struct koine_text *texts, size_t count);
/* Of a JSON value; members count in any order. NULL: of nothing. */
bool chat_digest_json(struct chat_digest *out, const json_t *value);

/* One message while it is being said. */
struct chat_message_digest {
    EVP_MD_CTX *all;
    EVP_MD_CTX *text; /* of the texts since the last block that is none */
    bool in_text;
    bool failed;
};

/* Zeroed, or finished before. `before`: of the conversation until then. */
void chat_message_digest_begin(struct chat_message_digest *digest, const struct chat_digest *before,
                               bool is_assistant);
void chat_message_digest_text(struct chat_message_digest *digest, struct koine_text piece);
/* A block of the Messages API; thinking is passed over. */
void chat_message_digest_block(struct chat_message_digest *digest, const json_t *block);
/* The conversation with this message. False: memory was short. */
bool chat_message_digest_end(struct chat_message_digest *digest, struct chat_digest *out);
void chat_message_digest_finish(struct chat_message_digest *digest);

/* Of the normal messages `from` … `to` - 1, behind what was said before. */
bool chat_digest_messages(struct chat_digest *out, const struct chat_digest *before,
                          const json_t *messages, size_t from, size_t to);

#endif
