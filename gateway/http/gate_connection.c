/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: how it is taken from evhttp, what libevent's callbacks do to it, its one timer
 * and its end. What a request goes through is in gate_request.c, answers are in gate_reply.c.
 */
#include "http/gate_connection.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void on_read(struct bufferevent *bev, void *data);
static void on_write(struct bufferevent *bev, void *data);
static void on_event(struct bufferevent *bev, short events, void *data);
static void on_turn(evutil_socket_t fd, short events, void *data);
static void on_timer(evutil_socket_t fd, short events, void *data);

struct gate_connection *gate_connection_create(struct gate *gate) {
    struct gate_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        return NULL;
    }
    connection->gate = gate;
    connection->timer_at_ms = connection->deadline_ms = GATE_NEVER;
    connection->bev = bufferevent_socket_new(gate->base, -1, 0);
    if (connection->bev == NULL ||
        event_assign(&connection->turn, gate->base, -1, 0, on_turn, connection) != 0) {
        goto error;
    }
    if (event_assign(&connection->timer, gate->base, -1, 0, on_timer, connection) != 0) {
        goto error;
    }
    /* evhttp goes on making its connection when this returns; until we look again, it may also
     * have failed and let the bufferevent go. */
    bufferevent_incref(connection->bev);
    gate_connection_schedule(connection);
    return connection;
error:
    if (connection->bev != NULL) {
        bufferevent_free(connection->bev);
    }
    free(connection);
    return NULL;
}

static void on_evhttp_closed(struct evhttp_connection *evcon, void *data) {
    struct gate_connection *connection = data;
    (void)evcon;
    connection->evcon = NULL;
    connection->bev = NULL;
}

static void note_peer(struct gate_connection *connection) {
    char *address = NULL;
    ev_uint16_t port = 0;
    evhttp_connection_get_peer(connection->evcon, &address, &port);
    snprintf(connection->peer, sizeof(connection->peer),
             address != NULL && strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u",
             address == NULL ? "?" : address, (unsigned)port);
}

/* evhttp could not make its connection; who freed the bufferevent depends on how far it came. */
static void give_up(struct gate_connection *connection) {
    struct bufferevent *bev = connection->bev;
    if (bufferevent_getfd(bev) == -1) {
        bufferevent_free(bev);
    }
    bufferevent_decref(bev);
    connection->bev = NULL;
    gate_connection_close(connection, GATE_ABORTED);
}

/* Takes the connection from evhttp, now that it is made. False when evhttp failed to: it is closed.
 */
static bool adopt(struct gate_connection *connection) {
    const struct gate_options *options = &connection->gate->options;
    struct bufferevent *bev = connection->bev;
    void *evcon = NULL;
    bufferevent_getcb(bev, NULL, NULL, NULL, &evcon);
    if (evcon == NULL) {
        give_up(connection);
        return false;
    }
    connection->evcon = evcon;
    connection->state = GATE_HEAD;
    evhttp_connection_set_closecb(evcon, on_evhttp_closed, connection);
    /* In place of evhttp's: it never sees a byte. It has put no read off, for none could be there.
     */
    bufferevent_setcb(bev, on_read, on_write, on_event, connection);
    bufferevent_decref(bev);
    int on = 1; /* otherwise Nagle delays every second small write by 40 ms */
    setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    uint32_t write_ms = options->write_timeout_ms;
    struct timeval write_timeout = {write_ms / 1000, (suseconds_t)(write_ms % 1000) * 1000};
    bufferevent_set_timeouts(bev, NULL, write_ms == 0 ? NULL : &write_timeout);
    bufferevent_set_max_single_write(bev, GATE_WRITE_BYTES);
    note_peer(connection);
    gate_connection_arm_idle(connection);
    return true;
}

/* Around every callback of libevent: what is left to do at its end is done by advance, so that
 * the user's calls in between need not schedule it. */
static void enter(struct gate_connection *connection) {
    connection->entered++;
}

static void leave(struct gate_connection *connection) {
    connection->entered--;
}

static bool discard(struct gate_connection *connection) {
    struct evbuffer *input = bufferevent_get_input(connection->bev);
    size_t size = evbuffer_get_length(input);
    evbuffer_drain(input, size);
    if (size > connection->linger_left) {
        gate_connection_close(connection, GATE_ABORTED);
        return false;
    }
    connection->linger_left -= size;
    return false;
}

/* One step; true when there may be another one to do with what has arrived. */
static bool step(struct gate_connection *connection) {
    switch (connection->state) {
    case GATE_HEAD:
        return gate_request_read_head(connection);
    case GATE_BODY:
        return gate_request_read_body(connection);
    case GATE_SKIPPING:
        return gate_request_skip_body(connection);
    case GATE_SENDING:
        if (gate_unsent(connection) > 0) {
            return false; /* pipelined requests wait until the client has read this answer */
        }
        return gate_request_finish(connection);
    case GATE_LINGERING:
        return discard(connection);
    default:
        return false;
    }
}

