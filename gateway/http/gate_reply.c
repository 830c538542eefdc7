/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers as bytes: the head that every answer shares, and the way into the socket. Bodies of
 * unknown length are gate_stream.c's; when a request is over is gate_request.c's.
 */
#include "http/gate_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

size_t gate_unsent(const struct gate_connection *connection) {
    return evbuffer_get_length(bufferevent_get_output(connection->bev));
}

/* Straight into the kernel, which has room nearly always: twice as fast as by way of the event
 * loop. Returns the bytes taken. */
static size_t send_now(struct gate_connection *connection, struct iovec *parts, int count) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t sent =
        sendmsg(bufferevent_getfd(connection->bev), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
        return (size_t)sent;
    }
    if (errno != EAGAIN && errno != EINTR) {
        gate_connection_doom(connection, GATE_CLIENT_LEFT);
    }
    return 0;
}

/* Sends what the socket takes and queues the rest behind what waits already; of the last `kept`
 * parts only where they are. KOINE_OK even when the client is gone (the connection then ends soon),
 * KOINE_NO_MEMORY when the rest was lost. */
int gate_send(struct gate_connection *connection, struct iovec *parts, int count, int kept) {
    struct evbuffer *output = bufferevent_get_output(connection->bev);
    size_t sent = 0;
    if (evbuffer_get_length(output) == 0) {
        sent = send_now(connection, parts, count);
    }
    if (connection->doomed) {
        return KOINE_OK;
    }
    for (int i = 0; i < count; i++) {
        size_t skipped = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        sent -= skipped;
        const char *rest = (const char *)parts[i].iov_base + skipped;
        size_t size = parts[i].iov_len - skipped;
        int failed = size == 0          ? 0
                     : i < count - kept ? evbuffer_add(output, rest, size)
                                        : evbuffer_add_reference(output, rest, size, NULL, NULL);
        if (failed) {
            return KOINE_NO_MEMORY;
        }
    }
    if (evbuffer_get_length(output) > 0 && bufferevent_enable(connection->bev, EV_WRITE) != 0) {
        return KOINE_NO_MEMORY;
    }
    return KOINE_OK;
}

static const char *reason(int status) {
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return status < 400 ? "Success" : "Error";
}

static bool is_bodiless(int status) {
    return status < 200 || status == 204 || status == 304;
}

static const char *connection_field(const struct gate_connection *connection) {
    if (connection->close_after) {
        return "Connection: close\r\n";
    }
    return connection->keep_asked ? "Connection: keep-alive\r\n" : "";
}

static void *writable(struct koine_text text) {
    return (void *)(uintptr_t)text.data; /* iovec has no const; sendmsg does not write */
}

/* The head and the body in one write. `framing` is the line that tells where the body ends. */
static int respond(struct gate_connection *connection, int status, const char *framing,
                   struct koine_text headers, struct koine_text body, bool kept) {
    char start[320];
    const char *everywhere = connection->gate->options.header_line;
    int size = snprintf(start, sizeof(start), "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s%s", status,
                        reason(status), gate_date(connection->gate), framing,
                        connection_field(connection), everywhere ? everywhere : "");
    assert(size > 0 && (size_t)size < sizeof(start));
    assert(headers.size == 0 || headers.data[headers.size - 1] == '\n');
    char empty_line[] = "\r\n";
    struct iovec parts[] = {{start, (size_t)size},
                            {writable(headers), headers.size},
                            {empty_line, 2},
                            {writable(body), body.size}};
    return gate_send(connection, parts, 4, kept ? 1 : 0);
}

static int respond_whole(struct gate_connection *connection, int status, struct koine_text headers,
                         struct koine_text body, bool kept) {
    char framing[48] = "";
    connection->close_after |= connection->gate->draining;
    if (is_bodiless(status)) {
        body.size = 0;
    } else {
        snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", body.size);
    }
    if (connection->is_head) {
        body.size = 0;
    }
    int result = respond(connection, status, framing, headers, body, kept);
    connection->answered = true;
    connection->state = GATE_SENDING;
    gate_connection_arm(connection, GATE_NEVER); /* the write timeout watches from here on */
    if (result != KOINE_OK) {
        gate_connection_doom(connection, GATE_ABORTED);
    }
    return result;
}

int gate_respond_stream(struct gate_connection *connection, int status, struct koine_text headers) {
    bool chunked = !connection->old_version && !is_bodiless(status);
    connection->close_after |= connection->gate->draining || connection->old_version;
    return respond(connection, status, chunked ? "Transfer-Encoding: chunked\r\n" : "", headers,
                   KOINE_TEXT(""), false);
}

static void answer(struct gate_connection *connection, int status, struct koine_text headers,
                   struct koine_text body, bool kept) {
    if (connection->state == GATE_CLOSED) {
        return;
    }
    assert(connection->answering && !connection->answered);
    respond_whole(connection, status, headers, body, kept);
    if (!connection->owes_ended && gate_unsent(connection) > 0) {
        connection->counted = true;
        connection->gate->counters.answers++;
    }
}

void gate_answer(struct gate_connection *connection, int status, struct koine_text headers,
                 struct koine_text body) {
    answer(connection, status, headers, body, false);
}

void gate_answer_kept(struct gate_connection *connection, int status, struct koine_text headers,
                      struct koine_text body) {
    answer(connection, status, headers, body, true);
}

int gate_reply(struct gate_connection *connection, int status, struct koine_text headers,
               struct koine_text body) {
    if (connection->state != GATE_PENDING || connection->doomed) {
        return KOINE_WRONG_STATE;
    }
    int result = respond_whole(connection, status, headers, body, false);
    if (connection->entered == 0 && gate_unsent(connection) == 0) {
        gate_connection_schedule(connection); /* `ended` may not be called in here */
    }
    return result;
}
