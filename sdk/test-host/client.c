/* SPDX-License-Identifier: Apache-2.0 */
/* The client: sends requests as the test says, and reads as fast as the test lets it. */
#include "http/refusal_text.h"
#include "http/refusal_words.h"
#include "test-host/answer.h"
#include "test-host/host.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what it reads */

void client_note_piece(struct koine_test_answer *answer, struct koine_text bytes, bool keep_alive) {
    answer->pieces =
        memory_resize(answer->pieces, (answer->piece_count + 1) * sizeof(struct koine_test_piece));
    answer->pieces[answer->piece_count++] = (struct koine_test_piece){
        memory_text(bytes), bytes.size, koine_test_now_ms(answer->host), keep_alive};
}

void client_receive(struct koine_test_answer *answer, struct koine_text bytes) {
    size_t now = bytes.size;
    if (answer->stops_after) {
        size_t room =
            answer->stops_after > answer->read.size ? answer->stops_after - answer->read.size : 0;
        now = room < bytes.size ? room : bytes.size;
    }
    buffer_add(&answer->read, (struct koine_text){bytes.data, now});
    if (now < bytes.size)
        buffer_add(&answer->unread, (struct koine_text){bytes.data + now, bytes.size - now});
}

static void on_sent(void *data) {
    request_end(data, KOINE_END_ANSWERED);
}

static void on_drained(void *data) {
    request_drained(data);
}

void koine_test_client_reads(struct koine_test_answer *answer) {
    struct koine_test_host *host = answer->host;
    answer->stops_after = 0;
    if (answer->unread.size) {
        buffer_add(&answer->read, (struct koine_text){answer->unread.data, answer->unread.size});
        buffer_finish(&answer->unread);
    }
    if (answer->state == ANSWER_SENDING)
        timed_set(host, &answer->ending, 0, on_sent, answer);
    else if (answer->state == ANSWER_STREAMING && answer->stream_full)
        timed_set(host, &answer->drain, 0, on_drained, answer);
    host_settle(host);
}

void koine_test_client_leaves(struct koine_test_answer *answer) {
    if (answer->handle)
        request_end(answer, KOINE_END_CLIENT_LEFT);
    host_settle(answer->host);
}

/* ---- what it sends */

static struct koine_text copy(struct koine_test_answer *answer, const char *data, size_t size) {
    return request_copy(answer, (struct koine_text){data ? data : "", size});
}

static void add_field(struct koine_test_answer *answer, const char *line) {
    size_t size = strcspn(line, ":");
    char *name = memory_text((struct koine_text){line, size});
    const char *value = line[size] ? line + size + 1 : "";
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    value += strspn(value, " \t");
    if (!json_object_get(answer->fields, name))
        json_object_set_new(answer->fields, name, memory_need(json_string(value)));
    free(name);
}

const char *client_field(const struct koine_test_answer *answer, const char *name) {
    const char *sent;
    json_t *value;
    json_object_foreach(answer->fields, sent, value) {
        if (strcasecmp(sent, name) == 0)
            return json_string_value(value);
    }
    return NULL;
}

static void add_key(struct koine_test_answer *answer, const char *key) {
    char line[1100];
    if (!key)
        key = answer->host->keys[0].secret;
    if (!*key)
        return;
    snprintf(line, sizeof(line), "Authorization: Bearer %s", key);
    add_field(answer, line);
}

