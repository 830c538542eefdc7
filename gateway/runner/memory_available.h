/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory there is for more processes: the machine's, or the container's where it has less.
 */
#ifndef RUNNER_MEMORY_AVAILABLE_H
#define RUNNER_MEMORY_AVAILABLE_H

#include <stdint.h>

/* UINT64_MAX where it cannot be told. */
uint64_t memory_available_bytes(void);
uint64_t memory_total_bytes(void);

#endif
