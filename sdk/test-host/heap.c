/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libkoine-test-host-malloc: malloc and its kin in front of the next allocator in line. What code
 * of the module allocates, itself or through a library, is noted until it is freed, and fails when
 * the host says so. All else passes through. Defines malloc: an archive of its own.
 */
#include "test-host/heap_lasting.h"
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define ALLOCATOR_IS_TAKEN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_TAKEN
#endif

enum { FIRST_PLACES = 1 << 14, FRAMES = 24 };

/* An allocator is global by its nature. */
static struct {
    _Atomic(struct allocation *) watched;
    pthread_mutex_t lock;
    struct heap_table table; /* from mmap */
    size_t count;
    atomic_bool seen; /* malloc has come through here */
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool inside;

/* ---- the table */

static size_t home_in(const struct heap_table *table, const void *address) {
    return ((uintptr_t)address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (table->capacity - 1);
}

struct heap_block *heap_find(const struct heap_table *table, const void *address) {
    if (!table->capacity || !address)
        return NULL;
    for (size_t at = home_in(table, address); table->places[at].address;
         at = (at + 1) & (table->capacity - 1))
        if (table->places[at].address == address)
            return &table->places[at];
    return NULL;
}

#ifndef ALLOCATOR_IS_TAKEN

static size_t home_of(const void *address) {
    return home_in(&heap.table, address);
}

static void put(struct heap_block block) {
    size_t at = home_of(block.address);
    while (heap.table.places[at].address)
        at = (at + 1) & (heap.table.capacity - 1);
    heap.table.places[at] = block;
    heap.count++;
}

static bool grow(void) {
    struct heap_block *old = heap.table.places;
    size_t old_capacity = heap.table.capacity;
    size_t capacity = old ? old_capacity * 2 : FIRST_PLACES;
    void *made = mmap(NULL, capacity * sizeof(*old), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        return false;
    heap.table.places = made;
    heap.table.capacity = capacity;
    heap.count = 0;
    if (!old)
        return true;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].address)
            put(old[i]);
    munmap(old, old_capacity * sizeof(*old));
    return true;
}

static void note(const void *address, size_t size, const char *caller) {
    pthread_mutex_lock(&heap.lock);
    if (heap.count * 2 < heap.table.capacity || grow())
        put((struct heap_block){address, size, caller, false});
    pthread_mutex_unlock(&heap.lock);
}

/* Closes the gap that a removed block leaves in its chain. */
static void close_gap(size_t gap) {
    size_t mask = heap.table.capacity - 1;
    for (size_t at = (gap + 1) & mask; heap.table.places[at].address; at = (at + 1) & mask) {
        size_t home = home_of(heap.table.places[at].address);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            heap.table.places[gap] = heap.table.places[at];
            gap = at;
        }
    }
    heap.table.places[gap].address = NULL;
}

static void forget(const void *address) {
    if (!atomic_load_explicit(&heap.watched, memory_order_relaxed) || !address)
        return;
    pthread_mutex_lock(&heap.lock);
    struct heap_block *block = heap_find(&heap.table, address);
    if (block) {
        heap.count--;
        close_gap((size_t)(block - heap.table.places));
    }
    pthread_mutex_unlock(&heap.lock);
}

/* ---- whose it is */

static _Thread_local bool busy; /* in here already: backtrace allocates once */

static bool lasts(const struct allocation *watched, const char *address) {
    for (size_t i = 0; i < watched->lasting_count; i++)
        if (library_holds(watched->lasting[i], address))
            return true;
    return false;
}

/* jansson 2.14 reads beyond its memory when an allocation fails within a string that it parses; no
 * module can help that. `api`: where its function that the module has called will go on. */
static bool is_parser(const char *api) {
    Dl_info info;
    return api && dladdr(api, &info) && info.dli_sname &&
           strncmp(info.dli_sname, "json_load", strlen("json_load")) == 0;
}

