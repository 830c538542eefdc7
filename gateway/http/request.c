/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's life: made when its head has passed, handed to the module's handler, ended once,
 * freed when its run is over too. How it is answered is answer.c.
 */
#include "http/request.h"
#include "http/refusal_words.h"
#include "http/server.h"
#include "modules/module.h"
#include "policy/session_id.h"
#include "runner/runner.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request_memory {
    struct request_memory *next;
    max_align_t bytes[];
};

struct request_watcher {
    struct request_watcher *next;
    void (*callback)(void *data, koine_request request, int32_t how);
    void *data;
};

static struct koine_text put(char **at, struct koine_text text) {
    struct koine_text copy = {*at, text.size};
    if (text.size)
        memcpy(*at, text.data, text.size);
    *at += text.size;
    return text.data ? copy : text;
}

static struct koine_text put_decoded(char **at, struct koine_text text) {
    struct koine_text copy = {*at, 0};
    if (!path_decode(text, *at, &copy.size))
        return put(at, text);
    *at += copy.size;
    return copy;
}

/* Copies what must outlive the head into one block. */
static bool copy_head(struct request *request, const struct gate_head *head,
                      const struct route_match *match) {
    size_t size = head->method.size + head->path.size + head->query.size + 1;
    for (size_t i = 0; i < match->param_count; i++)
        size += match->params[i].size;
    char *at = request->head = malloc(size);
    if (!at)
        return false;
    request->method = put(&at, head->method);
    request->path = put_decoded(&at, head->path);
    request->query = put(&at, head->query);
    for (size_t i = 0; i < match->param_count; i++)
        request->params[i] = put_decoded(&at, match->params[i]);
    return true;
}

struct request *request_create(struct worker *worker, struct gate_connection *connection,
                               const struct gate_head *head, const struct route_match *match,
                               struct key *key, const char *id) {
    struct request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    request->worker = worker;
    request->connection = connection;
    request->route = match->route;
    request->state = REQUEST_READING;
    snprintf(request->id, sizeof(request->id), "%s", id);
    if (key)
        request_act_as(request, key);
    else
        request->policy = tool_policy_ref(keys_gateway_policy(worker->keys));
    if (!request->policy || !copy_head(request, head, match) ||
        !(request->handle = handles_add(worker->server->requests, request))) {
        tool_policy_unref(request->policy);
        free(request->head);
        free(request);
        return NULL;
    }
    worker->server->open++;
    return request;
}

void request_act_as(struct request *request, struct key *key) {
    struct tool_policy *policy = tool_policy_ref(key->policy);
    tool_policy_unref(request->policy);
    request->policy = policy;
    request->key = key;
}

struct request *request_find(struct worker *worker, koine_request handle) {
    return handles_get(worker->server->requests, handle.id);
}

bool request_is_open(const struct request *request) {
    return request && (request->state == REQUEST_OPEN || request->state == REQUEST_STREAMING);
}

struct koine_text request_id_text(const struct request *request) {
    return (struct koine_text){request->id, strlen(request->id)};
}

/* A module that has not ended its stream some seconds after the deadline does not get more time. */
#define AFTER_DEADLINE_S 5

/* The module owed an answer: no run is at work that it could wait for. */
static void complain_unanswered(struct request *request) {
    struct module *module = request->route->module;
    struct route_name name;
    module_count_unanswered(module);
    module_complain(module, KOINE_LOG_WARNING, request_id_text(request),
                    request->state == REQUEST_STREAMING
                        ? "manners: the stream of %s was not ended within %llu ms"
                        : "manners: %s was not answered within %llu ms",
                    route_name(&request->route->as, &name),
                    (unsigned long long)(request->expires_ms - request->opened_ms));
}

/* Who can give the request more time. */
static const char *whose_deadline(const struct request *request) {
    if (request->expires_ms < request->deadline_at_ms)
        return "the whole request (a limit that its module has set)";
    return request->route->as.deadline_ms ? "the whole request (a limit of its route)"
                                          : "the whole request (http.request_timeout_ms)";
}

