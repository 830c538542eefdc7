/* SPDX-License-Identifier: Apache-2.0 */
/* How a test reads an answer, its JSON and its events, and what runs were asked for. */
#include "test-host/answer.h"
#include "test-host/json_path.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- head and bytes */

bool koine_test_is_complete(const struct koine_test_answer *answer) {
    return answer->complete;
}

int koine_test_how(const struct koine_test_answer *answer) {
    return answer->complete ? answer->how : KOINE_TEST_OPEN;
}

int koine_test_status(const struct koine_test_answer *answer) {
    return answer->status;
}

const char *koine_test_headers(const struct koine_test_answer *answer) {
    return answer->status ? buffer_text(&answer->headers) : "";
}

const char *koine_test_header(const struct koine_test_answer *answer, const char *name) {
    size_t size = strlen(name);
    const char *line = koine_test_headers(answer);
    while (*line) {
        size_t length = strcspn(line, "\r");
        if (strncasecmp(line, name, size) == 0 && line[size] == ':')
            return host_keep(answer->host, (struct koine_text){line + size + 2, length - size - 2});
        line += length + 2;
    }
    return NULL;
}

const char *koine_test_body(const struct koine_test_answer *answer) {
    return buffer_text(&answer->read);
}

size_t koine_test_body_size(const struct koine_test_answer *answer) {
    return answer->read.size;
}

size_t koine_test_piece_count(const struct koine_test_answer *answer) {
    return answer->piece_count;
}

const struct koine_test_piece *koine_test_piece(const struct koine_test_answer *answer,
                                                size_t index) {
    return index < answer->piece_count ? &answer->pieces[index] : NULL;
}

/* ---- JSON */

static json_t *member(struct koine_test_answer *answer, const char *path) {
    if (!answer->parsed && answer->read.size)
        answer->parsed = json_loadb(answer->read.data, answer->read.size,
                                    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return json_path(answer->parsed, path);
}

const char *koine_test_string(struct koine_test_answer *answer, const char *path) {
    return json_string_value(member(answer, path));
}

long long koine_test_integer(struct koine_test_answer *answer, const char *path) {
    return json_integer_value(member(answer, path));
}

double koine_test_number(struct koine_test_answer *answer, const char *path) {
    return json_number_value(member(answer, path));
}

bool koine_test_boolean(struct koine_test_answer *answer, const char *path) {
    return json_is_true(member(answer, path));
}

static const char *dump(struct koine_test_host *host, const json_t *value) {
    char *text = value ? memory_need(json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT)) : NULL;
    const char *kept = text ? host_keep(host, text_of(text)) : NULL;
    free(text);
    return kept;
}

const char *koine_test_json(struct koine_test_answer *answer, const char *path) {
    return dump(answer->host, member(answer, path));
}

size_t koine_test_run_count(const struct koine_test_host *host) {
    return json_array_size(host->records);
}

const char *koine_test_run_option(struct koine_test_host *host, size_t run, const char *path) {
    json_t *value = json_path(json_array_get(host->records, run), path);
    return json_is_string(value) ? json_string_value(value) : dump(host, value);
}

/* ---- server-sent events */

/* Cuts a line off the text and terminates it; NULL at the end. */
static char *next_line(char **at) {
    char *line = *at;
    if (!*line)
        return NULL;
    char *end = strchr(line, '\n');
    *at = end ? end + 1 : line + strlen(line);
    if (end)
        *end = '\0';
    return line;
}

static void add_event(struct koine_test_answer *answer, const char *name, char *data) {
    answer->events =
        memory_resize(answer->events, (answer->event_count + 1) * sizeof(struct koine_test_event));
    answer->events[answer->event_count++] =
        (struct koine_test_event){name ? name : "message", data};
}

static const char *value_of(const char *line, const char *field) {
    size_t size = strlen(field);
    if (strncmp(line, field, size) != 0 || line[size] != ':')
        return NULL;
    return line + size + 1 + (line[size + 1] == ' ');
}

/* Further lines of an event's data are moved up behind the first: they lie behind it. */
static void take_apart(struct koine_test_answer *answer) {
    char *at = answer->event_text, *line, *data = NULL;
    const char *name = NULL, *value;
    while ((line = next_line(&at))) {
        if (!*line) {
            if (data)
                add_event(answer, name, data);
            data = NULL;
            name = NULL;
        } else if ((value = value_of(line, "event"))) {
            name = value;
        } else if ((value = value_of(line, "data")) && data) {
            char *end = data + strlen(data);
            *end = '\n';
            memmove(end + 1, value, strlen(value) + 1);
        } else if (value) {
            data = line + (value - line);
        }
    }
}

size_t koine_test_event_count(struct koine_test_answer *answer) {
    free(answer->events);
    free(answer->event_text);
    answer->events = NULL;
    answer->event_count = 0;
    answer->event_text =
        memory_text((struct koine_text){buffer_text(&answer->read), answer->read.size});
    take_apart(answer);
    return answer->event_count;
}

const struct koine_test_event *koine_test_event(struct koine_test_answer *answer, size_t index) {
    return index < koine_test_event_count(answer) ? &answer->events[index] : NULL;
}

const char *koine_test_event_data(struct koine_test_answer *answer, const char *name, size_t n) {
    size_t count = koine_test_event_count(answer);
    for (size_t i = 0; i < count; i++)
        if (strcmp(answer->events[i].name, name) == 0 && n-- == 0)
            return host_keep(answer->host, text_of(answer->events[i].data));
    return NULL;
}
