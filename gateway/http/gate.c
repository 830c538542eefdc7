/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate as a whole: its evhttp, its listening sockets, when it accepts and how it ends. What
 * happens on one connection is told in gate_connection.c.
 */
#include "http/gate_connection.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

uint64_t gate_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* 4 ms are exact enough, and it is no syscall */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *gate_date(struct gate *gate) {
    time_t second = time(NULL);
    if (second != gate->date_second) {
        struct tm utc;
        gmtime_r(&second, &utc);
        evutil_date_rfc1123(gate->date, sizeof(gate->date), &utc);
        gate->date_second = second;
    }
    return gate->date;
}

static bool may_accept(const struct gate *gate) {
    uint32_t most = gate->options.max_connections;
    return !gate->stopped && !gate->paused && (most == 0 || gate->counters.connections < most);
}

void gate_update_listeners(struct gate *gate) {
    struct gate_listener *listener = NULL;
    bool enable = may_accept(gate);
    LIST_FOREACH(listener, &gate->listeners, link) {
        struct evconnlistener *accepting = evhttp_bound_socket_get_listener(listener->socket);
        if (enable) {
            evconnlistener_enable(accepting);
        } else {
            evconnlistener_disable(accepting);
        }
    }
}

static void on_accept_timer(evutil_socket_t fd, short events, void *data) {
    static const struct timeval far_away = {86400, 0};
    struct gate *gate = data;
    (void)fd;
    (void)events;
    gate->paused = false;
    event_add(&gate->accept_timer, &far_away); /* stays among the loop's events: see find_gate */
    gate_update_listeners(gate);
}

struct gate_search {
    const void *http;
    struct gate *gate;
};

static int is_accept_timer(const struct event_base *base, const struct event *event, void *data) {
    struct gate_search *search = data;
    (void)base;
    if (event_get_callback(event) == on_accept_timer) {
        struct gate *gate = event_get_callback_arg(event);
        search->gate = gate->http == search->http ? gate : NULL;
    }
    return search->gate != NULL;
}

/* An accept error is reported with evhttp's pointer, which knows nothing of its gate. Rather than
 * keep a table of gates for the whole process, the one that has it is found among the events. */
static struct gate *find_gate(struct event_base *base, const void *http) {
    struct gate_search search = {http, NULL};
    event_base_foreach_event(base, is_accept_timer, &search);
    return search.gate;
}

/* Without descriptors accept fails at once and for ever: libevent would try in a busy loop. */
static void on_accept_error(struct evconnlistener *accepting, void *http) {
    static const struct timeval pause = {0, GATE_ACCEPT_PAUSE_MS * 1000};
    struct gate *gate = find_gate(evconnlistener_get_base(accepting), http);
    if (gate == NULL) {
        return; /* stopped: it accepts no more */
    }
    gate->counters.accept_pauses++;
    gate->paused = event_add(&gate->accept_timer, &pause) == 0;
    gate_update_listeners(gate);
}

/*
 * evhttp has accepted and asks for a bufferevent. When memory is too short for the record, evhttp
 * goes on with a bufferevent of its own, past the gate: the limits set in gate_create see to it
 * that such a connection gets nothing but an error.
 */
static struct bufferevent *on_accept(struct event_base *base, void *data) {
    struct gate *gate = data;
    (void)base;
    struct gate_connection *connection = gate_connection_create(gate);
    if (connection == NULL) {
        return NULL;
    }
    gate->counters.accepted++;
    gate->counters.connections++;
    LIST_INSERT_HEAD(&gate->connections, connection, link);
    if (!may_accept(gate)) {
        gate_update_listeners(gate);
    }
    return connection->bev;
}

static void free_buried(struct gate *gate) {
    while (!LIST_EMPTY(&gate->buried)) {
        struct gate_connection *connection = LIST_FIRST(&gate->buried);
        LIST_REMOVE(connection, link);
        free(connection);
    }
}

static void on_burial(evutil_socket_t fd, short events, void *data) {
    (void)fd;
    (void)events;
    free_buried(data);
}

/* A connection may end in any callback of its own, so its record outlives the running one. */
void gate_bury(struct gate_connection *connection) {
    struct gate *gate = connection->gate;
    LIST_INSERT_HEAD(&gate->buried, connection, link);
    event_active(&gate->burial, EV_TIMEOUT, 0);
}