static void on_deadline(evutil_socket_t fd, short what, void *data) {
    (void)fd;
    (void)what;
    struct request *request = data;
    struct koine_failure failure = {0};
    struct timeval grace = {AFTER_DEADLINE_S, 0};
    if (!request_is_open(request))
        return;
    if (!request->run)
        complain_unanswered(request);
    if (request->how == KOINE_END_DEADLINE ||
        (request->state == REQUEST_STREAMING && !request->run)) {
        request->how = KOINE_END_DEADLINE;
        gate_abort(request->connection);
        return;
    }
    request->how = KOINE_END_DEADLINE;
    evtimer_add(request->deadline, &grace);
    failure_print(request, &failure, 504, "TIMEOUT_ERROR", REFUSAL_TIMEOUT,
                  whose_deadline(request));
    if (request->run) /* the run tells its module, which answers in its own form */
        runner_timed_out(request->run, whose_deadline(request));
    if (request->state == REQUEST_OPEN)
        request_fail(request, &failure);
}

void request_shut_down(struct request *request) {
    static const char code[] = "UNAVAILABLE", message[] = REFUSAL_ENDED_BY_SHUTDOWN;
    struct koine_failure failure = {0};
    struct route_name name;
    if (request->state == REQUEST_READING) {
        gate_refuse_body(request->connection, 503, code, message);
        return;
    }
    if (!request_is_open(request))
        return;
    request->how = KOINE_END_SHUTDOWN;
    failure_set(&failure, 503, code, message);
    if (!request->run)
        log_print_request(request->worker->log, KOINE_LOG_WARNING,
                          module_name(request->route->module), request_id_text(request),
                          "%s is ended: the module had not %s it when drain_seconds were over",
                          route_name(&request->route->as, &name),
                          request->state == REQUEST_STREAMING ? "ended" : "answered");
    if (request->run)
        runner_shut_down(request->run, &failure);
    if (request->state == REQUEST_OPEN)
        request_fail(request, &failure);
    else if (request->state == REQUEST_STREAMING && !request->run)
        gate_abort(request->connection);
}

static uint32_t deadline_limit_ms(const struct request *request) {
    uint32_t own = request->route->as.deadline_ms;
    return own ? own : request->worker->config->http.request_timeout_ms;
}

int request_set_deadline(struct request *request, uint32_t deadline_ms) {
    uint64_t now = worker_now_ms();
    if (!request->deadline) {
        request->deadline = evtimer_new(request->worker->base, on_deadline, request);
        if (!request->deadline)
            return KOINE_NO_MEMORY;
        request->opened_ms = now; /* its handler has just run, or is at it */
        request->deadline_at_ms = now + deadline_limit_ms(request);
    }
    uint64_t at =
        now + deadline_ms < request->deadline_at_ms ? now + deadline_ms : request->deadline_at_ms;
    uint64_t left = at > now ? at - now : 0;
    request->expires_ms = at;
    struct timeval wait = {(time_t)(left / 1000), (suseconds_t)(left % 1000 * 1000)};
    return evtimer_add(request->deadline, &wait) ? KOINE_NO_MEMORY : KOINE_OK;
}

static void call_handler(const struct route *route, koine_request handle) {
    MODULE_RUNS_IN(route->module, NOTES_HANDLER, route);
    route->as.handler(route->module->self, handle);
}

void request_dispatch(struct request *request, struct koine_text fields, struct koine_text body) {
    assert(request->state == REQUEST_READING);
    request->state = REQUEST_OPEN;
    request->fields = fields;
    request->body = body;
    struct worker *worker = request->worker;
    const struct route *route = request->route;
    koine_request handle = {request->handle};
    call_handler(route, handle);
    request = request_find(worker, handle); /* a handler that overfills its stream is cut */
    if (request_is_open(request) && !request->deadline &&
        request_set_deadline(request, deadline_limit_ms(request)) != KOINE_OK) {
        struct koine_failure failure = {0};
        failure_set(&failure, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY);
        request_fail(request, &failure);
    }
}

static void free_memory(struct request_memory *memory) {
    while (memory) {
        struct request_memory *next = memory->next;
        free(memory);
        memory = next;
    }
}

/* A module whose own call has ended the request may still touch what is in its memory. */
static void give_up_memory(struct request *request) {
    struct server *server = request->worker->server;
    if (!module_code_runs(request->worker)) {
        free_memory(request->memory);
        return;
    }
    while (request->memory) {
        struct request_memory *block = request->memory;
        request->memory = block->next;
        block->next = server->kept;
        server->kept = block;
    }
}

void request_free_kept(struct server *server) {
    struct request_memory *kept = server->kept;
    server->kept = NULL;
    free_memory(kept);
}

