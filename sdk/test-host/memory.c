/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that does not fail, and bytes that grow. */
#include "test-host/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_need(void *block) {
    if (!block) {
        fputs("koine-test-host: this machine is out of memory\n", stderr);
        abort();
    }
    return block;
}

void *memory_zeroed(size_t bytes) {
    return memory_need(calloc(1, bytes ? bytes : 1));
}

void *memory_resize(void *block, size_t bytes) {
    return memory_need(realloc(block, bytes));
}

char *memory_text(struct koine_text text) {
    return text.data ? memory_need(strndup(text.data, text.size)) : NULL;
}

struct koine_text text_of(const char *string) {
    return (struct koine_text){string, string ? strlen(string) : 0};
}

void buffer_add(struct buffer *buffer, struct koine_text bytes) {
    if (buffer->capacity - buffer->size <= bytes.size) {
        buffer->capacity = (buffer->size + bytes.size + 64) * 2;
        buffer->data = memory_resize(buffer->data, buffer->capacity);
    }
    if (bytes.size)
        memcpy(buffer->data + buffer->size, bytes.data, bytes.size);
    buffer->size += bytes.size;
    buffer->data[buffer->size] = '\0';
}

void buffer_print(struct buffer *buffer, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    memory_need(size < 0 ? NULL : text);
    buffer_add(buffer, (struct koine_text){text, (size_t)size});
    free(text);
}

const char *buffer_text(const struct buffer *buffer) {
    return buffer->data ? buffer->data : "";
}

void buffer_cut(struct buffer *buffer, size_t first_bytes) {
    memmove(buffer->data, buffer->data + first_bytes, buffer->size - first_bytes + 1);
    buffer->size -= first_bytes;
}

void buffer_finish(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}
