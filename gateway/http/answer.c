/* SPDX-License-Identifier: Apache-2.0 */
/* How a request is answered: whole, as a refusal, or as a stream. Byte framing is the gate's. */
#include "http/answer_header.h"
#include "http/request.h"
#include "http/server.h"
#include "modules/module.h"
#include "runner/runner.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The header block of an answer: type, request id, what the module has set. malloc'd. */
static char *header_block(const struct request *request, struct koine_text content_type,
                          const char *extra, size_t *size) {
    size_t capacity = request->headers_size + content_type.size + strlen(extra) + 160;
    char *block = malloc(capacity);
    if (!block)
        return NULL;
    int n = snprintf(block, capacity, "Content-Type: %.*s\r\nX-Request-Id: %s\r\n%s%.*s",
                     (int)content_type.size, content_type.data, request->id, extra,
                     (int)request->headers_size, request->headers ? request->headers : "");
    *size = (size_t)n;
    return block;
}

/* What cannot be answered for want of memory must not stay open until its deadline. */
static int cut(struct request *request, const char *why) {
    log_print_request(request->worker->log, KOINE_LOG_ERROR, module_name(request->route->module),
                      request_id_text(request), "%s: the request is cut", why);
    gate_abort(request->connection);
    return KOINE_GONE;
}

static int cut_answer(struct request *request) {
    return cut(request, "there is no memory for its answer");
}

static int reply(struct request *request, int status, struct koine_text content_type,
                 struct koine_text body, const char *extra) {
    size_t size;
    char *block = header_block(request, content_type, extra, &size);
    if (!block)
        return cut_answer(request);
    request->state = REQUEST_ANSWERED;
    int result = gate_reply(request->connection, status, (struct koine_text){block, size}, body);
    free(block);
    return result == KOINE_NO_MEMORY ? cut_answer(request) : result;
}

int request_respond(struct request *request, int status, struct koine_text content_type,
                    struct koine_text body) {
    if (request->state == REQUEST_STREAMING)
        return KOINE_WRONG_STATE;
    if (status < 200 || status > 599 || !answer_type_is_fine(content_type))
        return KOINE_INVALID;
    if (!content_type.data)
        content_type = KOINE_TEXT("application/json; charset=utf-8");
    return reply(request, status, content_type, body, "");
}

int request_fail(struct request *request, const struct koine_failure *failure) {
    if (request->state == REQUEST_STREAMING)
        return KOINE_WRONG_STATE;
    char extra[64] = "";
    if (failure->retry_after_s)
        snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", (unsigned)failure->retry_after_s);
    const char *type;
    size_t size;
    char *body = server_render(request->route, failure, &size, &type);
    if (!body)
        return cut_answer(request);
    int status = failure->status >= 400 && failure->status <= 599 ? failure->status : 500;
    int result = reply(request, status, (struct koine_text){type, strlen(type)},
                       (struct koine_text){body, size}, extra);
    free(body);
    return result;
}

int request_stream_begin(struct request *request, const struct koine_stream_options *options) {
    struct answer_stream_head head;
    if (request->state != REQUEST_OPEN)
        return KOINE_WRONG_STATE;
    if (!answer_stream_begins(options, &head))
        return KOINE_INVALID;
    size_t size;
    char *block = header_block(request, head.content_type, head.extra, &size);
    if (!block)
        return KOINE_NO_MEMORY;
    const struct config *config = request->worker->config;
    struct gate_stream_options gate = {
        .buffer_bytes = config->http.stream_buffer_bytes,
        .keep_alive = head.keep_alive,
        .keep_alive_ms =
            options->keep_alive_ms ? options->keep_alive_ms : config->http.keep_alive_ms,
    };
    int result = gate_stream_begin(request->connection, head.status,
                                   (struct koine_text){block, size}, &gate);
    free(block);
    if (result == KOINE_OK) {
        request->state = REQUEST_STREAMING;
        request->drained = options->drained;
        request->drained_data = options->data;
    }
    return result;
}

/* What a module decides to say in one piece is its own affair; going on while nobody reads is not.
 */
static uint64_t queue_limit(struct request *request, size_t size) {
    if (size > request->largest_write)
        request->largest_write = size;
    return 4 *
           (request->worker->config->http.stream_buffer_bytes + (uint64_t)request->largest_write);
}

int request_stream_write(struct request *request, struct koine_text bytes) {
    if (request->state != REQUEST_STREAMING)
        return KOINE_WRONG_STATE;
    int result = gate_stream_write(request->connection, bytes);
    if (result == KOINE_NO_MEMORY) /* a stream with a hole in it is worse than a broken one */
        return cut(request, "there is no memory for its stream");
    if (result != KOINE_FULL)
        return result;
    if (!request->stream_full) {
        request->stream_full = true;
        if (request->run)
            runner_stream_full(request->run, true);
    }
    if (gate_stream_queued(request->connection) > queue_limit(request, bytes.size))
        return cut(request, "wrote on although its stream was full");
    return KOINE_FULL;
}

int request_stream_end(struct request *request) {
    if (request->state != REQUEST_STREAMING)
        return KOINE_WRONG_STATE;
    request->state = REQUEST_ANSWERED;
    return gate_stream_end(request->connection);
}

void request_drained(struct request *request) {
    request->stream_full = false;
    if (request->run)
        runner_stream_full(request->run, false);
    if (request->drained && request->state == REQUEST_STREAMING) {
        MODULE_RUNS_IN(request->route->module, NOTES_DRAINED, request->route);
        request->drained(request->drained_data, (koine_request){request->handle});
    }
}

int request_add_header(struct request *request, struct koine_text name, struct koine_text value) {
    if (request->state != REQUEST_OPEN)
        return KOINE_WRONG_STATE;
    if (!answer_header_is_fine(name, value, request->headers_size))
        return KOINE_INVALID;
    size_t line = name.size + 2 + value.size + 2;
    char *grown = realloc(request->headers, request->headers_size + line + 1);
    if (!grown)
        return KOINE_NO_MEMORY;
    request->headers = grown;
    snprintf(grown + request->headers_size, line + 1, "%.*s: %.*s\r\n", (int)name.size, name.data,
             (int)value.size, value.data ? value.data : "");
    request->headers_size += line;
    return KOINE_OK;
}
