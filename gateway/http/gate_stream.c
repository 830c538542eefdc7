/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in pieces. Small events are what costs in a stream, not their framing, so all that is
 * written in one turn of the loop leaves as one chunk with one system call. What the bytes mean
 * (SSE or other) is not known here.
 */
#include "http/gate_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 2048, KEPT_BATCH_BYTES = 65536 };

size_t gate_stream_queued(const struct gate_connection *connection) {
    if (connection->stream == NULL || connection->bev == NULL) {
        return 0;
    }
    return connection->stream->batch_size + gate_unsent(connection);
}

static struct gate_stream *create_stream(const struct gate_connection *connection, int status,
                                         const struct gate_stream_options *options) {
    size_t size = options->keep_alive.size;
    struct gate_stream *stream = calloc(1, sizeof(*stream) + size);
    if (stream == NULL) {
        return NULL;
    }
    stream->buffer_bytes = options->buffer_bytes;
    stream->keep_alive_ms = size == 0 ? 0 : options->keep_alive_ms;
    stream->keep_alive_size = size;
    if (size > 0) {
        memcpy(stream->keep_alive, options->keep_alive.data, size);
    }
    stream->swallowing = connection->is_head || status == 204 || status == 304;
    stream->chunked = !connection->old_version && !stream->swallowing;
    stream->written_ms = gate_now_ms();
    return stream;
}

int gate_stream_begin(struct gate_connection *connection, int status, struct koine_text headers,
                      const struct gate_stream_options *options) {
    if (connection->state != GATE_PENDING || connection->doomed) {
        return KOINE_WRONG_STATE;
    }
    connection->stream = create_stream(connection, status, options);
    if (connection->stream == NULL || gate_respond_stream(connection, status, headers) != 0) {
        gate_connection_doom(connection, GATE_ABORTED);
        return KOINE_NO_MEMORY;
    }
    connection->answered = true;
    connection->state = GATE_STREAMING;
    gate_stream_arm(connection);
    return KOINE_OK;
}

/* Makes room for `size` more bytes. */
static int reserve(struct gate_stream *stream, size_t size) {
    if (stream->batch != NULL && size <= stream->batch_capacity - stream->batch_size) {
        return 0;
    }
    if (size > SIZE_MAX / 4 - stream->batch_size) {
        return -1;
    }
    size_t capacity = stream->batch_capacity == 0 ? BATCH_BYTES : stream->batch_capacity;
    while (capacity - stream->batch_size < size) {
        capacity *= 2;
    }
    char *batch = realloc(stream->batch, capacity);
    if (batch == NULL) {
        return -1;
    }
    stream->batch = batch;
    stream->batch_capacity = capacity;
    return 0;
}

static void drop_batch(struct gate_stream *stream) {
    free(stream->batch);
    stream->batch = NULL;
    stream->batch_size = stream->batch_capacity = 0;
}

static int append(struct gate_stream *stream, const char *data, size_t size) {
    if (reserve(stream, size) != 0) {
        return KOINE_NO_MEMORY;
    }
    if (size > 0) {
        memcpy(stream->batch + stream->batch_size, data, size);
        stream->batch_size += size;
    }
    return KOINE_OK;
}

int gate_stream_write(struct gate_connection *connection, struct koine_text bytes) {
    struct gate_stream *stream = connection->stream;
    if (connection->state != GATE_STREAMING || stream->ended || connection->doomed) {
        return KOINE_WRONG_STATE;
    }
    if (stream->swallowing || bytes.size == 0) {
        return KOINE_OK;
    }
    bool first = stream->batch_size == 0;
    if (append(stream, bytes.data, bytes.size) != KOINE_OK) {
        return KOINE_NO_MEMORY;
    }
    if (first) {
        gate_connection_schedule(connection);
    }
    if (gate_stream_queued(connection) > stream->buffer_bytes) {
        stream->full = true;
    }
    return stream->full ? KOINE_FULL : KOINE_OK;
}