/* The allocation is the module's, and who is to be told of: NULL when it is not. */
static const char *owner(const struct allocation *watched, const char *caller, bool *must_succeed) {
    void *frames[FRAMES];
    const char *api = NULL;
    if (!watched || busy || lasts(watched, caller))
        return NULL;
    if (library_holds(watched->module, caller))
        return caller;
    if (!inside)
        return NULL;
    busy = true;
    int count = backtrace(frames, FRAMES);
    busy = false;
    for (int i = 0; i < count; i++) {
        if (lasts(watched, frames[i]))
            return NULL;
        if (library_holds(watched->module, frames[i])) {
            *must_succeed = is_parser(api);
            return frames[i];
        }
        if (library_holds(watched->jansson, frames[i]))
            api = frames[i];
    }
    return caller;
}

/* Whether the module's allocation is to be; `*place` is who is to be told of. */
static bool may_allocate(const char *caller, const char **place) {
    struct allocation *watched = atomic_load(&heap.watched);
    atomic_store_explicit(&heap.seen, true, memory_order_relaxed);
    bool must_succeed = false;
    *place = owner(watched, caller, &must_succeed);
    return !*place || must_succeed || allocation_succeeds(watched);
}

static void *noted(void *block, size_t size, const char *place) {
    if (block && place)
        note(block, size, place);
    return block;
}

/* ---- malloc and its kin */

#define NEXT(function) (*(void **)&next = dlsym(RTLD_NEXT, function))

void *malloc(size_t size) {
    static void *(*next)(size_t);
    const char *place;
    if (!next)
        NEXT("malloc");
    if (!may_allocate(__builtin_return_address(0), &place))
        return NULL;
    return noted(next(size), size, place);
}

void *calloc(size_t count, size_t size) {
    static void *(*next)(size_t, size_t);
    const char *place;
    if (!next)
        NEXT("calloc");
    if (!may_allocate(__builtin_return_address(0), &place))
        return NULL;
    return noted(next(count, size), count * size, place);
}

void *realloc(void *block, size_t size) {
    static void *(*next)(void *, size_t);
    const char *place;
    if (!next)
        NEXT("realloc");
    if (!may_allocate(__builtin_return_address(0), &place))
        return NULL;
    forget(block); /* before another thread can be given its address */
    return noted(next(block, size), size, place);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    static int (*next)(void **, size_t, size_t);
    const char *place;
    if (!next)
        NEXT("posix_memalign");
    if (!may_allocate(__builtin_return_address(0), &place))
        return ENOMEM;
    int result = next(out, alignment, size);
    if (!result)
        noted(*out, size, place);
    return result;
}

void *aligned_alloc(size_t alignment, size_t size) {
    static void *(*next)(size_t, size_t);
    const char *place;
    if (!next)
        NEXT("aligned_alloc");
    if (!may_allocate(__builtin_return_address(0), &place))
        return NULL;
    return noted(next(alignment, size), size, place);
}

void free(void *block) {
    static void (*next)(void *);
    if (!next)
        NEXT("free");
    forget(block);
    next(block);
}

#endif

/* ---- for the host */

static void clear(void) {
    pthread_mutex_lock(&heap.lock);
    for (size_t i = 0; i < heap.table.capacity; i++)
        heap.table.places[i].address = NULL;
    heap.count = 0;
    pthread_mutex_unlock(&heap.lock);
}

void koine_test_heap_watch(struct allocation *allocation) {
    void *frames[2];
    backtrace(frames, 2); /* loads what it needs now, not in the module's name */
    clear();
    atomic_store(&heap.watched, allocation);
}

void koine_test_heap_unwatch(struct allocation *allocation,
                             void (*visit)(const struct heap_block *block, void *data),
                             void *data) {
    struct allocation *watched = allocation;
    if (!atomic_compare_exchange_strong(&heap.watched, &watched, NULL))
        return;
    pthread_mutex_lock(&heap.lock);
    heap_mark_lasting(&heap.table, allocation->module);
    for (size_t i = 0; i < heap.table.capacity; i++)
        if (heap.table.places[i].address && !heap.table.places[i].lasts)
            visit(&heap.table.places[i], data);
    pthread_mutex_unlock(&heap.lock);
    clear();
}

bool koine_test_heap_inside(bool now) {
    bool before = inside;
    inside = now;
    return before;
}

bool koine_test_heap_works(void) {
    void *volatile block = malloc(1); /* not to be left out by the compiler */
    free(block);
    return atomic_load(&heap.seen);
}
