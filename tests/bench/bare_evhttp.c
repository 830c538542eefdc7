/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick: the least that an evhttp server can be, with libevent's stock flags. It answers
 * every path with the same 57 bytes of JSON. It has no gate, no keys, no limits.
 * Usage: bare_evhttp [--port N] prints "PORT n" when it listens (0, the default: any free port).
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char text[] = "{\"error\":\"Send a bearer token now\",\"code\":\"UNAUTHORIZED\"}";
_Static_assert(sizeof(text) - 1 == 57, "the figures are for 57 bytes");

static void on_request(struct evhttp_request *request, void *data) {
    struct evbuffer *body = data;
    evbuffer_add(body, text, sizeof(text) - 1);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json; charset=utf-8");
    evhttp_send_reply(request, 200, "OK", body);
}

static int port_of(evutil_socket_t fd) {
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);
    getsockname(fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin_port);
}

int main(int argc, char **argv) {
    long port = argc == 3 && strcmp(argv[1], "--port") == 0 ? strtol(argv[2], NULL, 10) : 0;
    struct event_base *base = event_base_new();
    struct evhttp *http = base == NULL ? NULL : evhttp_new(base);
    struct evbuffer *body = evbuffer_new();
    if (http == NULL || body == NULL || port < 0 || port > 65535) {
        fprintf(stderr, "usage: bare_evhttp [--port N]\n");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    evhttp_set_gencb(http, on_request, body);
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(http, "127.0.0.1", (ev_uint16_t)port);
    if (bound == NULL) {
        perror("bare_evhttp: cannot listen");
        return 1;
    }
    printf("PORT %d\n", port_of(evhttp_bound_socket_get_fd(bound)));
    fflush(stdout);
    event_base_dispatch(base);
    evbuffer_free(body);
    evhttp_free(http);
    event_base_free(base);
    return 0;
}
