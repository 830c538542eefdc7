/* SPDX-License-Identifier: Apache-2.0 */
/* What short names of models stand for, as answers have told it. */
#include "runner/model_names.h"
#include "support/test_main.h"

#include <stdio.h>
#include <string.h>

static struct model_names names;

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, string ? strlen(string) : 0};
}

static void note(const char *asked, const char *answered) {
    model_names_note(&names, text_of(asked), text_of(answered));
}

static void assert_known(const char *asked, const char *answered) {
    const struct koine_text found = model_names_find(&names, text_of(asked));
    ck_assert_pstr_eq(found.data, answered);
    ck_assert_uint_eq(found.size, answered ? strlen(answered) : 0);
}

static void setup(void) {
    memset(&names, 0, sizeof(names));
}

START_TEST(what_has_not_been_seen_is_not_known)
{
    assert_known("sonnet", NULL);
    assert_known(NULL, NULL);
    note("sonnet", "claude-sonnet-5");
    assert_known("sonnet", "claude-sonnet-5");
    assert_known("sonne", NULL);
    assert_known("sonnet[1m]", NULL);
}
END_TEST

START_TEST(the_last_answer_counts)
{
    note(NULL, "claude-opus-5");
    note("sonnet", "claude-sonnet-5");
    note("sonnet", "claude-sonnet-6");
    note("sonnet", NULL);
    assert_known("sonnet", "claude-sonnet-6");
    assert_known(NULL, "claude-opus-5");
}
END_TEST

START_TEST(the_oldest_makes_room)
{
    char asked[32];
    for (int i = 0; i <= MODEL_NAMES; i++) {
        snprintf(asked, sizeof(asked), "model-%d", i);
        note(asked, asked);
    }
    assert_known("model-0", NULL);
    assert_known("model-1", "model-1");
    assert_known(asked, asked);
}
END_TEST

START_TEST(names_of_any_length_are_no_harm)
{
    char long_name[MODEL_NAME_BYTES + 1];
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    note(long_name, "claude-sonnet-5");
    note("sonnet", long_name);
    assert_known(long_name, NULL);
    assert_known("sonnet", NULL);
    long_name[MODEL_NAME_BYTES - 1] = '\0';
    note(long_name, long_name);
    assert_known(long_name, long_name);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        what_has_not_been_seen_is_not_known,
        the_last_answer_counts,
        the_oldest_makes_room,
        names_of_any_length_are_no_harm,
    };
    return test_main("model names", setup, NULL, tests, sizeof(tests) / sizeof(*tests));
}
