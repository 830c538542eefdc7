/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session secret: made once, read by all, refused when it cannot be trusted.
 */
#include "config/state.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];
static unsigned char secret[STATE_SECRET_BYTES];
static char message[512];

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void begin(void) {
    snprintf(root, sizeof root, "/tmp/koine-state-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(chdir(root), 0);
    message[0] = '\0';
}

static void end(void) {
    ck_assert_int_eq(chdir("/"), 0);
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int load(const char *directory) {
    return state_secret_load(directory, secret, message, sizeof message);
}

static unsigned mode_of(const char *path) {
    struct stat status;
    ck_assert_msg(stat(path, &status) == 0, "no %s", path);
    return (unsigned)status.st_mode & 07777U;
}

static void put(const char *path, size_t size, mode_t mode) {
    static const unsigned char bytes[64] = {1, 2, 3};
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, bytes, size), (ssize_t)size);
    ck_assert_int_eq(fchmod(file, mode), 0);
    close(file);
}

static void expect_refusal(const char *directory, const char *part) {
    static const unsigned char zeros[STATE_SECRET_BYTES];
    memset(secret, 0x55, sizeof secret);
    ck_assert_int_eq(load(directory), -1);
    ck_assert_msg(strstr(message, part) != NULL, "said: %s\nexpected: %s", message, part);
    ck_assert_mem_eq(secret, zeros, sizeof secret);
}

START_TEST(a_secret_is_made_for_the_owner_alone)
{
    mode_t before = umask(0);
    ck_assert_msg(load("a/b") == 0, "%s", message);
    umask(before);
    ck_assert_uint_eq(mode_of("a"), 0700);
    ck_assert_uint_eq(mode_of("a/b"), 0700);
    ck_assert_uint_eq(mode_of("a/b/session-secret"), 0600);
}
END_TEST

START_TEST(the_same_secret_is_read_again)
{
    unsigned char first[STATE_SECRET_BYTES];
    ck_assert_msg(load("a") == 0, "%s", message);
    memcpy(first, secret, sizeof first);
    ck_assert_msg(load("a/") == 0, "%s", message);
    ck_assert_mem_eq(secret, first, sizeof first);
    ck_assert_msg(load("b") == 0, "%s", message);
    ck_assert_mem_ne(secret, first, sizeof first);
}
END_TEST

START_TEST(nothing_but_the_secret_is_left_behind)
{
    ck_assert_msg(load("a") == 0, "%s", message);
    ck_assert_int_eq(unlink("a/session-secret"), 0);
    ck_assert_msg(rmdir("a") == 0, "the directory holds more than the secret");
}
END_TEST

/* What one gateway does: waits until the gate closes, loads, reports what it read. */
static int run_gateway(const int gate[2], int report) {
    char byte = 0;
    close(gate[1]);
    if (read(gate[0], &byte, 1) != 0 || load("shared") != 0) {
        return 1;
    }
    return write(report, secret, sizeof secret) == (ssize_t)sizeof secret ? 0 : 1;
}

static void start_gateways(int count, int report) {
    int gate[2];
    ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            _exit(run_gateway(gate, report));
        }
    }
    close(gate[0]);
    close(gate[1]); /* all go at once */
}

START_TEST(gateways_that_start_together_agree)
{
    enum { GATEWAYS = 16 };
    unsigned char first[STATE_SECRET_BYTES];
    int report[2];
    ck_assert_int_eq(pipe2(report, O_CLOEXEC), 0);
    start_gateways(GATEWAYS, report[1]);
    for (int i = 0; i < GATEWAYS; i++) {
        int status = 0;
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(read(report[0], secret, sizeof secret), (ssize_t)sizeof secret);
        if (i == 0) {
            memcpy(first, secret, sizeof first);
        }
        ck_assert_mem_eq(secret, first, sizeof first);
    }
}
END_TEST

static const mode_t open_modes[] = {0640, 0604, 0620, 0644, 0777};

START_TEST(a_secret_that_others_may_touch_is_refused)
{
    char shown[16];
    ck_assert_int_eq(mkdir("a", 0700), 0);
    put("a/session-secret", STATE_SECRET_BYTES, open_modes[_i]);
    snprintf(shown, sizeof shown, "mode %04o", (unsigned)open_modes[_i]);
    expect_refusal("a", "a/session-secret: others may read or change the session secret");
    ck_assert_ptr_nonnull(strstr(message, shown));
}
END_TEST

static const size_t wrong_sizes[] = {0, 31, 33};

START_TEST(a_secret_of_another_size_is_refused)
{
    char shown[32];
    ck_assert_int_eq(mkdir("a", 0700), 0);
    put("a/session-secret", wrong_sizes[_i], 0600);
    snprintf(shown, sizeof shown, "holds %zu bytes, expected 32", wrong_sizes[_i]);
    expect_refusal("a", shown);
}
END_TEST

START_TEST(a_given_secret_is_read_as_it_is)
{
    static const unsigned char expected[STATE_SECRET_BYTES] = {1, 2, 3};
    ck_assert_int_eq(mkdir("a", 0755), 0);
    put("a/session-secret", STATE_SECRET_BYTES, 0400);
    ck_assert_msg(load("a") == 0, "%s", message);
    ck_assert_mem_eq(secret, expected, sizeof expected);
}
END_TEST

START_TEST(links_fifos_and_directories_are_no_secrets)
{
    ck_assert_int_eq(mkdir("a", 0700), 0);
    put("real", STATE_SECRET_BYTES, 0600);
    ck_assert_int_eq(symlink("../real", "a/session-secret"), 0);
    expect_refusal("a", "the session secret cannot be opened");
    ck_assert_int_eq(unlink("a/session-secret"), 0);
    ck_assert_int_eq(mkfifo("a/session-secret", 0600), 0);
    expect_refusal("a", "not a regular file");
    ck_assert_int_eq(unlink("a/session-secret"), 0);
    ck_assert_int_eq(mkdir("a/session-secret", 0700), 0);
    expect_refusal("a", "not a regular file");
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_says_why)
{
    char path[5000];
    put("file", 1, 0600);
    expect_refusal("file", "file: the state directory cannot be used: Not a directory");
    expect_refusal("file/below", "file/below: the state directory cannot be made: Not a directory");
    expect_refusal("/proc/koine/state", "/proc/koine: the state directory's parent cannot be made");
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    expect_refusal(path, "xxx");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("state");
    TCase *test = tcase_create("secret");
    tcase_add_checked_fixture(test, begin, end);
    tcase_add_test(test, a_secret_is_made_for_the_owner_alone);
    tcase_add_test(test, the_same_secret_is_read_again);
    tcase_add_test(test, nothing_but_the_secret_is_left_behind);
    tcase_add_loop_test(test, gateways_that_start_together_agree, 0, 10);
    tcase_add_loop_test(test, a_secret_that_others_may_touch_is_refused, 0,
                        (int)(sizeof open_modes / sizeof *open_modes));
    tcase_add_loop_test(test, a_secret_of_another_size_is_refused, 0,
                        (int)(sizeof wrong_sizes / sizeof *wrong_sizes));
    tcase_add_test(test, a_given_secret_is_read_as_it_is);
    tcase_add_test(test, links_fifos_and_directories_are_no_secrets);
    tcase_add_test(test, a_directory_that_cannot_be_made_says_why);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
