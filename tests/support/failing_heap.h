/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A heap that counts its blocks and fails on demand: stands in front of malloc itself, for the
 * whole program and for one thread of it. A program gets it by being linked with failing_heap.o,
 * as every unit test with a name in _memory_test is.
 *
 *     long blocks = failing_heap_blocks();
 *     failing_heap_fail_from(3);
 *     ...
 *     long failures = failing_heap_stop();
 *     long leaked = failing_heap_blocks() - blocks;
 *
 * Check itself allocates: no assertion of its while allocations may fail, nor between two counts
 * that are compared.
 */
#ifndef SUPPORT_FAILING_HEAP_H
#define SUPPORT_FAILING_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* False, and told on standard output, where a sanitizer or a tool like valgrind holds malloc:
 * nothing fails and nothing is counted there, so the program named `name` has to skip. */
bool failing_heap_works(const char *name);

/* Until failing_heap_stop the n-th allocation from here on, counted from 0, and all behind it fail,
 * also those of a library. */
void failing_heap_fail_from(long n);
/* The n-th allocation of the program's own code fails, and that one alone: for a library that does
 * not survive a failure of its own. Below 0 none does. */
void failing_heap_fail_nth(long n);
/* Every allocation of the program's own code of this size (calloc: of one member) fails. */
void failing_heap_fail_size(size_t size);

/* Between these two allocations neither fail nor count towards n. */
void failing_heap_pause(void);
void failing_heap_resume(void);

/* No allocation fails any more; how many have since failing_heap_fail_…. */
long failing_heap_stop(void);

/* Blocks that have been allocated and not freed, and bytes that have been asked for, since the
 * program began: it is the difference of two moments that tells something. */
long failing_heap_blocks(void);
size_t failing_heap_bytes(void);

#endif