static bool is_busy(const struct gate_connection *connection) {
    return connection->state == GATE_PENDING || connection->state == GATE_STREAMING ||
           connection->state == GATE_SENDING;
}

/*
 * Bytes that nobody wants yet are kept up to a limit; then the connection is read no more. (Not
 * with libevent's high watermark: what stays above that makes 2.1.12 call back without end.) A
 * close would now go unnoticed, and an EV_CLOSED watch is no way out: it does not see a reset,
 * since EPOLLERR is reported as read and write alone, and epoll_wait would spin. So poll now and
 * then; hardly any client ever gets here.
 */
static void bound_input(struct gate_connection *connection) {
    struct bufferevent *bev = connection->bev;
    if (connection->state == GATE_CLOSED || connection->state == GATE_STARTING) {
        return;
    }
    size_t limit = (size_t)connection->gate->options.max_head_bytes + GATE_INPUT_BYTES;
    bool full = evbuffer_get_length(bufferevent_get_input(bev)) >= limit;
    bool reading = (bufferevent_get_enabled(bev) & EV_READ) != 0;
    if (full && reading) {
        bufferevent_disable(bev, EV_READ);
    } else if (!full && !reading && bufferevent_enable(bev, EV_READ) != 0) {
        gate_connection_close(connection, GATE_ABORTED);
        return;
    }
    if (full && is_busy(connection)) {
        uint64_t poll_ms = gate_now_ms() + GATE_SUSPENDED_POLL_MS;
        if (poll_ms < connection->deadline_ms) {
            gate_connection_arm(connection, poll_ms);
        }
    }
}

static void poll_suspended(struct gate_connection *connection) {
    struct pollfd polled = {.fd = bufferevent_getfd(connection->bev), .events = POLLRDHUP};
    if (poll(&polled, 1, 0) > 0) {
        gate_connection_close(connection, GATE_CLIENT_LEFT);
    }
}

/* Goes as far as the bytes allow, without recursion; a long pipeline goes on in the next turn. */
static void advance(struct gate_connection *connection) {
    static const struct timeval at_once = {0, 0};
    unsigned heads = 0;
    for (;;) {
        if (connection->doomed && connection->state != GATE_CLOSED) {
            gate_connection_close(connection, connection->doom);
        }
        if (connection->state == GATE_HEAD && heads++ == GATE_HEADS_PER_TURN) {
            event_add(&connection->turn, &at_once);
            return;
        }
        if (!step(connection)) {
            break;
        }
    }
    if (connection->doomed && connection->state != GATE_CLOSED) {
        gate_connection_close(connection, connection->doom);
    }
    bound_input(connection);
}

static void on_read(struct bufferevent *bev, void *data) {
    struct gate_connection *connection = data;
    (void)bev;
    enter(connection);
    advance(connection);
    leave(connection);
}

/* The output has run empty. */
static void on_write(struct bufferevent *bev, void *data) {
    struct gate_connection *connection = data;
    (void)bev;
    enter(connection);
    if (connection->stream != NULL) {
        gate_stream_flush(connection);
    }
    advance(connection);
    leave(connection);
}

static void on_event(struct bufferevent *bev, short events, void *data) {
    struct gate_connection *connection = data;
    (void)bev;
    if ((events & BEV_EVENT_EOF) && connection->counted) {
        return; /* it asks for nothing more, but may read what it has asked for; libevent does not
                   read until the answer is out, and then comes here again */
    }
    enter(connection);
    gate_connection_close(connection,
                          events & BEV_EVENT_TIMEOUT ? GATE_TIMED_OUT : GATE_CLIENT_LEFT);
    leave(connection);
}

static void on_turn(evutil_socket_t fd, short events, void *data) {
    struct gate_connection *connection = data;
    (void)fd;
    (void)events;
    enter(connection);
    if (connection->state == GATE_STARTING) {
        (void)adopt(connection);
    } else {
        if (connection->stream != NULL && !connection->doomed) {
            gate_stream_flush(connection);
        }
        advance(connection);
    }
    leave(connection);
}

/* Bytes that are in the kernel but not yet read mean that the client was not silent. */
static void close_idle(struct gate_connection *connection) {
    int waiting = 0;
    if (ioctl(bufferevent_getfd(connection->bev), FIONREAD, &waiting) == 0 && waiting > 0) {
        gate_connection_arm_idle(connection);
        return;
    }
    gate_connection_close(connection, GATE_ABORTED);
}

