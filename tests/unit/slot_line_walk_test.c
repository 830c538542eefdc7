/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting line on a random walk, beside a model that does everything the slow and plain way.
 * After each step both must agree, no slot may be free while somebody eligible waits, and while a
 * key is eligible no other key may be served twice before it.
 */
#include "policy/slots.h"
#include "support/test_main.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

enum { STEPS = 100000, PEOPLE = 40, KEYS = 5, LIMIT = 4, PLACES = 6 };

/* Key 0 stands for the public routes; the last one may hold nothing. */
static const uint32_t key_limits[KEYS] = {UINT32_MAX, UINT32_MAX, 1, 2, 0};
static struct config_key key_configs[KEYS] = {
    {0}, {.max_streaming = -1}, {.max_streaming = 1}, {.max_streaming = 2}, {.max_streaming = 0}};
static struct key keys[KEYS];

struct person {
    struct slot_waiter place;
    enum { AWAY, WAITING, HOLDING } state;
    unsigned key;
    uint64_t since_ms; /* of no two people the same */
};

static struct config config;
static struct slots *slots;
static struct slot_class *class;
static uint64_t random_state;
static uint64_t clock_ms;
static unsigned seed, step;

/* The model: what should be true. */
static struct person people[PEOPLE];
static uint32_t active[KEYS];
static unsigned overtaken[KEYS][KEYS]; /* while the first was eligible, how often by the second */
static struct slot_wait_counts counts;

static uint64_t now_ms(void) {
    return clock_ms;
}

/* An assertion of Check's for each would take most of the time. */
static void expect(const char *what, uint64_t actual, uint64_t expected) {
    if (actual != expected) {
        ck_abort_msg("seed %u, step %u: %s: %" PRIu64 ", not %" PRIu64, seed, step, what, actual,
                     expected);
    }
}

static unsigned below(unsigned limit) { /* xorshift64 */
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % limit);
}

/* ---- the model ------------------------------------------------------------------------------- */

static struct key *key_at(unsigned key) {
    return key == 0 ? NULL : &keys[key];
}

static uint32_t active_of_all(void) {
    uint32_t sum = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        sum += active[key];
    }
    return sum;
}

static bool has_room(unsigned key) {
    return active_of_all() < LIMIT && active[key] < key_limits[key];
}

/* NULL: none of the key waits. */
static const struct person *first_of(unsigned key) {
    const struct person *first = NULL;
    for (size_t i = 0; i < PEOPLE; i++) {
        const struct person *person = &people[i];
        if (person->state == WAITING && person->key == key &&
            (first == NULL || person->since_ms < first->since_ms)) {
            first = person;
        }
    }
    return first;
}

static bool is_eligible(unsigned key) {
    return has_room(key) && first_of(key) != NULL;
}

static bool somebody_is_eligible(void) {
    for (unsigned key = 0; key < KEYS; key++) {
        if (is_eligible(key)) {
            return true;
        }
    }
    return false;
}

static uint32_t waiting_of_all(uint64_t *longest_ms) {
    uint32_t waiting = 0;
    *longest_ms = 0;
    for (size_t i = 0; i < PEOPLE; i++) {
        if (people[i].state == WAITING) {
            waiting++;
            if (clock_ms - people[i].since_ms > *longest_ms) {
                *longest_ms = clock_ms - people[i].since_ms;
            }
        }
    }
    return waiting;
}

static enum slot_wait_result expected_for(unsigned key) {
    uint64_t longest_ms;
    if (has_room(key) && !somebody_is_eligible()) {
        return SLOT_TAKEN;
    }
    if (key_limits[key] == 0) {
        return SLOT_REFUSED;
    }
    return waiting_of_all(&longest_ms) < PLACES || first_of(key) == NULL ? SLOT_WAITING
                                                                         : SLOT_REFUSED;
}

/* ---- what people do -------------------------------------------------------------------------- */

static void on_granted(void *data);

static void come(struct person *person) {
    enum slot_wait_result expected = expected_for(person->key);
    clock_ms++;
    if (expected == SLOT_WAITING) {
        if (first_of(person->key) == NULL) {
            memset(overtaken[person->key], 0, sizeof(overtaken[0]));
        }
        person->state = WAITING;
        person->since_ms = clock_ms;
    }
    if (expected == SLOT_TAKEN) {
        person->state = HOLDING;
        active[person->key]++;
    }
    counts.refused += expected == SLOT_REFUSED;
    expect("slot_wait", slot_wait(class, key_at(person->key), &person->place, on_granted, person),
           expected);
}

static void take(struct person *person) {
    bool expected = expected_for(person->key) == SLOT_TAKEN;
    if (expected) {
        person->state = HOLDING;
        active[person->key]++;
    }
    counts.refused += !expected;
    expect("slot_take", slot_take(class, key_at(person->key)), expected);
}

/* Whoever waits leaves; to all others it must do nothing. */
static void cancel(struct person *person) {
    bool in_time = below(2) == 0;
    if (person->state == WAITING) {
        person->state = AWAY;
        ++*(in_time ? &counts.cancelled : &counts.timed_out);
    }
    slot_wait_cancel(&person->place, in_time ? SLOT_WAIT_CANCELLED : SLOT_WAIT_TIMED_OUT);
}

