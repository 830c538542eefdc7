/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a NULL-terminated array of strings in one block of memory, as execve wants them.
 * Knows nothing of what the strings mean.
 */
#ifndef RUNNER_STRING_BLOCK_H
#define RUNNER_STRING_BLOCK_H

#include <koine/base.h>
#include <stdbool.h>

/* A zeroed one is empty. */
struct string_block {
    char *bytes;
    size_t size;
    size_t capacity;
    size_t count;
    bool failed; /* memory is short */
};

/* Adds the string `first` followed by `second`; neither holds a zero byte. */
void string_block_add(struct string_block *block, struct koine_text first,
                      struct koine_text second);

/* The array, free() it; NULL when memory is short. The builder is empty afterwards. */
char **string_block_take(struct string_block *block);

void string_block_finish(struct string_block *block);

#endif
