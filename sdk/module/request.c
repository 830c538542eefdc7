/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query becomes the JSON object that the same table of fields would read from a body: values of
 * numbers and booleans as they are, all others as strings, which then are of the wrong type.
 */
#include "body_internal.h"
#include "json_characters.h"
#include <koine-module/json_text.h>
#include <koine-module/request.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_BYTES = 40 };

/* ---- application/x-www-form-urlencoded */

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool is_utf8(const char *bytes, size_t size) {
    const unsigned char *at = (const unsigned char *)bytes, *end = at + size;
    while (at < end) {
        unsigned missing = json_character_missing(*at);
        if (*at >= 0x80 && !missing)
            return false;
        for (at++; missing; missing--, at++)
            if (at == end || !json_character_continues(at[-1], *at))
                return false;
    }
    return true;
}

/* In place. False: a "%" without two hexadecimal digits, or no UTF-8, or a NUL. */
static bool decode(char *bytes, size_t *size) {
    size_t to = 0;
    for (size_t from = 0; from < *size; from++) {
        char byte = bytes[from] == '+' ? ' ' : bytes[from];
        if (byte == '%') {
            const int high = from + 2 < *size ? hex_value(bytes[from + 1]) : -1;
            const int low = high < 0 ? -1 : hex_value(bytes[from + 2]);
            if (low < 0)
                return false;
            byte = (char)(high << 4 | low);
            from += 2;
        }
        bytes[to++] = byte;
    }
    *size = to;
    return !memchr(bytes, '\0', to) && is_utf8(bytes, to);
}

/* Takes the piece before the next `end` off the front. */
static struct koine_text take(struct koine_text *rest, char end) {
    const char *at = rest->size ? memchr(rest->data, end, rest->size) : NULL;
    const size_t size = at ? (size_t)(at - rest->data) : rest->size;
    const struct koine_text piece = {rest->data, size};
    rest->data += at ? size + 1 : size;
    rest->size -= at ? size + 1 : size;
    return piece;
}

/* ---- into JSON */

struct query {
    struct koine_body *body;
    const struct koine_body_field *fields;
    size_t count;
    struct koine_json_text json;
    bool *given; /* one for each field */
};

static bool skip_one(struct koine_text *text, const char *of) {
    if (!text->size || !strchr(of, *text->data))
        return false;
    text->data++;
    text->size--;
    return true;
}

static bool skip_digits(struct koine_text *text) {
    bool some = false;
    while (skip_one(text, "0123456789"))
        some = true;
    return some;
}

/* RFC 8259, section 6. The text holds no NUL. */
static bool is_number(struct koine_text text) {
    skip_one(&text, "-");
    if (!skip_one(&text, "0") && !skip_digits(&text))
        return false;
    if (skip_one(&text, ".") && !skip_digits(&text))
        return false;
    if (skip_one(&text, "eE")) {
        skip_one(&text, "+-");
        if (!skip_digits(&text))
            return false;
    }
    return text.size == 0;
}

/* What jansson takes for a number of a C type. */
static bool is_finite_number(struct koine_text text) {
    char copy[NUMBER_BYTES];
    if (text.size >= sizeof(copy) || !is_number(text))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return isfinite(strtod(copy, NULL));
}

static bool is_literal(const struct koine_body_field *field, struct koine_text text) {
    switch (field->kind) {
    case KOINE_BODY_BOOLEAN:
        return (text.size == 4 && !memcmp(text.data, "true", 4)) ||
               (text.size == 5 && !memcmp(text.data, "false", 5));
    case KOINE_BODY_POSITIVE_INTEGER:
    case KOINE_BODY_POSITIVE_NUMBER:
    case KOINE_BODY_INTEGER:
    case KOINE_BODY_NUMBER:
        return is_finite_number(text);
    default:
        return false;
    }
}

