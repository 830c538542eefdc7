/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator in front of malloc, from libkoine-test-host-malloc.a. Weak: NULL in a program that
 * is not linked with it.
 */
#ifndef TEST_HOST_HEAP_H
#define TEST_HOST_HEAP_H

#include "test-host/allocation.h"

struct heap_block {
    const void *address; /* NULL: an empty place */
    size_t size;
    const char *caller; /* in the module where it is known, else who called malloc */
    bool lasts;         /* see heap_lasting.h */
};

/* Blocks are noted for this host from here on, and no longer for another. [loop] */
__attribute__((weak)) void koine_test_heap_watch(struct allocation *allocation);
/* … until here: visits those that are not freed and not a library's own; nothing may be allocated
 * meanwhile. Does nothing when another host is watched. */
__attribute__((weak)) void
koine_test_heap_unwatch(struct allocation *allocation,
                        void (*visit)(const struct heap_block *block, void *data), void *data);
/* As allocation_inside. [any-thread] */
__attribute__((weak)) bool koine_test_heap_inside(bool inside);
/* Whether it stands in front of malloc: no sanitizer or tool does. */
__attribute__((weak)) bool koine_test_heap_works(void);

#endif
