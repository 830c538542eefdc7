/* SPDX-License-Identifier: Apache-2.0 */
/* One record: a line with the sizes of four parts, then these, then a line end. Judges nothing. */
#include "support/exchange_record.h"

#include "support/scratch_directory.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/uio.h>
#include <unistd.h>

/* The headers of requests that answers depend on. */
static const char *const kept_headers[] = {
    "Content-Type:",      "Accept:",       "Accept-Encoding:", "If-None-Match:",
    "anthropic-version:", "Cache-Control:"};

static const char *folder(void) {
    const char *name = getenv("KOINE_EXCHANGES");
    return name && *name ? name : NULL;
}

bool exchange_is_wanted(void) {
    return folder() != NULL;
}

/* Where the head ends, behind the empty line; NULL when it does not. */
static const char *head_end(const char *text, size_t size) {
    const char *end = size > 0 ? memmem(text, size, "\r\n\r\n", 4) : NULL;
    return end ? end + 4 : NULL;
}

size_t exchange_request_size(const char *sent, size_t size) {
    const char *end = head_end(sent, size);
    if (!end)
        return size;
    size_t head = (size_t)(end - sent);
    for (const char *line = sent; line < end;
         line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1) {
        if (strncasecmp(line, "Transfer-Encoding:", 18) == 0)
            return size;
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            head += strtoul(line + 15, NULL, 10);
    }
    return head < size ? head : size;
}

static bool begins(const char *text, size_t size, const char *name) {
    return size >= strlen(name) && strncasecmp(text, name, strlen(name)) == 0;
}

static bool is_kept(const char *line, size_t size) {
    for (size_t i = 0; i < sizeof kept_headers / sizeof *kept_headers; i++)
        if (begins(line, size, kept_headers[i]))
            return true;
    return false;
}

/* The request line and the headers that are kept; the caller frees. */
static char *kept_head(const char *head, size_t size, size_t *kept_size) {
    char *kept = malloc(size + 1), *at = kept;
    ck_assert_ptr_nonnull(kept);
    for (const char *line = head, *end = head + size; line < end;) {
        const char *feed = memchr(line, '\n', (size_t)(end - line));
        size_t length = feed ? (size_t)(feed - line) + 1 : (size_t)(end - line);
        if (line == head || is_kept(line, length))
            at = mempcpy(at, line, length);
        line += length;
    }
    *kept_size = (size_t)(at - kept);
    return kept;
}

/* Tests ask /health again and again until something has happened: of a row of such, the first. */
static bool is_repeated(const char *head, size_t size, const char *status) {
    enum { REMEMBERED_BYTES = 128, KEPT_IN_A_ROW = 8 };
    static _Thread_local char last[REMEMBERED_BYTES];
    static _Thread_local unsigned count;
    char now[REMEMBERED_BYTES];
    snprintf(now, sizeof now, "%.12s %.*s", status, (int)size, head);
    count = strcmp(now, last) == 0 ? count + 1 : 0;
    memcpy(last, now, sizeof last);
    return count >= KEPT_IN_A_ROW && begins(head, size, "GET ");
}

static void append(const struct iovec *parts, int count) {
    char *path = scratch_text("%s/%s", folder(), program_invocation_short_name);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_msg(fd >= 0, "%s: %s; KOINE_EXCHANGES must name a folder", path, strerror(errno));
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    /* One call: records of tests that run beside each other do not mix. */
    ssize_t written = writev(fd, parts, count);
    ck_assert_msg(written == (ssize_t)size, "%s: %zd of %zu bytes written", path, written, size);
    close(fd);
    free(path);
}

static struct iovec part(const void *data, size_t size) {
    return (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
}

static size_t at_most(size_t size, size_t limit) {
    return size < limit ? size : limit;
}

void exchange_record(const struct exchange *exchange) {
    if (!exchange_is_wanted())
        return;
    const char *end = head_end(exchange->request, exchange->request_size);
    size_t head_size = end ? (size_t)(end - exchange->request) : exchange->request_size;
    size_t rest = exchange->request_size - head_size;
    size_t asked = rest <= EXCHANGE_REQUEST_BYTES ? rest : 0;
    size_t body = at_most(exchange->body_size, EXCHANGE_BODY_BYTES);
    bool cut = exchange->cut || body < exchange->body_size;
    size_t kept_size;
    if (head_size > 0 && is_repeated(exchange->request, head_size, exchange->head))
        return;
    char *kept = kept_head(exchange->request, head_size, &kept_size);
    char *sizes = scratch_text("exchange %zu %zu %zu %zu %s\n", kept_size, asked,
                               strlen(exchange->head), body, cut ? "cut" : "whole");
    struct iovec parts[] = {part(sizes, strlen(sizes)),
                            part(kept, kept_size),
                            part(exchange->request + head_size, asked),
                            part(exchange->head, strlen(exchange->head)),
                            part(exchange->body, body),
                            part("\n", 1)};
    append(parts, sizeof parts / sizeof *parts);
    free(sizes);
    free(kept);
}
