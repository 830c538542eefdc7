/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classes of slots in a short list, and the counting.
 */
#include "policy/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 32 };

struct slot_class {
    struct slot_class *next;
    uint32_t active;
    uint32_t limit;
    enum { CLASS_STREAMING, CLASS_NONSTREAMING, CLASS_DECLARED } kind;
    char name[NAME_MAX_BYTES + 1];
};

struct slots {
    const struct config *config;
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
    class->kind = CLASS_DECLARED;
    class->limit = limit;
    memcpy(class->name, name, strlen(name) + 1);
    class->next = slots->first;
    slots->first = class;
    return class;
}

struct slots *slots_create(const struct config *config) {
    struct slots *slots = calloc(1, sizeof(*slots));
    if (slots == NULL) {
        return NULL;
    }
    slots->config = config;
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

void slots_destroy(struct slots *slots) {
    if (slots == NULL) {
        return;
    }
    struct slot_class *next;
    for (struct slot_class *class = slots->first; class != NULL; class = next) {
        next = class->next;
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

static uint32_t configured_limit(const struct config *config, const char *name,
                                 uint32_t default_limit) {
    for (size_t i = 0; i < config->slots.class_count; i++) {
        if (strcmp(config->slots.classes[i].name, name) == 0) {
            return limit_within_range(config->slots.classes[i].limit);
        }
    }
    return default_limit;
}

int slots_declare(struct slots *slots, const char *name, uint32_t default_limit) {
    if (!name_valid(name)) {
        return KOINE_INVALID;
    }
    if (slots_find(slots, name) != NULL) {
        return KOINE_EXISTS;
    }
    uint32_t limit = configured_limit(slots->config, name, default_limit);
    return add_class(slots, name, limit) != NULL ? KOINE_OK : KOINE_NO_MEMORY;
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

/* What this key holds of the class; NULL where the key has no limit of its own. */
static uint32_t *key_counter(const struct slot_class *class, struct key *key, int64_t *limit) {
    *limit = -1;
    if (key == NULL || class->kind == CLASS_DECLARED) {
        return NULL;
    }
    bool streaming = class->kind == CLASS_STREAMING;
    *limit = streaming ? key->config->max_streaming : key->config->max_nonstreaming;
    return streaming ? &key->streaming : &key->nonstreaming;
}

bool slot_take(struct slot_class *class, struct key *key) {
    int64_t key_limit;
    uint32_t *key_active = key_counter(class, key, &key_limit);
    if (class->active >= class->limit) {
        return false;
    }
    if (key_active != NULL) {
        if (key_limit >= 0 && *key_active >= key_limit) {
            return false;
        }
        ++*key_active;
    }
    class->active++;
    return true;
}

void slot_return(struct slot_class *class, struct key *key) {
    int64_t key_limit;
    uint32_t *key_active = key_counter(class, key, &key_limit);
    assert(class->active > 0);
    class->active--;
    if (key_active != NULL) {
        assert(*key_active > 0);
        --*key_active;
    }
}
