/* SPDX-License-Identifier: Apache-2.0 */
/* The head and the framing of an answer; its events are sse_parser's. */
#include "support/sse_client.h"

#include "support/exchange_record.h"
#include "support/sse_parser.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { PIECE_BYTES = 65536, SHOWN_BYTES = 2000, LINE_BYTES = 1024 };

enum framing {
    FRAMING_HEAD,       /* the status line and the headers */
    FRAMING_CHUNK_SIZE, /* a line with a chunk's size */
    FRAMING_CHUNK,      /* a chunk's bytes */
    FRAMING_CHUNK_END,  /* the line behind them */
    FRAMING_TRAILER,    /* lines behind the last chunk, the empty one included */
    FRAMING_LENGTH,     /* as many bytes as Content-Length said */
    FRAMING_CLOSE,      /* bytes to the end of the connection */
    FRAMING_DONE,
    FRAMING_CUT /* the connection ended before the answer did */
};

struct sse_stream {
    struct raw_client *client;
    bool owns_client, is_stream;
    enum framing framing;
    size_t left; /* of the chunk or the body */
    char line[LINE_BYTES];
    size_t line_size, piece;
    struct http_response answer; /* the body only when it is no event stream */
    char *kept;                  /* the begin of a stream's body, for the record of exchanges */
    size_t kept_size;
    bool kept_all, recorded;
    struct sse_parser *parser;
    struct sse_event event;
    uint64_t bytes;
    char shown[SHOWN_BYTES + 1]; /* the newest bytes, for failures */
    size_t shown_size;
};

static unsigned patience_ms = 30000;

