/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of routes' paths: what may stand there, how two of them compare. */
#include "http/route_path.h"
#include "ops/utf8.h"
#include <string.h>

const char *route_method_problem(const char *method) {
    static const char *const known[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; method && i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(method, known[i]) == 0)
            return NULL;
    return "the method must be GET, POST, PUT, PATCH, DELETE or OPTIONS";
}

struct koine_text route_path_next(struct koine_text *path) {
    const char *start = path->data + 1;
    size_t left = path->size - 1;
    const char *slash = left ? memchr(start, '/', left) : NULL;
    size_t size = slash ? (size_t)(slash - start) : left;
    path->data = start + size;
    path->size = left - size;
    return (struct koine_text){start, size};
}

bool route_path_is_param(struct koine_text segment) {
    return segment.size > 2 && segment.data[0] == '{' && segment.data[segment.size - 1] == '}';
}

/* It is written into lists, metrics and the log. */
static bool is_printable(const char *path) {
    size_t size = strlen(path), bytes = 0;
    for (size_t at = 0; at < size; at += bytes)
        if ((unsigned char)path[at] < ' ' || path[at] == 0x7f ||
            !(bytes = utf8_sequence_bytes(path + at, size - at)))
            return false;
    return true;
}

const char *route_path_problem(const char *path) {
    if (!path || path[0] != '/' || strlen(path) > 512)
        return "the path must begin with '/' and have at most 512 bytes";
    if (strpbrk(path, "?#% \t\r\n\"\\"))
        return "the path must be given decoded, without '?', '#', '%', blanks or quotes";
    if (!is_printable(path))
        return "the path must be UTF-8 without control characters";
    size_t params = 0;
    struct koine_text rest = {path, strlen(path)};
    while (rest.size) {
        struct koine_text segment = route_path_next(&rest);
        if (route_path_is_param(segment))
            params++;
        else if (memchr(segment.data, '{', segment.size) || memchr(segment.data, '}', segment.size))
            return "a parameter must be a whole segment: /models/{model}";
    }
    return params > ROUTE_MAX_PARAMS ? "a path may hold 8 parameters at most" : NULL;
}

bool route_path_same(const char *a, const char *b) {
    struct koine_text left = {a, strlen(a)}, right = {b, strlen(b)};
    while (left.size && right.size) {
        struct koine_text x = route_path_next(&left), y = route_path_next(&right);
        if (route_path_is_param(x) != route_path_is_param(y))
            return false;
        if (!route_path_is_param(x) && (x.size != y.size || memcmp(x.data, y.data, x.size) != 0))
            return false;
    }
    return !left.size && !right.size;
}

bool route_path_precedes(const char *a, const char *b) {
    struct koine_text left = {a, strlen(a)}, right = {b, strlen(b)};
    while (left.size && right.size) {
        bool x = route_path_is_param(route_path_next(&left));
        bool y = route_path_is_param(route_path_next(&right));
        if (x != y)
            return y;
    }
    return !left.size && right.size;
}

int route_path_param_index(const char *path, struct koine_text name) {
    struct koine_text rest = {path, strlen(path)};
    for (int index = 0; rest.size;) {
        struct koine_text segment = route_path_next(&rest);
        if (!route_path_is_param(segment))
            continue;
        if (segment.size == name.size + 2 && memcmp(segment.data + 1, name.data, name.size) == 0)
            return index;
        index++;
    }
    return -1;
}

/* Whether each parameter of `a` is one of `b`; counts those of `a`. */
static bool params_are_in(const char *a, const char *b, size_t *count) {
    struct koine_text rest = {a, strlen(a)};
    *count = 0;
    while (rest.size) {
        struct koine_text segment = route_path_next(&rest);
        if (!route_path_is_param(segment))
            continue;
        ++*count;
        if (route_path_param_index(b, (struct koine_text){segment.data + 1, segment.size - 2}) < 0)
            return false;
    }
    return true;
}

bool route_path_same_params(const char *a, const char *b) {
    size_t of_a, of_b;
    return params_are_in(a, b, &of_a) && params_are_in(b, a, &of_b) && of_a == of_b;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool path_decode(struct koine_text in, char *out, size_t *size) {
    size_t n = 0;
    for (size_t i = 0; i < in.size; i++) {
        char c = in.data[i];
        if (c == '%') {
            if (in.size - i < 3)
                return false;
            int high = hex_value(in.data[i + 1]), low = hex_value(in.data[i + 2]);
            if (high < 0 || low < 0 || (high | low) == 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        out[n++] = c;
    }
    *size = n;
    return true;
}
