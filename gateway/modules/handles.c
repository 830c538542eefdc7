/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: an array of slots that only grows, its free slots chained through the array itself.
 */
#include "modules/handles.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SLOT_BITS = 24, GENERATION_BITS = 32, FIRST_CAPACITY = 16 };
enum { SLOT_COUNT_MAX = 1 << SLOT_BITS, NO_SLOT = SLOT_COUNT_MAX };

struct slot {
    void *object;        /* NULL: free or retired */
    uint32_t generation; /* of the id that is alive, or of the next one */
    uint32_t next_free;
};

struct handles {
    struct slot *slots;
    uint32_t used; /* slots that have ever been handed out */
    uint32_t capacity;
    uint32_t first_free;
    uint32_t first_generation;
    uint64_t kind;
    size_t count;
};

struct handles *handles_create(uint8_t kind) {
    return handles_create_from(kind, 0);
}

struct handles *handles_create_from(uint8_t kind, uint32_t first_generation) {
    assert(kind != 0); /* else the first id would be 0 */
    struct handles *handles = calloc(1, sizeof(*handles));
    if (handles != NULL) {
        handles->kind = kind;
        handles->first_free = NO_SLOT;
        handles->first_generation = first_generation;
    }
    return handles;
}

void handles_destroy(struct handles *handles) {
    if (handles != NULL) {
        free(handles->slots);
        free(handles);
    }
}

static uint64_t id_of(const struct handles *handles, uint32_t index) {
    uint64_t generation = handles->slots[index].generation;
    return handles->kind << (GENERATION_BITS + SLOT_BITS) | generation << SLOT_BITS | index;
}

/* The live slot that the id names, or NULL. */
static struct slot *find(const struct handles *handles, uint64_t id) {
    uint32_t index = (uint32_t)(id & (SLOT_COUNT_MAX - 1));
    if (index >= handles->used || handles->slots[index].object == NULL ||
        id_of(handles, index) != id) {
        return NULL;
    }
    return &handles->slots[index];
}

static bool grow(struct handles *handles) {
    uint32_t capacity = handles->capacity == 0 ? FIRST_CAPACITY : handles->capacity * 2;
    if (capacity > SLOT_COUNT_MAX) {
        return false;
    }
    struct slot *slots = reallocarray(handles->slots, capacity, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    handles->slots = slots;
    handles->capacity = capacity;
    return true;
}

/* An index that is free, taken out of the chain; NO_SLOT when there is none. */
static uint32_t take_slot(struct handles *handles) {
    uint32_t index = handles->first_free;
    if (index != NO_SLOT) {
        handles->first_free = handles->slots[index].next_free;
        return index;
    }
    if (handles->used == handles->capacity && !grow(handles)) {
        return NO_SLOT;
    }
    index = handles->used++;
    handles->slots[index] = (struct slot){.generation = handles->first_generation};
    return index;
}

uint64_t handles_add(struct handles *handles, void *object) {
    assert(object != NULL);
    uint32_t index = take_slot(handles);
    if (index == NO_SLOT) {
        return 0;
    }
    handles->slots[index].object = object;
    handles->count++;
    return id_of(handles, index);
}

void *handles_get(const struct handles *handles, uint64_t id) {
    const struct slot *slot = find(handles, id);
    return slot != NULL ? slot->object : NULL;
}

bool handles_knows(const struct handles *handles, uint64_t id) {
    uint32_t index = (uint32_t)(id & (SLOT_COUNT_MAX - 1));
    uint32_t generation = (uint32_t)(id >> SLOT_BITS);
    if (id >> (GENERATION_BITS + SLOT_BITS) != handles->kind || index >= handles->used)
        return false;
    const struct slot *slot = &handles->slots[index];
    bool latest = generation == slot->generation &&
                  (slot->object != NULL || generation == UINT32_MAX); /* alive or retired */
    return generation >= handles->first_generation && (generation < slot->generation || latest);
}

void handles_remove(struct handles *handles, uint64_t id) {
    struct slot *slot = find(handles, id);
    if (slot == NULL) {
        return;
    }
    slot->object = NULL;
    handles->count--;
    if (slot->generation == UINT32_MAX) {
        return; /* retired: one more round would bring back old ids */
    }
    slot->generation++;
    slot->next_free = handles->first_free;
    handles->first_free = (uint32_t)(slot - handles->slots);
}

size_t handles_count(const struct handles *handles) {
    return handles->count;
}

uint64_t handles_next(const struct handles *handles, size_t *position, void **object) {
    while (*position < handles->used) {
        uint32_t index = (uint32_t)(*position)++;
        if (handles->slots[index].object != NULL) {
            *object = handles->slots[index].object;
            return id_of(handles, index);
        }
    }
    return 0;
}
