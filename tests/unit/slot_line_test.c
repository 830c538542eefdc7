/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting line: who may wait, who is granted a slot in which order, who leaves, and what a
 * callback may do.
 */
#include "slot_line_fixture.h"
#include "support/test_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void cancel(const char *name) {
    slot_wait_cancel(&find(name)->place, SLOT_WAIT_CANCELLED);
}

/* Whoever is granted the only slot gives it back, until nobody waits. */
static void serve_all(const char *holder) {
    give_back(holder);
    for (uint32_t served = 1; slot_class_waits(class).waiting > 0; served++) {
        ck_assert_uint_lt(served, PEOPLE_MAX); /* else somebody waits for a slot that is free */
        give_back(strrchr(granted, ' ') != NULL ? strrchr(granted, ' ') + 1 : granted);
    }
}

static void granted_are(const char *names) {
    ck_assert_str_eq(granted, names);
    granted[0] = '\0';
}

/* ---- who may wait ---------------------------------------------------------------------------- */

START_TEST(nobody_waits_unless_the_config_says_so)
{
    open_with(1, 0);
    ck_assert_int_eq(come("a1"), SLOT_TAKEN);
    ck_assert_int_eq(come("a2"), SLOT_REFUSED);
    ck_assert_uint_eq(slot_class_waits(class).waiting, 0);
    ck_assert_uint_eq(slot_class_active(class), 1);
    ck_assert_uint_eq(a.streaming, 1);
}
END_TEST

START_TEST(a_slot_that_is_free_is_taken_without_a_wait)
{
    open_with(2, 4);
    ck_assert_int_eq(come("a1"), SLOT_TAKEN);
    ck_assert_int_eq(come("a2"), SLOT_TAKEN);
    ck_assert_int_eq(come("a3"), SLOT_WAITING);
    ck_assert_uint_eq(a.streaming, 2);
    granted_are(""); /* the caller knows already */
}
END_TEST

START_TEST(a_limit_of_zero_refuses_at_once)
{
    open_with(0, 4);
    ck_assert_int_eq(come("a1"), SLOT_REFUSED);
    ck_assert_int_eq(come("p1"), SLOT_REFUSED);
    close_down();
    open_with(1, 4);
    ck_assert_int_eq(come("n1"), SLOT_REFUSED); /* free, but not for this key */
    take("a");
    ck_assert_int_eq(come("n1"), SLOT_REFUSED);
    ck_assert_uint_eq(slot_class_waits(class).refused, 2);
}
END_TEST

START_TEST(a_full_line_refuses)
{
    open_with(1, 3);
    take("a");
    wait_for("a1 a2 a3");
    ck_assert_int_eq(come("a4"), SLOT_REFUSED);
    ck_assert_uint_eq(slot_class_waits(class).waiting, 3);
    give_back("a");
    granted_are("a1");
    ck_assert_int_eq(come("a4"), SLOT_WAITING);
    ck_assert_int_eq(come("a5"), SLOT_REFUSED);
}
END_TEST

START_TEST(a_key_that_fills_the_line_leaves_a_place_for_every_other)
{
    open_with(1, 3);
    take("a");
    wait_for("a1 a2 a3 b1 p1");
    ck_assert_int_eq(come("b2"), SLOT_REFUSED);
    ck_assert_int_eq(come("p2"), SLOT_REFUSED);
    ck_assert_int_eq(come("a4"), SLOT_REFUSED);
    ck_assert_uint_eq(slot_class_waits(class).waiting, 5);
    serve_all("a");
    granted_are("a1 b1 p1 a2 a3");
}
END_TEST

START_TEST(each_class_has_a_line_of_its_own)
{
    open_with(1, 1);
    struct slot_class *other = slots_find(slots, "nonStreaming");
    take("a");
    ck_assert(slot_take(other, &a));
    wait_for("a1");
    ck_assert_int_eq(come_to(other, "a2"), SLOT_WAITING);
    slot_return(other, &a);
    granted_are("a2");
    ck_assert_uint_eq(slot_class_waits(class).waiting, 1);
    ck_assert_uint_eq(slot_class_waits(other).waiting, 0);
}
END_TEST

/* ---- in which order -------------------------------------------------------------------------- */

START_TEST(a_returned_slot_is_counted_for_who_is_granted_it)
{
    open_with(1, 4);
    take("a");
    wait_for("b1");
    give_back("a");
    granted_are("b1");
    ck_assert_uint_eq(slot_class_active(class), 1);
    ck_assert_uint_eq(a.streaming, 0);
    ck_assert_uint_eq(b.streaming, 1);
    give_back("b");
    ck_assert_uint_eq(slot_class_active(class), 0);
}
END_TEST

