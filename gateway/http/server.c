/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's callbacks: who may pass, what is refused, and where a request goes. */
#include "http/server.h"
#include "demo.h"
#include "http/assets.h"
#include "http/refusal_text.h"
#include "http/refusal_words.h"
#include "modules/module.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A client's own id when it is short and harmless in a log and a header; else one is made. */
static void choose_id(struct server *server, struct koine_text sent, char id[REQUEST_ID_SIZE]) {
    bool sane = sent.size >= 1 && sent.size <= 64;
    for (size_t i = 0; sane && i < sent.size; i++) {
        char c = sent.data[i];
        sane = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_' || c == '.' || c == ':';
    }
    if (sane) {
        memcpy(id, sent.data, sent.size);
        id[sent.size] = '\0';
        return;
    }
    snprintf(id, REQUEST_ID_SIZE, "%016llx%08llx", (unsigned long long)server->id_prefix,
             (unsigned long long)(++server->id_counter & 0xffffffff));
}

void server_refuse(struct server *server, struct gate_connection *connection,
                   const struct route *route, const char *id, const struct koine_failure *failure,
                   const char *extra_headers) {
    (void)server;
    const char *type;
    size_t size = 0;
    char headers[768];
    char *body = server_render(route, failure, &size, &type);
    snprintf(headers, sizeof(headers), "Content-Type: %s\r\nX-Request-Id: %s\r\n%s", type, id,
             extra_headers);
    gate_answer(connection, failure->status, (struct koine_text){headers, strlen(headers)},
                (struct koine_text){body, size});
    free(body);
}

static void refuse_with(struct server *server, struct gate_connection *connection,
                        const struct route *route, const char *id, int status, const char *code,
                        const char *message, const char *extra_headers) {
    struct koine_failure failure = {0};
    failure_set(&failure, status, code, message);
    server_refuse(server, connection, route, id, &failure, extra_headers);
}

static enum key_check check_key(struct server *server, const struct route *route,
                                const struct gate_head *head, struct key **key) {
    return keys_check(server->worker->keys, route ? route->as.key_places : 0, head->authorization,
                      head->api_key, key);
}

/* 401 or 403, or true. `route` is the one whose dialect and key places count; may be NULL. */
static bool authenticated(struct server *server, struct gate_connection *connection,
                          const struct route *route, const struct gate_head *head, const char *id,
                          struct key **key) {
    switch (check_key(server, route, head, key)) {
    case KEY_OK:
        return true;
    case KEY_MISSING:
        refuse_with(server, connection, route, id, 401, "UNAUTHORIZED", route_key_wanted(route),
                    "WWW-Authenticate: Bearer\r\n");
        return false;
    default:
        refuse_with(server, connection, route, id, route_wrong_key_status(route), "AUTH_ERROR",
                    REFUSAL_WRONG_KEY,
                    route_wrong_key_status(route) == 401 ? "WWW-Authenticate: Bearer\r\n" : "");
        return false;
    }
}

static bool carries(const void *data, const char *header) {
    const struct gate_head *head = data;
    struct koine_text value;
    return gate_field(head->fields, header, &value);
}

static struct route_request route_request_of(const struct gate_head *head) {
    return (struct route_request){head->method, head->path, carries, head};
}

static void refuse_unknown(struct server *server, struct gate_connection *connection,
                           const struct route *dialect, const struct route_match *match,
                           const struct route_request *request, const char *id) {
    struct refusal_text text;
    if (!match->same_path) {
        refuse_with(server, connection, dialect, id, 404, "NOT_FOUND",
                    refusal_unknown_path(&text, server->router, request->path), "");
        return;
    }
    char allow[128], header[160];
    router_allow(server->router, request, allow, sizeof(allow));
    snprintf(header, sizeof(header), "Allow: %s\r\n", allow);
    refuse_with(server, connection, dialect, id, 405, "METHOD_NOT_ALLOWED",
                refusal_wrong_method(&text, request->method, request->path, allow), header);
}

static uint64_t body_limit(const struct server *server, const struct route *route) {
    return route && route->as.max_body_bytes ? route->as.max_body_bytes
                                             : server->worker->config->http.max_body_bytes;
}

static enum gate_verdict pass(struct server *server, struct gate_connection *connection,
                              const struct gate_head *head, const struct route_match *match,
                              struct key *key, const char *id, uint64_t *max_body_bytes,
                              void **decision) {
    struct request *request = request_create(server->worker, connection, head, match, key, id);
    if (!request) {
        refuse_with(server, connection, match->route, id, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY,
                    "");
        return GATE_ANSWERED;
    }
    *max_body_bytes = body_limit(server, match->route);
    *decision = request;
    return GATE_PASS;
}

