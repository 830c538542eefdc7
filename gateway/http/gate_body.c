/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a body off the wire: counted while it arrives, chunks taken apart by the strict grammar
 * alone (no extensions, no trailers), and never slower than a floor. What it says is not looked at.
 */
#include "http/gate_connection.h"

#include <string.h>

enum {
    SIZE_DIGITS = 15,    /* of a chunk: below 2^60, so sums cannot overflow */
    FLOOR_BYTES = 16384, /* a body must bring as much … */
    FLOOR_MS = 1000 /* … in this time, or a byte a second would hold a connection for hours */
};

static enum gate_body_progress refuse(struct gate_refusal *refusal, int status, const char *code,
                                      const char *message) {
    *refusal = (struct gate_refusal){status, code, message};
    return GATE_BODY_REFUSED;
}

static enum gate_body_progress refuse_chunk(struct gate_refusal *refusal) {
    return refuse(refusal, 400, "VALIDATION_ERROR",
                  "The chunked body is malformed: a chunk is its size in hexadecimal digits alone, "
                  "CR LF, the data, CR LF; extensions and trailers are not accepted.");
}

/* Silence and slowness have one deadline: whichever comes first. */
void gate_body_arm(struct gate_connection *connection) {
    uint64_t silence_ms = connection->gate->options.body_timeout_ms;
    if (silence_ms == 0) {
        gate_connection_arm(connection, GATE_NEVER);
        return;
    }
    uint64_t silent_at = gate_now_ms() + silence_ms;
    uint64_t slow_at =
        connection->body_begun_ms + silence_ms + connection->body_received / FLOOR_BYTES * FLOOR_MS;
    gate_connection_arm(connection, silent_at < slow_at ? silent_at : slow_at);
}

/* Moves up to body_left bytes out of the input: whole pieces of memory, not copies. */
static enum gate_body_progress move_data(struct gate_connection *connection) {
    struct evbuffer *input = bufferevent_get_input(connection->bev);
    size_t size = evbuffer_get_length(input);
    if (size > connection->body_left) {
        size = (size_t)connection->body_left;
    }
    if (connection->body == NULL && (connection->body = evbuffer_new()) == NULL) {
        return GATE_BODY_NO_MEMORY;
    }
    if (evbuffer_remove_buffer(input, connection->body, size) != (int)size) {
        return GATE_BODY_NO_MEMORY;
    }
    connection->body_left -= size;
    connection->body_received += size;
    return connection->body_left == 0 ? GATE_BODY_COMPLETE : GATE_BODY_MORE;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bounded: a size line that goes on and on is refused after SIZE_DIGITS + 1 bytes. */
static enum gate_body_progress read_size(struct gate_connection *connection,
                                         struct gate_refusal *refusal) {
    struct evbuffer *input = bufferevent_get_input(connection->bev);
    char line[SIZE_DIGITS + 2];
    ev_ssize_t copied = evbuffer_copyout(input, line, sizeof(line));
    size_t count = copied < 0 ? 0 : (size_t)copied;
    size_t digits = 0;
    uint64_t size = 0;
    while (digits < count && digits < SIZE_DIGITS && hex_value(line[digits]) >= 0) {
        size = size * 16 + (uint64_t)hex_value(line[digits]);
        digits++;
    }
    if (digits == count) {
        return GATE_BODY_MORE;
    }
    if (digits == 0 || line[digits] != '\r') {
        return refuse_chunk(refusal);
    }
    if (digits + 1 == count) {
        return GATE_BODY_MORE;
    }
    if (line[digits + 1] != '\n') {
        return refuse_chunk(refusal);
    }
    if (size > connection->body_limit - connection->body_received) {
        return refuse(refusal, 413, "PAYLOAD_TOO_LARGE",
                      "The body of the request is larger than this route accepts.");
    }
    evbuffer_drain(input, digits + 2);
    connection->body_left = size;
    connection->chunk_state = size == 0 ? GATE_CHUNK_LAST : GATE_CHUNK_DATA;
    return GATE_BODY_COMPLETE;
}

/* The CRLF behind data or behind the last size; its absence is seen with the first wrong byte. */
static enum gate_body_progress read_line_end(struct gate_connection *connection,
                                             struct gate_refusal *refusal) {
    struct evbuffer *input = bufferevent_get_input(connection->bev);
    char end[2];
    ev_ssize_t count = evbuffer_copyout(input, end, 2);
    if (count > 0 && memcmp(end, "\r\n", (size_t)count) != 0) {
        return refuse_chunk(refusal);
    }
    if (count < 2) {
        return GATE_BODY_MORE;
    }
    evbuffer_drain(input, 2);
    return GATE_BODY_COMPLETE;
}

static enum gate_body_progress read_chunks(struct gate_connection *connection,
                                           struct gate_refusal *refusal) {
    for (;;) {
        enum gate_body_progress progress;
        bool last = connection->chunk_state == GATE_CHUNK_LAST;
        switch (connection->chunk_state) {
        case GATE_CHUNK_SIZE:
            progress = read_size(connection, refusal);
            break;
        case GATE_CHUNK_DATA:
            progress = move_data(connection);
            if (progress == GATE_BODY_COMPLETE) {
                connection->chunk_state = GATE_CHUNK_DATA_END;
            }
            break;
        default:
            progress = read_line_end(connection, refusal);
            if (progress == GATE_BODY_COMPLETE) {
                connection->chunk_state = GATE_CHUNK_SIZE;
            }
            break;
        }
        if (progress != GATE_BODY_COMPLETE || last) {
            return progress;
        }
    }
}

enum gate_body_progress gate_body_read(struct gate_connection *connection,
                                       struct gate_refusal *refusal) {
    size_t arrived = evbuffer_get_length(bufferevent_get_input(connection->bev));
    enum gate_body_progress progress =
        connection->chunked ? read_chunks(connection, refusal) : move_data(connection);
    if (progress == GATE_BODY_MORE && arrived > 0) {
        gate_body_arm(connection);
    }
    return progress;
}
