/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own pages: health and the OpenAPI document for everybody, metrics for those who hold a
 * key. */
#include "http/page.h"
#include "http/refusal_words.h"
#include "http/server.h"
#include "ops/health.h"
#include "ops/metrics.h"
#include "runner/runner_metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer(struct gate_connection *connection, int status, const char *type,
                   const char *extra, const char *id, struct koine_text body) {
    char headers[384];
    int n = snprintf(headers, sizeof(headers),
                     "Content-Type: %s\r\nCache-Control: no-store\r\nX-Request-Id: %s\r\n%s", type,
                     id, extra);
    gate_answer(connection, status, (struct koine_text){headers, (size_t)n}, body);
}

static void answer_json(struct gate_connection *connection, int status, const char *id,
                        const char *body) {
    answer(connection, status, "application/json; charset=utf-8", "", id,
           (struct koine_text){body, strlen(body)});
}

static void answer_openapi(struct server *server, struct gate_connection *connection,
                           const struct gate_head *head, const char *id, enum openapi_form form) {
    if (!page_is_read(server, connection, head, id))
        return;
    const struct openapi_text *text = openapi_served_text(&server->openapi, server->worker, form);
    if (!text) {
        struct koine_failure failure = {0};
        failure_set(&failure, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY);
        server_refuse(server, connection, NULL, id, &failure, "");
        return;
    }
    const struct page page = {.content_type = form == OPENAPI_YAML
                                                  ? "application/yaml; charset=utf-8"
                                                  : "application/json; charset=utf-8",
                              .headers = "",
                              .etag = text->etag,
                              .body = {text->data, text->size}};
    page_answer(server, connection, head, id, &page);
}

static bool pages_answer_openapi(struct server *server, struct gate_connection *connection,
                                 const struct gate_head *head, const char *id) {
    const bool yaml = page_path_is(head, "/openapi.yaml");
    if (!yaml && !page_path_is(head, "/openapi.json"))
        return false;
    answer_openapi(server, connection, head, id, yaml ? OPENAPI_YAML : OPENAPI_JSON);
    return true;
}

bool pages_answer(struct server *server, struct gate_connection *connection,
                  const struct gate_head *head, const char *id) {
    bool health = page_path_is(head, "/health"), live = page_path_is(head, "/livez");
    if (!health && !live && !page_path_is(head, "/readyz"))
        return pages_answer_openapi(server, connection, head, id);
    if (!page_is_read(server, connection, head, id))
        return true;
    if (health) {
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
    if (!page_path_is(head, "/metrics"))
        return false;
    if (!page_is_read(server, connection, head, id))
        return true;
    size_t size = 0;
    runner_metrics_update(server->worker->runner);
    char *body = metrics_render(server->worker->metrics, &size);
    answer(connection, body ? 200 : 500, "text/plain; version=0.0.4; charset=utf-8", "", id,
           (struct koine_text){body, size});
    free(body);
    return true;
}
