/* SPDX-License-Identifier: Apache-2.0 */
/* A table of conversations by digest, in the order of their age. */
#include "chat_internal.h"
#include <stdlib.h>
#include <string.h>

enum { FEWEST_BUCKETS = 64 };

struct chat_memory {
    struct chat_entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, limit;
    struct chat_entry *oldest, *newest;
};

struct chat_memory *chat_memory_create(size_t limit) {
    struct chat_memory *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return NULL;
    memory->limit = limit;
    memory->bucket_count = FEWEST_BUCKETS;
    memory->buckets = calloc(memory->bucket_count, sizeof(struct chat_entry *));
    if (memory->buckets)
        return memory;
    free(memory);
    return NULL;
}

void chat_memory_destroy(struct chat_memory *memory) {
    if (!memory)
        return;
    while (memory->oldest)
        chat_memory_forget(memory, memory->oldest);
    free(memory->buckets);
    free(memory);
}

static struct chat_entry **bucket_of(const struct chat_memory *memory,
                                     const struct chat_digest *said) {
    size_t number;
    memcpy(&number, said->bytes, sizeof(number)); /* a digest is as random as any hash of it */
    return &memory->buckets[number & (memory->bucket_count - 1)];
}

struct chat_entry *chat_memory_find(const struct chat_memory *memory,
                                    const struct chat_digest *said) {
    struct chat_entry *entry = *bucket_of(memory, said);
    while (entry && !chat_digest_same(&entry->said, said))
        entry = entry->next;
    return entry;
}

void chat_memory_forget(struct chat_memory *memory, struct chat_entry *entry) {
    struct chat_entry **at = bucket_of(memory, &entry->said);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    *(entry->older ? &entry->older->newer : &memory->oldest) = entry->newer;
    *(entry->newer ? &entry->newer->older : &memory->newest) = entry->older;
    memory->count--;
    if (entry->turn)
        entry->turn->entry = NULL;
    free(entry);
}

/* Twice as many buckets; a table that cannot grow is slower, no more. */
static void grow(struct chat_memory *memory) {
    const size_t count = memory->bucket_count * 2;
    struct chat_entry **buckets = calloc(count, sizeof(struct chat_entry *));
    if (!buckets)
        return;
    free(memory->buckets);
    memory->buckets = buckets;
    memory->bucket_count = count;
    for (struct chat_entry *entry = memory->oldest; entry; entry = entry->newer) {
        struct chat_entry **at = bucket_of(memory, &entry->said);
        entry->next = *at;
        *at = entry;
    }
}

/* A run that waits ends: nobody would find it any more. */
static void give_up(struct chat_memory *memory, struct chat_entry *entry) {
    struct chat_turn *waiting = entry->turn;
    chat_memory_forget(memory, entry);
    if (waiting)
        chat_turn_cancel(waiting);
}

struct chat_entry *chat_memory_add(struct chat_memory *memory, const struct chat_digest *said,
                                   struct chat_turn *turn, const char *session_id) {
    struct chat_entry *same = chat_memory_find(memory, said);
    struct chat_entry *entry = memory->limit ? calloc(1, sizeof(*entry)) : NULL;
    if (!entry)
        return NULL;
    if (same)
        give_up(memory, same);
    else if (memory->count >= memory->limit)
        give_up(memory, memory->oldest);
    if (memory->count >= memory->bucket_count)
        grow(memory);
    entry->said = *said;
    entry->turn = turn;
    memcpy(entry->session_id, session_id, strnlen(session_id, CHAT_ID_SIZE - 1));
    struct chat_entry **at = bucket_of(memory, said);
    entry->next = *at;
    *at = entry;
    entry->older = memory->newest;
    *(memory->newest ? &memory->newest->newer : &memory->oldest) = entry;
    memory->newest = entry;
    memory->count++;
    return entry;
}