static void act_on_deadline(struct gate_connection *connection) {
    switch (connection->state) {
    case GATE_HEAD:
        if (connection->head_begun) {
            gate_request_refuse(connection, NULL,
                                (struct gate_refusal){408, "REQUEST_TIMEOUT",
                                                      "The head of the request did not arrive in "
                                                      "time (http.head_timeout_ms)."});
        } else {
            close_idle(connection);
        }
        break;
    case GATE_BODY:
        gate_request_refuse_late(connection,
                                 (struct gate_refusal){408, "REQUEST_TIMEOUT",
                                                       "The body of the request did not arrive in "
                                                       "time (http.body_timeout_ms)."});
        break;
    case GATE_STREAMING:
        gate_stream_tick(connection);
        poll_suspended(connection);
        break;
    case GATE_PENDING:
    case GATE_SENDING:
        poll_suspended(connection);
        break;
    default: /* skipping and lingering have lasted long enough */
        gate_connection_close(connection, GATE_ABORTED);
        break;
    }
}

static void start_timer(struct gate_connection *connection, uint64_t now_ms) {
    uint64_t left_ms = connection->deadline_ms > now_ms ? connection->deadline_ms - now_ms : 0;
    struct timeval left = {(time_t)(left_ms / 1000), (suseconds_t)(left_ms % 1000) * 1000};
    connection->timer_at_ms = connection->deadline_ms;
    event_add(&connection->timer, &left);
}

/*
 * Sets when the connection is to be looked at next. Deadlines move with every request and mostly
 * away, so the timer is touched only when it would fire too late; firing early, it is set again.
 */
void gate_connection_arm(struct gate_connection *connection, uint64_t deadline_ms) {
    connection->deadline_ms = deadline_ms;
    if (deadline_ms < connection->timer_at_ms) {
        start_timer(connection, gate_now_ms());
    }
}

void gate_connection_arm_idle(struct gate_connection *connection) {
    const struct gate *gate = connection->gate;
    uint64_t idle_ms =
        gate->options.idle_timeout_ms == 0 ? GATE_NEVER : gate->options.idle_timeout_ms;
    if (gate->draining && gate->drain_idle_ms < idle_ms) {
        idle_ms = gate->drain_idle_ms;
    }
    gate_connection_arm(connection, idle_ms == GATE_NEVER ? GATE_NEVER : gate_now_ms() + idle_ms);
}

static void on_timer(evutil_socket_t fd, short events, void *data) {
    struct gate_connection *connection = data;
    uint64_t now_ms = gate_now_ms();
    (void)fd;
    (void)events;
    connection->timer_at_ms = GATE_NEVER;
    if (connection->deadline_ms == GATE_NEVER) {
        return;
    }
    if (now_ms < connection->deadline_ms) {
        start_timer(connection, now_ms);
        return;
    }
    enter(connection);
    connection->deadline_ms = GATE_NEVER;
    act_on_deadline(connection);
    advance(connection);
    leave(connection);
}

void gate_connection_schedule(struct gate_connection *connection) {
    event_active(&connection->turn, EV_TIMEOUT, 0);
}

void gate_connection_doom(struct gate_connection *connection, enum gate_end how) {
    if (!connection->doomed) {
        connection->doomed = true;
        connection->doom = how;
        if (connection->entered == 0) { /* else advance sees to it when the callback is through */
            gate_connection_schedule(connection);
        }
    }
}

/*
 * The only end of a connection. `ended` comes first, since the request's texts go with it. The
 * record itself is left to the gate, which frees it when no callback is running.
 */
void gate_connection_close(struct gate_connection *connection, enum gate_end how) {
    struct gate *gate = connection->gate;
    if (connection->state == GATE_CLOSED) {
        return;
    }
    if (connection->state == GATE_STARTING && connection->bev != NULL && !adopt(connection)) {
        return; /* nothing had been made of it yet; it is closed */
    }
    connection->state = GATE_CLOSED;
    event_del(&connection->turn);
    event_del(&connection->timer);
    LIST_REMOVE(connection, link);
    gate->counters.connections--;
    if (connection->owes_ended) {
        connection->owes_ended = false;
        gate->callbacks.ended(gate->data, connection, connection->decision, how);
    }
    gate_request_release(connection);
    if (connection->evcon != NULL) {
        evhttp_connection_free(connection->evcon); /* NULL from here on: on_evhttp_closed */
    }
    if (gate->counters.connections + 1 == gate->options.max_connections) {
        gate_update_listeners(gate);
    }
    gate_bury(connection);
}

void gate_abort(struct gate_connection *connection) {
    gate_connection_close(connection, GATE_ABORTED);
}

const char *gate_peer(const struct gate_connection *connection) {
    return connection->peer;
}
