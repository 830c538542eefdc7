/* SPDX-License-Identifier: Apache-2.0 */
/* standin-api: stands in for the Anthropic Messages API on loopback, so that the real CLI runs
 * without a network. HTTP, timing and the record of requests; no model, no tokens, no
 * authentication. */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>

#include "standin_api_events.h"
#include "standin_api_script.h"

struct standin {
    struct event_base *base;
    FILE *record;     /* NULL: requests are only kept in memory */
    json_t *requests; /* every POST of a message, in order */
    unsigned answered;
};

/* An answer under way: lives from the request to its last event or the client's departure. */
struct answer {
    struct standin *standin;
    struct evhttp_request *request;
    json_t *step;
    json_t *events;
    size_t next;
    struct event *timer;
    bool started;
};

static const char help[] =
    "usage: standin-api [--port N] [--record FILE] [--exit-with-stdin]\n"
    "\n"
    "Stands in for the Anthropic Messages API on 127.0.0.1. Prints `PORT N` once it listens.\n"
    "  --port N            port; 0 (the default) takes a free one\n"
    "  --record FILE       append each request as a line {\"headers\":{...},\"body\":{...}}\n"
    "  --exit-with-stdin   end when stdin closes, so that it cannot outlive its test\n"
    "\n"
    "POST /v1/messages is answered with SSE, GET /requests with the requests so far,\n"
    "DELETE /requests forgets them; POST /v1/messages/count_tokens counts ten tokens a byte. The "
    "answer is `You said: PROMPT`, and after a tool call its\n"
    "results as lines `ID ok: CONTENT` or `ID error: CONTENT`. A line in the prompt overrides it:\n"
    "  api: {\"text\":\"...\"}                 say this; \"repeat\":N says it N times\n"
    "  api: {\"tool\":{\"name\":..,\"input\":..}}  call a tool; \"text\" is said after its result\n"
    "  api: {\"tools\":[...]}               call several at once\n"
    "  api: {\"object\":{...}}              call StructuredOutput with this\n"
    "  api: {\"status\":529,\"type\":\"overloaded_error\",\"message\":\"...\"}   fail; \"times\":N "
    "then answer\n"
    "  api: {\"stream_error\":\"overloaded_error\"}   fail after the text\n"
    "  api: {\"hang\":true}                 no byte of an answer; with \"text\" stop after it\n"
    "Also in any of these: \"rounds\":N (the same tool call N times), \"then\":{...} (the script "
    "after\n"
    "the tool result), \"before\" (text before a tool call), \"thinking\", \"deltas\":N, "
    "\"delay_ms\":N\n"
    "(before the answer), \"delta_delay_ms\":N (before each event), \"stop_reason\", "
    "\"usage\":{...}.\n";

static void answer_destroy(struct answer *answer) {
    if (!answer)
        return;
    if (answer->timer)
        event_free(answer->timer);
    json_decref(answer->events);
    json_decref(answer->step);
    free(answer);
}

static void send_json(struct evhttp_request *request, int status, json_t *value) {
    struct evbuffer *body = evbuffer_new();
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    if (body && text)
        evbuffer_add(body, text, strlen(text));
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json");
    evhttp_send_reply(request, text ? status : 500, NULL, body);
    if (body)
        evbuffer_free(body);
    free(text);
    json_decref(value);
}

static void send_error(struct evhttp_request *request, int status, const char *type,
                       const char *message) {
    send_json(request, status,
              json_pack("{sss{ssss}ss}", "type", "error", "error", "type", type, "message", message,
                        "request_id", "req_standin"));
}

/* The client went away: libevent leaves a request that was being answered to us. */
static void on_close(struct evhttp_connection *connection, void *data) {
    struct answer *answer = data;
    (void)connection;
    if (!evhttp_request_get_connection(answer->request))
        evhttp_request_free(answer->request);
    answer_destroy(answer);
}

static void watch_close(struct answer *answer, bool watch) {
    evhttp_connection_set_closecb(evhttp_request_get_connection(answer->request),
                                  watch ? on_close : NULL, watch ? answer : NULL);
}

static void start_stream(struct answer *answer) {
    struct evkeyvalq *headers = evhttp_request_get_output_headers(answer->request);
    evhttp_add_header(headers, "Content-Type", "text/event-stream");
    evhttp_add_header(headers, "request-id", "req_standin");
    evhttp_send_reply_start(answer->request, 200, "OK");
    answer->started = true;
}

static void send_event(struct answer *answer, const json_t *event) {
    struct evbuffer *frame = evbuffer_new();
    char *text = json_dumps(event, JSON_COMPACT);
    if (frame && text) {
        const char *name = json_string_value(json_object_get(event, "type"));
        evbuffer_add_printf(frame, "event: %s\ndata: %s\n\n", name, text);
        evhttp_send_reply_chunk(answer->request, frame);
    }
    if (frame)
        evbuffer_free(frame);
    free(text);
}

