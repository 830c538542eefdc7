/* SPDX-License-Identifier: Apache-2.0 */
/* malloc and its kin, each in front of the next allocator in line. Never part of libsupport.a: an
 * archive member that defines malloc would be linked into every program that calls it. */
#include "support/failing_heap.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define ALLOCATOR_IS_TAKEN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_TAKEN
#endif

enum plan { FAIL_NONE, FAIL_FROM, FAIL_NTH, FAIL_SIZE };

/* Volatile because the compiler takes malloc to read and write nothing of ours. */
static volatile struct {
    enum plan plan;
    bool paused;
    long successes_left; /* FAIL_FROM, FAIL_NTH; may fall below 0 */
    size_t size;         /* FAIL_SIZE */
    long failures;
    long blocks;
    size_t bytes;
} heap;

#ifndef ALLOCATOR_IS_TAKEN

/* From the linker: where the program's own code is. */
extern const char __executable_start[];
extern const char etext[];

/* Whether an allocation of `size`, which returns to `caller`, is to succeed. */
static bool may_allocate(size_t size, const char *caller) {
    bool ours = caller >= __executable_start && caller < etext;
    bool fails = false;
    if (heap.paused) {
        return true;
    }
    switch (heap.plan) {
    case FAIL_NONE:
        break;
    case FAIL_FROM:
        fails = heap.successes_left-- <= 0;
        break;
    case FAIL_NTH:
        fails = ours && heap.successes_left-- == 0;
        break;
    case FAIL_SIZE:
        fails = ours && size == heap.size;
        break;
    }
    heap.failures += fails;
    return !fails;
}

static void *counted(void *block, size_t bytes) {
    heap.blocks += block != NULL;
    heap.bytes += bytes;
    return block;
}

void *malloc(size_t size) {
    static void *(*next)(size_t);
    if (next == NULL) {
        next = dlsym(RTLD_NEXT, "malloc");
    }
    return may_allocate(size, __builtin_return_address(0)) ? counted(next(size), size) : NULL;
}

void *calloc(size_t count, size_t size) {
    static void *(*next)(size_t, size_t);
    if (next == NULL) {
        next = dlsym(RTLD_NEXT, "calloc");
    }
    if (!may_allocate(size, __builtin_return_address(0))) {
        return NULL;
    }
    return counted(next(count, size), count * size);
}

void *realloc(void *block, size_t size) {
    static void *(*next)(void *, size_t);
    if (next == NULL) {
        next = dlsym(RTLD_NEXT, "realloc");
    }
    if (!may_allocate(size, __builtin_return_address(0))) {
        return NULL;
    }
    if (block == NULL) {
        return counted(next(NULL, size), size);
    }
    heap.bytes += size;
    return next(block, size);
}

void free(void *block) {
    static void (*next)(void *);
    if (next == NULL) {
        next = dlsym(RTLD_NEXT, "free");
    }
    heap.blocks -= block != NULL;
    next(block);
}

#endif

bool failing_heap_works(const char *name) {
    void *volatile block; /* not to be left out by the compiler */
    failing_heap_fail_from(0);
    block = malloc(1);
    failing_heap_stop();
    bool works = block == NULL;
    free(block);
    if (!works) {
        printf("SKIPPED: %s: a sanitizer or a tool holds malloc\n", name);
    }
    return works;
}

static void begin(enum plan plan, long successes, size_t size) {
    heap.plan = plan;
    heap.paused = false;
    heap.successes_left = successes;
    heap.size = size;
    heap.failures = 0;
}

void failing_heap_fail_from(long n) {
    begin(FAIL_FROM, n, 0);
}

void failing_heap_fail_nth(long n) {
    begin(FAIL_NTH, n, 0);
}

void failing_heap_fail_size(size_t size) {
    begin(FAIL_SIZE, 0, size);
}

void failing_heap_pause(void) {
    heap.paused = true;
}

void failing_heap_resume(void) {
    heap.paused = false;
}

long failing_heap_stop(void) {
    heap.plan = FAIL_NONE;
    return heap.failures;
}

long failing_heap_blocks(void) {
    return heap.blocks;
}

size_t failing_heap_bytes(void) {
    return heap.bytes;
}
