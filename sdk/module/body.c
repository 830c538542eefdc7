/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of a body to the members of a struct. jansson judges the JSON; this file judges
 * types and collects problems. What a string means is the module's affair.
 */
#include "module/body.h"
#include "module/json_span.h"
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    REPORTED_PROBLEMS = 16, /* an array of a million wrong strings must not become an answer */
    SHOWN_NUMBER_BYTES = 40
};

struct koine_body {
    const struct koine_host *host;
    const struct koine_http *http;
    koine_request request;
    json_t *document; /* texts of `out` point into it */
    json_t *issues;
    size_t problems; /* may be more than issues holds */
    bool no_memory;
};

/* One value on its way into its member. */
struct value {
    struct koine_body *body;
    const struct koine_body_field *field;
    const json_t *json;
    struct koine_text written; /* the same value as the client wrote it */
    void *member;
};

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

/* ---- answers ----------------------------------------------------------------------------- */

static void refuse(struct koine_body *body, uint16_t status, const char *code, const char *message,
                   const char *issues) {
    struct koine_failure failure = {.size = sizeof(failure),
                                    .status = status,
                                    .code = text_of(code),
                                    .message = text_of(message)};
    if (issues)
        failure.issues = text_of(issues);
    body->http->fail(body->host, body->request, &failure);
}

static void refuse_for_memory(struct koine_body *body) {
    refuse(body, 500, "INTERNAL_ERROR", "The gateway is short of memory; try again later", NULL);
}

/* allowedTools[2]: the path of an issue as a person writes it. */
static void print_path(FILE *out, const json_t *path) {
    size_t index;
    json_t *step;
    json_array_foreach(path, index, step) {
        if (json_is_string(step))
            fprintf(out, "%s%s", index ? "." : "", json_string_value(step));
        else
            fprintf(out, "[%" JSON_INTEGER_FORMAT "]", json_integer_value(step));
    }
    if (index)
        fputs(": ", out);
}

/* All problems in one sentence, malloc'd; NULL when memory is short. */
static char *problems_message(const struct koine_body *body) {
    char *message = NULL;
    size_t size, index;
    json_t *issue;
    FILE *out = open_memstream(&message, &size);
    if (!out)
        return NULL;
    if (body->problems > 1)
        fprintf(out, "%zu problems: ", body->problems);
    json_array_foreach(body->issues, index, issue) {
        fputs(index ? "; " : "", out);
        print_path(out, json_object_get(issue, "path"));
        fputs(json_string_value(json_object_get(issue, "message")), out);
    }
    if (body->problems > index)
        fprintf(out, "; and %zu more", body->problems - index);
    bool failed = ferror(out);
    if (fclose(out) || failed) {
        free(message);
        return NULL;
    }
    return message;
}

bool koine_body_accept(struct koine_body *body) {
    if (!body->problems && !body->no_memory)
        return true;
    char *message = problems_message(body);
    char *issues = json_dumps(body->issues, JSON_COMPACT);
    if (message && issues && !body->no_memory)
        refuse(body, 400, "VALIDATION_ERROR", message, issues);
    else
        refuse_for_memory(body);
    free(issues);
    free(message);
    return false;
}

/* ---- problems ---------------------------------------------------------------------------- */

/* `field` NULL: the whole body. `index` below 0: the whole field. */
static void add_problem(struct koine_body *body, const char *field, long long index,
                        const char *format, va_list arguments) {
    if (body->problems++ >= REPORTED_PROBLEMS)
        return;
    char *message = NULL;
    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    json_t *path = json_array();
    json_t *issue = message ? json_pack("{s:O,s:s}", "path", path, "message", message) : NULL;
    if ((field && json_array_append_new(path, json_string(field))) ||
        (index >= 0 && json_array_append_new(path, json_integer(index))) ||
        json_array_append(body->issues, issue))
        body->no_memory = true;
    json_decref(issue);
    json_decref(path);
    free(message);
}

