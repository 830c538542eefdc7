/* SPDX-License-Identifier: Apache-2.0 */
/* The main function of a Check program with one suite of one case: setup, teardown, tests. */
#ifndef SUPPORT_TEST_MAIN_H
#define SUPPORT_TEST_MAIN_H

#include <check.h>
#include <stdlib.h>

static inline int test_main(const char *name, void (*setup)(void), void (*teardown)(void),
                            const TTest *const *tests, size_t count) {
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    if (setup || teardown) /* each test in its own process */
        tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
