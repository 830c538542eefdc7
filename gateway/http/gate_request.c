/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request goes through on its connection: head, verdict, body, the user, the end.
 * Each function is one step, taken by gate_connection.c when there are bytes for it.
 */
#include "http/gate_connection.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct gate_refusal bad_head = {
    400, "VALIDATION_ERROR",
    "This is not a request of HTTP/1.1: a line does not end with CR LF or begins with a byte that "
    "is not allowed there."};
static const struct gate_refusal head_too_large = {
    431, "HEADERS_TOO_LARGE", "The head of the request is larger than this gateway accepts."};
static const struct gate_refusal body_too_large = {
    413, "PAYLOAD_TOO_LARGE", "The body of the request is larger than this route accepts."};

void gate_request_release(struct gate_connection *connection) {
    if (connection->stream != NULL) {
        free(connection->stream->batch);
        free(connection->stream);
        connection->stream = NULL;
    }
    if (connection->body != NULL) {
        evbuffer_free(connection->body);
        connection->body = NULL;
    }
    free(connection->head_bytes);
    connection->head_bytes = NULL;
    connection->decision = NULL;
    if (connection->counted) {
        struct gate *gate = connection->gate;
        connection->counted = false;
        if (--gate->counters.answers == 0 && gate->callbacks.sent != NULL) {
            gate->callbacks.sent(gate->data);
        }
    }
}

/* The user answers within the call; without an answer the connection could only hang. */
static void end_answering(struct gate_connection *connection) {
    connection->answering = false;
    if (!connection->answered && connection->state != GATE_CLOSED) {
        gate_connection_close(connection, GATE_ABORTED);
    }
}

/* The gate's own refusals end the connection: what follows cannot be told from the refused. */
void gate_request_refuse(struct gate_connection *connection, const struct gate_head *head,
                         struct gate_refusal refusal) {
    struct gate *gate = connection->gate;
    gate->counters.refused++;
    connection->close_after = true;
    connection->answering = true;
    connection->answered = false;
    if (head == NULL) {
        connection->is_head = connection->old_version = false;
    }
    gate->callbacks.refuse(gate->data, connection, head, connection->decision, refusal.status,
                           refusal.code, refusal.message);
    end_answering(connection);
}

/* Refuses while the body arrives: the head is gone from the input, so it is read once more. */
void gate_request_refuse_late(struct gate_connection *connection, struct gate_refusal refusal) {
    struct gate_parsed_head parsed;
    struct gate_refusal impossible;
    struct koine_text bytes = {connection->head_bytes, connection->head_size};
    int again = gate_head_parse(bytes, &parsed, &impossible);
    assert(again == 0);
    gate_request_refuse(connection, again == 0 ? &parsed.head : NULL, refusal);
}

void gate_refuse_body(struct gate_connection *connection, int status, const char *code,
                      const char *message) {
    if (connection->state != GATE_BODY || connection->doomed) {
        return;
    }
    gate_request_refuse_late(connection, (struct gate_refusal){status, code, message});
    if (connection->entered == 0 && connection->state != GATE_CLOSED) {
        gate_connection_schedule(connection); /* the answer is out already, mostly */
    }
}

static bool refuse_unread(struct gate_connection *connection, struct gate_refusal refusal) {
    gate_request_refuse(connection, NULL, refusal);
    return true;
}

static int take_body(struct gate_connection *connection, struct koine_text *body) {
    *body = KOINE_TEXT("");
    if (connection->body_received == 0) {
        return 0;
    }
    body->size = evbuffer_get_length(connection->body);
    body->data = (const char *)evbuffer_pullup(connection->body, -1);
    return body->data == NULL ? -1 : 0;
}

static bool hand_over(struct gate_connection *connection) {
    struct gate *gate = connection->gate;
    struct koine_text body;
    if (take_body(connection, &body) != 0) {
        gate_connection_close(connection, GATE_ABORTED);
        return false;
    }
    connection->state = GATE_PENDING;
    gate_connection_arm(connection, GATE_NEVER); /* how long it may take is the user's affair */
    gate->callbacks.request(gate->data, connection, connection->decision, connection->fields, body);
    return true;
}

static int send_continue(struct gate_connection *connection) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char bytes[sizeof(text)];
    memcpy(bytes, text, sizeof(text));
    struct iovec part = {bytes, sizeof(text) - 1};
    return gate_send(connection, &part, 1, 0);
}

