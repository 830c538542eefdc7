/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classes of slots in a short list, the counting, and whom a returned slot goes to.
 */
#include "policy/slots.h"
#include "policy/slot_pace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_MAX_BYTES = 32 };
enum { RETRY_UNKNOWN_S = 5, RETRY_MAX_S = 600 };

struct slot_class {
    struct slots *slots;
    struct slot_class *next;
    uint32_t active;
    uint32_t limit;
    enum { CLASS_STREAMING, CLASS_NONSTREAMING, CLASS_DECLARED } kind;
    char name[NAME_MAX_BYTES + 1];
    struct slot_line line;
    struct slot_pace pace;
    struct slot_wait_counts counts; /* waiting and longest_wait_ms are filled when asked for */
    bool granting;
    bool unclaimed; /* of the config alone: the module that declares it makes it its own */
};

struct slots {
    const struct config *config;
    uint64_t (*now_ms)(void);
    struct slot_class *first;
};

static bool name_valid(const char *name) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    if (name == NULL || name[0] == '\0' || strchr(letters, name[0]) == NULL) {
        return false;
    }
    size_t size = strspn(name, rest);
    return size <= NAME_MAX_BYTES && name[size] == '\0';
}

static struct slot_class *add_class(struct slots *slots, const char *name, uint32_t limit) {
    struct slot_class *class = calloc(1, sizeof(*class));
    if (class == NULL) {
        return NULL;
    }
    class->slots = slots;
    class->kind = CLASS_DECLARED;
    class->limit = limit;
    slot_line_init(&class->line);
    memcpy(class->name, name, strlen(name) + 1);
    class->next = slots->first;
    slots->first = class;
    return class;
}

static uint64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct slots *slots_create(const struct config *config) {
    struct slots *slots = calloc(1, sizeof(*slots));
    if (slots == NULL) {
        return NULL;
    }
    slots->config = config;
    slots->now_ms = monotonic_ms;
    struct slot_class *streaming = add_class(slots, "streaming", config->slots.streaming);
    struct slot_class *nonstreaming = add_class(slots, "nonStreaming", config->slots.nonstreaming);
    if (streaming == NULL || nonstreaming == NULL) {
        slots_destroy(slots);
        return NULL;
    }
    streaming->kind = CLASS_STREAMING;
    nonstreaming->kind = CLASS_NONSTREAMING;
    return slots;
}

void slots_set_clock(struct slots *slots, uint64_t (*now_ms)(void)) {
    slots->now_ms = now_ms;
}

static void empty_line(struct slot_class *class) {
    struct slot_waiter *waiter;
    while ((waiter = slot_line_next_turn(&class->line, NULL)) != NULL) {
        slot_line_leave(&class->line, waiter);
        waiter->class = NULL;
    }
}

void slots_destroy(struct slots *slots) {
    if (slots == NULL) {
        return;
    }
    struct slot_class *next;
    for (struct slot_class *class = slots->first; class != NULL; class = next) {
        next = class->next;
        empty_line(class);
        free(class);
    }
    free(slots);
}

