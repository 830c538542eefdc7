/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own pages: health for everybody, metrics for those who hold a key. */
#include "http/refusal_text.h"
#include "http/server.h"
#include "ops/health.h"
#include "ops/metrics.h"
#include "runner/runner_metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_is(struct koine_text text, const char *want) {
    return strlen(want) == text.size && memcmp(text.data, want, text.size) == 0;
}

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

/* Pages are read with GET or HEAD only. */
static bool is_read(const struct gate_head *head) {
    return text_is(head->method, "GET") || head->is_head;
}

static void refuse_method(struct server *server, struct gate_connection *connection,
                          const struct gate_head *head, const char *id) {
    struct koine_failure failure = {0};
    struct refusal_text text;
    failure_set(&failure, 405, "METHOD_NOT_ALLOWED",
                refusal_wrong_method(&text, head->method, head->path, "GET, HEAD"));
    server_refuse(server, connection, NULL, id, &failure, "Allow: GET, HEAD\r\n");
}

bool pages_answer(struct server *server, struct gate_connection *connection,
                  const struct gate_head *head, const char *id) {
    bool health = text_is(head->path, "/health"), live = text_is(head->path, "/livez");
    if (!health && !live && !text_is(head->path, "/readyz"))
        return false;
    if (!is_read(head)) {
        refuse_method(server, connection, head, id);
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
        refuse_method(server, connection, head, id);
        return true;
    }
    size_t size = 0;
    runner_metrics_update(server->worker->runner);
    char *body = metrics_render(server->worker->metrics, &size);
    answer(connection, body ? 200 : 500, "text/plain; version=0.0.4; charset=utf-8", "", id,
           (struct koine_text){body, size});
    free(body);
    return true;
}
