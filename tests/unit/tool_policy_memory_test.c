/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tool policy when memory is short: the n-th allocation fails, for every n until none does.
 * Stands in front of malloc itself, so it does not run where a sanitizer does that.
 */
#include "policy/tool_policy.h"

#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define ALLOCATOR_IS_TAKEN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_TAKEN
#endif

#ifdef ALLOCATOR_IS_TAKEN
int main(void) {
    return EXIT_SUCCESS;
}
#else

/* Of the calls between start_failing and stop_failing. */
static struct {
    bool active;
    int until_failure; /* this many more succeed */
    int failed;
    int living; /* blocks allocated and not yet freed */
} heap;

static bool must_fail(void) {
    if (!heap.active)
        return false;
    if (heap.until_failure-- > 0) {
        heap.living++;
        return false;
    }
    heap.failed++;
    return true;
}

/* The next allocator in line: that of the C library, or of a tool such as valgrind. */
#define NEXT(type, name)                                                                           \
    static type next;                                                                              \
    if (next == NULL)                                                                              \
    next = (type)dlsym(RTLD_NEXT, name)

void *malloc(size_t size) {
    NEXT(void *(*)(size_t), "malloc");
    return must_fail() ? NULL : next(size);
}
#endif
