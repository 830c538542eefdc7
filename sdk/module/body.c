/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of a body to the members of a struct. jansson judges the JSON, body_field.c each
 * value. What a string means is the module's affair.
 */
#include "body_internal.h"
#include "json_span.h"
#include <assert.h>
#include <koine-module/json_load.h>
#include <string.h>
#include <strings.h>

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
    body_problem_at(body, NULL, -1, "the body is not JSON that can be used: line %d column %d: %s",
                    error->line, error->column, what);
}

static void parse_document(struct koine_body *body, struct koine_text text) {
    json_error_t error = {0};
    body->document = koine_json_load(text, BODY_JSON_FLAGS, &error);
    if (body->document && !json_is_object(body->document))
        body_problem_at(body, NULL, -1, "the body must be a JSON object, got %s",
                        koine_json_kind(body->document));
    else if (!body->document &&
             (!*error.text || json_error_code(&error) == json_error_out_of_memory))
        body->no_memory = true;
    else if (!body->document)
        syntax_problem(body, &error);
}

/* False: answered. */
static bool load(struct koine_body *body, struct koine_text text) {
    struct koine_text type = {NULL, 0};
    body->http->header(body->host, body->request, "Content-Type", &type);
    if (!text.size)
        body_problem_at(body, NULL, -1, "the body is empty: send a JSON object");
    else if (type.size && !is_json_type(type)) {
        body_refuse(body, 415, "UNSUPPORTED_MEDIA_TYPE",
                    "The body must be JSON: send it with Content-Type: application/json", NULL);
        return false;
    } else
        parse_document(body, text);
    return koine_body_accept(body);
}

static bool is_left_out(const struct koine_body_field *field, const json_t *json) {
    return !json || ((field->flags & KOINE_BODY_NULLABLE) && json_is_null(json));
}

static void read_fields(struct koine_body *body, struct koine_text text,
                        const struct koine_body_field *fields, size_t count, char *out) {
    const char *name;
    json_t *json;
    /* jansson keeps the order of members, so each value meets its text in one pass. */
    json_object_foreach(body->document, name, json) {
        struct koine_text written = json_span_next_member(&text);
        for (size_t i = 0; i < count; i++) {
            struct body_value value = {body, &fields[i], json, written, out + fields[i].offset};
            if (!strcmp(name, fields[i].name) && !is_left_out(&fields[i], json))
                body_field_read(&value);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].flags & KOINE_BODY_REQUIRED) &&
            is_left_out(&fields[i], json_object_get(body->document, fields[i].name)))
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

struct koine_body *body_create(const struct koine_host *host, koine_request request) {
    const struct koine_http *http = host->service(host, KOINE_HTTP);
    assert(http);
    struct koine_body short_of_memory = {
        .host = host, .http = http, .request = request, .no_memory = true};
    struct koine_body *body = http->alloc(host, request, sizeof(*body) + sizeof(*body->cursor));
    if (!body || http->on_end(host, request, free_body, body) != KOINE_OK) {
        body_refuse_for_memory(&short_of_memory); /* harmless when the request is gone */
        return NULL;
    }
    *body = (struct koine_body){.host = host, .http = http, .request = request};
    body->cursor = (struct body_cursor *)(body + 1);
    *body->cursor = (struct body_cursor){NULL, 0};
    body->issues = json_array();
    body->no_memory = !body->issues;
    return body;
}

void body_load(struct koine_body *body, struct koine_text text,
               const struct koine_body_field *fields, size_t count, void *out) {
    parse_document(body, text);
    if (!body->no_memory && json_is_object(body->document))
        read_fields(body, text, fields, count, out);
}

struct koine_body *koine_body_read(const struct koine_host *host, koine_request request,
                                   const struct koine_body_field *fields, size_t count, void *out) {
    struct koine_body *body = body_create(host, request);
    struct koine_text text = {NULL, 0};
    if (!body)
        return NULL;
    body->http->body(host, request, &text);
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

json_t *koine_body_json(const struct koine_body *body, const char *name) {
    return json_object_get(body->document, name);
}
