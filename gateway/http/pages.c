/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own pages: health and the OpenAPI document for everybody, metrics for those who hold a
 * key. */
#include "http/server.h"
#include "ops/health.h"
#include "ops/metrics.h"
#include "runner/runner_metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_STORE "Cache-Control: no-store\r\n"

static bool text_is(struct koine_text text, const char *want) {
    return strlen(want) == text.size && memcmp(text.data, want, text.size) == 0;
}

static void answer(struct gate_connection *connection, int status, const char *type,
                   const char *extra, const char *id, struct koine_text body) {
    char headers[384];
    int n = snprintf(headers, sizeof(headers), "Content-Type: %s\r\n%sX-Request-Id: %s\r\n", type,
                     extra, id);
    gate_answer(connection, status, (struct koine_text){headers, (size_t)n}, body);
}

static void answer_json(struct gate_connection *connection, int status, const char *id,
                        const char *body) {
    answer(connection, status, "application/json; charset=utf-8", NO_STORE, id,
           (struct koine_text){body, strlen(body)});
}

/* Pages are read with GET or HEAD only. */
static bool is_read(const struct gate_head *head) {
    return text_is(head->method, "GET") || head->is_head;
}

static void refuse_method(struct server *server, struct gate_connection *connection,
                          const char *id) {
    struct koine_failure failure = {0};
    failure_set(&failure, 405, "METHOD_NOT_ALLOWED",
                "This path is served, but not with this method; see the header Allow.");
    server_refuse(server, connection, NULL, id, &failure, "Allow: GET, HEAD\r\n");
}

/* ---- the OpenAPI document */

/* Whether If-None-Match names what the client has already: "*", or a list of tags. */
static bool is_known(const struct gate_head *head, const char *etag) {
    struct koine_text list;
    if (!gate_field(head->fields, "if-none-match", &list))
        return false;
    return text_is(list, "*") || memmem(list.data, list.size, etag, strlen(etag));
}

static void answer_openapi(struct server *server, struct gate_connection *connection,
                           const struct gate_head *head, const char *id, enum openapi_form form) {
    const struct openapi_text *text = openapi_served_text(&server->openapi, server->worker, form);
    if (!text) {
        struct koine_failure failure = {0};
        failure_set(&failure, 500, "INTERNAL_ERROR", "The gateway is out of memory.");
        server_refuse(server, connection, NULL, id, &failure, "");
        return;
    }
    char extra[96];
    snprintf(extra, sizeof(extra), "Cache-Control: no-cache\r\nETag: %s\r\n", text->etag);
    answer(connection, is_known(head, text->etag) ? 304 : 200,
           form == OPENAPI_YAML ? "application/yaml; charset=utf-8"
                                : "application/json; charset=utf-8",
           extra, id, (struct koine_text){text->data, text->size});
}

static bool pages_answer_openapi(struct server *server, struct gate_connection *connection,
                                 const struct gate_head *head, const char *id) {
    const bool yaml = text_is(head->path, "/openapi.yaml");
    if (!yaml && !text_is(head->path, "/openapi.json"))
        return false;
    if (is_read(head))
        answer_openapi(server, connection, head, id, yaml ? OPENAPI_YAML : OPENAPI_JSON);
    else
        refuse_method(server, connection, id);
    return true;
}

/* ---- which page it is */

bool pages_answer(struct server *server, struct gate_connection *connection,
                  const struct gate_head *head, const char *id) {
    bool health = text_is(head->path, "/health"), live = text_is(head->path, "/livez");
    if (!health && !live && !text_is(head->path, "/readyz"))
        return pages_answer_openapi(server, connection, head, id);
    if (!is_read(head)) {
        refuse_method(server, connection, id);
    } else if (health) {
        char body[2048];
        int status = health_json(server->worker->health, body, sizeof(body));
        answer_json(connection, status, id, body);
    } else if (live || !server->worker->draining) {
        answer_json(connection, 200, id,
                    live ? "{\"status\":\"alive\"}" : "{\"status\":\"ready\"}");
    } else {
        answer_json(connection, 503, id, "{\"status\":\"draining\"}");
    }
    return true;
}

bool pages_answer_private(struct server *server, struct gate_connection *connection,
                          const struct gate_head *head, const char *id) {
    if (!text_is(head->path, "/metrics"))
        return false;
    if (!is_read(head)) {
        refuse_method(server, connection, id);
        return true;
    }
    size_t size = 0;
    runner_metrics_update(server->worker->runner);
    char *body = metrics_render(server->worker->metrics, &size);
    answer(connection, body ? 200 : 500, "text/plain; version=0.0.4; charset=utf-8", NO_STORE, id,
           (struct koine_text){body, size});
    free(body);
    return true;
}