void sse_set_patience(unsigned ms) {
    patience_ms = ms;
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- what failures print */

static void remember(struct sse_stream *stream, const char *data, size_t size) {
    if (size >= SHOWN_BYTES) {
        memcpy(stream->shown, data + size - SHOWN_BYTES, SHOWN_BYTES);
        stream->shown_size = SHOWN_BYTES;
        return;
    }
    size_t kept = stream->shown_size + size > SHOWN_BYTES ? SHOWN_BYTES - size : stream->shown_size;
    memmove(stream->shown, stream->shown + stream->shown_size - kept, kept);
    memcpy(stream->shown + kept, data, size);
    stream->shown_size = kept + size;
}

static const char *received(struct sse_stream *stream) {
    stream->shown[stream->shown_size] = '\0';
    return stream->shown;
}

#define assert_stream(stream, holds, format, ...)                                                  \
    ck_assert_msg(holds, format "; status %ld, %llu bytes received, the newest:\n%s", __VA_ARGS__, \
                  (stream)->answer.status, (unsigned long long)(stream)->bytes, received(stream))

/* ---- framing */

/* For memory that grows by this function alone, from NULL or one byte: its capacity is the power of
 * two above what is used, so it moves only when that changes (a sanitizer's realloc always copies).
 */
static void *grow(void *memory, size_t used, size_t needed) {
    size_t had = used > 0 ? 1 : 0, wanted = 1;
    while (had && had < used)
        had *= 2;
    while (wanted < needed)
        wanted *= 2;
    if (memory && had == wanted)
        return memory;
    memory = realloc(memory, wanted);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

static void add_to_text(char **text, size_t *size, const char *data, size_t more) {
    *text = grow(*text, *text ? *size + 1 : 0, *size + more + 1);
    if (more > 0)
        memcpy(*text + *size, data, more);
    *size += more;
    (*text)[*size] = '\0';
}

static void __attribute__((format(printf, 3, 4)))
add_line(char **text, size_t *size, const char *format, ...) {
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    ck_assert_int_ge(length, 0);
    add_to_text(text, size, line, (size_t)length);
    free(line);
}

static void keep(struct sse_stream *stream, const char *data, size_t size) {
    if (!exchange_is_wanted() || !stream->kept_all)
        return;
    stream->kept_all = stream->kept_size + size <= EXCHANGE_BODY_BYTES;
    if (stream->kept_all)
        add_to_text(&stream->kept, &stream->kept_size, data, size);
}

static void take_body(struct sse_stream *stream, const char *data, size_t size) {
    if (stream->is_stream) {
        keep(stream, data, size);
        sse_parser_feed(stream->parser, data, size);
    } else
        add_to_text(&stream->answer.body, &stream->answer.body_size, data, size);
}

static void begin_body(struct sse_stream *stream) {
    struct http_response *answer = &stream->answer;
    char *type = http_header(answer, "Content-Type");
    char *coding = http_header(answer, "Transfer-Encoding");
    char *length = http_header(answer, "Content-Length");
    int matched = sscanf(answer->headers, "HTTP/1.%*1[01] %ld ", &answer->status);
    assert_stream(stream, matched == 1, "no %s", "status line");
    stream->is_stream = type && strncasecmp(type, "text/event-stream", 17) == 0;
    assert_stream(stream, !(coding && length), "both %s and Content-Length", coding);
    if (coding) {
        assert_stream(stream, strcasecmp(coding, "chunked") == 0, "coding %s", coding);
        stream->framing = FRAMING_CHUNK_SIZE;
    } else if (length) {
        stream->left = strtoul(length, NULL, 10);
        stream->framing = stream->left > 0 ? FRAMING_LENGTH : FRAMING_DONE;
    } else {
        stream->framing = FRAMING_CLOSE;
    }
    free(type);
    free(coding);
    free(length);
}

/* Up to `left` bytes of the body. */
static size_t take_left(struct sse_stream *stream, const char *data, size_t size,
                        enum framing next) {
    size_t taken = size < stream->left ? size : stream->left;
    take_body(stream, data, taken);
    stream->left -= taken;
    if (stream->left == 0)
        stream->framing = next;
    return taken;
}

static void take_line(struct sse_stream *stream) {
    char *end;
    if (stream->framing == FRAMING_CHUNK_SIZE) {
        stream->left = strtoul(stream->line, &end, 16);
        assert_stream(stream, end != stream->line && *end == '\0', "the chunk size '%s'",
                      stream->line);
        stream->framing = stream->left > 0 ? FRAMING_CHUNK : FRAMING_TRAILER;
    } else if (stream->framing == FRAMING_CHUNK_END) {
        assert_stream(stream, !*stream->line, "'%s' behind a chunk", stream->line);
        stream->framing = FRAMING_CHUNK_SIZE;
    } else if (!*stream->line) {
        stream->framing = FRAMING_DONE;
    }
}

static size_t take_line_part(struct sse_stream *stream, const char *data, size_t size) {
    const char *end = memchr(data, '\n', size);
    size_t taken = end ? (size_t)(end - data) + 1 : size;
    assert_stream(stream, stream->line_size + taken < LINE_BYTES, "a line of the framing over %d",
                  LINE_BYTES);
    memcpy(stream->line + stream->line_size, data, taken);
    stream->line_size += taken;
    if (!end)
        return taken;
    assert_stream(stream, stream->line_size >= 2 && stream->line[stream->line_size - 2] == '\r',
                  "a line of the framing without %s", "CR");
    stream->line[stream->line_size - 2] = '\0';
    stream->line_size = 0;
    take_line(stream);
    return taken;
}

static size_t take_head_part(struct sse_stream *stream, const char *data, size_t size) {
    struct http_response *answer = &stream->answer;
    size_t before = strlen(answer->headers), total = before;
    add_to_text(&answer->headers, &total, data, size);
    char *end = strstr(answer->headers, "\r\n\r\n");
    if (!end)
        return size;
    end[4] = '\0';
    begin_body(stream);
    return strlen(answer->headers) - before;
}

static size_t take_part(struct sse_stream *stream, const char *data, size_t size) {
    switch (stream->framing) {
    case FRAMING_HEAD:
        return take_head_part(stream, data, size);
    case FRAMING_CHUNK:
        return take_left(stream, data, size, FRAMING_CHUNK_END);
    case FRAMING_LENGTH:
        return take_left(stream, data, size, FRAMING_DONE);
    case FRAMING_CLOSE:
        take_body(stream, data, size);
        return size;
    default:
        return take_line_part(stream, data, size);
    }
}

static bool is_open(const struct sse_stream *stream) {
    return stream->framing != FRAMING_DONE && stream->framing != FRAMING_CUT;
}

/* One read; false: nothing came within the time. */
static bool receive_some(struct sse_stream *stream, int timeout_ms) {
    char data[PIECE_BYTES];
    ssize_t size = raw_read(stream->client, data, stream->piece, timeout_ms);
    if (size < 0)
        return false;
    if (size == 0) {
        stream->framing = stream->framing == FRAMING_CLOSE ? FRAMING_DONE : FRAMING_CUT;
        return true;
    }
    size_t at = 0;
    while (at < (size_t)size && is_open(stream))
        at += take_part(stream, data + at, (size_t)size - at);
    stream->bytes += at;
    remember(stream, data, at);
    raw_put_back(stream->client, data + at, (size_t)size - at); /* of the next answer */
    return true;
}

static void receive_until(struct sse_stream *stream, uint64_t until, const char *what) {
    uint64_t now = now_ms();
    bool came = now < until && receive_some(stream, (int)(until - now));
    assert_stream(stream, came, "%s did not come within %u ms", what, patience_ms);
}

/* ---- requests */

char *sse_request_text(const struct sse_request *request) {
    char *body = request->body ? json_dumps(request->body, JSON_COMPACT) : strdup("");
    const char *key = request->key ? request->key : GATEWAY_KEY;
    char *text = NULL;
    size_t size = 0;
    add_line(&text, &size, "%s %s %s\r\n" RAW_HOST "Content-Type: application/json\r\n",
             request->method ? request->method : "POST", request->path,
             request->protocol ? request->protocol : "HTTP/1.1");
    if (*key)
        add_line(&text, &size, "Authorization: Bearer %s\r\n", key);
    for (const char *const *header = request->headers; header && *header; header++)
        add_line(&text, &size, "%s\r\n", *header);
    add_line(&text, &size, "Content-Length: %zu\r\n\r\n", strlen(body));
    add_to_text(&text, &size, body, strlen(body));
    free(body);
    json_decref(request->body);
    return text;
}

struct sse_stream *sse_receive_stream(struct raw_client *client) {
    struct sse_stream *stream = calloc(1, sizeof *stream);
    ck_assert_ptr_nonnull(stream);
    stream->client = client;
    stream->piece = PIECE_BYTES;
    stream->parser = sse_parser_create();
    stream->kept_all = true;
    stream->answer.headers = strdup("");
    stream->answer.body = strdup("");
    uint64_t until = now_ms() + patience_ms;
    while (stream->framing == FRAMING_HEAD)
        receive_until(stream, until, "the answer's head");
    assert_stream(stream, stream->framing != FRAMING_CUT, "the connection ended before %s",
                  "the answer's head");
    return stream;
}

struct sse_stream *sse_open_request(const struct gateway *gateway,
                                    const struct sse_request *request) {
    struct raw_client *client = raw_connect_narrow(gateway, request->receive_buffer_bytes);
    char *text = sse_request_text(request);
    raw_send_text(client, text); /* one that is refused early may not take all */
    free(text);
    struct sse_stream *stream = sse_receive_stream(client);
    stream->owns_client = true;
    return stream;
}

struct sse_stream *sse_open_stream(const struct gateway *gateway, const char *path, json_t *body) {
    return sse_open_request(gateway, &(struct sse_request){.path = path, .body = body});
}

static void event_finish(struct sse_event *event) {
    free(event->name);
    free(event->id);
    free(event->data);
    json_decref(event->json);
    *event = (struct sse_event){0};
}

/* Once an answer: a stream when it is given up, another answer when it is read. */
static void record_exchange(struct sse_stream *stream) {
    bool whole = stream->framing == FRAMING_DONE && (!stream->is_stream || stream->kept_all);
    if (!stream->recorded)
        raw_record(stream->client, stream->answer.headers,
                   stream->is_stream ? stream->kept : stream->answer.body,
                   stream->is_stream ? stream->kept_size : stream->answer.body_size, !whole);
    stream->recorded = true;
}

static void stream_free(struct sse_stream *stream) {
    sse_parser_destroy(stream->parser);
    event_finish(&stream->event);
    http_response_finish(&stream->answer);
    free(stream->kept);
    free(stream);
}

void sse_stream_close(struct sse_stream *stream) {
    if (!stream)
        return;
    record_exchange(stream);
    if (stream->owns_client)
        raw_close(stream->client);
    stream_free(stream);
}

void sse_stream_reset(struct sse_stream *stream) {
    record_exchange(stream);
    raw_reset(stream->client);
    stream_free(stream);
}

struct raw_client *sse_connection(struct sse_stream *stream) {
    return stream->client;
}

void sse_set_piece(struct sse_stream *stream, size_t bytes) {
    stream->piece = bytes < PIECE_BYTES ? bytes : PIECE_BYTES;
}

/* ---- the head */

long sse_status(const struct sse_stream *stream) {
    return stream->answer.status;
}

char *sse_header(const struct sse_stream *stream, const char *name) {
    return http_header(&stream->answer, name);
}

struct http_response sse_refusal(struct sse_stream *stream) {
    uint64_t until = now_ms() + patience_ms;
    while (is_open(stream) && !stream->is_stream)
        receive_until(stream, until, "the answer's body");
    assert_stream(stream, !stream->is_stream, "an event stream, expected a %s", "refusal");
    record_exchange(stream);
    struct http_response answer = stream->answer;
    stream->answer = (struct http_response){.status = answer.status};
    answer.json = json_loadb(answer.body, answer.body_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return answer;
}

/* ---- events */

static bool take_event(struct sse_stream *stream) {
    struct sse_dispatch dispatch;
    if (!sse_parser_next(stream->parser, &dispatch))
        return false;
    stream->event = (struct sse_event){
        .name = dispatch.name.text,
        .id = dispatch.last_id.text,
        .data = dispatch.data.text,
        .size = dispatch.data.size,
        .json = json_loadb(dispatch.data.text, dispatch.data.size,
                           JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL),
    };
    return true;
}

const struct sse_event *sse_next(struct sse_stream *stream) {
    uint64_t until = now_ms() + patience_ms;
    event_finish(&stream->event);
    if (!stream->is_stream) {
        struct http_response answer = sse_refusal(stream);
        ck_abort_msg("no event stream: %ld %.1000s", answer.status, answer.body);
    }
    while (!take_event(stream)) {
        if (!is_open(stream))
            return NULL;
        receive_until(stream, until, "an event");
    }
    return &stream->event;
}

const struct sse_event *sse_expect(struct sse_stream *stream, const char *name) {
    const struct sse_event *event = sse_next(stream);
    assert_stream(stream, event && strcmp(event->name, name) == 0,
                  "%s %.1000s, expected the event %s", event ? event->name : "the stream's end",
                  event ? event->data : "", name);
    return event;
}

const struct sse_event *sse_await(struct sse_stream *stream, const char *name) {
    const struct sse_event *event;
    do {
        event = sse_next(stream);
        assert_stream(stream, event != NULL, "the stream ended before the event %s", name);
    } while (strcmp(event->name, name) != 0);
    return event;
}

void sse_expect_end(struct sse_stream *stream) {
    const struct sse_event *event = sse_next(stream);
    assert_stream(stream, !event, "%s %.1000s, expected the end", event ? event->name : "",
                  event ? event->data : "");
    assert_stream(stream, stream->framing == FRAMING_DONE, "the connection ended %s",
                  "without the last chunk");
    assert_stream(stream, !sse_parser_is_amid(stream->parser), "the stream ended amid %s",
                  "an event");
}

void sse_expect_cut(struct sse_stream *stream, unsigned timeout_ms) {
    uint64_t until = now_ms() + timeout_ms;
    while (is_open(stream))
        receive_until(stream, until, "the end of the connection");
    assert_stream(stream, stream->framing == FRAMING_CUT, "the answer ended in due form, %s",
                  "expected a cut");
}

json_t *sse_member(const struct sse_event *event, const char *path) {
    json_t *member = http_json_at(event->json, path);
    ck_assert_msg(member != NULL, "%s has no '%s': %.2000s", event->name, path, event->data);
    return member;
}

const char *sse_string(const struct sse_event *event, const char *path) {
    json_t *member = sse_member(event, path);
    ck_assert_msg(json_is_string(member), "%s: '%s' is no string: %.2000s", event->name, path,
                  event->data);
    return json_string_value(member);
}

json_int_t sse_integer(const struct sse_event *event, const char *path) {
    json_t *member = sse_member(event, path);
    ck_assert_msg(json_is_integer(member), "%s: '%s' is no integer: %.2000s", event->name, path,
                  event->data);
    return json_integer_value(member);
}

/* ---- whole streams */

static void record_event(struct sse_recording *recording, size_t *outline_size,
                         struct sse_event *event) {
    size_t count = recording->count, size = sizeof *recording->events;
    struct sse_event *grown = grow(recording->events, count * size, (count + 1) * size);
    recording->events = grown;
    const char *before = recording->count > 0 ? grown[recording->count - 1].name : "";
    if (strcmp(before, event->name) != 0) {
        if (recording->count > 0)
            add_to_text(&recording->outline, outline_size, " ", 1);
        add_to_text(&recording->outline, outline_size, event->name, strlen(event->name));
    }
    if (strcmp(event->name, "text") == 0) {
        sse_string(event, "text");
        json_t *text = sse_member(event, "text");
        add_to_text(&recording->text, &recording->text_size, json_string_value(text),
                    json_string_length(text));
    }
    grown[recording->count++] = *event;
    *event = (struct sse_event){0}; /* the recording's now */
}

struct sse_recording sse_read_all(struct sse_stream *stream) {
    struct sse_recording recording = {.outline = strdup(""), .text = strdup("")};
    size_t outline_size = 0;
    while (sse_next(stream))
        record_event(&recording, &outline_size, &stream->event);
    sse_expect_end(stream);
    return recording;
}

void sse_recording_finish(struct sse_recording *recording) {
    for (size_t i = 0; i < recording->count; i++)
        event_finish(&recording->events[i]);
    free(recording->events);
    free(recording->outline);
    free(recording->text);
    *recording = (struct sse_recording){0};
}

size_t sse_count(const struct sse_recording *recording, const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < recording->count; i++)
        count += strcmp(recording->events[i].name, name) == 0;
    return count;
}

static char *shown_events(const struct sse_recording *recording) {
    char *shown = strdup("");
    size_t size = 0;
    for (size_t i = 0; i < recording->count && size < SHOWN_BYTES; i++) {
        const struct sse_event *event = &recording->events[i];
        add_line(&shown, &size, "%s %.300s\n", event->name, event->data);
    }
    return shown;
}

const struct sse_event *sse_find(const struct sse_recording *recording, const char *name) {
    for (size_t i = 0; i < recording->count; i++)
        if (strcmp(recording->events[i].name, name) == 0)
            return &recording->events[i];
    ck_abort_msg("no event %s, but:\n%s", name, shown_events(recording));
    return NULL;
}

void sse_assert_outline(const struct sse_recording *recording, const char *outline) {
    char *shown = shown_events(recording);
    ck_assert_msg(strcmp(recording->outline, outline) == 0, "events '%s', expected '%s':\n%s",
                  recording->outline, outline, shown);
    free(shown);
}

/* ---- counters */

size_t sse_comments(const struct sse_stream *stream) {
    return sse_parser_comments(stream->parser);
}

const char *sse_last_comment(const struct sse_stream *stream) {
    return sse_parser_last_comment(stream->parser);
}

uint64_t sse_bytes(const struct sse_stream *stream) {
    return stream->bytes;
}
