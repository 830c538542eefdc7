/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A class of slots, keys, and people who wait, called by names such as "a1 a2 b1": the letter is
 * the key, the number tells them apart. What they are granted is written down; time stands still.
 */
#ifndef UNIT_SLOT_LINE_FIXTURE_H
#define UNIT_SLOT_LINE_FIXTURE_H

#include "policy/slots.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

enum { PEOPLE_MAX = 64, LOG_SIZE = 512 };

static struct config_key free_key = {.max_streaming = -1, .max_nonstreaming = -1};
static struct config_key one_key = {.max_streaming = 1, .max_nonstreaming = -1};
static struct config_key no_key = {.max_streaming = 0, .max_nonstreaming = -1};

/* Keys by their letter: a, b, c as they come; l may hold one slot, n none; p is the public. */
static struct key a = {.config = &free_key}, b = {.config = &free_key}, c = {.config = &free_key},
                  l = {.config = &one_key}, n = {.config = &no_key};

struct person {
    struct slot_waiter place;
    struct slot_class *class;
    char name[8];
    void (*then)(struct person *person); /* NULL: keeps the slot */
};

static struct config config;
static struct slots *slots;
static struct slot_class *class;
static struct person people[PEOPLE_MAX];
static size_t people_count;
static char granted[LOG_SIZE]; /* the names of all that were granted since `granted_are` */
static uint64_t clock_ms;

static uint64_t now_ms(void) {
    return clock_ms;
}

static struct key *key_of(const char *name) {
    struct key *const keys[] = {&a, &b, &c, &l, &n, NULL};
    const char *letter = strchr("abclnp", name[0]);
    ck_assert_msg(letter != NULL, "no key is called %c", name[0]);
    return keys[letter - "abclnp"];
}

static void open_with(uint32_t limit, uint32_t places) {
    config.slots.streaming = config.slots.nonstreaming = limit;
    config.slots.queue = places;
    slots = slots_create(&config);
    ck_assert_ptr_nonnull(slots);
    slots_set_clock(slots, now_ms);
    class = slots_find(slots, "streaming");
}

/* All is as in a new process, also where tests share one. */
static void start_over(void) {
    struct key *const keys[] = {&a, &b, &c, &l, &n};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        keys[i]->streaming = keys[i]->nonstreaming = 0;
    }
    memset(people, 0, sizeof(people));
    people_count = 0;
    granted[0] = '\0';
    clock_ms = 0;
}

static void close_down(void) {
    slots_destroy(slots);
    slots = NULL;
}

static struct person *find(const char *name) {
    for (size_t i = 0; i < people_count; i++) {
        if (strcmp(people[i].name, name) == 0) {
            return &people[i];
        }
    }
    ck_assert_uint_lt(people_count, PEOPLE_MAX);
    struct person *person = &people[people_count++];
    snprintf(person->name, sizeof(person->name), "%s", name);
    return person;
}

static void on_granted(void *data) {
    struct person *person = data;
    size_t size = strlen(granted);
    snprintf(granted + size, LOG_SIZE - size, "%s%s", size > 0 ? " " : "", person->name);
    if (person->then != NULL) {
        person->then(person);
    }
}

static enum slot_wait_result come_to(struct slot_class *which, const char *name) {
    struct person *person = find(name);
    person->class = which;
    return slot_wait(which, key_of(name), &person->place, on_granted, person);
}

static enum slot_wait_result come(const char *name) {
    return come_to(class, name);
}

/* Each name of the list, in its order. */
static void for_each(const char *names, void (*act)(const char *name)) {
    char copy[LOG_SIZE];
    snprintf(copy, sizeof(copy), "%s", names);
    char *rest = copy;
    char *name;
    while ((name = strsep(&rest, " ")) != NULL) {
        act(name);
    }
}

static void take_one(const char *name) {
    ck_assert_msg(slot_take(class, key_of(name)), "%s gets no slot", name);
}

static void wait_one(const char *name) {
    enum slot_wait_result result = come(name);
    ck_assert_msg(result == SLOT_WAITING, "%s: %d, not %d", name, result, SLOT_WAITING);
}

static void give_back(const char *name) {
    slot_return(class, key_of(name));
}

static void take(const char *names) {
    for_each(names, take_one);
}

static void wait_for(const char *names) {
    for_each(names, wait_one);
}

static void give_back_all(const char *names) {
    for_each(names, give_back);
}

#endif
