/* SPDX-License-Identifier: Apache-2.0 */
/* How a request is answered: whole, as a refusal in the dialect of its route, or as a stream. */
#include "http/answer_header.h"
#include "http/failure_form.h"
#include "test-host/answer.h"
#include "test-host/run.h"
#include <stdlib.h>
#include <string.h>

/* ---- headers */

int32_t reply_add_header(struct koine_test_answer *request, struct koine_text name,
                         struct koine_text value) {
    if (request->state != ANSWER_OPEN)
        return KOINE_WRONG_STATE;
    if (!answer_header_is_fine(name, value, request->headers.size))
        return KOINE_INVALID;
    buffer_print(&request->headers, "%.*s: %.*s\r\n", (int)name.size, name.data, (int)value.size,
                 value.data ? value.data : "");
    return KOINE_OK;
}

static void set_head(struct koine_test_answer *answer, int status, struct koine_text type,
                     const char *extra) {
    answer->status = status;
    buffer_print(&answer->headers, "Content-Type: %.*s\r\nX-Request-Id: %.*s\r\n%s", (int)type.size,
                 type.data, (int)answer->id.size, answer->id.data, extra);
}

/* ---- whole answers */

static void on_sent(void *data) {
    request_end(data, KOINE_END_ANSWERED);
}

/* The request ends in the next turn of the loop, when its bytes have left. */
static int32_t reply(struct koine_test_answer *request, int status, struct koine_text type,
                     struct koine_text body, const char *extra) {
    set_head(request, status, type, extra);
    if (!request->is_head)
        buffer_add(&request->read, body);
    request->state = ANSWER_SENDING;
    request->by_module = true;
    timed_set(request->host, &request->ending, 0, on_sent, request);
    return KOINE_OK;
}

int32_t reply_respond(struct koine_test_answer *request, int status, struct koine_text type,
                      struct koine_text body) {
    if (request->state == ANSWER_STREAMING)
        return KOINE_WRONG_STATE;
    if (status < 200 || status > 599 || !answer_type_is_fine(type))
        return KOINE_INVALID;
    if (!type.data)
        type = KOINE_TEXT("application/json; charset=utf-8");
    return reply(request, status, type, body, "");
}

int32_t reply_fail(struct koine_test_answer *request, const struct koine_failure *failure) {
    char extra[64] = "";
    const char *type;
    size_t size;
    if (request->state == ANSWER_STREAMING)
        return KOINE_WRONG_STATE;
    if (failure->retry_after_s)
        snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", (unsigned)failure->retry_after_s);
    char *body = failure_render(request->host, request->route, failure, &size, &type);
    int status = failure->status >= 400 && failure->status <= 599 ? failure->status : 500;
    int32_t result = reply(request, status, text_of(type), (struct koine_text){body, size}, extra);
    free(body);
    return result;
}

void reply_refuse(struct koine_test_answer *answer, const struct route *route, int status,
                  const char *code, const char *message, const char *header) {
    struct koine_failure failure = {0};
    const char *type;
    size_t size;
    failure_set(&failure, status, code, message);
    char *body = failure_render(answer->host, route, &failure, &size, &type);
    set_head(answer, status, text_of(type), header);
    if (!answer->is_head)
        buffer_add(&answer->read, (struct koine_text){body, size});
    answer->state = ANSWER_ENDED;
    answer->complete = true;
    free(body);
}

/* ---- streams */

/* What the client is to be sent in silence, each time that the interval has passed. */
static void on_silence(void *data) {
    struct koine_test_answer *request = data;
    struct koine_text bytes = text_of(request->keep_alive_bytes);
    if (!request->unread.size) {
        client_note_piece(request, bytes, true);
        client_receive(request, bytes);
    }
    timed_set(request->host, &request->keep_alive, request->keep_alive_ms, on_silence, request);
}

static void arm_keep_alive(struct koine_test_answer *request) {
    if (request->keep_alive_bytes && !request->is_head)
        timed_set(request->host, &request->keep_alive, request->keep_alive_ms, on_silence, request);
}

int32_t stream_begin(struct koine_test_answer *request,
                     const struct koine_stream_options *options) {
    struct answer_stream_head head;
    if (request->state != ANSWER_OPEN)
        return KOINE_WRONG_STATE;
    if (!answer_stream_begins(options, &head))
        return KOINE_INVALID;
    set_head(request, head.status, head.content_type, head.extra);
    request->keep_alive_bytes = head.keep_alive.size ? memory_text(head.keep_alive) : NULL;
    request->keep_alive_ms =
        options->keep_alive_ms ? options->keep_alive_ms : request->host->limits.keep_alive_ms;
    request->drained = options->drained;
    request->drained_data = options->data;
    request->state = ANSWER_STREAMING;
    arm_keep_alive(request);
    return KOINE_OK;
}

/* See queue_limit of the gateway's answer.c: four times the mark and the largest write. */
static bool is_over(struct koine_test_answer *request, size_t size) {
    if (size > request->largest_write)
        request->largest_write = size;
    return request->unread.size >
           4 * (request->host->limits.stream_buffer_bytes + request->largest_write);
}

int32_t stream_write(struct koine_test_answer *request, struct koine_text bytes) {
    struct koine_test_host *host = request->host;
    if (request->state != ANSWER_STREAMING)
        return KOINE_WRONG_STATE;
    if (request->is_head || !bytes.size)
        return KOINE_OK;
    client_note_piece(request, bytes, false);
    client_receive(request, bytes);
    arm_keep_alive(request);
    bool full = request->stream_full || request->unread.size > host->limits.stream_buffer_bytes;
    if (!full)
        return KOINE_OK;
    if (!request->stream_full) {
        request->stream_full = true;
        if (request->run)
            run_stream_full(request->run, true);
    }
    if (!is_over(request, bytes.size))
        return KOINE_FULL;
    finding_add(host, "wrong-state",
                "%s wrote on although stream_write had answered KOINE_FULL, until the host cut it; "
                "wait for drained",
                answer_name(request));
    request_end(request, KOINE_END_CLIENT_LEFT);
    return KOINE_GONE;
}

int32_t stream_end(struct koine_test_answer *request) {
    if (request->state != ANSWER_STREAMING)
        return KOINE_WRONG_STATE;
    request->state = ANSWER_SENDING;
    request->by_module = true;
    timed_stop(request->host, &request->keep_alive);
    if (!request->unread.size)
        timed_set(request->host, &request->ending, 0, on_sent, request);
    return KOINE_OK;
}
