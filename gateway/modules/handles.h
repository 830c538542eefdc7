/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table from the 64-bit ids that modules hold to the gateway's objects. An id is never handed out
 * twice, so one that outlives its object resolves to nothing. Loop thread only; owns no object.
 *
 * An id: kind (8 bits) | generation (32 bits) | slot (24 bits). The kind keeps the id of one table
 * from resolving in another. A slot whose generations are used up is never used again.
 */
#ifndef MODULES_HANDLES_H
#define MODULES_HANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handles;

/* `kind`: from 1, another one for each table. NULL when memory is short. */
struct handles *handles_create(uint8_t kind);
/* The same, with slots whose generations begin at `first_generation` instead of 0. */
struct handles *handles_create_from(uint8_t kind, uint32_t first_generation);
void handles_destroy(struct handles *handles); /* takes NULL */

/* A new id for the object (never NULL). 0 when memory is short or all 16,777,216 slots are taken.
 */
uint64_t handles_add(struct handles *handles, void *object);

/* The object, or NULL for an id that is dead, of another kind, made up, or 0. */
void *handles_get(const struct handles *handles, uint64_t id);

/* Whether the id has ever been one of this table, alive or not. */
bool handles_knows(const struct handles *handles, uint64_t id);

/* Ends the id; harmless for one that resolves to nothing. */
void handles_remove(struct handles *handles, uint64_t id);

size_t handles_count(const struct handles *handles);

/*
 * Visits each live id: begin with `*position` 0, until 0 is returned. Removing any id meanwhile is
 * allowed; one that is added meanwhile may be visited or not.
 */
uint64_t handles_next(const struct handles *handles, size_t *position, void **object);

#endif