static bool begin_body(struct gate_connection *connection, const struct gate_parsed_head *parsed) {
    connection->state = GATE_BODY;
    connection->body_left = parsed->head.chunked ? 0 : (uint64_t)parsed->head.content_length;
    connection->chunk_state = GATE_CHUNK_SIZE;
    connection->body_begun_ms = gate_now_ms();
    gate_body_arm(connection);
    bool begun = evbuffer_get_length(bufferevent_get_input(connection->bev)) > 0;
    if (parsed->expects_continue && !begun && send_continue(connection) != KOINE_OK) {
        gate_connection_doom(connection, GATE_ABORTED);
    }
    return true;
}

/* The texts of the head live in the input, which is about to move on. */
static int keep_head(struct gate_connection *connection, struct koine_text bytes,
                     struct koine_text fields) {
    connection->head_bytes = malloc(bytes.size);
    if (connection->head_bytes == NULL) {
        return -1;
    }
    memcpy(connection->head_bytes, bytes.data, bytes.size);
    connection->head_size = bytes.size;
    connection->fields.data = connection->head_bytes + (fields.data - bytes.data);
    connection->fields.size = fields.size;
    return 0;
}

static bool let_pass(struct gate_connection *connection, struct koine_text bytes,
                     const struct gate_parsed_head *parsed) {
    const struct gate_head *head = &parsed->head;
    connection->owes_ended = true;
    if (!head->chunked && head->content_length > 0 &&
        (uint64_t)head->content_length > connection->body_limit) {
        gate_request_refuse(connection, head, body_too_large);
        return true;
    }
    if (keep_head(connection, bytes, head->fields) != 0) {
        gate_connection_close(connection, GATE_ABORTED);
        return false;
    }
    evbuffer_drain(bufferevent_get_input(connection->bev), bytes.size);
    connection->body_received = 0;
    return head->has_body ? begin_body(connection, parsed) : hand_over(connection);
}

/* Whether what the refused client is still going to send can be read past cheaply and surely. */
static bool can_skip_body(const struct gate_parsed_head *parsed) {
    const struct gate_head *head = &parsed->head;
    return !head->has_body ||
           (!head->chunked && !parsed->expects_continue && head->content_length <= GATE_SKIP_BYTES);
}

static void begin_head(struct gate_connection *connection, const struct gate_parsed_head *parsed) {
    const struct gate_head *head = &parsed->head;
    connection->gate->counters.requests++;
    connection->head_begun = connection->blank_skipped = false;
    connection->scanned = 0;
    connection->close_after = !parsed->keep_alive;
    connection->keep_asked = parsed->keep_alive && head->minor_version == 0;
    connection->is_head = head->is_head;
    connection->old_version = head->minor_version == 0;
    connection->chunked = head->chunked;
    connection->answered = false;
    connection->decision = NULL;
    connection->body_limit = 0;
    connection->body_left = 0;
}

static bool judge(struct gate_connection *connection, struct koine_text bytes,
                  const struct gate_parsed_head *parsed) {
    struct gate *gate = connection->gate;
    void *decision = NULL;
    begin_head(connection, parsed);
    bool close_after = connection->close_after;
    connection->close_after = close_after || !can_skip_body(parsed);
    connection->answering = true;
    enum gate_verdict verdict = gate->callbacks.head(gate->data, connection, &parsed->head,
                                                     &connection->body_limit, &decision);
    connection->answering = false;
    if (verdict == GATE_PASS) {
        connection->close_after = close_after;
        connection->decision = decision;
        if (connection->state == GATE_CLOSED) { /* aborted by its own judge */
            gate->callbacks.ended(gate->data, connection, decision, GATE_ABORTED);
            return false;
        }
        return let_pass(connection, bytes, parsed);
    }
    end_answering(connection);
    if (connection->state == GATE_CLOSED) {
        return false;
    }
    evbuffer_drain(bufferevent_get_input(connection->bev), bytes.size);
    connection->body_left = parsed->head.has_body ? (uint64_t)parsed->head.content_length : 0;
    return true;
}

/* An empty line before a request is forgiven once, as RFC 9112 asks. */
static void skip_blank(struct gate_connection *connection, struct evbuffer *input) {
    char start[2];
    if (!connection->blank_skipped && evbuffer_copyout(input, start, 2) == 2 &&
        memcmp(start, "\r\n", 2) == 0) {
        evbuffer_drain(input, 2);
        connection->blank_skipped = true;
    }
}

