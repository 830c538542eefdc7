/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: ids resolve while their object lives, and never to anything else afterwards.
 */
#include "modules/handles.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

enum { KIND = 1, OTHER_KIND = 2, MANY = 1000 };

static struct handles *handles;
static char objects[MANY]; /* only their addresses matter */

static void setup(void) {
    handles = handles_create(KIND);
    ck_assert_ptr_nonnull(handles);
}

static void teardown(void) {
    handles_destroy(handles);
}

static uint64_t added(struct handles *table, void *object) {
    uint64_t id = handles_add(table, object);
    ck_assert_uint_ne(id, 0);
    return id;
}

START_TEST(an_id_resolves_until_it_is_removed)
{
    uint64_t id = added(handles, &objects[0]);
    ck_assert_ptr_eq(handles_get(handles, id), &objects[0]);
    ck_assert_uint_eq(handles_count(handles), 1);
    handles_remove(handles, id);
    ck_assert_ptr_null(handles_get(handles, id));
    ck_assert_uint_eq(handles_count(handles), 0);
}
END_TEST

START_TEST(zero_and_made_up_ids_resolve_to_nothing)
{
    uint64_t id = added(handles, &objects[0]);
    ck_assert_ptr_null(handles_get(handles, 0));
    ck_assert_ptr_null(handles_get(handles, UINT64_MAX));
    for (int bit = 0; bit < 64; bit++) {
        ck_assert_ptr_null(handles_get(handles, id ^ (UINT64_C(1) << bit)));
    }
}
END_TEST

START_TEST(a_dead_id_does_not_resolve_to_the_next_object_of_its_slot)
{
    uint64_t dead = added(handles, &objects[0]);
    handles_remove(handles, dead);
    uint64_t alive = added(handles, &objects[1]);
    ck_assert_uint_eq(alive & 0xFFFFFF, dead & 0xFFFFFF); /* the slot is used again */
    ck_assert_uint_ne(alive, dead);
    ck_assert_ptr_null(handles_get(handles, dead));
    handles_remove(handles, dead);
    ck_assert_ptr_eq(handles_get(handles, alive), &objects[1]);
    ck_assert_uint_eq(handles_count(handles), 1);
}
END_TEST

START_TEST(an_id_of_another_kind_does_not_resolve)
{
    struct handles *others = handles_create(OTHER_KIND);
    ck_assert_ptr_nonnull(others);
    uint64_t id = added(handles, &objects[0]);
    uint64_t other = added(others, &objects[1]);
    ck_assert_uint_ne(id, other);
    ck_assert_ptr_null(handles_get(others, id));
    ck_assert_ptr_null(handles_get(handles, other));
    handles_destroy(others);
}
END_TEST

START_TEST(an_id_that_was_one_is_told_from_one_that_never_was)
{
    uint64_t dead = added(handles, &objects[0]);
    handles_remove(handles, dead);
    uint64_t alive = added(handles, &objects[1]);
    ck_assert(handles_knows(handles, dead));
    ck_assert(handles_knows(handles, alive));
    ck_assert(!handles_knows(handles, alive + (UINT64_C(1) << 24))); /* of a later generation */
    ck_assert(!handles_knows(handles, alive + 1));                   /* of a slot without use */
    ck_assert(!handles_knows(handles, alive ^ (UINT64_C(1) << 56))); /* of another kind */
    ck_assert(!handles_knows(handles, 0));
}
END_TEST

START_TEST(the_table_grows_and_keeps_its_ids)
{
    uint64_t ids[MANY];
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = added(handles, &objects[i]);
    }
    ck_assert_uint_eq(handles_count(handles), MANY);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_ptr_eq(handles_get(handles, ids[i]), &objects[i]);
    }
}
END_TEST

START_TEST(removed_slots_are_used_before_the_table_grows)
{
    uint64_t ids[MANY];
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = added(handles, &objects[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        handles_remove(handles, ids[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_lt(added(handles, &objects[i]) & 0xFFFFFF, MANY);
    }
}
END_TEST

START_TEST(a_slot_whose_generations_are_used_up_is_retired)
{
    struct handles *old = handles_create_from(KIND, UINT32_MAX - 1);
    ck_assert_ptr_nonnull(old);
    uint64_t first = added(old, &objects[0]);
    handles_remove(old, first);
    uint64_t last = added(old, &objects[0]);
    ck_assert_uint_eq(last & 0xFFFFFF, first & 0xFFFFFF);
    handles_remove(old, last);
    uint64_t fresh = added(old, &objects[1]);
    ck_assert_uint_ne(fresh & 0xFFFFFF, first & 0xFFFFFF);
    ck_assert_ptr_null(handles_get(old, first));
    ck_assert_ptr_null(handles_get(old, last));
    ck_assert_ptr_eq(handles_get(old, fresh), &objects[1]);
    handles_destroy(old);
}
END_TEST

START_TEST(a_visit_sees_each_live_id_and_may_remove_it)
{
    bool seen[MANY] = {false};
    uint64_t ids[MANY];
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = added(handles, &objects[i]);
    }
    for (size_t i = 0; i < MANY; i += 3) {
        handles_remove(handles, ids[i]);
    }
    size_t position = 0;
    uint64_t id;
    void *object;
    while ((id = handles_next(handles, &position, &object)) != 0) {
        ptrdiff_t index = (char *)object - objects;
        ck_assert_uint_eq(id, ids[index]);
        ck_assert(!seen[index]);
        seen[index] = true;
        handles_remove(handles, id);
    }
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(seen[i], i % 3 != 0);
    }
    ck_assert_uint_eq(handles_count(handles), 0);
}
END_TEST

/* A long life, checked against a list of what should be alive. */
START_TEST(no_id_is_handed_out_twice)
{
    enum { ALIVE = 50, STEPS = 20000 };
    uint64_t alive[ALIVE] = {0};
    uint64_t dead[STEPS];
    size_t dead_count = 0;
    unsigned random = 12345;
    for (size_t step = 0; step < STEPS; step++) {
        random = random * 1103515245U + 12345U;
        size_t place = (random >> 16) % ALIVE;
        if (alive[place] != 0) {
            handles_remove(handles, alive[place]);
            dead[dead_count++] = alive[place];
        }
        alive[place] = added(handles, &objects[place]);
        ck_assert_ptr_eq(handles_get(handles, alive[place]), &objects[place]);
    }
    for (size_t i = 0; i < dead_count; i++) {
        ck_assert_ptr_null(handles_get(handles, dead[i]));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("handles");
    TCase *ids = tcase_create("ids");
    tcase_add_checked_fixture(ids, setup, teardown);
    tcase_add_test(ids, an_id_resolves_until_it_is_removed);
    tcase_add_test(ids, zero_and_made_up_ids_resolve_to_nothing);
    tcase_add_test(ids, a_dead_id_does_not_resolve_to_the_next_object_of_its_slot);
    tcase_add_test(ids, an_id_of_another_kind_does_not_resolve);
    tcase_add_test(ids, an_id_that_was_one_is_told_from_one_that_never_was);
    tcase_add_test(ids, the_table_grows_and_keeps_its_ids);
    tcase_add_test(ids, removed_slots_are_used_before_the_table_grows);
    tcase_add_test(ids, a_slot_whose_generations_are_used_up_is_retired);
    tcase_add_test(ids, a_visit_sees_each_live_id_and_may_remove_it);
    tcase_add_test(ids, no_id_is_handed_out_twice);
    suite_add_tcase(suite, ids);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