static uint32_t limit_within_range(int64_t limit) {
    if (limit < 0) {
        return 0;
    }
    return limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

static const struct config_slot_class *configured(const struct slots *slots, const char *name) {
    for (size_t i = 0; i < slots->config->slots.class_count; i++) {
        if (strcmp(slots->config->slots.classes[i].name, name) == 0) {
            return &slots->config->slots.classes[i];
        }
    }
    return NULL;
}

int slots_declare(struct slots *slots, const char *name, uint32_t default_limit) {
    if (!name_valid(name)) {
        return KOINE_INVALID;
    }
    struct slot_class *class = slots_find(slots, name);
    if (class != NULL && class->unclaimed) {
        class->unclaimed = false;
        return KOINE_OK;
    }
    if (class != NULL) {
        return KOINE_EXISTS;
    }
    const struct config_slot_class *given = configured(slots, name);
    uint32_t limit = given != NULL ? limit_within_range(given->limit) : default_limit;
    return add_class(slots, name, limit) != NULL ? KOINE_OK : KOINE_NO_MEMORY;
}

struct slot_class *slots_find_configured(struct slots *slots, const char *name) {
    struct slot_class *class = slots_find(slots, name);
    const struct config_slot_class *given = configured(slots, name);
    if (class == NULL && given != NULL && name_valid(name)) {
        class = add_class(slots, name, limit_within_range(given->limit));
        if (class != NULL) {
            class->unclaimed = true;
        }
    }
    return class;
}

struct slot_class *slots_find(struct slots *slots, const char *name) {
    for (struct slot_class *class = slots->first; class != NULL; class = class->next) {
        if (strcmp(class->name, name) == 0) {
            return class;
        }
    }
    return NULL;
}

const char *slot_class_name(const struct slot_class *class) {
    return class->name;
}

uint32_t slot_class_active(const struct slot_class *class) {
    return class->active;
}

uint32_t slot_class_limit(const struct slot_class *class) {
    return class->limit;
}

/* ---- counting -------------------------------------------------------------------------------- */

/* What this key holds of the class; NULL where keys have no limits of their own. `*limit`: -1 for
 * none. */
static uint32_t *key_counter(const struct slot_class *class, struct key *key, int64_t *limit) {
    *limit = -1;
    if (key == NULL || class->kind == CLASS_DECLARED) {
        return NULL;
    }
    bool streaming = class->kind == CLASS_STREAMING;
    *limit = streaming ? key->config->max_streaming : key->config->max_nonstreaming;
    return streaming ? &key->streaming : &key->nonstreaming;
}

static bool class_has_room(const struct slot_class *class) {
    return class->active < class->limit;
}

static bool key_has_room(const struct slot_class *class, struct key *key) {
    int64_t limit;
    const uint32_t *active = key_counter(class, key, &limit);
    return active == NULL || limit < 0 || *active < limit;
}

static void count_taken(struct slot_class *class, struct key *key) {
    int64_t key_limit;
    uint32_t *key_active = key_counter(class, key, &key_limit);
    slot_pace_advance(&class->pace, class->active, class->slots->now_ms());
    class->active++;
    if (key_active != NULL) {
        ++*key_active;
    }
}

static void count_returned(struct slot_class *class, struct key *key) {
    int64_t key_limit;
    uint32_t *key_active = key_counter(class, key, &key_limit);
    assert(class->active > 0);
    slot_pace_advance(&class->pace, class->active, class->slots->now_ms());
    slot_pace_returned(&class->pace, class->active);
    class->active--;
    if (key_active != NULL) {
        assert(*key_active > 0);
        --*key_active;
    }
}

/* ---- taking, waiting, granting --------------------------------------------------------------- */

/* Who gets the slot that is free. NULL: none is, or nobody waits but for a slot of the own key. */
static struct slot_waiter *next_to_grant(const struct slot_class *class) {
    if (!class_has_room(class)) {
        return NULL;
    }
    struct slot_waiter *first = NULL;
    while ((first = slot_line_next_turn(&class->line, first)) != NULL) {
        if (key_has_room(class, first->key)) {
            return first;
        }
    }
    return NULL;
}

/* A slot can be free while somebody waits for it only between two calls of `granted`. */
static bool take(struct slot_class *class, struct key *key) {
    if (!class_has_room(class) || !key_has_room(class, key) || next_to_grant(class) != NULL) {
        return false;
    }
    count_taken(class, key);
    return true;
}

bool slot_take(struct slot_class *class, struct key *key) {
    bool taken = take(class, key);
    class->counts.refused += !taken;
    return taken;
}

static bool rejects_all(const struct slot_class *class, struct key *key) {
    int64_t key_limit;
    key_counter(class, key, &key_limit);
    return class->limit == 0 || key_limit == 0;
}

static bool may_wait(const struct slot_class *class, struct key *key) {
    uint32_t places = class->slots->config->slots.queue;
    if (places == 0 || rejects_all(class, key)) {
        return false;
    }
    return class->line.waiting < places || slot_line_first_of(&class->line, key) == NULL;
}

enum slot_wait_result slot_wait(struct slot_class *class, struct key *key,
                                struct slot_waiter *waiter, void (*granted)(void *data),
                                void *data) {
    assert(waiter->class == NULL);
    if (take(class, key)) {
        return SLOT_TAKEN;
    }
    if (!may_wait(class, key)) {
        class->counts.refused++;
        return SLOT_REFUSED;
    }
    *waiter = (struct slot_waiter){.class = class,
                                   .key = key,
                                   .granted = granted,
                                   .data = data,
                                   .since_ms = class->slots->now_ms()};
    slot_line_join(&class->line, waiter);
    return SLOT_WAITING;
}

void slot_wait_cancel(struct slot_waiter *waiter, enum slot_wait_end why) {
    struct slot_class *class = waiter->class;
    if (class == NULL) {
        return;
    }
    slot_line_leave(&class->line, waiter);
    waiter->class = NULL;
    ++*(why == SLOT_WAIT_TIMED_OUT ? &class->counts.timed_out : &class->counts.cancelled);
}

static void grant(struct slot_class *class, struct slot_waiter *waiter) {
    slot_line_serve(&class->line, waiter);
    waiter->class = NULL;
    count_taken(class, waiter->key);
    class->counts.granted++;
    waiter->granted(waiter->data); /* the waiter may be gone now */
}

void slot_return(struct slot_class *class, struct key *key) {
    count_returned(class, key);
    if (class->granting) {
        return; /* called by `granted`: the loop below goes on with this slot */
    }
    class->granting = true;
    struct slot_waiter *waiter;
    while ((waiter = next_to_grant(class)) != NULL) {
        grant(class, waiter);
    }
    class->granting = false;
}

/* ---- what is told about it ------------------------------------------------------------------- */

/* How long until one of this key who joined now would be served, if slots are held for held_ms. */
static double wait_ms(const struct slot_class *class, struct key *key, double held_ms) {
    double class_ms = 0;
    double key_ms = 0;
    if (!class_has_room(class)) {
        class_ms = held_ms * (slot_line_ahead_of(&class->line, key) + 1.0) / class->limit;
    }
    if (!key_has_room(class, key)) {
        int64_t key_limit;
        key_counter(class, key, &key_limit);
        const struct slot_waiter *own = slot_line_first_of(&class->line, key);
        key_ms = held_ms * ((own != NULL ? own->count : 0) + 1.0) / (double)key_limit;
    }
    return class_ms > key_ms ? class_ms : key_ms;
}

uint32_t slot_retry_after_s(struct slot_class *class, struct key *key) {
    slot_pace_advance(&class->pace, class->active, class->slots->now_ms());
    double held_ms = slot_pace_held_ms(&class->pace);
    if (class->slots->config->slots.queue == 0 || rejects_all(class, key) || held_ms < 0) {
        return RETRY_UNKNOWN_S;
    }
    double wait_s = wait_ms(class, key, held_ms) / 1000;
    if (wait_s >= RETRY_MAX_S) {
        return RETRY_MAX_S;
    }
    uint32_t whole_s = (uint32_t)wait_s;
    whole_s += wait_s > whole_s; /* rounded up: who comes too early is refused again */
    return whole_s > 0 ? whole_s : 1;
}

struct slot_wait_counts slot_class_waits(const struct slot_class *class) {
    struct slot_wait_counts counts = class->counts;
    uint64_t now_ms = class->slots->now_ms();
    counts.waiting = class->line.waiting;
    const struct slot_waiter *first = NULL;
    while ((first = slot_line_next_turn(&class->line, first)) != NULL) {
        if (now_ms - first->since_ms > counts.longest_wait_ms) {
            counts.longest_wait_ms = now_ms - first->since_ms;
        }
    }
    return counts;
}
