/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child's stdout and stderr as lines. Reads at most a few full pipes in one turn of the loop, so
 * that one talkative child does not hold up the others; a paused child waits in its write.
 */
#include "runner/process_internal.h"

#include <errno.h>
#include <koine/log.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define READS_A_TURN 4

void process_pipe_close(struct process_pipe *pipe) {
    if (pipe->fd >= 0) {
        event_del(&pipe->event);
        close(pipe->fd);
        pipe->fd = -1;
    }
}

static void too_long(struct process *process) {
    process_end_as(process, PROCESS_LINE_TOO_LONG, false);
}

void process_output_deliver(struct process *process) {
    char *line;
    size_t size;
    while (!process->paused && !process->dropping) {
        switch (line_reader_next(&process->lines, &line, &size)) {
        case LINE_READER_LINE:
            process->callbacks.line(process->data, line, size);
            break;
        case LINE_READER_TOO_LONG:
            too_long(process);
            return;
        case LINE_READER_NONE:
            if (process->output.fd < 0 && line_reader_rest(&process->lines, &line, &size)) {
                process->callbacks.line(process->data, line, size);
            }
            return;
        }
    }
}

/* Bytes read; 0 when the pipe is empty now; closes it at its end. */
static size_t read_pipe(struct process_pipe *pipe, char *bytes, size_t size) {
    ssize_t got;
    do {
        got = read(pipe->fd, bytes, size);
    } while (got < 0 && errno == EINTR);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        process_pipe_close(pipe);
    }
    return got > 0 ? (size_t)got : 0;
}

static void count_drained(struct process *process, size_t size) {
    if (size == 0 || size > process->drain_bytes) {
        size = process->drain_bytes;
    }
    process->drain_bytes -= size;
}

/* One read and its lines. True: there may be more. */
static bool read_lines(struct process *process) {
    size_t room = LINE_READER_READ_BYTES;
    char *space = process->host->scratch;
    if (!process->dropping && !(space = line_reader_space(&process->lines, &room))) {
        process_log(process->host, KOINE_LOG_ERROR,
                    "Process %d: no memory for a line of more than %zu bytes: the run is ended.",
                    (int)process->pid, process->lines.end - process->lines.start);
        too_long(process);
        return true;
    }
    const size_t got = read_pipe(&process->output, space, room);
    if (!process->dropping) {
        line_reader_added(&process->lines, got);
    }
    count_drained(process, got);
    process_output_deliver(process);
    return got == room || (got >= LINE_READER_READ_BYTES);
}

static bool may_read(const struct process *process) {
    return process->output.fd >= 0 && (!process->paused || process->dropping);
}

static bool read_output(struct process *process) {
    bool more = true;
    for (int i = 0; i < READS_A_TURN && more && may_read(process); i++) {
        more = read_lines(process);
    }
    return more && may_read(process);
}

void process_output_ready(evutil_socket_t fd, short what, void *data) {
    (void)fd, (void)what;
    read_output(data);
}

static void deliver_error_line(struct process *process) {
    struct process_error_line *line = &process->error_line;
    size_t size = line->size;
    if (size > PROCESS_ERROR_LINE_BYTES) {
        size = PROCESS_ERROR_LINE_BYTES;
    }
    line->bytes[size] = '\0';
    line->size = 0;
    line->total += size + 1;
    if (!process->dropping && process->callbacks.error_line) {
        process->callbacks.error_line(process->data, line->bytes, size);
    }
}

/* What is over the length of a line is skipped up to its newline. */
static void take_errors(struct process *process, const char *bytes, size_t count) {
    struct process_error_line *line = &process->error_line;
    while (count > 0 && line->total < PROCESS_ERROR_TOTAL_BYTES) {
        const char *newline = memchr(bytes, '\n', count);
        const size_t part = newline ? (size_t)(newline - bytes) : count;
        const size_t room = PROCESS_ERROR_LINE_BYTES - line->size;
        const size_t kept = part < room ? part : room;
        memcpy(line->bytes + line->size, bytes, kept);
        line->size += kept;
        if (newline) {
            deliver_error_line(process);
        }
        bytes += part + (newline != NULL);
        count -= part + (newline != NULL);
    }
}

static bool read_errors(struct process *process) {
    bool more = true;
    for (int i = 0; i < READS_A_TURN && more && process->errors.fd >= 0; i++) {
        const size_t got =
            read_pipe(&process->errors, process->host->scratch, LINE_READER_READ_BYTES);
        take_errors(process, process->host->scratch, got);
        more = got == LINE_READER_READ_BYTES;
    }
    return more;
}

static void end_errors(struct process *process) {
    process_pipe_close(&process->errors);
    if (process->error_line.size > 0) {
        deliver_error_line(process);
    }
}

void process_errors_ready(evutil_socket_t fd, short what, void *data) {
    struct process *process = data;
    (void)fd, (void)what;
    read_errors(process);
    if (process->errors.fd < 0) {
        end_errors(process);
    }
}

static size_t held_by(const struct process_pipe *pipe) {
    int bytes = 0;
    return pipe->fd >= 0 && ioctl(pipe->fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

/*
 * Nobody of the tree is left to write. A stranger who holds the pipe must not hold us up: only what
 * it contains now is read.
 */
bool process_output_drain(struct process *process) {
    if (process->errors.fd >= 0) {
        read_errors(process);
        end_errors(process);
    }
    if (process->output.fd >= 0 && !process->draining) {
        process->draining = true;
        process->drain_bytes = held_by(&process->output);
    }
    while (process->drain_bytes > 0 && may_read(process)) {
        read_lines(process);
    }
    if (process->drain_bytes == 0 || process->dropping) {
        process_pipe_close(&process->output);
    }
    process_output_deliver(process);
    return process->output.fd < 0 && (process->dropping || line_reader_is_empty(&process->lines));
}
