/* SPDX-License-Identifier: Apache-2.0 */
/* Raw sockets and a reader of answers that trusts nothing but the status line and the length. */
#include "support/raw_client.h"

#include "support/exchange_record.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

struct raw_client {
    int fd;
    char *data; /* received, not taken yet */
    size_t size;
    char *sent; /* since the last answer, for the record of exchanges; NULL when none is kept */
    size_t sent_size;
};

struct raw_client *raw_connect(const struct gateway *gateway) {
    return raw_connect_narrow(gateway, 0);
}

struct raw_client *raw_connect_narrow(const struct gateway *gateway, int receive_buffer_bytes) {
    struct raw_client *client = calloc(1, sizeof *client);
    ck_assert_ptr_nonnull(client);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(gateway_port(gateway)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(client->fd, 0);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (receive_buffer_bytes > 0) /* before connect: the window is agreed on there */
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    int failed = connect(client->fd, (struct sockaddr *)&address, sizeof address);
    ck_assert_msg(failed == 0, "connect: %s", strerror(errno));
    return client;
}

void raw_close(struct raw_client *client) {
    if (!client)
        return;
    close(client->fd);
    free(client->data);
    free(client->sent);
    free(client);
}

void raw_reset(struct raw_client *client) {
    struct linger linger = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    raw_close(client);
}

/* What is beyond the first bytes is of no interest to the record, which keeps no longer requests.
 */
static void remember_sent(struct raw_client *client, const void *data, size_t size) {
    size_t limit = (size_t)2 * EXCHANGE_REQUEST_BYTES;
    size_t kept = size < limit - client->sent_size ? size : limit - client->sent_size;
    if (!exchange_is_wanted() || kept == 0)
        return;
    char *grown = realloc(client->sent, client->sent_size + kept);
    ck_assert_ptr_nonnull(grown);
    memcpy(grown + client->sent_size, data, kept);
    client->sent = grown;
    client->sent_size += kept;
}

void raw_record(struct raw_client *client, const char *head, const char *body, size_t body_size,
                bool cut) {
    if (!exchange_is_wanted())
        return;
    size_t size = exchange_request_size(client->sent, client->sent_size);
    exchange_record(&(struct exchange){.request = client->sent,
                                       .request_size = size,
                                       .head = head,
                                       .body = body,
                                       .body_size = body_size,
                                       .cut = cut});
    client->sent_size -= size;
    if (client->sent_size > 0)
        memmove(client->sent, client->sent + size, client->sent_size);
}

bool raw_send(struct raw_client *client, const void *data, size_t size) {
    remember_sent(client, data, size);
    const char *at = data;
    while (size > 0) {
        struct pollfd wait = {.fd = client->fd, .events = POLLOUT};
        ck_assert_msg(poll(&wait, 1, PATIENCE_MS) == 1, "the gateway takes no more bytes");
        ssize_t sent = send(client->fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        at += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

bool raw_send_text(struct raw_client *client, const char *text) {
    return raw_send(client, text, strlen(text));
}

size_t raw_send_some(struct raw_client *client, const void *data, size_t size) {
    ssize_t sent = send(client->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    remember_sent(client, data, sent > 0 ? (size_t)sent : 0);
    return sent > 0 ? (size_t)sent : 0;
}

void raw_half_close(struct raw_client *client) {
    shutdown(client->fd, SHUT_WR);
}

bool raw_readable(struct raw_client *client, int timeout_ms) {
    struct pollfd wait = {.fd = client->fd, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

/* True when there is more than before. */
static bool receive_more(struct raw_client *client) {
    char buffer[65536];
    ck_assert_msg(raw_readable(client, PATIENCE_MS), "no answer within %d ms; so far: %.500s",
                  PATIENCE_MS, client->data ? client->data : "");
    ssize_t got = recv(client->fd, buffer, sizeof buffer, 0);
    if (got <= 0)
        return false;
    char *grown = realloc(client->data, client->size + (size_t)got + 1);
    ck_assert_ptr_nonnull(grown);
    memcpy(grown + client->size, buffer, (size_t)got);
    client->data = grown;
    client->size += (size_t)got;
    grown[client->size] = '\0';
    return true;
}

/* A terminated copy of the first bytes, which are gone then. */
static char *take(struct raw_client *client, size_t size) {
    char *taken = malloc(size + 1);
    ck_assert_ptr_nonnull(taken);
    if (size > 0)
        memcpy(taken, client->data, size);
    taken[size] = '\0';
    client->size -= size;
    if (client->data)
        memmove(client->data, client->data + size, client->size + 1);
    return taken;
}

ssize_t raw_read(struct raw_client *client, void *buffer, size_t size, int timeout_ms) {
    if (client->size > 0) {
        size_t taken = client->size < size ? client->size : size;
        char *first = take(client, taken);
        memcpy(buffer, first, taken);
        free(first);
        return (ssize_t)taken;
    }
    if (!raw_readable(client, timeout_ms))
        return -1;
    ssize_t got = recv(client->fd, buffer, size, 0);
    return got > 0 ? got : 0;
}

void raw_put_back(struct raw_client *client, const void *data, size_t size) {
    char *joined = malloc(size + client->size + 1);
    ck_assert_ptr_nonnull(joined);
    if (size > 0)
        memcpy(joined, data, size);
    if (client->size > 0)
        memcpy(joined + size, client->data, client->size);
    client->size += size;
    joined[client->size] = '\0';
    free(client->data);
    client->data = joined;
}

static size_t body_size(const char *head, int status, bool head_request) {
    const char *length = strcasestr(head, "\r\nContent-Length:");
    if (head_request || status / 100 == 1 || status == 204 || status == 304)
        return 0;
    return length ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : SIZE_MAX;
}

struct raw_answer raw_receive(struct raw_client *client, bool head_request) {
    struct raw_answer answer = {0};
    char *end = NULL;
    while (!(end = client->data ? memmem(client->data, client->size, "\r\n\r\n", 4) : NULL) &&
           receive_more(client))
        ;
    answer.head = take(client, end ? (size_t)(end - client->data) + 4 : client->size);
    if (end)
        ck_assert_msg(sscanf(answer.head, "HTTP/1.%*1[01] %d ", &answer.status) == 1,
                      "no status line: %.500s", answer.head);
    size_t wanted = end ? body_size(answer.head, answer.status, head_request) : 0;
    while (client->size < wanted && receive_more(client))
        ;
    answer.body_size = client->size < wanted ? client->size : wanted;
    answer.body = take(client, answer.body_size);
    if (answer.status >= 200)
        raw_record(client, answer.head, answer.body, answer.body_size,
                   wanted != SIZE_MAX && answer.body_size < wanted);
    return answer;
}

void raw_answer_finish(struct raw_answer *answer) {
    free(answer->head);
    free(answer->body);
    *answer = (struct raw_answer){0};
}

bool raw_ends(struct raw_client *client) {
    return client->size == 0 && !receive_more(client);
}

struct raw_answer raw_exchange(const struct gateway *gateway, const void *data, size_t size) {
    struct raw_client *client = raw_connect(gateway);
    raw_send(client, data, size);
    struct raw_answer answer = raw_receive(client, false);
    raw_close(client);
    return answer;
}
