/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a configuration from a text and an environment that the test writes out, in a directory of
 * the test's own. The file is called gateway.yaml, so messages begin with "gateway.yaml:LINE".
 */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include "config/config.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API_KEY "CLAUDE_CODE_GATEWAY_API_KEY=an-api-key-for-tests"
#define HOME "HOME=/home/operator"
#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* NULL-terminated strings, as config_load takes them. */
#define ENVIRONMENT(...) as_environment((const char *const[]){__VA_ARGS__, NULL})
#define USUAL ENVIRONMENT(HOME, API_KEY)

/* config_load takes the type of `environ`, but does not write. */
static inline char *const *as_environment(const char *const *strings) {
    return (char *const *)(uintptr_t)strings;
}

static char fixture_directory[64];
static int fixture_start = -1; /* where the test was started: tests that read the example need it */
static struct config *config;
static struct config_error error;

static int fixture_remove(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void fixture_begin(void) {
    snprintf(fixture_directory, sizeof fixture_directory, "/tmp/koine-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture_directory));
    fixture_start = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fixture_start, 0);
    ck_assert_int_eq(chdir(fixture_directory), 0);
}

static void fixture_end(void) {
    config_destroy(config);
    config = NULL;
    ck_assert_int_eq(fchdir(fixture_start), 0);
    close(fixture_start);
    nftw(fixture_directory, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void write_bytes(const char *text, size_t size) {
    FILE *file = fopen("gateway.yaml", "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* Loads the text, which must be fine. */
static inline void load_with(const char *yaml, char *const *environment) {
    write_bytes(yaml, strlen(yaml));
    config_destroy(config);
    config = config_load("gateway.yaml", environment, &error);
    ck_assert_msg(config != NULL, "refused: %s", error.message);
}

static inline void load(const char *yaml) {
    load_with(yaml, USUAL);
}

/* Loads the text, which must be refused with a message that holds all of `expected`. */
static inline void refuse_with(const char *yaml, char *const *environment, const char *expected) {
    write_bytes(yaml, strlen(yaml));
    struct config *refused = config_load("gateway.yaml", environment, &error);
    bool loaded = refused != NULL;
    config_destroy(refused);
    ck_assert_msg(!loaded, "loaded, expected to be refused with: %s", expected);
    ck_assert_msg(strstr(error.message, expected) != NULL, "said: %s\nexpected: %s", error.message,
                  expected);
}

static inline void refuse(const char *yaml, const char *expected) {
    refuse_with(yaml, USUAL, expected);
}

#endif
