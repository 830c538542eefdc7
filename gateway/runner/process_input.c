/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue for a child's stdin. A child that has closed it, or is gone, is no error here: the
 * queue is dropped and the next write says KOINE_GONE.
 */
#include "runner/process_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void process_input_close(struct process *process) {
    process_pipe_close(&process->input);
    if (process->input_queue) {
        evbuffer_free(process->input_queue);
        process->input_queue = NULL;
    }
}

size_t process_write_queued(const struct process *process) {
    return process->input_queue ? evbuffer_get_length(process->input_queue) : 0;
}

/* Writes what fits; watches the pipe as long as something is left. */
static void flush_queue(struct process *process) {
    struct process_pipe *input = &process->input;
    int wrote = 0;
    while (process_write_queued(process) > 0 && wrote >= 0) {
        wrote = evbuffer_write(process->input_queue, input->fd);
        if (wrote < 0 && errno == EINTR) {
            wrote = 0;
        }
    }
    if (wrote < 0 && errno != EAGAIN) {
        process_input_close(process);
        return;
    }
    if (process_write_queued(process) > 0) {
        event_add(&input->event, NULL);
        return;
    }
    event_del(&input->event);
    process->written_due = true;
    if (process->input_closing) {
        process_input_close(process);
    }
}

void process_input_ready(evutil_socket_t fd, short what, void *data) {
    struct process *process = data;
    (void)fd, (void)what;
    flush_queue(process);
    if (process->written_due) {
        process_proceed(process);
    }
}

/* KOINE_OK when there is a queue to add to. */
static int open_queue(struct process *process) {
    if (process->input.fd < 0 || process->input_closing) {
        return KOINE_GONE;
    }
    if (!process->input_queue && !(process->input_queue = evbuffer_new())) {
        return KOINE_NO_MEMORY;
    }
    return KOINE_OK;
}

static int write_queue(struct process *process) {
    flush_queue(process);
    if (process->written_due) {
        process_proceed_later(process);
    }
    return process->input.fd < 0 ? KOINE_GONE : KOINE_OK;
}

int process_write(struct process *process, struct koine_text bytes) {
    int result = open_queue(process);
    if (result != KOINE_OK || bytes.size == 0) {
        return result;
    }
    if (evbuffer_add(process->input_queue, bytes.data, bytes.size) < 0) {
        return KOINE_NO_MEMORY;
    }
    return write_queue(process);
}

static void free_written(const void *bytes, size_t size, void *data) {
    (void)bytes, (void)size;
    free(data);
}

int process_write_long(struct process *process, struct koine_text head, char *bytes, size_t size) {
    int result = open_queue(process);
    if (result == KOINE_OK &&
        (evbuffer_add(process->input_queue, head.data, head.size) < 0 ||
         evbuffer_add_reference(process->input_queue, bytes, size, free_written, bytes) < 0)) {
        result = KOINE_NO_MEMORY;
    }
    if (result != KOINE_OK) {
        free(bytes);
        return result;
    }
    return write_queue(process);
}

void process_close_input(struct process *process) {
    process->input_closing = true;
    if (process_write_queued(process) == 0) {
        process_input_close(process);
    }
}