int gate_stream_end(struct gate_connection *connection) {
    if (connection->state != GATE_STREAMING || connection->stream->ended || connection->doomed) {
        return KOINE_WRONG_STATE;
    }
    connection->stream->ended = true;
    gate_connection_schedule(connection);
    return KOINE_OK;
}

/* The batch as one chunk, and the last chunk behind it when the stream has ended. */
static int send_batch(struct gate_connection *connection) {
    struct gate_stream *stream = connection->stream;
    char size_line[20];
    char tail[] = "\r\n0\r\n\r\n";
    struct iovec parts[3] = {{size_line, 0}, {stream->batch, stream->batch_size}, {tail, 0}};
    if (stream->chunked) {
        bool some = stream->batch_size > 0;
        size_t skipped = some ? 0 : 2; /* without data there is no line to end */
        if (some) {
            parts[0].iov_len =
                (size_t)snprintf(size_line, sizeof(size_line), "%zx\r\n", stream->batch_size);
        }
        parts[2].iov_base = tail + skipped;
        parts[2].iov_len = (stream->ended ? sizeof(tail) - 1 : 2) - skipped;
    }
    int result = gate_send(connection, parts, 3, 0);
    stream->batch_size = 0;
    if (stream->batch_capacity > KEPT_BATCH_BYTES) {
        drop_batch(stream);
    }
    return result;
}

/*
 * Tells the user that there is room. Not in the turn that made it but in the next one: a user who
 * always has more to write and a client that always reads must not keep the loop to themselves.
 */
static void notify_drained(struct gate_connection *connection) {
    static const struct timeval at_once = {0, 0};
    struct gate_stream *stream = connection->stream;
    struct gate *gate = connection->gate;
    if (!stream->full || gate_stream_queued(connection) > stream->buffer_bytes / 4) {
        return;
    }
    if (!stream->drain_due) {
        stream->drain_due = true;
        event_add(&connection->turn, &at_once);
        return;
    }
    stream->full = stream->drain_due = false;
    gate->callbacks.drained(gate->data, connection, connection->decision);
}

/*
 * While the socket is full the batch stays: it grows into one large chunk, and the output, which
 * nothing is added to meanwhile, runs empty, which is when on_write calls again. So libevent's low
 * watermark is never needed, nor its trap (a watermark left above 0 cuts the end off a stream).
 */
void gate_stream_flush(struct gate_connection *connection) {
    struct gate_stream *stream = connection->stream;
    if (connection->state != GATE_STREAMING || gate_unsent(connection) > 0) {
        return;
    }
    if (stream->batch_size > 0 || stream->ended) {
        if (send_batch(connection) != KOINE_OK) {
            gate_connection_doom(connection, GATE_ABORTED);
            return;
        }
        stream->written_ms = gate_now_ms();
        gate_stream_arm(connection);
    }
    if (connection->doomed) {
        return;
    }
    if (stream->ended) {
        connection->state = GATE_SENDING;
        gate_connection_arm(connection, GATE_NEVER);
    } else {
        notify_drained(connection);
    }
}

void gate_stream_arm(struct gate_connection *connection) {
    const struct gate_stream *stream = connection->stream;
    bool wanted = stream->keep_alive_ms > 0 && !stream->swallowing && !stream->ended;
    gate_connection_arm(connection,
                        wanted ? stream->written_ms + stream->keep_alive_ms : GATE_NEVER);
}

/* The deadline has come: time for a sign of life, unless bytes are waiting for the client anyway.
 * A stream that was silent for so long also gives its memory back. */
void gate_stream_tick(struct gate_connection *connection) {
    struct gate_stream *stream = connection->stream;
    uint64_t now_ms = gate_now_ms();
    if (stream->keep_alive_ms > 0 && !stream->ended &&
        now_ms >= stream->written_ms + stream->keep_alive_ms) {
        stream->written_ms = now_ms;
        if (gate_stream_queued(connection) == 0 && !stream->swallowing) {
            drop_batch(stream);
            if (append(stream, stream->keep_alive, stream->keep_alive_size) == KOINE_OK) {
                gate_stream_flush(connection);
            }
        }
    }
    gate_stream_arm(connection);
}