static void wait_ms(struct answer *answer, json_int_t delay_ms) {
    struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
    event_add(answer->timer, &delay);
}

/* Sends what is due; comes back through the timer while the script says to wait. */
static void send_events(evutil_socket_t fd, short what, void *data) {
    struct answer *answer = data;
    json_int_t delay_ms = json_integer_value(json_object_get(answer->step, "delta_delay_ms"));
    (void)fd;
    (void)what;
    if (!answer->started)
        start_stream(answer);
    while (answer->next < json_array_size(answer->events)) {
        send_event(answer, json_array_get(answer->events, answer->next++));
        if (delay_ms > 0 && answer->next < json_array_size(answer->events)) {
            wait_ms(answer, delay_ms);
            return;
        }
    }
    if (json_is_true(json_object_get(answer->step, "hang")))
        return;
    watch_close(answer, false);
    evhttp_send_reply_end(answer->request);
    answer_destroy(answer);
}

static json_t *all_headers(struct evhttp_request *request) {
    json_t *headers = json_object();
    struct evkeyval *header;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(request), next) {
        char name[128];
        size_t i;
        for (i = 0; header->key[i] && i + 1 < sizeof name; i++)
            name[i] = header->key[i] >= 'A' && header->key[i] <= 'Z' ? (char)(header->key[i] | 0x20)
                                                                     : header->key[i];
        name[i] = '\0';
        json_object_set_new(headers, name, json_string(header->value));
    }
    return headers;
}

/* Keeps the request; says how many before it had the same messages. */
static int keep_request(struct standin *standin, struct evhttp_request *request, json_t *body) {
    json_t *entry = json_pack("{sosO}", "headers", all_headers(request), "body", body);
    json_t *earlier;
    size_t i;
    int same = 0;
    json_array_foreach(standin->requests, i, earlier) {
        same += json_equal(json_object_get(json_object_get(earlier, "body"), "messages"),
                           json_object_get(body, "messages"));
    }
    json_array_append_new(standin->requests, entry);
    if (standin->record) {
        json_dumpf(entry, standin->record, JSON_COMPACT);
        fputc('\n', standin->record);
        fflush(standin->record);
    }
    return same;
}

/* Whether the script wants this attempt to fail, and if so answers it. */
static bool fail_as_scripted(struct evhttp_request *request, const json_t *step, int attempt) {
    json_int_t status = json_integer_value(json_object_get(step, "status"));
    json_int_t times = json_integer_value(json_object_get(step, "times"));
    const char *type = json_string_value(json_object_get(step, "type"));
    const char *message = json_string_value(json_object_get(step, "message"));
    if (status < 400 || status > 599 || (times > 0 && attempt >= times))
        return false;
    send_error(request, (int)status, type ? type : "api_error",
               message ? message : "standin-api: scripted error");
    return true;
}

static void begin_answer(struct standin *standin, struct evhttp_request *request, json_t *body,
                         json_t *step) {
    const char *model = json_string_value(json_object_get(body, "model"));
    json_int_t delay_ms = json_integer_value(json_object_get(step, "delay_ms"));
    struct answer *answer = calloc(1, sizeof *answer);
    if (!answer) {
        json_decref(step);
        send_error(request, 500, "api_error", "standin-api: out of memory");
        return;
    }
    answer->standin = standin;
    answer->request = request;
    answer->step = step;
    answer->events = answer_events(step, model ? model : "unknown", ++standin->answered);
    answer->timer = evtimer_new(standin->base, send_events, answer);
    if (!answer->events || !answer->timer) {
        send_error(request, 500, "api_error", "standin-api: out of memory");
        answer_destroy(answer);
        return;
    }
    watch_close(answer, true);
    if (json_is_true(json_object_get(step, "hang")) && !json_object_get(step, "text"))
        return;
    if (delay_ms > 0)
        wait_ms(answer, delay_ms);
    else
        send_events(-1, 0, answer);
}

static json_t *read_body(struct evhttp_request *request) {
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t length = evbuffer_get_length(input);
    const char *bytes = (const char *)evbuffer_pullup(input, -1);
    return bytes ? json_loadb(bytes, length, 0, NULL) : NULL;
}

static void on_message(struct standin *standin, struct evhttp_request *request) {
    json_t *body = read_body(request);
    json_t *step;
    if (!json_is_object(body)) {
        send_error(request, 400, "invalid_request_error", "standin-api: the body is not JSON");
        json_decref(body);
        return;
    }
    int attempt = keep_request(standin, request, body);
    step = script_step(body);
    if (!step)
        send_error(request, 500, "api_error", "standin-api: out of memory");
    else if (fail_as_scripted(request, step, attempt))
        json_decref(step);
    else
        begin_answer(standin, request, body, step);
    json_decref(body);
}

