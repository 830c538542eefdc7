/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots: limits of classes and of keys, and what modules declare.
 */
#include "policy/slots.h"

#include <check.h>
#include <stdlib.h>

static struct config_slot_class classes[] = {
    {(char[]){"sql"}, 7}, {(char[]){"huge"}, INT64_MAX}, {(char[]){"none"}, 0}};
static struct config config;
static struct slots *slots;
static struct config_key limited = {.max_streaming = 1, .max_nonstreaming = 0};
static struct config_key unlimited = {.max_streaming = -1, .max_nonstreaming = -1};

static void setup(void) {
    config = (struct config){0};
    config.slots.streaming = 3;
    config.slots.nonstreaming = 5;
    config.slots.classes = classes;
    config.slots.class_count = sizeof(classes) / sizeof(classes[0]);
    slots = slots_create(&config);
    ck_assert_ptr_nonnull(slots);
}

static void teardown(void) {
    slots_destroy(slots);
}

static struct slot_class *find(const char *name) {
    struct slot_class *class = slots_find(slots, name);
    ck_assert_ptr_nonnull(class);
    ck_assert_str_eq(slot_class_name(class), name);
    return class;
}

START_TEST(the_two_stock_classes_have_the_limits_of_the_config)
{
    ck_assert_uint_eq(slot_class_limit(find("streaming")), 3);
    ck_assert_uint_eq(slot_class_limit(find("nonStreaming")), 5);
    ck_assert_ptr_null(slots_find(slots, "Streaming"));
    ck_assert_ptr_null(slots_find(slots, "sql")); /* configured, but no module has declared it */
}
END_TEST

START_TEST(a_configured_class_can_be_had_before_a_module_declares_it)
{
    ck_assert_ptr_null(slots_find_configured(slots, "nosuch"));
    struct slot_class *class = slots_find_configured(slots, "sql");
    ck_assert_ptr_nonnull(class);
    ck_assert_uint_eq(slot_class_limit(class), 7);
    ck_assert_int_eq(slots_declare(slots, "sql", 2), KOINE_OK);
    ck_assert_ptr_eq(slots_find_configured(slots, "sql"), class);
    ck_assert_int_eq(slots_declare(slots, "sql", 2), KOINE_EXISTS);
    ck_assert_ptr_eq(slots_find_configured(slots, "streaming"), find("streaming"));
}
END_TEST

START_TEST(a_class_is_full_at_its_limit_and_free_again_after_a_return)
{
    struct slot_class *class = find("streaming");
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(slot_class_active(class), i);
        ck_assert(slot_take(class, NULL));
    }
    ck_assert(!slot_take(class, NULL));
    ck_assert_uint_eq(slot_class_active(class), 3);
    ck_assert_uint_eq(slot_class_active(find("nonStreaming")), 0);
    slot_return(class, NULL);
    ck_assert(slot_take(class, NULL));
}
END_TEST

START_TEST(a_limit_of_zero_rejects_all)
{
    ck_assert_int_eq(slots_declare(slots, "none", 9), KOINE_OK);
    ck_assert(!slot_take(find("none"), NULL));
}
END_TEST

START_TEST(a_key_has_a_limit_of_its_own)
{
    struct key key = {.config = &limited};
    struct slot_class *class = find("streaming");
    ck_assert(slot_take(class, &key));
    ck_assert(!slot_take(class, &key));
    ck_assert_uint_eq(slot_class_active(class), 1); /* the refusal took nothing */
    ck_assert_uint_eq(key.streaming, 1);
    ck_assert(!slot_take(find("nonStreaming"), &key)); /* 0: none at all */
    slot_return(class, &key);
    ck_assert_uint_eq(key.streaming, 0);
    ck_assert(slot_take(class, &key));
}
END_TEST

START_TEST(a_full_class_takes_nothing_from_a_key)
{
    struct key key = {.config = &unlimited};
    struct slot_class *class = find("nonStreaming");
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert(slot_take(class, NULL));
    }
    ck_assert(!slot_take(class, &key));
    ck_assert_uint_eq(key.nonstreaming, 0);
}
END_TEST

