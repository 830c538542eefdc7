/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tool policy when memory is short: the n-th allocation fails, for every n until none does.
 * Stands in front of malloc itself, so it skips where a sanitizer or valgrind does that.
 */
#include "policy/tool_policy.h"

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define ALLOCATOR_IS_TAKEN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_TAKEN
#endif

#ifdef ALLOCATOR_IS_TAKEN
int main(void) {
    puts("tool policy, memory: skipped, a sanitizer holds malloc");
    return EXIT_SUCCESS;
}
#else

/* Counts between start_failing_after and stop_failing. Volatile because the compiler takes malloc
 * to read and write nothing of ours. */
static volatile struct {
    bool active;
    int successes_left;
    int failures;
    int living; /* blocks allocated and not freed */
} heap;

/* Whether this allocation is to succeed. */
static bool may_allocate(void) {
    if (!heap.active || heap.successes_left-- > 0)
        return true;
    heap.failures++;
    return false;
}

static void *counted(void *block) {
    if (heap.active && block != NULL)
        heap.living++;
    return block;
}

/* Each hands on to the next allocator in line: the C library's, or that of a tool like valgrind. */
void *malloc(size_t size) {
    static void *(*next)(size_t);
    if (next == NULL)
        next = dlsym(RTLD_NEXT, "malloc");
    return may_allocate() ? counted(next(size)) : NULL;
}

void *calloc(size_t count, size_t size) {
    static void *(*next)(size_t, size_t);
    if (next == NULL)
        next = dlsym(RTLD_NEXT, "calloc");
    return may_allocate() ? counted(next(count, size)) : NULL;
}

void *realloc(void *block, size_t size) {
    static void *(*next)(void *, size_t);
    if (next == NULL)
        next = dlsym(RTLD_NEXT, "realloc");
    if (!may_allocate())
        return NULL;
    return block == NULL ? counted(next(NULL, size)) : next(block, size);
}

void free(void *block) {
    static void (*next)(void *);
    if (next == NULL)
        next = dlsym(RTLD_NEXT, "free");
    if (heap.active && block != NULL)
        heap.living--;
    next(block);
}

static void start_failing_after(int successes) {
    heap.failures = heap.living = 0;
    heap.successes_left = successes;
    heap.active = true;
}

static void stop_failing(void) {
    heap.active = false;
}

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
        start_failing_after(n);
        done = deeds[_i].deed(parent);
        stop_failing();
        ck_assert_int_eq(heap.failures > 0, !done);
        ck_assert_int_eq(heap.living, 0);
    }
    ck_assert(done);
    ck_assert_int_gt(n, deeds[_i].allocations_at_least);
    tool_policy_unref(parent);
    tool_policy_unref(top);
}
END_TEST

/* Valgrind puts its own malloc in place of any other. */
static bool allocator_is_ours(void) {
    void *volatile block;
    start_failing_after(0);
    block = malloc(1);
    stop_failing();
    bool ours = block == NULL;
    free(block);
    return ours;
}

int main(void) {
    if (!allocator_is_ours()) {
        puts("tool policy, memory: skipped, something else holds malloc");
        return EXIT_SUCCESS;
    }
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
#endif
