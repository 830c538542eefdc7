/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in and out of the stand-in CLI: lines of any length on stdin, a large buffer before stdout.
 * Input is read while output is blocked, so an interrupt arrives even when nobody reads. It knows
 * no protocol. */
#include "standin_cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_BYTES = 64 * 1024, READ_BYTES = 64 * 1024 };

/* Only a pipe's own writing end: a terminal or a file may be shared with others. */
void wire_init(void) {
    struct stat status;
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags >= 0 && fstat(STDOUT_FILENO, &status) == 0 &&
        (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)))
        fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK);
}

static void reserve(char **buffer, size_t *capacity, size_t bytes) {
    if (bytes <= *capacity)
        return;
    size_t grown = *capacity ? *capacity : 2 * FLUSH_BYTES;
    while (grown < bytes)
        grown *= 2;
    *buffer = standin_must(realloc(*buffer, grown));
    *capacity = grown;
}

/* Hands complete lines to the protocol. A last line without its newline counts at end of input. */
static void input_lines(struct standin *s, size_t scanned) {
    struct wire *w = &s->wire;
    size_t from = 0;
    char *newline;
    while ((newline = memchr(w->in + scanned, '\n', w->in_bytes - scanned))) {
        size_t end = (size_t)(newline - w->in);
        control_line(s, w->in + from, end - from);
        from = scanned = end + 1;
    }
    if (w->in_closed && from < w->in_bytes) {
        control_line(s, w->in + from, w->in_bytes - from);
        from = w->in_bytes;
    }
    memmove(w->in, w->in + from, w->in_bytes - from);
    w->in_bytes -= from;
}

static void input_read(struct standin *s) {
    struct wire *w = &s->wire;
    w->reading = true;
    s->reads++;
    reserve(&w->in, &w->in_capacity, w->in_bytes + READ_BYTES);
    ssize_t got = read(STDIN_FILENO, w->in + w->in_bytes, w->in_capacity - w->in_bytes);
    size_t scanned = w->in_bytes;
    bool again = got < 0 && (errno == EINTR || errno == EAGAIN);
    if (got <= 0 && !again)
        w->in_closed = true;
    else if (got > 0)
        w->in_bytes += (size_t)got;
    input_lines(s, scanned);
    w->reading = false;
}

/* A line's handling may write; what it writes must not read the next line under its feet. */
static int input_fd(const struct wire *w) {
    return w->in_closed || w->reading ? -1 : STDIN_FILENO;
}

bool input_wait(struct standin *s, int timeout_ms) {
    wire_flush(s);
    if (s->wire.in_closed) {
        if (timeout_ms > 0)
            poll(NULL, 0, timeout_ms);
        return false;
    }
    struct pollfd readable = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&readable, 1, timeout_ms) > 0)
        input_read(s);
    return !s->wire.in_closed;
}

bool standin_pause(struct standin *s, int64_t ms) {
    uint64_t now = standin_now_ms(), end = now + (uint64_t)(ms > 0 ? ms : 0);
    while (!s->interrupted && now < end) {
        input_wait(s, (int)(end - now > INT_MAX ? INT_MAX : end - now));
        now = standin_now_ms();
    }
    return !s->interrupted;
}

/* How much of the buffer may go out at once: with split_utf8, up to inside the next character. */
static size_t chunk_bytes(const struct wire *w, size_t from) {
    size_t bytes = w->out_bytes - from;
    for (size_t i = from; w->split_utf8 && i < w->out_bytes; i++)
        if (((unsigned char)w->out[i] & 0xc0) == 0xc0)
            return i + 1 - from;
    return bytes;
}

static void wait_writable(struct standin *s) {
    struct pollfd fds[] = {{.fd = STDOUT_FILENO, .events = POLLOUT},
                           {.fd = input_fd(&s->wire), .events = POLLIN}};
    if (poll(fds, 2, -1) > 0 && fds[1].revents)
        input_read(s);
}

void wire_flush(struct standin *s) {
    struct wire *w = &s->wire;
    if (w->writing)
        return; /* input handled while output was blocked: the outer call goes on */
    w->writing = true;
    size_t done = 0;
    while (done < w->out_bytes) {
        ssize_t put = write(STDOUT_FILENO, w->out + done, chunk_bytes(w, done));
        if (put > 0)
            done += (size_t)put;
        else if (errno == EAGAIN)
            wait_writable(s);
        else if (errno != EINTR)
            exit(1); /* nobody reads any more */
        if (w->split_utf8 && done < w->out_bytes)
            poll(NULL, 0, 1);
    }
    w->out_bytes = 0;
    w->writing = false;
}

void wire_append(struct standin *s, const char *data, size_t bytes) {
    struct wire *w = &s->wire;
    reserve(&w->out, &w->out_capacity, w->out_bytes + bytes);
    memcpy(w->out + w->out_bytes, data, bytes);
    w->out_bytes += bytes;
    if (w->out_bytes < FLUSH_BYTES || w->writing)
        return;
    wire_flush(s);
    struct pollfd readable = {.fd = input_fd(w), .events = POLLIN};
    if (poll(&readable, 1, 0) > 0)
        input_read(s);
}

void wire_finish(struct wire *w) {
    free(w->in);
    free(w->out);
}
