/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session ids: their form, whose they are, and that nothing else passes for one.
 */
#include "policy/session_id.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char secret[32] = "a secret of thirty-two bytes....";
static const unsigned char other_secret[32] = "another one of thirty-two bytes.";

static struct session_ids *ids;

static void setup(void) {
    ids = session_ids_create(secret);
    ck_assert_ptr_nonnull(ids);
}

static void teardown(void) {
    session_ids_destroy(ids);
}

static struct koine_text text(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

static void make(const char *key_name, char id[SESSION_ID_SIZE]) {
    ck_assert_int_eq(session_id_make(ids, key_name, id), 0);
}

START_TEST(an_id_is_a_lower_case_uuid_of_version_8)
{
    char id[SESSION_ID_SIZE];
    make("alice", id);
    ck_assert_uint_eq(strlen(id), 36);
    ck_assert(session_id_is_uuid(text(id)));
    ck_assert_uint_eq(strspn(id, "0123456789abcdef-"), 36);
    ck_assert_int_eq(id[14], '8');
    ck_assert_ptr_nonnull(strchr("89ab", id[19])); /* the variant */
}
END_TEST

START_TEST(two_ids_differ)
{
    char first[SESSION_ID_SIZE], second[SESSION_ID_SIZE];
    make("alice", first);
    make("alice", second);
    ck_assert_str_ne(first, second);
}
END_TEST

START_TEST(an_id_belongs_to_its_key_alone)
{
    static const char *const others[] = {"bob", "alic", "alice2", "Alice", ""};
    char id[SESSION_ID_SIZE];
    make("alice", id);
    ck_assert(session_id_belongs(ids, "alice", text(id)));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_msg(!session_id_belongs(ids, others[i], text(id)), "%s belongs to \"%s\"", id,
                      others[i]);
    }
}
END_TEST

START_TEST(an_id_survives_a_restart_with_the_same_secret)
{
    char id[SESSION_ID_SIZE];
    make("alice", id);
    struct session_ids *again = session_ids_create(secret);
    struct session_ids *foreign = session_ids_create(other_secret);
    ck_assert_ptr_nonnull(again);
    ck_assert_ptr_nonnull(foreign);
    ck_assert(session_id_belongs(again, "alice", text(id)));
    ck_assert(!session_id_belongs(foreign, "alice", text(id)));
    session_ids_destroy(again);
    session_ids_destroy(foreign);
}
END_TEST

/* Fixes the construction: an id of an earlier release must stay valid. Computed with
 * HMAC-SHA256(secret, label 00 | 00000005 | "alice" | 0123456789ab8cde). */
START_TEST(the_construction_does_not_change)
{ ck_assert(session_id_belongs(ids, "alice", KOINE_TEXT("01234567-89ab-8cde-b58e-1238586d578f"))); }
END_TEST

START_TEST(an_id_with_any_digit_changed_belongs_to_nobody)
{
    char id[SESSION_ID_SIZE];
    make("alice", id);
    for (size_t at = 0; at < 36; at++) {
        char original = id[at];
        for (const char *digit = "0123456789abcdef-"; *digit != '\0'; digit++) {
            id[at] = *digit;
            ck_assert_int_eq(session_id_belongs(ids, "alice", text(id)), *digit == original);
        }
        id[at] = original;
    }
}
END_TEST

START_TEST(an_id_has_one_spelling)
{
    char id[SESSION_ID_SIZE];
    do {
        make("alice", id);
    } while (strpbrk(id, "abcdef") == NULL);
    char *letter = strpbrk(id, "abcdef");
    *letter = (char)toupper(*letter);
    ck_assert(session_id_is_uuid(text(id)));
    ck_assert(!session_id_belongs(ids, "alice", text(id)));
}
END_TEST

static const struct uuid {
    const char *text;
    bool valid;
} uuids[] = {
    {"6ba7b810-9dad-11d1-80b4-00c04fd430c8", true},
    {"6BA7B810-9DAD-41D1-80B4-00C04FD430C8", true},
    {"6ba7b810-9dad-81d1-80b4-00c04fd430c8", true},
    {"6ba7b810-9dad-01d1-80b4-00c04fd430c8", false},
    {"6ba7b810-9dad-91d1-80b4-00c04fd430c8", false},
    {"6ba7b810-9dad-a1d1-80b4-00c04fd430c8", false},
    {"00000000-0000-0000-0000-000000000000", false},
    {"6ba7b8109dad11d180b400c04fd430c8", false},
    {"6ba7b810-9dad-11d1-80b4-00c04fd430c", false},
    {"6ba7b810-9dad-11d1-80b4-00c04fd430c8 ", false},
    {"{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", false},
    {"6ba7b810-9dad-11d1-80b4-00c04fd430cg", false},
    {"6ba7b810_9dad-11d1-80b4-00c04fd430c8", false},
    {"6ba7b81-09dad-11d1-80b4-00c04fd430c8", false},
    {"../../../../../../etc/passwd/-------", false},
    {"", false},
};

START_TEST(a_uuid_is_told_from_what_is_none)
{
    ck_assert_msg(session_id_is_uuid(text(uuids[_i].text)) == uuids[_i].valid, "\"%s\"",
                  uuids[_i].text);
    ck_assert_msg(!session_id_belongs(ids, "alice", text(uuids[_i].text)), "\"%s\"",
                  uuids[_i].text);
}
END_TEST

START_TEST(no_text_is_no_uuid)
{
    ck_assert(!session_id_is_uuid((struct koine_text){NULL, 0}));
    ck_assert(!session_id_belongs(ids, "alice", (struct koine_text){NULL, 0}));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("session id");
    TCase *all = tcase_create("ids");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, an_id_is_a_lower_case_uuid_of_version_8);
    tcase_add_test(all, two_ids_differ);
    tcase_add_test(all, an_id_belongs_to_its_key_alone);
    tcase_add_test(all, an_id_survives_a_restart_with_the_same_secret);
    tcase_add_test(all, the_construction_does_not_change);
    tcase_add_test(all, an_id_with_any_digit_changed_belongs_to_nobody);
    tcase_add_test(all, an_id_has_one_spelling);
    tcase_add_loop_test(all, a_uuid_is_told_from_what_is_none, 0, sizeof(uuids) / sizeof(uuids[0]));
    tcase_add_test(all, no_text_is_no_uuid);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
