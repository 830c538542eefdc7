/* SPDX-License-Identifier: Apache-2.0 */
/* The merge when memory is short: from the n-th allocation on all fail, for every n until none
 * does. There is no document then, and nothing is left behind. */
#include "openapi/merge.h"
#include "openapi/write.h"
#include "support/failing_heap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char host[] = "info: {title: T}\nsecurity: [{bearer: []}]\ntags: [{name: A}]\n"
                           "paths: {/health: {get: {tags: [A]}}}\n"
                           "components: {securitySchemes: {bearer: {type: http}}}\n";

/* Clashes, is moved, shares a path, has parameters of the path item, an id that is taken. */
static const char fragment[] =
    "tags: [{name: T}]\n"
    "paths:\n"
    "  /a:\n"
    "    parameters: [{name: q, in: query}]\n"
    "    get: {operationId: o, tags: [T], x-s: {$ref: '#/components/schemas/S'}}\n"
    "    post: {operationId: p, security: [{own: []}]}\n"
    "  '/b#m': {get: {operationId: o, summary: a text that is long enough to be folded when it is "
    "written, as the line is at its end}}\n"
    "components:\n"
    "  schemas: {S: {enum: [%s]}}\n"
    "  securitySchemes: {own: {type: http}}\n";

static const struct route routes[] = {
    {.as = {.method = "GET", .path = "/a"}, .given_path = "/a"},
    {.as = {.method = "POST", .path = "/moved"}, .given_path = "/a"},
    {.as = {.method = "GET", .path = "/b", .header = "h"}, .given_path = "/b"},
    {.as = {.method = "GET", .path = "/c/{x}", .key_places = KOINE_KEY_X_API_KEY},
     .given_path = "/c/{x}"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is done while memory is short; false when it ran out. Leaves nothing allocated. */
typedef bool (*deed)(const struct node *document);

static struct node *make(void) {
    static char texts[2][sizeof fragment + 16];
    struct openapi_source sources[2];
    const struct route *lists[COUNT(routes)];
    const struct openapi_options options = {.server_url = "/", .notice = "N"};
    for (size_t i = 0; i < COUNT(routes); i++)
        lists[i] = &routes[i];
    for (size_t i = 0; i < 2; i++) {
        char *at = strstr(strcpy(texts[i], fragment), "%s");
        at[0] = (char)('0' + i);
        at[1] = ' ';
        sources[i] = (struct openapi_source){.name = i ? "beta" : "alpha",
                                             .summary = "S",
                                             .fragment = {texts[i], strlen(texts[i])},
                                             .routes = lists,
                                             .route_count = COUNT(routes)};
    }
    return openapi_merge((struct koine_text){host, sizeof host - 1}, sources, 2, &options);
}

static bool merge(const struct node *document) {
    (void)document;
    struct node *root = make();
    bool done = root != NULL;
    tree_destroy(root);
    return done;
}

static bool freed(char *text) {
    bool done = text != NULL;
    free(text);
    return done;
}

static bool write_json(const struct node *document) {
    return freed(openapi_json(document, NULL));
}

static bool write_yaml(const struct node *document) {
    return freed(openapi_yaml(document, NULL));
}

static const struct {
    deed deed;
    int allocations_at_least;
} deeds[] = {{merge, 300}, {write_json, 1}, {write_yaml, 10}};

START_TEST(the_nth_allocation_fails_until_none_does)
{
    struct node *document = make();
    ck_assert_ptr_nonnull(document);
    bool done = false;
    int n = 0;
    for (; !done && n < 20000; n++) {
        long blocks = failing_heap_blocks();
        failing_heap_fail_from(n);
        done = deeds[_i].deed(document);
        long failures = failing_heap_stop();
        long leaked = failing_heap_blocks() - blocks;
        ck_assert_int_eq(failures > 0, !done);
        ck_assert_msg(leaked == 0, "deed %d, allocation %d: %ld blocks leaked", _i, n, leaked);
    }
    ck_assert(done);
    ck_assert_int_ge(n - 1, deeds[_i].allocations_at_least);
    tree_destroy(document);
}
END_TEST

/* With one fragment unread, say, the rest goes on. */
START_TEST(a_single_failure_leaves_nothing_behind)
{
    struct node *document = make();
    ck_assert_ptr_nonnull(document);
    long failures = 1;
    int n = 0;
    for (; failures > 0 && n < 20000; n++) {
        long blocks = failing_heap_blocks();
        failing_heap_fail_nth(n);
        deeds[_i].deed(document);
        failures = failing_heap_stop();
        long leaked = failing_heap_blocks() - blocks;
        ck_assert_msg(leaked == 0, "deed %d, allocation %d: %ld blocks leaked", _i, n, leaked);
    }
    ck_assert_int_eq(failures, 0);
    ck_assert_int_ge(n, 2);
    tree_destroy(document);
}
END_TEST

int main(void) {
    if (!failing_heap_works("openapi_memory_test"))
        return EXIT_SUCCESS;
    Suite *suite = suite_create("openapi_memory");
    TCase *tcase = tcase_create("openapi_memory");
    tcase_add_loop_test(tcase, the_nth_allocation_fails_until_none_does, 0, COUNT(deeds));
    /* The last one's allocations are all libyaml's. */
    tcase_add_loop_test(tcase, a_single_failure_leaves_nothing_behind, 0, COUNT(deeds) - 1);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
