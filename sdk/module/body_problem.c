/* SPDX-License-Identifier: Apache-2.0 */
/* Problems of a body: collected as JSON issues, told in one sentence, answered at once. */
#include "body_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPORTED_PROBLEMS = 16, /* an array of a million wrong strings must not become an answer */
    SHOWN_NAME_BYTES = 64
};

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

void body_refuse(const struct koine_body *body, uint16_t status, const char *code,
                 const char *message, const char *issues) {
    struct koine_failure failure = {.size = sizeof(failure),
                                    .status = status,
                                    .code = text_of(code),
                                    .message = text_of(message)};
    if (issues)
        failure.issues = text_of(issues);
    body->http->fail(body->host, body->request, &failure);
}

void body_refuse_for_memory(const struct koine_body *body) {
    body_refuse(body, 500, "INTERNAL_ERROR", "The gateway is short of memory; try again later",
                NULL);
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
        body_refuse(body, 400, "VALIDATION_ERROR", message, issues);
    else
        body_refuse_for_memory(body);
    free(issues);
    free(message);
    return false;
}

bool body_problems_full(const struct koine_body *body) {
    return body->problems >= REPORTED_PROBLEMS;
}

void body_problem_path(struct koine_body *body, json_t *path, const char *format,
                       va_list arguments) {
    bool told = !body_problems_full(body);
    char *message = NULL;
    body->problems++;
    if (told && vasprintf(&message, format, arguments) < 0)
        message = NULL;
    json_t *issue =
        path && message ? json_pack("{s:O,s:s}", "path", path, "message", message) : NULL;
    if (told && json_array_append(body->issues, issue))
        body->no_memory = true;
    json_decref(issue);
    json_decref(path);
    free(message);
}

static void add_problem(struct koine_body *body, const char *field, long long index,
                        const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

static void add_problem(struct koine_body *body, const char *field, long long index,
                        const char *format, va_list arguments) {
    json_t *path = body_problems_full(body) ? NULL : json_array();
    if (path && ((field && json_array_append_new(path, json_string(field))) ||
                 (index >= 0 && json_array_append_new(path, json_integer(index))))) {
        json_decref(path);
        path = NULL;
    }
    body_problem_path(body, path, format, arguments);
}

void body_problem_at(struct koine_body *body, const char *field, long long index,
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

/* ---- places deeper in the body */

struct body_step body_path_step(const char **path) {
    struct body_step step = {{NULL, 0}, 0};
    if (**path == '[') {
        char *end = NULL;
        step.index = strtoul(*path + 1, &end, 10);
        *path = *end == ']' ? end + 1 : end;
    } else {
        step.name = (struct koine_text){*path, strcspn(*path, ".[")};
        *path += step.name.size;
    }
    if (**path == '.')
        *path += 1;
    return step;
}

/* NULL: no memory. */
static json_t *steps_of(const char *path) {
    json_t *steps = json_array();
    while (steps && *path) {
        const struct body_step step = body_path_step(&path);
        if (json_array_append_new(steps, step.name.data
                                             ? json_stringn(step.name.data, step.name.size)
                                             : json_integer((json_int_t)step.index)) == 0)
            continue;
        json_decref(steps);
        steps = NULL;
    }
    return steps;
}

void koine_body_problem_at(struct koine_body *body, const char *path, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    body_problem_path(body, body_problems_full(body) ? NULL : steps_of(path), format, arguments);
    va_end(arguments);
}

/* A name may be the client's, and as long as the body. */
static json_t *step_json(const struct koine_body_place *place) {
    if (!place->name)
        return json_integer((json_int_t)place->index);
    const struct koine_text name = text_of(place->name);
    const struct koine_text shown = koine_text_front(name, SHOWN_NAME_BYTES);
    return shown.size == name.size ? json_string(place->name)
                                   : json_sprintf("%.*s…", (int)shown.size, shown.data);
}

/* NULL: no memory. */
static json_t *path_to(const struct koine_body_place *place) {
    json_t *path = json_array();
    for (; path && place; place = place->up) {
        if (json_array_insert_new(path, 0, step_json(place))) {
            json_decref(path);
            path = NULL;
        }
    }
    return path;
}

void koine_body_vproblem_in(struct koine_body *body, const struct koine_body_place *place,
                            const char *format, va_list arguments) {
    body_problem_path(body, body_problems_full(body) ? NULL : path_to(place), format, arguments);
}

void koine_body_problem_in(struct koine_body *body, const struct koine_body_place *place,
                           const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    koine_body_vproblem_in(body, place, format, arguments);
    va_end(arguments);
}
