/* SPDX-License-Identifier: Apache-2.0 */
/* Items that grow on the heap; the list of them is in the request's memory. */
#include "responses_output.h"
#include <string.h>

enum { FIRST_ITEMS = 4 };

static void finish(void *data, koine_request request, int32_t how) {
    struct output *output = data;
    (void)request;
    (void)how;
    for (size_t i = 0; i < output->count; i++)
        koine_json_text_finish(&output->items[i].content);
}

bool output_init(struct output *output, const struct koine_self *self, koine_request request) {
    output->self = self;
    output->request = request;
    output->no_memory = self->http->on_end(self->host, request, finish, output) != KOINE_OK;
    return !output->no_memory;
}

static void *alloc(struct output *output, size_t bytes) {
    void *memory = output->self->http->alloc(output->self->host, output->request, bytes);
    output->no_memory |= !memory;
    return memory;
}

static struct koine_text copy(struct output *output, struct koine_text text) {
    char *bytes = alloc(output, text.size + 1);
    if (!bytes)
        return (struct koine_text){NULL, 0};
    if (text.size)
        memcpy(bytes, text.data, text.size);
    return (struct koine_text){bytes, text.size};
}

static void grow(struct output *output) {
    const size_t capacity = output->capacity ? output->capacity * 2 : FIRST_ITEMS;
    struct output_item *items = alloc(output, capacity * sizeof(*items));
    if (!items)
        return;
    if (output->count)
        memcpy(items, output->items, output->count * sizeof(*items));
    output->items = items;
    output->capacity = capacity;
}

void output_begin(struct output *output, const struct koine_chat_event *block) {
    if (output->count == output->capacity)
        grow(output);
    if (output->no_memory)
        return;
    struct output_item *item = &output->items[output->count++];
    item->is_call = block->block == KOINE_CHAT_BLOCK_TOOL;
    item->call_id = copy(output, block->id);
    item->name = copy(output, block->name);
    koine_json_text_init(&item->content, NULL, 0);
}

struct output_item *output_last(const struct output *output) {
    return &output->items[output->count - 1];
}

void output_add(struct output *output, struct koine_text escaped) {
    if (output->no_memory || !output->count)
        return;
    struct koine_json_text *content = &output_last(output)->content;
    koine_json_text_add(content, escaped);
    output->no_memory = content->no_memory;
}

struct koine_text output_content(const struct output_item *item) {
    const struct koine_text content = {item->content.bytes, item->content.size};
    return item->is_call && !content.size ? KOINE_TEXT("{}") : content;
}