static void problem_at(struct koine_body *body, const char *field, long long index,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

static void problem_at(struct koine_body *body, const char *field, long long index,
                       const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_problem(body, field, index, format, arguments);
    va_end(arguments);
}

void koine_body_problem(struct koine_body *body, const char *field, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_problem(body, field, -1, format, arguments);
    va_end(arguments);
}

static const char *kind_of(const json_t *json) {
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

/* Shows numbers as they were written, and of everything else only what it is: the answer may be
 * logged, and a prompt has no place there. */
static void expected(const struct value *value, const char *what) {
    bool number = json_is_number(value->json) && value->written.size <= SHOWN_NUMBER_BYTES;
    struct koine_text got = number ? value->written : text_of(kind_of(value->json));
    problem_at(value->body, value->field->name, -1, "must be %s, got %.*s", what, (int)got.size,
               got.data);
}

/* ---- one field --------------------------------------------------------------------------- */

static struct koine_text string_text(const json_t *json) {
    return (struct koine_text){json_string_value(json), json_string_length(json)};
}

/* Whether the value may be as empty as it is; says so when not. */
static bool full_enough(const struct value *value, size_t size) {
    if (size || !(value->field->flags & KOINE_BODY_NOT_EMPTY))
        return true;
    problem_at(value->body, value->field->name, -1, "must not be empty");
    return false;
}

static void read_string(const struct value *value) {
    if (!json_is_string(value->json))
        expected(value, "a string");
    else if (full_enough(value, json_string_length(value->json)))
        *(struct koine_text *)value->member = string_text(value->json);
}

static void read_positive_integer(const struct value *value) {
    double number = json_is_number(value->json) ? json_number_value(value->json) : 0;
    if (!(number >= 1) || number != floor(number))
        expected(value, "a positive integer");
    else if (number > UINT32_MAX)
        expected(value, "at most 4294967295");
    else
        *(uint32_t *)value->member = (uint32_t)number;
}

static void read_positive_number(const struct value *value) {
    double number = json_is_number(value->json) ? json_number_value(value->json) : 0;
    if (!(number > 0) || !isfinite(number))
        expected(value, "a positive number");
    else
        *(double *)value->member = number;
}

static void read_boolean(const struct value *value) {
    if (!json_is_boolean(value->json))
        expected(value, "true or false");
    else
        *(bool *)value->member = json_is_true(value->json);
}

static void read_strings(const struct value *value) {
    struct koine_body *body = value->body;
    size_t count = json_array_size(value->json), index;
    json_t *item;
    if (!json_is_array(value->json)) {
        expected(value, "an array of strings");
        return;
    }
    if (!full_enough(value, count))
        return;
    /* One more than needed, so that an empty array is not NULL. */
    struct koine_text *items =
        body->http->alloc(body->host, body->request, (count + 1) * sizeof(*items));
    if (!items) {
        body->no_memory = true;
        return;
    }
    json_array_foreach(value->json, index, item) {
        if (json_is_string(item))
            items[index] = string_text(item);
        else
            problem_at(body, value->field->name, (long long)index, "must be a string, got %s",
                       kind_of(item));
    }
    *(struct koine_body_strings *)value->member = (struct koine_body_strings){items, count};
}

static void read_prompt(const struct value *value) {
    struct koine_body_prompt *prompt = value->member;
    size_t index;
    json_t *block;
    if (json_is_string(value->json)) {
        if (full_enough(value, json_string_length(value->json)))
            prompt->text = string_text(value->json);
        return;
    }
    if (!json_is_array(value->json)) {
        expected(value, "a string or an array of content blocks");
        return;
    }
    if (!full_enough(value, json_array_size(value->json)))
        return;
    json_array_foreach(value->json, index, block) {
        if (!json_is_string(json_object_get(block, "type")))
            problem_at(value->body, value->field->name, (long long)index,
                       "must be a content block, an object with a \"type\" such as \"text\"");
    }
    prompt->blocks = value->written;
}

static void read_array(const struct value *value) {
    size_t count = json_array_size(value->json);
    if (!json_is_array(value->json))
        expected(value, "an array");
    else if (full_enough(value, count))
        *(struct koine_body_array *)value->member =
            (struct koine_body_array){value->written, count};
}

static void read_object(const struct value *value) {
    if (!json_is_object(value->json))
        expected(value, "an object");
    else if (full_enough(value, json_object_size(value->json)))
        *(struct koine_text *)value->member = value->written;
}

/* Indexed by enum koine_body_kind. */
static const struct {
    size_t bytes;
    void (*read)(const struct value *value);
} kinds[] = {
    [KOINE_BODY_STRING] = {sizeof(struct koine_text), read_string},
    [KOINE_BODY_POSITIVE_INTEGER] = {sizeof(uint32_t), read_positive_integer},
    [KOINE_BODY_POSITIVE_NUMBER] = {sizeof(double), read_positive_number},
    [KOINE_BODY_BOOLEAN] = {sizeof(bool), read_boolean},
    [KOINE_BODY_STRINGS] = {sizeof(struct koine_body_strings), read_strings},
    [KOINE_BODY_PROMPT] = {sizeof(struct koine_body_prompt), read_prompt},
    [KOINE_BODY_ARRAY] = {sizeof(struct koine_body_array), read_array},
    [KOINE_BODY_OBJECT] = {sizeof(struct koine_text), read_object},
};

/* ---- the whole body ---------------------------------------------------------------------- */

/* "application/json; charset=utf-8", "application/vnd.example+json". */
static bool is_json_type(struct koine_text type) {
    const char *semicolon = type.size ? memchr(type.data, ';', type.size) : NULL;
    size_t size = semicolon ? (size_t)(semicolon - type.data) : type.size;
    while (size && (type.data[size - 1] == ' ' || type.data[size - 1] == '\t'))
        size--;
    if (size == strlen("application/json") && !strncasecmp(type.data, "application/json", size))
        return true;
    return size > strlen("+json") && memchr(type.data, '/', size) &&
           !strncasecmp(type.data + size - strlen("+json"), "+json", strlen("+json"));
}

/* Where the JSON ends to be JSON, as the one problem of the body. */
static void syntax_problem(struct koine_body *body, const json_error_t *error) {
    const char *what = error->text;
    if (json_error_code(error) == json_error_null_character ||
        json_error_code(error) == json_error_null_byte_in_key)
        what = "a NUL character (\\u0000) is not allowed";
    problem_at(body, NULL, -1, "the body is not JSON that can be used: line %d column %d: %s",
               error->line, error->column, what);
}

static void parse_document(struct koine_body *body, struct koine_text text) {
    json_error_t error;
    body->document =
        json_loadb(text.data, text.size,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    if (body->document && !json_is_object(body->document))
        problem_at(body, NULL, -1, "the body must be a JSON object, got %s",
                   kind_of(body->document));
    else if (!body->document && json_error_code(&error) == json_error_out_of_memory)
        body->no_memory = true;
    else if (!body->document)
        syntax_problem(body, &error);
}

/* False: answered. */
static bool load(struct koine_body *body, struct koine_text text) {
    struct koine_text type = {NULL, 0};
    body->http->header(body->host, body->request, "Content-Type", &type);
    if (!text.size)
        problem_at(body, NULL, -1, "the body is empty: send a JSON object");
    else if (type.size && !is_json_type(type)) {
        refuse(body, 415, "UNSUPPORTED_MEDIA_TYPE",
               "The body must be JSON: send it with Content-Type: application/json", NULL);
        return false;
    } else
        parse_document(body, text);
    return koine_body_accept(body);
}

static void read_fields(struct koine_body *body, struct koine_text text,
                        const struct koine_body_field *fields, size_t count, char *out) {
    const char *name;
    json_t *json;
    /* jansson keeps the order of members, so each value meets its text in one pass. */
    json_object_foreach(body->document, name, json) {
        struct koine_text written = json_span_next_member(&text);
        for (size_t i = 0; i < count; i++) {
            struct value value = {body, &fields[i], json, written, out + fields[i].offset};
            assert(fields[i].bytes == kinds[fields[i].kind].bytes);
            if (!strcmp(name, fields[i].name))
                kinds[fields[i].kind].read(&value);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].flags & KOINE_BODY_REQUIRED) &&
            !json_object_get(body->document, fields[i].name))
            koine_body_problem(body, fields[i].name, "is required");
    }
}

static void free_body(void *data, koine_request request, int32_t how) {
    struct koine_body *body = data;
    (void)request;
    (void)how;
    json_decref(body->issues);
    json_decref(body->document);
}

struct koine_body *koine_body_read(const struct koine_host *host, koine_request request,
                                   const struct koine_body_field *fields, size_t count, void *out) {
    const struct koine_http *http = host->service(host, KOINE_HTTP);
    assert(http);
    struct koine_body short_of_memory = {host, http, request, NULL, NULL, 0, true};
    struct koine_text text = {NULL, 0};
    if (http->body(host, request, &text) == KOINE_GONE)
        return NULL;
    struct koine_body *body = http->alloc(host, request, sizeof(*body));
    if (!body || http->on_end(host, request, free_body, body) != KOINE_OK) {
        refuse_for_memory(&short_of_memory);
        return NULL;
    }
    *body = (struct koine_body){.host = host, .http = http, .request = request};
    body->issues = json_array();
    body->no_memory = !body->issues;
    if (!load(body, text))
        return NULL;
    read_fields(body, text, fields, count, out);
    return body;
}

bool koine_body_parse(const struct koine_host *host, koine_request request,
                      const struct koine_body_field *fields, size_t count, void *out) {
    struct koine_body *body = koine_body_read(host, request, fields, count, out);
    return body && koine_body_accept(body);
}