static void add_member(struct query *query, size_t index, struct koine_text value) {
    const struct koine_body_field *field = &query->fields[index];
    if (query->given[index]) {
        koine_body_problem(query->body, field->name, "must be given once");
        return;
    }
    query->given[index] = true;
    koine_json_text_add(&query->json, query->json.size > 1 ? KOINE_TEXT(",") : KOINE_TEXT(""));
    koine_json_text_add_string(&query->json, (struct koine_text){field->name, strlen(field->name)});
    koine_json_text_add(&query->json, KOINE_TEXT(":"));
    if (is_literal(field, value))
        koine_json_text_add(&query->json, value);
    else
        koine_json_text_add_string(&query->json, value);
}

static void read_pair(struct query *query, char *name, size_t name_size, char *value,
                      size_t value_size) {
    if (!decode(name, &name_size))
        return; /* no field is called so */
    for (size_t i = 0; i < query->count; i++) {
        const char *expected = query->fields[i].name;
        if (strlen(expected) != name_size || memcmp(expected, name, name_size) != 0)
            continue;
        if (decode(value, &value_size))
            add_member(query, i, (struct koine_text){value, value_size});
        else
            koine_body_problem(query->body, expected, "must be UTF-8, percent-encoded");
        return;
    }
}

/* In a copy, which can be decoded in place. */
static bool read_pairs(struct query *query, struct koine_text text) {
    char *copy = text.size
                     ? query->body->http->alloc(query->body->host, query->body->request, text.size)
                     : NULL;
    if (text.size && !copy)
        return false;
    if (copy)
        memcpy(copy, text.data, text.size);
    struct koine_text rest = {copy, copy ? text.size : 0};
    while (rest.size) {
        struct koine_text value = take(&rest, '&');
        const struct koine_text name = take(&value, '=');
        read_pair(query, copy + (name.data - copy), name.size, copy + (value.data - copy),
                  value.size);
    }
    return true;
}

bool koine_query_parse(const struct koine_host *host, koine_request request,
                       const struct koine_body_field *fields, size_t count, void *out) {
    struct koine_text text = {NULL, 0};
    struct koine_body *body = body_create(host, request);
    if (!body)
        return false;
    body->http->query(host, request, &text);
    struct query query = {.body = body, .fields = fields, .count = count};
    query.given = body->http->alloc(host, request, count ? count : 1);
    koine_json_text_init(&query.json, NULL, 0);
    koine_json_text_add(&query.json, KOINE_TEXT("{"));
    body->no_memory |= !query.given || !read_pairs(&query, text);
    koine_json_text_add(&query.json, KOINE_TEXT("}"));
    body->no_memory |= query.json.no_memory;
    if (!body->no_memory)
        body_load(body, (struct koine_text){query.json.bytes, query.json.size}, fields, count, out);
    koine_json_text_finish(&query.json);
    body->no_memory |= !body->document; /* nothing else can be wrong with JSON that was made here */
    return koine_body_accept(body);
}

/* ---- Accept (RFC 9110, section 12.5.1) */

static struct koine_text trim(struct koine_text text) {
    while (text.size && (*text.data == ' ' || *text.data == '\t'))
        text.data++, text.size--;
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* "q=0", "q=0.000": not this type. */
static bool is_refused(struct koine_text parameters) {
    while (parameters.size) {
        const struct koine_text parameter = trim(take(&parameters, ';'));
        if (parameter.size >= 3 && strncasecmp(parameter.data, "q=0", 3) == 0) {
            size_t zeros = 3;
            while (zeros < parameter.size && strchr(".0", parameter.data[zeros]))
                zeros++;
            if (zeros == parameter.size)
                return true;
        }
    }
    return false;
}

bool koine_accepts(const struct koine_self *self, koine_request request, const char *type) {
    struct koine_text header;
    if (self->http->header(self->host, request, "Accept", &header) != KOINE_OK)
        return false;
    while (header.size) {
        struct koine_text range = take(&header, ',');
        const struct koine_text name = trim(take(&range, ';'));
        if (name.size == strlen(type) && strncasecmp(name.data, type, name.size) == 0)
            return !is_refused(range);
    }
    return false;
}
