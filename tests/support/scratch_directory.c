/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary directories and small files of tests; knows nothing of what is in them. */
#include "support/scratch_directory.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *scratch_text(const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    ck_assert_int_ge(size, 0);
    return text;
}

char *scratch_directory_create(void) {
    const char *parent = getenv("TMPDIR");
    char *path = scratch_text("%s/koine-test-XXXXXX", parent && *parent ? parent : "/tmp");
    ck_assert_msg(mkdtemp(path) != NULL, "mkdtemp %s: %s", path, strerror(errno));
    return path;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status;
    (void)type;
    (void)place;
    remove(path);
    return 0;
}

void scratch_directory_destroy(char *path) {
    if (path)
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

void scratch_write(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

char *scratch_read(const char *path) {
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    if (!file)
        return NULL;
    /* Up to a byte that text files do not hold: the whole file, also from /proc. */
    ssize_t size = getdelim(&text, &capacity, '\xff', file);
    fclose(file);
    if (size < 0) {
        free(text);
        text = strdup("");
    }
    return text;
}