/* As the gateway: a client's own id when it is short and harmless, else one is made. */
static void choose_id(struct koine_test_answer *answer) {
    static const char fine[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:";
    const char *sent = json_string_value(json_object_get(answer->fields, "x-request-id"));
    char made[32];
    size_t size = sent ? strlen(sent) : 0;
    if (!sent || size < 1 || size > 64 || strspn(sent, fine) != size) {
        snprintf(made, sizeof(made), "request-%zu", answer->host->answer_count);
        sent = made;
    }
    answer->id = copy(answer, sent, strlen(sent));
}

static struct koine_text decode(struct koine_test_answer *answer, struct koine_text raw) {
    char *out = request_alloc(answer, raw.size + 1);
    size_t size;
    return path_decode(raw, out, &size) ? (struct koine_text){out, size}
                                        : request_copy(answer, raw);
}

static struct koine_test_answer *create(struct koine_test_host *host,
                                        const struct koine_test_request *request) {
    struct koine_test_answer *answer = memory_zeroed(sizeof(*answer));
    const char *method = request->method ? request->method : "GET";
    answer->host = host;
    answer->fields = memory_need(json_object());
    answer->stops_after = request->stops_reading_after;
    answer->is_head = strcmp(method, "HEAD") == 0;
    host->answers =
        memory_resize(host->answers, (host->answer_count + 1) * sizeof(struct koine_test_answer *));
    host->answers[host->answer_count++] = answer;
    for (const char *const *line = request->headers; line && *line; line++)
        add_field(answer, *line);
    add_key(answer, request->key);
    choose_id(answer);
    answer->method = copy(answer, method, strlen(method));
    answer->peer = request_copy(answer, text_of(request->peer ? request->peer : "127.0.0.1:4711"));
    size_t size =
        request->body ? (request->body_size ? request->body_size : strlen(request->body)) : 0;
    answer->body = copy(answer, request->body, size);
    return answer;
}

static bool carries(const void *data, const char *header) {
    const struct koine_test_answer *answer = data;
    return client_field(answer, header) != NULL;
}

static void refuse_unknown(struct koine_test_answer *answer, const struct route *dialect,
                           const struct route_match *match, const struct route_request *asked) {
    char allow[128], header[160];
    struct refusal_text text;
    if (!match->same_path) {
        reply_refuse(answer, dialect, 404, "NOT_FOUND",
                     refusal_unknown_path(&text, answer->host->router, asked->path), "");
        return;
    }
    router_allow(answer->host->router, asked, allow, sizeof(allow));
    snprintf(header, sizeof(header), "Allow: %s\r\n", allow);
    reply_refuse(answer, dialect, 405, "METHOD_NOT_ALLOWED",
                 refusal_wrong_method(&text, asked->method, asked->path, allow), header);
}

/* 401 and 403 as in the gateway's server.c. */
static bool authenticated(struct koine_test_answer *answer, const struct route_match *match,
                          const struct route *dialect) {
    if (match->route && match->route->as.authentication == KOINE_AUTH_NONE)
        return true;
    switch (access_check(answer, dialect)) {
    case 0:
        return true;
    case 401:
        reply_refuse(answer, dialect, 401, "UNAUTHORIZED", route_key_wanted(dialect),
                     "WWW-Authenticate: Bearer\r\n");
        return false;
    default:
        reply_refuse(answer, dialect, route_wrong_key_status(dialect), "AUTH_ERROR",
                     REFUSAL_WRONG_KEY,
                     route_wrong_key_status(dialect) == 401 ? "WWW-Authenticate: Bearer\r\n" : "");
        return false;
    }
}

/* The route of the module's that the request goes to; NULL: the host has answered. */
static const struct route *pass(struct koine_test_answer *answer, struct koine_text path,
                                struct route_match *match) {
    struct koine_test_host *host = answer->host;
    const struct route_request asked = {answer->method, path, carries, answer};
    router_match(host->router, &asked, match);
    const struct route *dialect = match->route ? match->route : match->same_path;
    if (!dialect)
        dialect = router_failure_route(host->router, &asked);
    if (!authenticated(answer, match, dialect))
        return NULL;
    const struct route *route = match->route;
    struct refusal_text text;
    uint64_t limit =
        route && route->as.max_body_bytes ? route->as.max_body_bytes : host->limits.max_body_bytes;
    if (!route || !route->module)
        refuse_unknown(answer, dialect, match, &asked);
    else if (answer->key && !access_may_use(answer->key, path))
        reply_refuse(answer, dialect, 403, "AUTH_ERROR", REFUSAL_ROUTE_OF_KEY, "");
    else if (host->state != HOST_SERVING)
        reply_refuse(answer, dialect, 503, "UNAVAILABLE", REFUSAL_SHUTTING_DOWN, "");
    else if (answer->body.size > limit)
        reply_refuse(answer, dialect, 413, "PAYLOAD_TOO_LARGE",
                     refusal_large_body(&text, route, limit), "");
    else
        return route;
    return NULL;
}

struct koine_test_answer *koine_test_request(struct koine_test_host *host,
                                             const struct koine_test_request *request) {
    struct koine_test_answer *answer = create(host, request);
    const char *target = request->path ? request->path : "/";
    struct route_match match;
    size_t size = strcspn(target, "?");
    struct koine_text path = copy(answer, target, size);
    const struct route *route = pass(answer, path, &match);
    if (!route)
        return answer;
    answer->route = route;
    answer->path = decode(answer, path);
    if (target[size])
        answer->query = copy(answer, target + size + 1, strlen(target + size + 1));
    for (size_t i = 0; i < match.param_count; i++)
        answer->params[i] = decode(answer, match.params[i]);
    answer->policy =
        answer->key ? tool_policy_ref(answer->key->policy) : memory_need(tool_policy_create());
    answer->handle = handle_add(host, HANDLE_REQUEST, answer);
    host->waited_ms = 0;
    request_dispatch(answer);
    host_settle(host);
    return answer;
}

struct koine_test_answer *koine_test_send(struct koine_test_host *host, const char *method,
                                          const char *path, const char *body) {
    struct koine_test_answer *answer = koine_test_request(
        host, &(struct koine_test_request){.method = method, .path = path, .body = body});
    koine_test_await(answer);
    return answer;
}