static void give_back(struct person *person) {
    person->state = AWAY;
    active[person->key]--;
    slot_return(class, key_at(person->key));
}

static struct person *anybody(void) {
    return &people[below(PEOPLE)];
}

static void note_overtaking_by(unsigned key) {
    for (unsigned other = 0; other < KEYS; other++) {
        if (other != key && is_eligible(other) && ++overtaken[other][key] > 1) {
            ck_abort_msg("seed %u, step %u: key %u was overtaken by key %u %u times", seed, step,
                         other, key, overtaken[other][key]);
        }
    }
    memset(overtaken[key], 0, sizeof(overtaken[0]));
}

static void on_granted(void *data) {
    struct person *person = data;
    expect("who is granted", (uint64_t)(person - people),
           (uint64_t)(first_of(person->key) - people));
    expect("room for who is granted", has_room(person->key), true);
    note_overtaking_by(person->key);
    person->state = HOLDING;
    active[person->key]++;
    counts.granted++;
    struct person *other = anybody();
    switch (below(8)) {
    case 0:
        give_back(person);
        break;
    case 1:
        give_back(person);
        come(person);
        break;
    case 2:
        cancel(other);
        break;
    case 3:
        if (other->state == AWAY) {
            come(other);
        }
        break;
    case 4:
        if (other->state == HOLDING) {
            give_back(other);
        }
        break;
    default:
        break;
    }
}

static void act(struct person *person) {
    unsigned choice = below(8);
    if (person->state == HOLDING && choice < 4) {
        give_back(person);
    } else if (person->state == AWAY && choice == 0) {
        take(person);
    } else if (person->state == AWAY) {
        come(person);
    } else if (choice == 0) {
        cancel(person); /* holding: granted before, or never waited */
    }
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void check_all(void) {
    struct slot_wait_counts actual = slot_class_waits(class);
    counts.waiting = waiting_of_all(&counts.longest_wait_ms);
    expect("a slot is free while somebody eligible waits", somebody_is_eligible(), false);
    expect("within the limit", active_of_all() <= LIMIT, true);
    expect("active", slot_class_active(class), active_of_all());
    for (unsigned key = 1; key < KEYS; key++) {
        expect("active of a key", keys[key].streaming, active[key]);
        expect("within the key's limit", active[key] <= key_limits[key], true);
    }
    expect("waiting", actual.waiting, counts.waiting);
    expect("longest wait", actual.longest_wait_ms, counts.longest_wait_ms);
    expect("granted", actual.granted, counts.granted);
    expect("refused", actual.refused, counts.refused);
    expect("timed out", actual.timed_out, counts.timed_out);
    expect("cancelled", actual.cancelled, counts.cancelled);
    uint32_t retry_s = slot_retry_after_s(class, key_at(below(KEYS)));
    expect("Retry-After from 1 to 600", retry_s >= 1 && retry_s <= 600, true);
}

static void begin(unsigned new_seed) {
    seed = new_seed;
    random_state = seed * UINT64_C(0x9E3779B97F4A7C15);
    memset(people, 0, sizeof(people));
    memset(active, 0, sizeof(active));
    memset(overtaken, 0, sizeof(overtaken));
    memset(&counts, 0, sizeof(counts));
    for (unsigned i = 0; i < PEOPLE; i++) {
        people[i].key = below(KEYS);
    }
    for (unsigned key = 0; key < KEYS; key++) {
        keys[key] = (struct key){.config = &key_configs[key]};
    }
    config.slots.streaming = LIMIT;
    config.slots.queue = PLACES;
    slots = slots_create(&config);
    ck_assert_ptr_nonnull(slots);
    slots_set_clock(slots, now_ms);
    class = slots_find(slots, "streaming");
}

static void everybody_leaves(void) {
    for (size_t i = 0; i < PEOPLE; i++) {
        cancel(&people[i]);
    }
    for (size_t i = 0; i < PEOPLE; i++) {
        if (people[i].state == HOLDING) {
            give_back(&people[i]);
        }
    }
    check_all();
    expect("active in the end", slot_class_active(class), 0);
}

static void walk(unsigned with_seed) {
    begin(with_seed);
    for (step = 0; step < STEPS; step++) {
        clock_ms += below(100);
        act(anybody());
        check_all();
    }
    everybody_leaves();
    ck_assert_uint_gt(counts.granted, STEPS / 20); /* else the walk led nowhere */
    ck_assert_uint_gt(counts.refused, STEPS / 100);
    ck_assert_uint_gt(counts.timed_out + counts.cancelled, STEPS / 100);
    slots_destroy(slots);
}

START_TEST(the_line_does_what_the_model_does)
{
    for (unsigned with_seed = 1; with_seed <= 3; with_seed++) {
        walk(with_seed);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {the_line_does_what_the_model_does};
    return test_main("slot_line_walk", NULL, NULL, tests, 1);
}
