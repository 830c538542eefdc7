/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of an answer, collected while they come. What grows is on the heap until its block is
 * whole, then in the memory of the request. */
#include "chat_internal.h"
#include <stdlib.h>
#include <string.h>

/* The block that is open. */
struct koine_chat_pieces {
    struct koine_json_text text;
    struct koine_json_text signature;
    struct koine_json_text input;
    size_t capacity; /* of the blocks */
};

static void release(void *data, koine_request request, int32_t how) {
    struct koine_chat_pieces *pieces = data;
    (void)request;
    (void)how;
    koine_json_text_finish(&pieces->text);
    koine_json_text_finish(&pieces->signature);
    koine_json_text_finish(&pieces->input);
}

static bool prepare(struct koine_chat_whole *whole, const struct koine_self *self,
                    koine_request request) {
    if (whole->pieces || whole->no_memory)
        return !whole->no_memory;
    struct koine_chat_pieces *pieces = self->http->alloc(self->host, request, sizeof(*pieces));
    if (!pieces || self->http->on_end(self->host, request, release, pieces) != KOINE_OK) {
        whole->no_memory = true;
        return false;
    }
    koine_json_text_init(&pieces->text, NULL, 0);
    koine_json_text_init(&pieces->signature, NULL, 0);
    koine_json_text_init(&pieces->input, NULL, 0);
    whole->pieces = pieces;
    return true;
}

/* Text in the request's memory. */
static struct koine_text keep(struct koine_chat_whole *whole, const struct koine_self *self,
                              koine_request request, struct koine_text text) {
    char *copy = text.size ? self->http->alloc(self->host, request, text.size) : NULL;
    if (!text.size)
        return KOINE_TEXT("");
    if (!copy) {
        whole->no_memory = true;
        return KOINE_TEXT("");
    }
    memcpy(copy, text.data, text.size);
    return (struct koine_text){copy, text.size};
}

static struct koine_text keep_pieces(struct koine_chat_whole *whole, const struct koine_self *self,
                                     koine_request request, struct koine_json_text *pieces) {
    const struct koine_text text = {pieces->bytes, pieces->size};
    whole->no_memory = whole->no_memory || pieces->no_memory;
    pieces->size = 0;
    return keep(whole, self, request, text);
}

static void add_block(struct koine_chat_whole *whole, const struct koine_self *self,
                      koine_request request, const struct koine_chat_event *event) {
    struct koine_chat_pieces *pieces = whole->pieces;
    if (whole->count == pieces->capacity) {
        const size_t capacity = pieces->capacity ? pieces->capacity * 2 : 4;
        struct koine_chat_block *blocks =
            self->http->alloc(self->host, request, capacity * sizeof(*blocks));
        if (!blocks) {
            whole->no_memory = true;
            return;
        }
        if (whole->count)
            memcpy(blocks, whole->blocks, whole->count * sizeof(*blocks));
        whole->blocks = blocks;
        pieces->capacity = capacity;
    }
    whole->blocks[whole->count++] =
        (struct koine_chat_block){.kind = event->block,
                                  .text = keep(whole, self, request, event->text),
                                  .id = keep(whole, self, request, event->id),
                                  .name = keep(whole, self, request, event->name)};
}

static void end_block(struct koine_chat_whole *whole, const struct koine_self *self,
                      koine_request request) {
    struct koine_chat_pieces *pieces = whole->pieces;
    if (!whole->count)
        return;
    struct koine_chat_block *block = &whole->blocks[whole->count - 1];
    if (block->kind != KOINE_CHAT_BLOCK_REDACTED)
        block->text = keep_pieces(whole, self, request, &pieces->text);
    block->signature = keep_pieces(whole, self, request, &pieces->signature);
    block->input = keep_pieces(whole, self, request, &pieces->input);
}

void koine_chat_collect(struct koine_chat_whole *whole, const struct koine_self *self,
                        koine_request request, const struct koine_chat_event *event) {
    if (!prepare(whole, self, request))
        return;
    switch (event->type) {
    case KOINE_CHAT_BLOCK:
        add_block(whole, self, request, event);
        break;
    case KOINE_CHAT_TEXT:
    case KOINE_CHAT_THINKING:
        koine_json_text_add(&whole->pieces->text, event->text);
        break;
    case KOINE_CHAT_SIGNATURE:
        koine_json_text_add(&whole->pieces->signature, event->text);
        break;
    case KOINE_CHAT_INPUT:
        koine_json_text_add(&whole->pieces->input, event->text);
        break;
    case KOINE_CHAT_BLOCK_END:
        end_block(whole, self, request);
        break;
    default:
        break;
    }
}
