/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary directory for one test. Failures abort the running Check test. */
#ifndef SUPPORT_SCRATCH_DIRECTORY_H
#define SUPPORT_SCRATCH_DIRECTORY_H

/* Makes a directory below $TMPDIR or /tmp; the caller frees the path. */
char *scratch_directory_create(void);
/* Removes it with all that is in it, and frees the path. Takes NULL. */
void scratch_directory_destroy(char *path);

/* "FORMAT" filled in; the caller frees. */
char *scratch_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Writes a file; reads one whole (NULL: cannot be opened; the caller frees). */
void scratch_write(const char *path, const char *text);
char *scratch_read(const char *path);

#endif
