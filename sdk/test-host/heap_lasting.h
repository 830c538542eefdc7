/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which blocks are the memory of libraries: what they have set up when they were first used and
 * keep for as long as the process lives, such as the C library's time zone. Nobody has lost those.
 */
#ifndef TEST_HOST_HEAP_LASTING_H
#define TEST_HOST_HEAP_LASTING_H

#include "test-host/heap.h"

/* The table of blocks: open addressing, a power of two. */
struct heap_table {
    struct heap_block *places;
    size_t capacity;
};

/* The place of the block that begins at `address`, or NULL. */
struct heap_block *heap_find(const struct heap_table *table, const void *address);

/* Sets `lasts` of each block that a variable of a library points to, the module and the program
 * excepted, or that such a block points to. Allocates nothing. */
void heap_mark_lasting(const struct heap_table *table, struct library_range module);

#endif
