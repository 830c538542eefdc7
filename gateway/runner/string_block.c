/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a NULL-terminated array of strings in one block of memory, as execve wants them.
 */
#include "runner/string_block.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct string_block *block, size_t size) {
    if (size > SIZE_MAX / 4 || block->size > SIZE_MAX / 4) {
        return false;
    }
    size_t needed = block->size + size;
    if (needed <= block->capacity) {
        return true;
    }
    size_t capacity = needed * 2 > 4096 ? needed * 2 : 4096;
    char *bytes = realloc(block->bytes, capacity);
    if (bytes == NULL) {
        return false;
    }
    block->bytes = bytes;
    block->capacity = capacity;
    return true;
}

static void append(struct string_block *block, const char *data, size_t size) {
    if (size > 0) {
        memcpy(block->bytes + block->size, data, size);
        block->size += size;
    }
}

void string_block_add(struct string_block *block, struct koine_text first,
                      struct koine_text second) {
    assert(first.size == 0 || memchr(first.data, '\0', first.size) == NULL);
    assert(second.size == 0 || memchr(second.data, '\0', second.size) == NULL);
    if (block->failed || first.size > SIZE_MAX / 4 || second.size > SIZE_MAX / 4 ||
        !grow(block, first.size + second.size + 1)) {
        block->failed = true;
        return;
    }
    append(block, first.data, first.size);
    append(block, second.data, second.size);
    append(block, "", 1);
    block->count++;
}

char **string_block_take(struct string_block *block) {
    size_t pointers = (block->count + 1) * sizeof(char *);
    char **array = block->failed ? NULL : malloc(pointers + block->size);
    if (array != NULL) {
        char *at = (char *)array + pointers;
        if (block->size > 0) {
            memcpy(at, block->bytes, block->size);
        }
        for (size_t i = 0; i < block->count; i++) {
            array[i] = at;
            at += strlen(at) + 1;
        }
        array[block->count] = NULL;
    }
    string_block_finish(block);
    return array;
}

void string_block_finish(struct string_block *block) {
    free(block->bytes);
    memset(block, 0, sizeof *block);
}
