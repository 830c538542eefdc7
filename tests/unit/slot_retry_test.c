/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it takes until a slot can be had, for Retry-After.
 */
#include "slot_line_fixture.h"
#include "support/test_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define retry_is(key, seconds) ck_assert_uint_eq(slot_retry_after_s(class, key), seconds)

/* As many slots as there are names, held so long, one set after the other. */
static void hold(const char *names, uint64_t held_ms, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        take(names);
        clock_ms += held_ms;
        give_back_all(names);
    }
}

START_TEST(nothing_is_known_before_the_first_return)
{
    open_with(1, 9);
    retry_is(&a, 5);
    take("a");
    clock_ms += 100000;
    retry_is(&a, 5);
    give_back("a");
    take("a");
    retry_is(&a, 100);
}
END_TEST

START_TEST(nothing_is_known_without_a_line)
{
    open_with(1, 0);
    hold("a", 100000, 3);
    take("a");
    retry_is(&a, 5);
}
END_TEST

START_TEST(nothing_is_known_where_a_limit_is_zero)
{
    open_with(1, 9);
    hold("a", 100000, 3);
    retry_is(&n, 5);
    close_down();
    open_with(0, 9);
    retry_is(&a, 5);
}
END_TEST

START_TEST(it_counts_who_comes_before)
{
    open_with(1, 9);
    hold("a", 10000, 5);
    take("a");
    retry_is(&a, 10);
    wait_for("a1 a2 a3 b1 b2");
    retry_is(&a, 60); /* a1 b1 a2 b2 a3, and then a */
    retry_is(&b, 60); /* a1 b1 a2 b2 a3, and then b */
    retry_is(&c, 30); /* a1 b1, and then c */
    retry_is(NULL, 30);
}
END_TEST

START_TEST(it_no_longer_counts_who_was_served_or_left)
{
    open_with(1, 9);
    hold("a", 10000, 5);
    take("b");
    wait_for("a1 a2 a3 a4 a5");
    retry_is(&a, 60);
    clock_ms += 10000;
    give_back("b"); /* to a1 */
    retry_is(&a, 50);
    slot_wait_cancel(&find("a2")->place, SLOT_WAIT_CANCELLED);
    retry_is(&a, 40);
    slot_wait_cancel(&find("a5")->place, SLOT_WAIT_CANCELLED);
    retry_is(&a, 30);
}
END_TEST

START_TEST(three_slots_are_returned_three_times_as_often_as_one)
{
    open_with(3, 9);
    take("a b c");
    for (int i = 0; i < 30; i++) { /* each is held for 30 s */
        clock_ms += 10000;
        give_back("a");
        take("a");
    }
    retry_is(&a, 10);
    wait_for("a1 a2 b1");
    retry_is(&c, 30); /* a1 b1, and then c */
}
END_TEST

START_TEST(slots_that_are_returned_together_are_no_quicker)
{
    open_with(3, 9);
    hold("a b c", 30000, 30);
    take("a b c");
    uint32_t soon = slot_retry_after_s(class, &a); /* 10, were they returned one by one */
    ck_assert_uint_ge(soon, 8);
    ck_assert_uint_le(soon, 12);
}
END_TEST

START_TEST(a_limited_key_waits_for_its_own_slots)
{
    open_with(4, 9);
    hold("l", 10000, 6);
    take("l");
    retry_is(&l, 10);
    wait_for("l1 l2");
    retry_is(&l, 30);
    retry_is(&a, 1); /* there is room */
    take("a b c");
    retry_is(&a, 5); /* l1 before it, at two in five seconds */
    retry_is(&l, 30);
}
END_TEST

START_TEST(it_follows_a_change)
{
    open_with(1, 9);
    hold("a", 60000, 50);
    hold("a", 2000, 50);
    take("a");
    retry_is(&b, 3); /* 2 s, and a little of the minutes before */
    give_back("a");
    hold("a", 60000, 50);
    take("a");
    retry_is(&b, 60);
}
END_TEST

START_TEST(an_idle_time_changes_nothing)
{
    open_with(1, 9);
    hold("a", 10000, 5);
    clock_ms += 1000000000;
    take("a");
    retry_is(&a, 10);
}
END_TEST

START_TEST(it_sees_slots_that_hang)
{
    open_with(1, 9);
    hold("a", 1000, 3);
    take("a");
    clock_ms += 1000;
    retry_is(&a, 1);
    clock_ms += 60000;
    uint32_t late = slot_retry_after_s(class, &a);
    ck_assert_uint_gt(late, 10);
    give_back("a");
    take("a");
    ck_assert_uint_ge(slot_retry_after_s(class, &a), late); /* now it is sure */
}
END_TEST

START_TEST(it_is_told_in_seconds_from_one_to_ten_minutes)
{
    open_with(1, 9);
    hold("a", 0, 3);
    take("a");
    retry_is(&a, 1);
    give_back("a");
    hold("a", 3600000, 50);
    take("a");
    retry_is(&a, 600);
}
END_TEST

START_TEST(a_part_of_a_second_is_rounded_up)
{
    open_with(1, 9);
    hold("a", 10001, 1);
    take("a");
    retry_is(&a, 11);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        nothing_is_known_before_the_first_return,
        nothing_is_known_without_a_line,
        nothing_is_known_where_a_limit_is_zero,
        it_counts_who_comes_before,
        it_no_longer_counts_who_was_served_or_left,
        three_slots_are_returned_three_times_as_often_as_one,
        slots_that_are_returned_together_are_no_quicker,
        a_limited_key_waits_for_its_own_slots,
        it_follows_a_change,
        an_idle_time_changes_nothing,
        it_sees_slots_that_hang,
        it_is_told_in_seconds_from_one_to_ten_minutes,
        a_part_of_a_second_is_rounded_up,
    };
    return test_main("slot_retry", start_over, close_down, tests, COUNT(tests));
}
