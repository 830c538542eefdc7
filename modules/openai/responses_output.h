/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output items of a response while they grow. Texts and arguments are kept as they stand within
 * a JSON string: a stream repeats each four times, and escapes it once.
 */
#ifndef OPENAI_RESPONSES_OUTPUT_H
#define OPENAI_RESPONSES_OUTPUT_H

#include <koine-module/chat.h>
#include <koine-module/json_text.h>

struct output_item {
    bool is_call;
    struct koine_text call_id;
    struct koine_text name;
    struct koine_json_text content; /* escaped: the text, or the arguments */
};

/* In the memory of its request, zeroed before. */
struct output {
    const struct koine_self *self;
    koine_request request;
    struct output_item *items;
    size_t count;
    size_t capacity;
    bool no_memory; /* something is missing */
};

/* Afterwards the items are freed with the request. False: no_memory. */
bool output_init(struct output *output, const struct koine_self *self, koine_request request);

/* An item begins with a block, text or call. */
void output_begin(struct output *output, const struct koine_chat_event *block);

/* Adds to the last item; `escaped` as it stands within a JSON string. */
void output_add(struct output *output, struct koine_text escaped);

/* The last item as far as it is known; there must be one. */
struct output_item *output_last(const struct output *output);

/* The escaped content. */
struct koine_text output_content(const struct output_item *item);

#endif
