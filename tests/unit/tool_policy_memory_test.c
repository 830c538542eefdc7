/* SPDX-License-Identifier: Apache-2.0 */
/* The tool policy when memory is short: the n-th allocation fails, for every n until none does. */
#include "policy/tool_policy.h"
#include "support/failing_heap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Long enough for the lists of rules to grow. */
static const struct koine_text gateway[] = {
    KOINE_TEXT("Bash"),   KOINE_TEXT("Read"),   KOINE_TEXT("Write"),    KOINE_TEXT("Edit"),
    KOINE_TEXT("Glob"),   KOINE_TEXT("Grep"),   KOINE_TEXT("WebFetch"), KOINE_TEXT("Task"),
    KOINE_TEXT("mcp__a"), KOINE_TEXT("mcp__b"), KOINE_TEXT("mcp__c"),
};
static const struct koine_text request[] = {
    KOINE_TEXT("Bash(git log:*)"),
    KOINE_TEXT("Bash(git:*)"),
    KOINE_TEXT("Read"),
    KOINE_TEXT("mcp__*"),
};
static const struct koine_text denied[] = {KOINE_TEXT("Bash(rm:*)"), KOINE_TEXT("mcp__b")};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is done while memory is short; false when it ran out. Leaves nothing allocated. */
typedef bool (*deed)(const struct tool_policy *parent);

static bool create(const struct tool_policy *parent) {
    (void)parent;
    struct tool_policy *policy = tool_policy_create();
    bool done = policy != NULL;
    tool_policy_unref(policy);
    return done;
}

static bool narrow(const struct tool_policy *parent) {
    struct tool_policy_error error;
    struct tool_policy *policy =
        tool_policy_narrow(parent, request, COUNT(request), denied, COUNT(denied), false, &error);
    bool done = policy != NULL;
    if (error.problem != (done ? TOOL_POLICY_OK : TOOL_POLICY_NO_MEMORY) ||
        (error.reason[0] == '\0') != done)
        abort(); /* Check itself allocates: no assertion of its here */
    tool_policy_unref(policy);
    return done;
}

static bool freed(char *text) {
    bool done = text != NULL;
    free(text);
    return done;
}

static bool print(const struct tool_policy *parent) {
    return freed(tool_policy_tools(parent)) && freed(tool_policy_allowed(parent)) &&
           freed(tool_policy_disallowed(parent)) && freed(tool_policy_json(parent));
}

static const struct {
    deed deed;
    int allocations_at_least;
} deeds[] = {{create, 1}, {narrow, 10}, {print, 10}};

START_TEST(the_nth_allocation_fails_until_none_does)
{
    struct tool_policy_error error;
    struct tool_policy *top = tool_policy_create();
    struct tool_policy *parent =
        tool_policy_narrow(top, gateway, COUNT(gateway), denied, COUNT(denied), false, &error);
    ck_assert_ptr_nonnull(parent);
    bool done = false;
    int n = 0;
    for (; !done && n < 1000; n++) {
        long blocks = failing_heap_blocks();
        failing_heap_fail_from(n);
        done = deeds[_i].deed(parent);
        long failures = failing_heap_stop();
        long leaked = failing_heap_blocks() - blocks;
        ck_assert_int_eq(failures > 0, !done);
        ck_assert_int_eq(leaked, 0);
    }
    ck_assert(done);
    ck_assert_int_gt(n, deeds[_i].allocations_at_least);
    tool_policy_unref(parent);
    tool_policy_unref(top);
}
END_TEST

int main(void) {
    if (!failing_heap_works("tool policy, memory"))
        return EXIT_SUCCESS;
    Suite *suite = suite_create("tool policy, memory");
    TCase *memory = tcase_create("memory");
    tcase_add_loop_test(memory, the_nth_allocation_fails_until_none_does, 0, COUNT(deeds));
    suite_add_tcase(suite, memory);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