START_TEST(within_a_key_who_came_first_is_served_first)
{
    open_with(1, 9);
    take("a");
    wait_for("a1 a2 a3 a4");
    serve_all("a");
    granted_are("a1 a2 a3 a4");
}
END_TEST

START_TEST(keys_take_turns_however_many_wait_of_each)
{
    open_with(1, 99);
    take("a");
    wait_for("a1 a2 a3 a4 a5 a6 b1 b2 b3 c1 p1");
    serve_all("a");
    granted_are("a1 b1 c1 p1 a2 b2 a3 b3 a4 a5 a6");
}
END_TEST

START_TEST(a_key_that_comes_back_gets_the_last_turn)
{
    open_with(1, 99);
    take("c");
    wait_for("a1 b1 c1");
    give_back("c");
    wait_for("a2 b2");
    give_back("a");
    give_back("b");
    granted_are("a1 b1 c1");
    wait_for("b3 c2");
    serve_all("c");
    granted_are("a2 b2 c2 b3");
}
END_TEST

START_TEST(a_newcomer_does_not_overtake)
{
    open_with(1, 9);
    take("a");
    wait_for("a1");
    ck_assert(!slot_take(class, &b));
    ck_assert(!slot_take(class, NULL));
    give_back("a"); /* to a1: never free */
    ck_assert(!slot_take(class, &b));
    granted_are("a1");
}
END_TEST

START_TEST(a_key_at_its_limit_holds_up_nobody_else)
{
    open_with(2, 9);
    take("l a");
    wait_for("l1 l2 b1 b2");
    give_back_all("a b b");
    granted_are("b1 b2");
    ck_assert_int_eq(come("c1"), SLOT_TAKEN); /* l1 and l2 wait for a slot of their own key */
    ck_assert_uint_eq(slot_class_active(class), 2);
    ck_assert_uint_eq(slot_class_waits(class).waiting, 2);
    ck_assert_int_eq(come("l3"), SLOT_WAITING);
}
END_TEST

START_TEST(a_key_at_its_limit_is_granted_its_own_slot_when_the_class_has_room)
{
    open_with(3, 9);
    take("l");
    wait_for("l1 l2");
    ck_assert_uint_eq(slot_class_active(class), 1);
    give_back("l");
    granted_are("l1");
    ck_assert_uint_eq(l.streaming, 1);
    ck_assert_uint_eq(slot_class_active(class), 1);
}
END_TEST

START_TEST(a_key_that_was_passed_over_keeps_its_turn)
{
    open_with(2, 9);
    take("l a");
    wait_for("l1 a1 b1 a2 b2");
    give_back_all("a a"); /* l is at its limit: the turns are those of a and b */
    granted_are("a1 b1");
    give_back("l");
    granted_are("l1");
    give_back_all("b a");
    granted_are("a2 b2");
}
END_TEST

START_TEST(a_slot_of_a_limited_key_goes_to_whose_turn_it_is)
{
    open_with(1, 9);
    take("l");
    wait_for("a1 l1 a2");
    give_back("l");
    granted_are("a1");
    give_back("a");
    granted_are("l1");
}
END_TEST

START_TEST(the_limits_of_keys_do_not_count_in_the_classes_of_modules)
{
    open_with(1, 9);
    ck_assert_int_eq(slots_declare(slots, "mine", 1), KOINE_OK);
    class = slots_find(slots, "mine");
    take("n");
    wait_for("n1 a1 n2");
    serve_all("n");
    granted_are("n1 a1 n2");
}
END_TEST

/* ---- leaving --------------------------------------------------------------------------------- */

START_TEST(who_leaves_is_not_missed)
{
    static const struct {
        const char *who;
        const char *expected;
    } leavings[] = {
        {"a1", "a2 b1 c1 a3 b2"},    /* the next of its key takes the turn */
        {"a2", "a1 b1 c1 a3 b2"},    /* in the middle */
        {"a3", "a1 b1 c1 a2 b2"},    /* the last of its key */
        {"c1", "a1 b1 a2 b2 a3"},    /* the only one of its key */
        {"b1 b2", "a1 c1 a2 a3"},    /* a whole key */
        {"a1 a2 a3", "b1 c1 b2"},    /* the key whose turn it was */
        {"a3 a2 a1", "b1 c1 b2"},    /* … backwards */
        {"a1 b1 c1 a2 b2 a3", ""},   /* everybody */
        {"a2 a2 c1", "a1 b1 a3 b2"}, /* one of them twice */
        {"b9", "a1 b1 c1 a2 b2 a3"}, /* somebody who never came */
    };
    for (size_t i = 0; i < COUNT(leavings); i++) {
        start_over();
        open_with(1, 9);
        take("p");
        wait_for("a1 a2 a3 b1 b2 c1");
        for_each(leavings[i].who, cancel);
        serve_all("p");
        granted_are(leavings[i].expected);
        close_down();
    }
}
END_TEST