START_TEST(a_key_without_a_limit_is_counted_all_the_same)
{
    struct key key = {.config = &unlimited};
    ck_assert(slot_take(find("nonStreaming"), &key));
    ck_assert(slot_take(find("nonStreaming"), &key));
    ck_assert(slot_take(find("streaming"), &key));
    ck_assert_uint_eq(key.nonstreaming, 2);
    ck_assert_uint_eq(key.streaming, 1);
}
END_TEST

START_TEST(a_keys_limits_do_not_touch_the_classes_of_modules)
{
    struct key key = {.config = &limited};
    ck_assert_int_eq(slots_declare(slots, "mine", 2), KOINE_OK);
    ck_assert(slot_take(find("mine"), &key));
    ck_assert(slot_take(find("mine"), &key));
    ck_assert(!slot_take(find("mine"), &key));
    ck_assert_uint_eq(key.streaming + key.nonstreaming, 0);
    slot_return(find("mine"), &key);
    ck_assert_uint_eq(slot_class_active(find("mine")), 1);
}
END_TEST

START_TEST(a_declared_class_takes_its_limit_from_the_config_first)
{
    ck_assert_int_eq(slots_declare(slots, "sql", 2), KOINE_OK);
    ck_assert_int_eq(slots_declare(slots, "other", 2), KOINE_OK);
    ck_assert_int_eq(slots_declare(slots, "huge", 2), KOINE_OK);
    ck_assert_uint_eq(slot_class_limit(find("sql")), 7);
    ck_assert_uint_eq(slot_class_limit(find("other")), 2);
    ck_assert_uint_eq(slot_class_limit(find("huge")), UINT32_MAX);
}
END_TEST

START_TEST(a_class_stays_where_it_is_when_others_come)
{
    struct slot_class *streaming = find("streaming");
    ck_assert(slot_take(streaming, NULL));
    for (char name[] = "a"; name[0] <= 'z'; name[0]++) {
        ck_assert_int_eq(slots_declare(slots, name, 1), KOINE_OK);
    }
    ck_assert_ptr_eq(find("streaming"), streaming);
    ck_assert_uint_eq(slot_class_active(streaming), 1);
}
END_TEST

START_TEST(a_name_is_declared_once)
{
    ck_assert_int_eq(slots_declare(slots, "streaming", 1), KOINE_EXISTS);
    ck_assert_int_eq(slots_declare(slots, "sql", 1), KOINE_OK);
    ck_assert_int_eq(slots_declare(slots, "sql", 1), KOINE_EXISTS);
}
END_TEST

static const struct name {
    const char *name;
    int expected;
} names[] = {
    {"a", KOINE_OK},
    {"Long-Name-0", KOINE_OK},
    {"abcdefghijklmnopqrstuvwxyz012345", KOINE_OK},
    {"abcdefghijklmnopqrstuvwxyz0123456", KOINE_INVALID},
    {"", KOINE_INVALID},
    {NULL, KOINE_INVALID},
    {"0a", KOINE_INVALID},
    {"-a", KOINE_INVALID},
    {"a_b", KOINE_INVALID},
    {"a b", KOINE_INVALID},
};

START_TEST(a_class_has_a_name_of_letters_digits_and_dashes)
{ ck_assert_int_eq(slots_declare(slots, names[_i].name, 1), names[_i].expected); }
END_TEST

int main(void) {
    Suite *suite = suite_create("slots");
    TCase *all = tcase_create("slots");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_two_stock_classes_have_the_limits_of_the_config);
    tcase_add_test(all, a_configured_class_can_be_had_before_a_module_declares_it);
    tcase_add_test(all, a_class_is_full_at_its_limit_and_free_again_after_a_return);
    tcase_add_test(all, a_limit_of_zero_rejects_all);
    tcase_add_test(all, a_key_has_a_limit_of_its_own);
    tcase_add_test(all, a_full_class_takes_nothing_from_a_key);
    tcase_add_test(all, a_key_without_a_limit_is_counted_all_the_same);
    tcase_add_test(all, a_keys_limits_do_not_touch_the_classes_of_modules);
    tcase_add_test(all, a_declared_class_takes_its_limit_from_the_config_first);
    tcase_add_test(all, a_class_stays_where_it_is_when_others_come);
    tcase_add_test(all, a_name_is_declared_once);
    tcase_add_loop_test(all, a_class_has_a_name_of_letters_digits_and_dashes, 0,
                        sizeof(names) / sizeof(names[0]));
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