/* Only a connection past the gate gets here, see on_accept. */
static void on_request(struct evhttp_request *request, void *data) {
    (void)data;
    evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
}

static struct evhttp *create_http(struct gate *gate) {
    struct evhttp *http = evhttp_new(gate->base);
    if (http == NULL) {
        return NULL;
    }
    evhttp_set_bevcb(http, on_accept, gate);
    evhttp_set_gencb(http, on_request, NULL);
    evhttp_set_default_content_type(http, NULL);
    /* For connections past the gate (see on_accept); one that is behind it never gets there. */
    evhttp_set_max_headers_size(http, 1);
    evhttp_set_max_body_size(http, 1);
    evhttp_set_timeout(http, 1);
    return http;
}

struct gate *gate_create(struct event_base *base, const struct gate_options *options,
                         const struct gate_callbacks *callbacks, void *data) {
    assert(options->max_head_bytes > 0);
    assert(callbacks->head != NULL && callbacks->request != NULL && callbacks->ended != NULL &&
           callbacks->drained != NULL && callbacks->refuse != NULL);
    struct gate *gate = calloc(1, sizeof(*gate));
    if (gate == NULL) {
        return NULL;
    }
    gate->base = base;
    gate->options = *options;
    gate->callbacks = *callbacks;
    gate->data = data;
    LIST_INIT(&gate->connections);
    LIST_INIT(&gate->buried);
    LIST_INIT(&gate->listeners);
    gate->http = create_http(gate);
    if (gate->http == NULL || event_assign(&gate->burial, base, -1, 0, on_burial, gate) != 0 ||
        event_assign(&gate->accept_timer, base, -1, 0, on_accept_timer, gate) != 0) {
        goto error;
    }
    on_accept_timer(-1, 0, gate);
    return gate;
error:
    if (gate->http != NULL) {
        evhttp_free(gate->http);
    }
    free(gate);
    return NULL;
}

void gate_destroy(struct gate *gate) {
    if (gate == NULL) {
        return;
    }
    gate_stop_accepting(gate); /* a connection that ends must not open the door again */
    while (!LIST_EMPTY(&gate->connections)) {
        gate_connection_close(LIST_FIRST(&gate->connections), GATE_ABORTED);
    }
    while (!LIST_EMPTY(&gate->listeners)) {
        struct gate_listener *listener = LIST_FIRST(&gate->listeners);
        LIST_REMOVE(listener, link);
        free(listener);
    }
    event_del(&gate->burial);
    free_buried(gate);
    evhttp_free(gate->http); /* closes the listening sockets */
    free(gate);
}

/*
 * How many bytes may wait in the kernel behind those that are on their way. Without a bound it
 * takes megabytes for a client that reads slowly and says that there is room again only when a
 * third of them has gone: the write timeout would end clients that read all the time, and a stream
 * would fall minutes behind. Connections inherit it from their listener, so it costs them nothing.
 */
static void bound_unsent(evutil_socket_t socket) {
    int bytes = GATE_WRITE_BYTES;
    setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
}

int gate_listen(struct gate *gate, evutil_socket_t socket) {
    struct gate_listener *listener = malloc(sizeof(*listener));
    if (listener == NULL) {
        errno = ENOMEM;
        return -1;
    }
    /* On a blocking socket the second accept of a turn would stop the whole loop. */
    if (evutil_make_socket_nonblocking(socket) != 0) {
        goto error;
    }
    bound_unsent(socket);
    listener->socket = evhttp_accept_socket_with_handle(gate->http, socket);
    if (listener->socket == NULL) {
        errno = ENOMEM;
        goto error;
    }
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(listener->socket),
                                on_accept_error);
    LIST_INSERT_HEAD(&gate->listeners, listener, link);
    gate_update_listeners(gate);
    return 0;
error:
    free(listener);
    return -1;
}

void gate_drain(struct gate *gate, uint32_t idle_ms) {
    struct gate_connection *connection = NULL;
    gate->draining = true;
    gate->drain_idle_ms = idle_ms;
    LIST_FOREACH(connection, &gate->connections, link) {
        if (connection->state == GATE_HEAD && !connection->head_begun) {
            gate_connection_arm_idle(connection);
        }
    }
}

void gate_stop_accepting(struct gate *gate) {
    gate->stopped = true;
    event_del(&gate->accept_timer);
    gate_update_listeners(gate);
}

void gate_count(const struct gate *gate, struct gate_counters *counters) {
    *counters = gate->counters;
}
