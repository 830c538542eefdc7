/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the test host itself: never NULL, the process ends with a message when there is none.
 * What a module is given goes through allocation.h, where it can fail.
 */
#ifndef TEST_HOST_MEMORY_H
#define TEST_HOST_MEMORY_H

#include <koine/base.h>

void *memory_zeroed(size_t bytes);
void *memory_resize(void *block, size_t bytes);
/* A terminated copy; of none: NULL. */
char *memory_text(struct koine_text text);
struct koine_text text_of(const char *string); /* NULL: none */
void *memory_need(void *block);                /* the block itself; ends the process for NULL */

/* Bytes that grow, always terminated. A zeroed one is empty. */
struct buffer {
    char *data; /* NULL while nothing was ever added: see buffer_text */
    size_t size;
    size_t capacity;
};
void buffer_add(struct buffer *buffer, struct koine_text bytes);
void buffer_print(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *buffer_text(const struct buffer *buffer);       /* "" when empty */
void buffer_cut(struct buffer *buffer, size_t first_bytes); /* takes them off the beginning */
void buffer_finish(struct buffer *buffer);

#endif
