/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that are the module's: counted, failed on demand, and its own watched by heap.c when
 * that is linked. Only one host at a time has its module's memory watched: the one made last.
 */
#ifndef TEST_HOST_ALLOCATION_H
#define TEST_HOST_ALLOCATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct koine_test_host;

/* Where the code of a library lies. */
struct library_range {
    const char *begin, *end;
};

static inline bool library_holds(struct library_range library, const char *address) {
    return address >= library.begin && address < library.end;
}

enum { LASTING_LIBRARIES = 8 };

/* Shared with heap.c. [any-thread] */
struct allocation {
    struct library_range module; /* for allocations of its threads */
    /* What these allocate lasts as long as the process, and is neither watched nor made to fail:
     * the dynamic loader, and libraries that set themselves up when they are first used. */
    struct library_range lasting[LASTING_LIBRARIES];
    size_t lasting_count;
    struct library_range jansson;
    atomic_long left; /* that one fails when it comes to 0; below: none */
    atomic_bool failed;
};

/* Whether the next allocation succeeds. Here, so that heap.c needs nothing of the library. */
static inline bool allocation_succeeds(struct allocation *allocation) {
    if (atomic_load(&allocation->left) <= 0 || atomic_fetch_sub(&allocation->left, 1) != 1)
        return true;
    atomic_store(&allocation->failed, true);
    return false;
}

/* The host allocates for the module: as malloc, zeroed; NULL when it is to fail. */
bool host_may_allocate(struct koine_test_host *host);

void allocation_watch(struct koine_test_host *host);   /* from before create */
void allocation_unwatch(struct koine_test_host *host); /* after destroy: reports what is left */
/* Whether this thread runs code of the module; returns what was said before. */
bool allocation_inside(bool inside);

#endif