START_TEST(to_leave_after_the_grant_does_nothing)
{
    open_with(1, 9);
    take("a");
    wait_for("b1 b2");
    give_back("a");
    cancel("b1");
    granted_are("b1");
    ck_assert_uint_eq(slot_class_active(class), 1); /* b1 has it, and has to return it */
    ck_assert_uint_eq(slot_class_waits(class).cancelled, 0);
}
END_TEST

START_TEST(a_place_can_be_taken_again)
{
    open_with(1, 9);
    take("a");
    wait_for("b1 c1");
    cancel("b1");
    wait_for("b1");
    give_back("a");
    give_back("c");
    granted_are("c1 b1");
    wait_for("b1");
    give_back("b");
    granted_are("b1");
}
END_TEST

START_TEST(to_leave_when_the_slots_are_gone_does_nothing)
{
    open_with(1, 9);
    take("a");
    wait_for("a1 a2 b1");
    close_down();
    for_each("a1 a2 b1", cancel);
    granted_are("");
}
END_TEST

/* ---- what a callback may do ------------------------------------------------------------------ */

static int depth;

static void return_at_once(struct person *person) {
    ck_assert_int_eq(++depth, 1); /* a long line of such people needs no deep stack */
    slot_return(person->class, key_of(person->name));
    depth--;
}

START_TEST(who_is_granted_may_return_the_slot_at_once)
{
    open_with(1, 9);
    take("a");
    wait_for("a1 a2 b1 b2 c1");
    find("a1")->then = find("b1")->then = find("c1")->then = return_at_once;
    give_back("a");
    granted_are("a1 b1 c1 a2"); /* a2 keeps it */
    ck_assert_uint_eq(slot_class_active(class), 1);
    ck_assert_uint_eq(slot_class_waits(class).waiting, 1);
}
END_TEST

static void cancel_some(struct person *person) {
    slot_wait_cancel(&person->place, SLOT_WAIT_CANCELLED);
    for_each("b1 c2", cancel);
    return_at_once(person);
}

START_TEST(who_is_granted_may_cancel_itself_and_others)
{
    open_with(1, 9);
    take("a");
    wait_for("a1 b1 c1 c2 c3");
    find("a1")->then = cancel_some;
    serve_all("a");
    granted_are("a1 c1 c3");
    ck_assert_uint_eq(slot_class_waits(class).cancelled, 2);
}
END_TEST

static void cancel_everybody(struct person *person) {
    for_each("a1 a2 b1 c1", cancel);
    return_at_once(person);
}

START_TEST(who_is_granted_may_empty_the_line)
{
    open_with(1, 9);
    take("a");
    wait_for("a1 a2 b1 c1");
    find("a1")->then = cancel_everybody;
    give_back("a");
    granted_are("a1");
    ck_assert_uint_eq(slot_class_active(class), 0);
    ck_assert_int_eq(come("b1"), SLOT_TAKEN);
}
END_TEST

static void come_again(struct person *person) {
    person->then = NULL;
    ck_assert_int_eq(come(person->name), SLOT_WAITING);
    ck_assert_int_eq(come("c9"), SLOT_WAITING);
    return_at_once(person);
}

START_TEST(who_is_granted_may_join_again)
{
    open_with(1, 9);
    take("a");
    wait_for("a1 a2 b1");
    find("a1")->then = come_again;
    serve_all("a");
    granted_are("a1 b1 a2 c9 a1");
}
END_TEST

static void try_to_overtake(struct person *person) {
    return_at_once(person);
    ck_assert_uint_eq(slot_class_active(class), 0); /* free, but b1 waits for it */
    ck_assert(!slot_take(class, &c));
    ck_assert_int_eq(come("c1"), SLOT_WAITING);
}

START_TEST(nobody_overtakes_within_a_callback)
{
    open_with(1, 9);
    take("a");
    wait_for("a1 b1");
    find("a1")->then = try_to_overtake;
    give_back("a");
    granted_are("a1 b1");
    ck_assert_uint_eq(slot_class_waits(class).waiting, 1);
}
END_TEST

static void take_in_passing(struct person *person) {
    return_at_once(person);
    ck_assert(slot_take(class, &c)); /* nobody waits */
}

START_TEST(who_returns_within_a_callback_may_take_when_nobody_waits)
{
    open_with(1, 9);
    take("a");
    wait_for("a1");
    find("a1")->then = take_in_passing;
    give_back("a");
    ck_assert_uint_eq(a.streaming, 0);
    ck_assert_uint_eq(c.streaming, 1);
}
END_TEST

