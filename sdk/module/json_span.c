/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scanner, not a parser: knows strings and nesting, which is all that finding the end of a value
 * in valid JSON takes. Never reads past the end, whatever it is given; does not recurse.
 */
#include "json_span.h"
#include "json_characters.h"
#include <stdbool.h>
#include <string.h>

static const char *skip_to(const char *at, const char *end, const char *stops) {
    while (at < end && (!*at || !strchr(stops, *at)))
        at++;
    return at;
}

static const char *skip_space(const char *at, const char *end) {
    while (at < end && *at && strchr(" \t\r\n", *at))
        at++;
    return at;
}

static const char *skip_nested(const char *at, const char *end) {
    size_t depth = 0;
    do {
        at = skip_to(at, end, "\"[]{}");
        if (at == end)
            break;
        char found = *at++;
        if (found == '"')
            at = json_characters_end(at, end);
        else if (found == '[' || found == '{')
            depth++;
        else
            depth--;
    } while (depth);
    return at;
}

static const char *skip_value(const char *at, const char *end) {
    if (at < end && *at == '"')
        return json_characters_end(at + 1, end);
    if (at < end && (*at == '[' || *at == '{'))
        return skip_nested(at, end);
    return skip_to(at, end, " \t\r\n,]}");
}

static void move_to(struct koine_text *rest, const char *at) {
    rest->size -= (size_t)(at - rest->data);
    rest->data = at;
}

void json_span_to_member(struct koine_text *rest) {
    const char *end = rest->data + rest->size;
    const char *at = skip_to(rest->data, end, "\"");
    at = at < end ? skip_to(json_characters_end(at + 1, end), end, ":") : end;
    move_to(rest, at < end ? skip_space(at + 1, end) : end);
}

void json_span_to_element(struct koine_text *rest) {
    const char *end = rest->data + rest->size;
    const char *at = skip_to(rest->data, end, "[,");
    move_to(rest, at < end ? skip_space(at + 1, end) : end);
}

struct koine_text json_span_take_value(struct koine_text *rest) {
    const char *from = rest->data;
    move_to(rest, skip_value(from, from + rest->size));
    return (struct koine_text){from, (size_t)(rest->data - from)};
}

void json_span_leave(struct koine_text *rest, const char *bracket) {
    const char *end = rest->data + rest->size;
    const char *at = skip_to(rest->data, end, bracket);
    move_to(rest, at < end ? at + 1 : end);
}

struct koine_text json_span_next_member(struct koine_text *rest) {
    const char *end = rest->data + rest->size;
    const char *at = skip_to(rest->data, end, "\"}");
    if (at == end || *at == '}')
        return (struct koine_text){NULL, 0};
    json_span_to_member(rest);
    return json_span_take_value(rest);
}
