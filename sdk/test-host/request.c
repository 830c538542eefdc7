/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request as the module sees it: from its handler to its end, once, and until its run
 * is over. How it is answered is reply.c and stream.c.
 */
#include "http/failure_form.h"
#include "http/refusal_words.h"
#include "test-host/answer.h"
#include "test-host/call.h"
#include "test-host/run.h"
#include <stdlib.h>
#include <string.h>

struct answer_memory {
    struct answer_memory *next;
    size_t bytes;
    max_align_t data[];
};

struct answer_watcher {
    struct answer_watcher *next;
    void (*callback)(void *data, koine_request request, int32_t how);
    void *data;
};

const char *answer_name(const struct koine_test_answer *answer) {
    static _Thread_local struct route_name name;
    return route_name(&answer->route->as, &name);
}

bool answer_is_open(const struct koine_test_answer *answer) {
    return answer && (answer->state == ANSWER_OPEN || answer->state == ANSWER_STREAMING);
}

bool answer_waits_for_reader(const struct koine_test_answer *answer) {
    return answer->state == ANSWER_SENDING && answer->unread.size > 0;
}

/* ---- memory */

void *request_alloc(struct koine_test_answer *request, size_t bytes) {
    struct answer_memory *block = memory_zeroed(sizeof(*block) + (bytes ? bytes : 1));
    block->bytes = bytes;
    block->next = request->memory;
    request->memory = block;
    return block->data;
}

struct koine_text request_copy(struct koine_test_answer *request, struct koine_text text) {
    if (!text.data)
        return text;
    char *copy = request_alloc(request, text.size + 1);
    if (text.size)
        memcpy(copy, text.data, text.size);
    return (struct koine_text){copy, text.size};
}

/* Overwritten first: a module that still reads it is found out also without a sanitizer. */
static void free_memory(struct answer_memory *memory) {
    while (memory) {
        struct answer_memory *block = memory;
        memory = block->next;
        memset(block->data, 0xDD, block->bytes);
        free(block);
    }
}

void request_free_kept(struct koine_test_host *host) {
    struct answer_memory *kept = host->kept_memory;
    host->kept_memory = NULL;
    free_memory(kept);
}

/* Not from under the callback whose own call has ended the request. */
static void give_up_memory(struct koine_test_answer *request) {
    struct koine_test_host *host = request->host;
    while (request->memory) {
        struct answer_memory *block = request->memory;
        request->memory = block->next;
        block->next = host->kept_memory;
        host->kept_memory = block;
    }
    if (host->depth == 0)
        request_free_kept(host);
}

/* ---- the deadline */

uint64_t answer_limit_ms(const struct koine_test_answer *answer) {
    uint32_t own = answer->route ? answer->route->as.deadline_ms : 0;
    return own ? own : answer->host->limits.request_timeout_ms;
}

/* A run that was given time speaks for its module. */
static void note_forgotten(struct koine_test_answer *request, const char *until) {
    if (request->forgotten)
        return;
    request->forgotten = true;
    if (request->state == ANSWER_STREAMING)
        finding_add(request->host, "stream-not-ended", "%s: its stream was not ended until %s",
                    answer_name(request), until);
    else
        finding_add(request->host, "not-answered", "%s was not answered until %s",
                    answer_name(request), until);
}

static void on_deadline(void *data) {
    struct koine_test_answer *request = data;
    struct koine_test_host *host = request->host;
    struct koine_failure failure = {0};
    if (!answer_is_open(request))
        return;
    bool again = request->how == KOINE_END_DEADLINE;
    if (again || (request->state == ANSWER_STREAMING && !request->run)) {
        note_forgotten(request, again ? "5 s after its deadline" : "its deadline");
        request_end(request, KOINE_END_DEADLINE);
        return;
    }
    request->how = KOINE_END_DEADLINE;
    timed_set(host, &request->deadline, ANSWER_GRACE_MS, on_deadline, request);
    failure_set(&failure, 504, "TIMEOUT_ERROR",
                "No result in time: the whole request took too long.");
    if (request->run) /* the run tells its module, which answers in its own form */
        run_timed_out(request->run, "the whole request");
    if (request->state == ANSWER_OPEN) {
        note_forgotten(request, "its deadline; the host answered 504");
        reply_fail(request, &failure);
        request->by_module = false;
    }
}