static bool await_head(struct gate_connection *connection) {
    if (!connection->head_begun) {
        uint32_t head_ms = connection->gate->options.head_timeout_ms;
        connection->head_begun = true;
        gate_connection_arm(connection, head_ms == 0 ? GATE_NEVER : gate_now_ms() + head_ms);
    }
    return false;
}

bool gate_request_read_head(struct gate_connection *connection) {
    struct evbuffer *input = bufferevent_get_input(connection->bev);
    size_t most = connection->gate->options.max_head_bytes;
    skip_blank(connection, input);
    size_t size = evbuffer_get_length(input);
    size_t end = 0;
    if (size == 0) {
        return false;
    }
    struct koine_text bytes = {NULL, size < most ? size : most};
    bytes.data = (const char *)evbuffer_pullup(input, (ev_ssize_t)bytes.size);
    if (bytes.data == NULL) {
        gate_connection_close(connection, GATE_ABORTED);
        return false;
    }
    if (bytes.size == 1 && bytes.data[0] == '\r' && !connection->blank_skipped) {
        return await_head(connection);
    }
    switch (gate_head_scan(bytes, &connection->scanned, &end)) {
    case GATE_SCAN_BAD:
        return refuse_unread(connection, bad_head);
    case GATE_SCAN_MORE:
        return size >= most ? refuse_unread(connection, head_too_large) : await_head(connection);
    case GATE_SCAN_COMPLETE:
        break;
    }
    struct gate_parsed_head parsed;
    struct gate_refusal refusal;
    bytes.size = end;
    return gate_head_parse(bytes, &parsed, &refusal) == 0 ? judge(connection, bytes, &parsed)
                                                          : refuse_unread(connection, refusal);
}

bool gate_request_read_body(struct gate_connection *connection) {
    struct gate_refusal refusal = {0, NULL, NULL};
    switch (gate_body_read(connection, &refusal)) {
    case GATE_BODY_COMPLETE:
        return hand_over(connection);
    case GATE_BODY_REFUSED:
        gate_request_refuse_late(connection, refusal);
        return true;
    case GATE_BODY_NO_MEMORY:
        gate_connection_close(connection, GATE_ABORTED);
        return false;
    default:
        return false;
    }
}

static void begin_idle(struct gate_connection *connection) {
    connection->state = GATE_HEAD;
    connection->scanned = 0;
    gate_connection_arm_idle(connection);
}

bool gate_request_skip_body(struct gate_connection *connection) {
    struct evbuffer *input = bufferevent_get_input(connection->bev);
    size_t size = evbuffer_get_length(input);
    if (size >= connection->body_left) {
        evbuffer_drain(input, (size_t)connection->body_left);
        begin_idle(connection);
        return true;
    }
    evbuffer_drain(input, size);
    connection->body_left -= size;
    connection->body_received += size;
    if (size > 0) {
        gate_body_arm(connection);
    }
    return false;
}

/* Closing a socket that still has unread bytes resets it, and the answer may be lost with it. */
static void begin_linger(struct gate_connection *connection) {
    connection->state = GATE_LINGERING;
    connection->linger_left = GATE_LINGER_BYTES;
    shutdown(bufferevent_getfd(connection->bev), SHUT_WR);
    gate_connection_arm(connection, gate_now_ms() + GATE_LINGER_MS);
}

/* Tells the user, and forgets the request. False: the user has closed the connection. */
static bool end_request(struct gate_connection *connection) {
    struct gate *gate = connection->gate;
    if (connection->owes_ended) {
        connection->owes_ended = false;
        connection->state = GATE_FINISHING;
        gate->callbacks.ended(gate->data, connection, connection->decision, GATE_SENT);
        if (connection->state == GATE_CLOSED) {
            return false;
        }
    }
    gate_request_release(connection);
    return true;
}

bool gate_request_finish(struct gate_connection *connection) {
    if (!end_request(connection)) {
        return false;
    }
    if (connection->close_after) {
        begin_linger(connection);
    } else if (connection->body_left > 0) {
        connection->state = GATE_SKIPPING;
        connection->body_received = 0;
        connection->body_begun_ms = gate_now_ms();
        gate_body_arm(connection);
    } else {
        begin_idle(connection);
    }
    return true;
}
