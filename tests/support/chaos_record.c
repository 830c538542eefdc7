/* SPDX-License-Identifier: Apache-2.0 */
/* The record: what clients and the killer do, among the lines of the gateway's log, which log_tail
 * writes to the same file. */
#include "support/chaos.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN_BYTES = 6000 };

static char *own_record; /* NULL: somebody wants to keep it */

void chaos_record_begin(void) {
    const char *directory = getenv("TMPDIR");
    if (getenv("KOINE_TEST_LOG"))
        return;
    if (asprintf(&own_record, "%s/koine-chaos-%d.log", directory ? directory : "/tmp",
                 (int)getpid()) < 0)
        abort();
    setenv("KOINE_TEST_LOG", own_record, 1);
}

static void show_end(void) {
    char text[SHOWN_BYTES + 1];
    FILE *file = fopen(own_record, "r");
    if (!file)
        return;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fseek(file, size > SHOWN_BYTES ? size - SHOWN_BYTES : 0, SEEK_SET);
    text[fread(text, 1, SHOWN_BYTES, file)] = '\0';
    fclose(file);
    printf("the end of the record; KOINE_TEST_LOG=FILE keeps all of it:\n%s", text);
}

void chaos_record_end(bool failed) {
    if (!own_record)
        return;
    if (failed)
        show_end();
    unlink(own_record);
    free(own_record);
}

void chaos_note(const char *format, ...) {
    static atomic_int record = -2; /* not opened yet */
    char text[1024];
    struct timespec now;
    const char *path = getenv("KOINE_TEST_LOG");
    if (record == -2)
        record = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    clock_gettime(CLOCK_REALTIME, &now);
    int size = snprintf(text, sizeof text, "chaos %02d.%03d ", (int)(now.tv_sec % 60),
                        (int)(now.tv_nsec / 1000000));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + size, sizeof text - (size_t)size - 1, format, arguments);
    va_end(arguments);
    strcat(text, "\n");
    if (record >= 0 && write(record, text, strlen(text)) < 0)
        record = -1;
}