void request_set_deadline(struct koine_test_answer *request, uint32_t deadline_ms) {
    uint64_t now = request->host->now_ms;
    if (!request->deadline_at_ms)
        request->deadline_at_ms = now + answer_limit_ms(request);
    uint64_t left = request->deadline_at_ms > now ? request->deadline_at_ms - now : 0;
    timed_set(request->host, &request->deadline, deadline_ms < left ? deadline_ms : left,
              on_deadline, request);
}

/* ---- begin */

void request_dispatch(struct koine_test_answer *request) {
    struct koine_test_host *host = request->host;
    struct visit visit;
    koine_request handle = {request->handle};
    visit_begin(&visit, host, "the handler of %s", answer_name(request));
    request->route->as.handler(host->self, handle);
    visit_end(&visit);
    request = handle_get(host, HANDLE_REQUEST, handle.id);
    if (answer_is_open(request) && !request->deadline.waiting)
        request_set_deadline(request, UINT32_MAX);
}

void request_on_end(struct koine_test_answer *request,
                    void (*callback)(void *data, koine_request request, int32_t how), void *data) {
    struct answer_watcher *watcher = request_alloc(request, sizeof(*watcher));
    *watcher = (struct answer_watcher){request->watchers, callback, data};
    request->watchers = watcher;
}

/* ---- the end */

static void free_when_over(struct koine_test_answer *request) {
    if (request->state != ANSWER_ENDED || request->run)
        return;
    slot_return(request);
    handle_remove(request->host, HANDLE_REQUEST, request->handle);
    tool_policy_unref(request->policy);
    request->policy = NULL;
    give_up_memory(request);
}

void request_end(struct koine_test_answer *request, int32_t how) {
    struct koine_test_host *host = request->host;
    struct visit visit;
    bool answered = how == KOINE_END_ANSWERED;
    if (request->state == ANSWER_ENDED)
        return;
    if (request->how == KOINE_END_ANSWERED)
        request->how = how;
    request->state = ANSWER_ENDED;
    request->complete = true;
    timed_stop(host, &request->deadline);
    timed_stop(host, &request->ending);
    timed_stop(host, &request->keep_alive);
    timed_stop(host, &request->drain);
    while (request->watchers) {
        struct answer_watcher *watcher = request->watchers;
        request->watchers = watcher->next;
        visit_begin(&visit, host, "on_end of %s", answer_name(request));
        watcher->callback(watcher->data, (koine_request){request->handle}, request->how);
        visit_end(&visit);
    }
    if (request->run)
        run_release(request->run, answered ? "cancelled" : "client_left");
    free_when_over(request);
}

void request_run_over(struct koine_test_answer *request) {
    request->run = NULL;
    free_when_over(request);
}

void request_shut_down(struct koine_test_answer *request) {
    struct koine_failure failure = {0};
    if (!answer_is_open(request))
        return;
    request->how = KOINE_END_SHUTDOWN;
    failure_set(&failure, 503, "UNAVAILABLE", REFUSAL_ENDED_BY_SHUTDOWN);
    if (request->run)
        run_shut_down(request->run, &failure);
    else
        note_forgotten(request, "the end of the drain");
    if (request->state == ANSWER_OPEN) {
        reply_fail(request, &failure);
        request->by_module = false;
    } else if (request->state == ANSWER_STREAMING && !request->run) {
        request_end(request, KOINE_END_SHUTDOWN);
    }
}

void request_drained(struct koine_test_answer *request) {
    struct visit visit;
    request->stream_full = false;
    if (request->run)
        run_stream_full(request->run, false);
    if (!request->drained || request->state != ANSWER_STREAMING)
        return;
    visit_begin(&visit, request->host, "drained of %s", answer_name(request));
    request->drained(request->drained_data, (koine_request){request->handle});
    visit_end(&visit);
}

void request_free(struct koine_test_answer *request) {
    struct koine_test_host *host = request->host;
    timed_stop(host, &request->deadline);
    timed_stop(host, &request->ending);
    timed_stop(host, &request->keep_alive);
    timed_stop(host, &request->drain);
    tool_policy_unref(request->policy);
    give_up_memory(request);
    for (size_t i = 0; i < request->piece_count; i++)
        free((void *)(uintptr_t)request->pieces[i].data);
    free(request->pieces);
    free(request->events);
    free(request->event_text);
    free(request->keep_alive_bytes);
    buffer_finish(&request->headers);
    buffer_finish(&request->read);
    buffer_finish(&request->unread);
    json_decref(request->fields);
    json_decref(request->parsed);
    free(request);
}