static void return_of_the_other_class(struct person *person) {
    (void)person;
    slot_return(slots_find(slots, "nonStreaming"), &c);
}

START_TEST(a_callback_of_one_class_may_grant_in_another)
{
    open_with(1, 9);
    struct slot_class *other = slots_find(slots, "nonStreaming");
    take("a");
    ck_assert(slot_take(other, &c));
    wait_for("a1 a2");
    ck_assert_int_eq(come_to(other, "b1"), SLOT_WAITING);
    ck_assert_int_eq(come_to(other, "b2"), SLOT_WAITING);
    find("a1")->then = return_of_the_other_class;
    find("b1")->then = return_at_once;
    give_back("a");
    granted_are("a1 b1 b2");
}
END_TEST

static void free_place(void *data) {
    struct slot_waiter **place = data;
    free(*place);
    *place = NULL;
}

START_TEST(who_is_granted_may_free_its_place)
{
    open_with(1, 9);
    struct slot_waiter *place = calloc(1, sizeof(*place));
    take("a");
    ck_assert_int_eq(slot_wait(class, &a, place, free_place, &place), SLOT_WAITING);
    wait_for("a2");
    give_back("a");
    ck_assert_ptr_null(place);
    give_back("a");
    granted_are("a2");
}
END_TEST

/* ---- counters -------------------------------------------------------------------------------- */

START_TEST(the_line_counts_what_becomes_of_those_who_wait)
{
    open_with(1, 3);
    take("a");
    wait_for("a1 a2 a3 b1");
    ck_assert_int_eq(come("a4"), SLOT_REFUSED);
    ck_assert(!slot_take(class, &b));
    slot_wait_cancel(&find("a2")->place, SLOT_WAIT_TIMED_OUT);
    slot_wait_cancel(&find("a3")->place, SLOT_WAIT_CANCELLED);
    slot_wait_cancel(&find("a3")->place, SLOT_WAIT_CANCELLED);
    give_back("a");
    struct slot_wait_counts counts = slot_class_waits(class);
    ck_assert_uint_eq(counts.waiting, 1);
    ck_assert_uint_eq(counts.granted, 1);
    ck_assert_uint_eq(counts.refused, 2);
    ck_assert_uint_eq(counts.timed_out, 1);
    ck_assert_uint_eq(counts.cancelled, 1);
}
END_TEST

START_TEST(the_longest_wait_is_that_of_those_who_wait_now)
{
    open_with(1, 9);
    take("a");
    ck_assert_uint_eq(slot_class_waits(class).longest_wait_ms, 0);
    wait_for("b1");
    clock_ms += 300;
    wait_for("a1 a2");
    clock_ms += 20;
    ck_assert_uint_eq(slot_class_waits(class).longest_wait_ms, 320);
    give_back("a");
    granted_are("b1");
    ck_assert_uint_eq(slot_class_waits(class).longest_wait_ms, 20);
    for_each("a1 a2", cancel);
    ck_assert_uint_eq(slot_class_waits(class).longest_wait_ms, 0);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        nobody_waits_unless_the_config_says_so,
        a_slot_that_is_free_is_taken_without_a_wait,
        a_limit_of_zero_refuses_at_once,
        a_full_line_refuses,
        a_key_that_fills_the_line_leaves_a_place_for_every_other,
        each_class_has_a_line_of_its_own,
        a_returned_slot_is_counted_for_who_is_granted_it,
        within_a_key_who_came_first_is_served_first,
        keys_take_turns_however_many_wait_of_each,
        a_key_that_comes_back_gets_the_last_turn,
        a_newcomer_does_not_overtake,
        a_key_at_its_limit_holds_up_nobody_else,
        a_key_at_its_limit_is_granted_its_own_slot_when_the_class_has_room,
        a_key_that_was_passed_over_keeps_its_turn,
        a_slot_of_a_limited_key_goes_to_whose_turn_it_is,
        the_limits_of_keys_do_not_count_in_the_classes_of_modules,
        who_leaves_is_not_missed,
        to_leave_after_the_grant_does_nothing,
        a_place_can_be_taken_again,
        to_leave_when_the_slots_are_gone_does_nothing,
        who_is_granted_may_return_the_slot_at_once,
        who_is_granted_may_cancel_itself_and_others,
        who_is_granted_may_empty_the_line,
        who_is_granted_may_join_again,
        nobody_overtakes_within_a_callback,
        who_returns_within_a_callback_may_take_when_nobody_waits,
        a_callback_of_one_class_may_grant_in_another,
        who_is_granted_may_free_its_place,
        the_line_counts_what_becomes_of_those_who_wait,
        the_longest_wait_is_that_of_those_who_wait_now,
    };
    return test_main("slot_line", start_over, close_down, tests, COUNT(tests));
}