static enum gate_verdict on_head(void *data, struct gate_connection *connection,
                                 const struct gate_head *head, uint64_t *max_body_bytes,
                                 void **decision) {
    struct server *server = data;
    struct route_match match;
    struct key *key = NULL;
    char id[REQUEST_ID_SIZE];
    choose_id(server, head->request_id, id);
    if (pages_answer(server, connection, head, id) || assets_answer(server, connection, head, id))
        return GATE_ANSWERED;
    const struct route_request asked = route_request_of(head);
    router_match(server->router, &asked, &match);
    if (!match.same_path && assets_answer_root(server, connection, head, id))
        return GATE_ANSWERED;
    const struct route *dialect = match.route ? match.route : match.same_path;
    if (!dialect)
        dialect = router_failure_route(server->router, &asked);
    bool public_route = match.route && match.route->as.authentication == KOINE_AUTH_NONE;
    if (!public_route && !authenticated(server, connection, dialect, head, id, &key))
        return GATE_ANSWERED;
    if (key && pages_answer_private(server, connection, head, id))
        return GATE_ANSWERED;
    if (!match.route) {
        refuse_unknown(server, connection, dialect, &match, &asked, id);
        return GATE_ANSWERED;
    }
    if (key && !key_may_use_route(key, head->path)) {
        refuse_with(server, connection, dialect, id, 403, "AUTH_ERROR", REFUSAL_ROUTE_OF_KEY, "");
        return GATE_ANSWERED;
    }
    if (server->worker->draining) {
        refuse_with(server, connection, dialect, id, 503, "UNAVAILABLE", REFUSAL_SHUTTING_DOWN, "");
        return GATE_ANSWERED;
    }
    return pass(server, connection, head, &match, key, id, max_body_bytes, decision);
}

static void on_request(void *data, struct gate_connection *connection, void *decision,
                       struct koine_text fields, struct koine_text body) {
    (void)data;
    (void)connection;
    request_dispatch(decision, fields, body);
}

static void on_ended(void *data, struct gate_connection *connection, void *decision,
                     enum gate_end how) {
    (void)data;
    (void)connection;
    request_ended(decision, how);
}

static void on_drained(void *data, struct gate_connection *connection, void *decision) {
    (void)data;
    (void)connection;
    request_drained(decision);
}

/* The gate knows its limits, but not what they are called in the configuration. */
static const char *name_limit(const struct server *server, const struct route *route, int status,
                              const char *message, struct refusal_text *text) {
    switch (status) {
    case 413:
        return refusal_large_body(text, route, body_limit(server, route));
    case 431:
        return refusal_large_head(text, server->worker->config->http.max_head_bytes);
    default:
        return message;
    }
}

static void on_refuse(void *data, struct gate_connection *connection, const struct gate_head *head,
                      void *decision, int status, const char *code, const char *message) {
    struct server *server = data;
    struct request *request = decision;
    char id[REQUEST_ID_SIZE];
    const struct route *dialect = NULL;
    struct refusal_text text;
    message = name_limit(server, request ? request->route : NULL, status, message, &text);
    if (request) {
        snprintf(id, sizeof(id), "%s", request->id);
        dialect = request->route;
        request->state = REQUEST_ANSWERED;
    } else {
        choose_id(server, head ? head->request_id : (struct koine_text){0}, id);
        if (head) {
            const struct route_request asked = route_request_of(head);
            dialect = router_failure_route(server->router, &asked);
        }
    }
    refuse_with(server, connection, dialect, id, status, code, message, "");
}

static void on_sent(void *data) {
    const struct server *server = data;
    if (server->idle)
        server->idle(server->idle_data);
}

struct server *server_create(struct worker *worker) {
    const struct config *config = worker->config;
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return NULL;
    struct gate_options options = {
        .max_head_bytes = config->http.max_head_bytes,
        .head_timeout_ms = config->http.head_timeout_ms,
        .body_timeout_ms = config->http.body_timeout_ms,
        .idle_timeout_ms = config->http.idle_timeout_ms,
        .write_timeout_ms = config->http.write_timeout_ms,
        .max_connections = config->http.max_connections,
        .header_line = config->demo ? DEMO_HEADER_LINE : NULL,
    };
    static const struct gate_callbacks callbacks = {
        .head = on_head,
        .request = on_request,
        .ended = on_ended,
        .drained = on_drained,
        .refuse = on_refuse,
        .sent = on_sent,
    };
    server->worker = worker;
    server->router = router_create();
    server->requests = handles_create(1);
    server->assets = assets_create(config);
    server->gate = gate_create(worker->base, &options, &callbacks, server);
    if (getrandom(&server->id_prefix, sizeof(server->id_prefix), 0) != sizeof(server->id_prefix) ||
        !server->router || !server->requests || !server->assets || !server->gate) {
        server_destroy(server);
        return NULL;
    }
    return server;
}

int server_listen(struct server *server, int fd) {
    return gate_listen(server->gate, fd);
}

size_t server_open(const struct server *server) {
    struct gate_counters counters;
    gate_count(server->gate, &counters);
    return server->open + (size_t)counters.answers;
}

void server_shut_down(struct server *server) {
    size_t position = 0;
    void *object;
    while (handles_next(server->requests, &position, &object))
        request_shut_down(object);
}

void server_cut(struct server *server) {
    size_t position = 0;
    void *object;
    while (handles_next(server->requests, &position, &object)) {
        struct request *request = object;
        if (request->connection)
            gate_abort(request->connection); /* ends the request inside */
    }
}

void server_destroy(struct server *server) {
    if (!server)
        return;
    gate_destroy(server->gate);
    router_destroy(server->router);
    handles_destroy(server->requests);
    /* after the gate, which may still have been sending them */
    openapi_served_finish(&server->openapi);
    assets_destroy(server->assets);
    free(server);
}
