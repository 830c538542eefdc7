/* SPDX-License-Identifier: Apache-2.0 */
/* Whole answers, refusals, results of tools, and lines of the log. */
#include "json_characters.h"
#include <koine-module/answer.h>
#include <koine-module/tool.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_BYTES = 1000 };

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

struct koine_text koine_text_front(struct koine_text text, size_t most_bytes) {
    if (text.size <= most_bytes)
        return text;
    while (most_bytes && ((unsigned char)text.data[most_bytes] & 0xc0) == 0x80)
        most_bytes--;
    return (struct koine_text){text.data, most_bytes};
}

const char *koine_json_kind(const json_t *json) {
    if (!json)
        return "nothing";
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "null";
    }
}

/* The sentence in `out`, cut to fit between two characters. */
static struct koine_text print(char *out, size_t capacity, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static struct koine_text print(char *out, size_t capacity, const char *format, va_list arguments) {
    const int size = vsnprintf(out, capacity, format, arguments);
    size_t kept = size < 0 ? 0 : (size_t)size;
    if (kept >= capacity) {
        size_t last = capacity - 1;
        while (last && ((unsigned char)out[last - 1] & 0xc0) == 0x80)
            last--;
        kept = capacity - 1;
        if (last && last + json_character_missing((unsigned char)out[last - 1]) > kept)
            kept = last - 1; /* the last character is not whole */
    }
    return (struct koine_text){out, kept};
}

/* Finishes the text, too. */
static int32_t respond(const struct koine_self *self, koine_request request, int32_t status,
                       struct koine_json_text *json) {
    const struct koine_text body = {json->bytes, json->size};
    const int32_t result =
        json->no_memory
            ? koine_fail_for_memory(self, request)
            : self->http->respond(self->host, request, status, (struct koine_text){NULL, 0}, body);
    koine_json_text_finish(json);
    return result;
}

int32_t koine_answer_text(const struct koine_self *self, koine_request request,
                          struct koine_json_text *json) {
    return respond(self, request, 200, json);
}

int32_t koine_answer(const struct koine_self *self, koine_request request, int32_t status,
                     json_t *value) {
    struct koine_json_text text;
    koine_json_text_init(&text, NULL, 0);
    koine_json_text_add_value(&text, value, 0);
    json_decref(value);
    return respond(self, request, status, &text);
}

static int32_t fail(const struct koine_self *self, koine_request request, uint16_t status,
                    const char *code, uint32_t retry_after_s, const char *format, va_list arguments)
    __attribute__((format(printf, 6, 0)));

static int32_t fail(const struct koine_self *self, koine_request request, uint16_t status,
                    const char *code, uint32_t retry_after_s, const char *format,
                    va_list arguments) {
    char sentence[SENTENCE_BYTES];
    const struct koine_failure failure = {.size = sizeof(failure),
                                          .status = status,
                                          .retry_after_s = retry_after_s,
                                          .code = text_of(code),
                                          .message =
                                              print(sentence, sizeof(sentence), format, arguments)};
    return self->http->fail(self->host, request, &failure);
}

int32_t koine_fail(const struct koine_self *self, koine_request request, uint16_t status,
                   const char *code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int32_t result = fail(self, request, status, code, 0, format, arguments);
    va_end(arguments);
    return result;
}

int32_t koine_fail_for_now(const struct koine_self *self, koine_request request, uint16_t status,
                           const char *code, uint32_t retry_after_s, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int32_t result = fail(self, request, status, code, retry_after_s, format, arguments);
    va_end(arguments);
    return result;
}

int32_t koine_fail_for_memory(const struct koine_self *self, koine_request request) {
    return koine_fail(self, request, 500, "INTERNAL_ERROR",
                      "The gateway is short of memory; try again later");
}

void koine_log_print(const struct koine_self *self, int32_t level, koine_request request,
                     const char *format, ...) {
    char line[SENTENCE_BYTES];
    va_list arguments;
    if (!self->log->enabled(self->host, level))
        return;
    va_start(arguments, format);
    const struct koine_text text = print(line, sizeof(line), format, arguments);
    va_end(arguments);
    self->log->write(self->host, level, request, text);
}

/* ---- tools */

static int32_t tool_result(const struct koine_self *self, koine_call call, bool is_error,
                           struct koine_text text) {
    const struct koine_tool_result result = {
        .size = sizeof(result), .is_error = is_error, .text = text};
    return self->runner->tool_result(self->host, call, &result);
}

int32_t koine_tool_answer(const struct koine_self *self, koine_call call, struct koine_text text) {
    const int32_t result = tool_result(self, call, false, text);
    if (result != KOINE_INVALID)
        return result;
    /* A call without any result would keep the run waiting. */
    return koine_tool_fail(self, call, "The result is not UTF-8 text; ask for something else");
}

int32_t koine_tool_fail(const struct koine_self *self, koine_call call, const char *format, ...) {
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const struct koine_text text = print(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    return tool_result(self, call, true, text);
}
