/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of limits share on top of process_fixture.h. The test program is the launcher as
 * well, so each main() begins with process_launcher_main. */
#ifndef TESTS_UNIT_PROCESS_LIMITS_FIXTURE_H
#define TESTS_UNIT_PROCESS_LIMITS_FIXTURE_H

#include "runner/process_launcher.h"
#include "support/scratch_directory.h"
#include "unit/process_fixture.h"

#include <sys/stat.h>

static char *directory; /* a scratch directory that every user may enter */

/* From now on children are started with these. */
static inline void limit(const struct process_limits_options *wanted) {
    struct process_limits *limits = NULL;
    char message[320] = "";
    const int result = process_limits_create(&limits, wanted, NULL, message, sizeof(message));
    ck_assert_msg(result == 0, "%s", message);
    ck_assert_ptr_nonnull(limits);
    options.limits = limits;
}

static inline void set_up_limits(void) {
    set_up();
    log_text[0] = '\0'; /* of the test before, where Check does not fork */
    directory = scratch_directory_create();
    ck_assert_int_eq(chmod(directory, 0755), 0);
}

static inline void tear_down_limits(void) {
    struct process_limits *limits = (struct process_limits *)(uintptr_t)options.limits;
    tear_down();
    process_limits_destroy(limits);
    scratch_directory_destroy(directory);
}

static inline TCase *limits_case(const char *name) {
    TCase *cases = tcase_create(name);
    tcase_add_checked_fixture(cases, set_up_limits, tear_down_limits);
    tcase_set_timeout(cases, 120);
    return cases;
}

/* One that ends as it was not started; what the log says of it. */
static inline const char *log_of_failed_start(const char *path, int error) {
    const char *const argv[] = {path, NULL};
    struct run *run = start_program(path, argv);
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_NOT_STARTED);
    ck_assert_int_eq(run->status.error, error);
    ck_assert_int_eq(run->lines, 0);
    ck_assert_int_eq(run->errors, 0);
    return log_text;
}

/* Says that it is up, ignores SIGTERM and stays, its stdout open. The token is its $0. */
#define STUBBORN "sh -c 'trap \"\" TERM; echo up; while :; do sleep $0; done' $0"
/* The same without the marker in its environment, in a session of its own, left to the gateway. */
#define HIDDEN "(env -i /usr/bin/setsid " STUBBORN " &)"

#endif