/* Frees the record once both the answer is out and the run is over. */
static void free_when_over(struct request *request) {
    if (request->state != REQUEST_ENDED || request->run)
        return;
    struct server *server = request->worker->server;
    request_return_slot(request);
    handles_remove(server->requests, request->handle);
    if (request->deadline)
        event_free(request->deadline);
    tool_policy_unref(request->policy);
    give_up_memory(request);
    free(request->headers);
    free(request->head);
    free(request);
    if (--server->open == 0 && server->idle)
        server->idle(server->idle_data);
}

void request_ended(struct request *request, enum gate_end how) {
    bool answered = request->state == REQUEST_ANSWERED && how == GATE_SENT;
    if (!answered && request->how == KOINE_END_ANSWERED)
        request->how = how == GATE_ABORTED && request->worker->draining ? KOINE_END_SHUTDOWN
                                                                        : KOINE_END_CLIENT_LEFT;
    request->state = REQUEST_ENDED;
    request->connection = NULL;
    request->fields = request->body = (struct koine_text){0};
    if (request->deadline)
        evtimer_del(request->deadline);
    while (request->watchers) {
        struct request_watcher *watcher = request->watchers;
        request->watchers = watcher->next;
        MODULE_RUNS_IN(request->route->module, NOTES_REQUEST_END, request->route);
        watcher->callback(watcher->data, (koine_request){request->handle}, request->how);
    }
    if (request->run)
        runner_release(request->run, answered ? "cancelled" : "client_left");
    free_when_over(request);
}

void request_run_over(struct request *request) {
    request->run = NULL;
    free_when_over(request);
}

void *request_alloc(struct request *request, size_t bytes) {
    if (bytes > SIZE_MAX / 2)
        return NULL;
    struct request_memory *block = calloc(1, sizeof(*block) + (bytes ? bytes : 1));
    if (!block)
        return NULL;
    block->next = request->memory;
    request->memory = block;
    return block->bytes;
}

struct koine_text request_copy(struct request *request, struct koine_text text) {
    if (!text.data)
        return text;
    char *copy = request_alloc(request, text.size + 1);
    if (copy && text.size)
        memcpy(copy, text.data, text.size);
    return (struct koine_text){copy, copy ? text.size : 0};
}

int request_on_end(struct request *request, void (*callback)(void *, koine_request, int32_t),
                   void *data) {
    struct request_watcher *watcher = request_alloc(request, sizeof(*watcher));
    if (!watcher)
        return KOINE_NO_MEMORY;
    *watcher = (struct request_watcher){request->watchers, callback, data};
    request->watchers = watcher;
    return KOINE_OK;
}

int32_t request_check_session(struct request *request, struct koine_text session_id,
                              struct koine_failure *failure) {
    struct worker *worker = request->worker;
    if (!session_id_is_uuid(session_id))
        return failure_issue(request, failure, "sessionId",
                             "must be a UUID that an earlier answer gave");
    const struct key *key = request->key; /* nobody's request: no session is nobody's */
    int foreign = worker->config->sessions.accept_foreign;
    bool accept = foreign < 0 ? keys_count(worker->keys) == 1 : foreign == 1;
    if (key && (accept || session_id_belongs(worker->session_ids, key->config->name, session_id)))
        return KOINE_OK;
    return failure_set(failure, 404, "SESSION_NOT_FOUND", REFUSAL_NO_SESSION);
}

int32_t request_refuse_slot(const struct request *request, struct koine_failure *failure) {
    failure_set(failure, 429, "CONCURRENCY_LIMIT_ERROR", "Concurrency limit exceeded");
    failure->retry_after_s = slot_retry_after_s(request->route->slot_class, request->key);
    return KOINE_REFUSED;
}

void request_hold_slot(struct request *request) {
    request->slot_held = true;
    request->slot_key = request->key;
}

bool request_take_slot(struct request *request, struct koine_failure *failure) {
    if (!request->route->slot_class || request->slot_held)
        return true;
    if (!slot_take(request->route->slot_class, request->key)) {
        request_refuse_slot(request, failure);
        return false;
    }
    request_hold_slot(request);
    return true;
}

/* Whoever waits in line is given it before this returns. */
void request_return_slot(struct request *request) {
    if (!request->slot_held)
        return;
    request->slot_held = false;
    slot_return(request->route->slot_class, request->slot_key);
}