/* Ten tokens for each byte of the messages and tools, as JSON. */
static void on_count(struct evhttp_request *request) {
    json_t *body = read_body(request);
    const json_t *parts[] = {json_object_get(body, "messages"), json_object_get(body, "tools")};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        bytes += parts[i] ? json_dumpb(parts[i], NULL, 0, JSON_COMPACT) : 0;
    send_json(request, 200, json_pack("{sI}", "input_tokens", (json_int_t)bytes * 10));
    json_decref(body);
}

static void on_requests(struct standin *standin, struct evhttp_request *request) {
    if (evhttp_request_get_command(request) == EVHTTP_REQ_DELETE) {
        json_array_clear(standin->requests);
        send_json(request, 200, json_array());
        return;
    }
    send_json(request, 200, json_incref(standin->requests));
}

static void on_request(struct evhttp_request *request, void *data) {
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
        evhttp_send_reply(request, 200, "OK", NULL);
    else if (path && strcmp(path, "/v1/messages") == 0)
        on_message(data, request);
    else if (path && strcmp(path, "/v1/messages/count_tokens") == 0)
        on_count(request);
    else if (path && strcmp(path, "/requests") == 0)
        on_requests(data, request);
    else
        send_error(request, 404, "not_found_error", "standin-api: no such path");
}

static void on_stdin(evutil_socket_t fd, short what, void *data) {
    char ignored[512];
    (void)what;
    if (read(fd, ignored, sizeof ignored) <= 0)
        event_base_loopbreak(data);
}

static void on_signal(evutil_socket_t fd, short what, void *data) {
    (void)fd;
    (void)what;
    event_base_loopbreak(data);
}

static int print_port(struct evhttp_bound_socket *bound) {
    struct sockaddr_in address = {0};
    ev_socklen_t length = sizeof address;
    if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length))
        return -1;
    printf("PORT %d\n", ntohs(address.sin_port));
    return fflush(stdout);
}

static int serve(struct standin *standin, unsigned short port, bool exit_with_stdin) {
    struct evhttp *http = evhttp_new(standin->base);
    struct event *sigterm = evsignal_new(standin->base, SIGTERM, on_signal, standin->base);
    struct event *sigint = evsignal_new(standin->base, SIGINT, on_signal, standin->base);
    struct event *input =
        event_new(standin->base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, standin->base);
    struct evhttp_bound_socket *bound = NULL;
    int code = -1;
    if (!http || !sigterm || !sigint || !input || event_add(sigterm, NULL) ||
        event_add(sigint, NULL))
        goto out;
    if (exit_with_stdin && event_add(input, NULL)) {
        fprintf(stderr, "standin-api: --exit-with-stdin needs a pipe or a socket on stdin\n");
        goto out;
    }
    evhttp_set_gencb(http, on_request, standin);
    evhttp_set_max_body_size(http, 256 << 20);
    bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", port);
    if (!bound) {
        fprintf(stderr, "standin-api: cannot listen on 127.0.0.1:%d: %s\n", port, strerror(errno));
        goto out;
    }
    if (print_port(bound) == 0)
        code = event_base_dispatch(standin->base) < 0 ? -1 : 0;
out:
    if (http)
        evhttp_free(http);
    if (input)
        event_free(input);
    if (sigint)
        event_free(sigint);
    if (sigterm)
        event_free(sigterm);
    return code;
}

struct options {
    unsigned short port;
    const char *record;
    bool exit_with_stdin;
    bool help;
};

static int parse_options(struct options *options, int argc, char **argv) {
    static const struct option known[] = {{"port", required_argument, NULL, 'p'},
                                          {"record", required_argument, NULL, 'r'},
                                          {"exit-with-stdin", no_argument, NULL, 'x'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        char *end = NULL;
        long port = option == 'p' ? strtol(optarg, &end, 10) : 0;
        if (option == '?' || (end && (*end || end == optarg || port < 0 || port > 65535)))
            return -1;
        if (option == 'p')
            options->port = (unsigned short)port;
        else if (option == 'r')
            options->record = optarg;
        else if (option == 'x')
            options->exit_with_stdin = true;
        else
            options->help = true;
    }
    return optind == argc ? 0 : -1;
}

int main(int argc, char **argv) {
    struct options options = {0};
    struct standin standin = {0};
    int code = 2;
    if (parse_options(&options, argc, argv)) {
        fprintf(stderr, "standin-api: wrong arguments\n%s", help);
        return 2;
    }
    if (options.help) {
        fputs(help, stdout);
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    standin.record = options.record ? fopen(options.record, "ae") : NULL;
    if (options.record && !standin.record) {
        fprintf(stderr, "standin-api: cannot open %s: %s\n", options.record, strerror(errno));
        return 2;
    }
    standin.base = event_base_new();
    standin.requests = json_array();
    if (standin.base && standin.requests)
        code = serve(&standin, options.port, options.exit_with_stdin) ? 2 : 0;
    json_decref(standin.requests);
    if (standin.base)
        event_base_free(standin.base);
    if (standin.record)
        fclose(standin.record);
    return code;
}
