/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files that read a body: body.c (the document), body_field.c (one value),
 * body_rules.c (members by name), body_problem.c (what is wrong, and the answer), request.c (a
 * query as such a document). Not for modules.
 */
#ifndef KOINE_MODULE_BODY_INTERNAL_H
#define KOINE_MODULE_BODY_INTERNAL_H

#include <jansson.h>
#include <koine-module/answer.h>
#include <koine-module/body.h>
#include <stdarg.h>

/* Where koine_body_member was last: most callers go on from there. */
struct body_cursor {
    void *iterator; /* NULL: nowhere */
    size_t index;
};

struct koine_body {
    const struct koine_host *host;
    const struct koine_http *http;
    koine_request request;
    json_t *document; /* texts of `out` point into it */
    json_t *issues;
    struct body_cursor *cursor;
    size_t problems; /* may be more than issues holds */
    bool no_memory;
};

/* One value on its way into its member. */
struct body_value {
    struct koine_body *body;
    const struct koine_body_field *field;
    const json_t *json;
    struct koine_text written; /* the same value as the client wrote it */
    void *member;
};

/* A body without document, freed with the request; NULL: answered, or the request is gone. */
struct koine_body *body_create(const struct koine_host *host, koine_request request);

/* Reads a JSON object into the members of `out`. What is wrong is added to the problems. */
void body_load(struct koine_body *body, struct koine_text text,
               const struct koine_body_field *fields, size_t count, void *out);

/* How a document is read: numbers are all real, so that 1.0 is 1. */
enum { BODY_JSON_FLAGS = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL };

/* Stores the value, or adds what is wrong with it. */
void body_field_read(const struct body_value *value);

/* `field` NULL: the whole body. `index` below 0: the whole field. */
void body_problem_at(struct koine_body *body, const char *field, long long index,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* As body_problem_at, deeper in the body. Takes `path`; NULL: there was no memory for it, or it was
 * not made because body_problems_full said that it would not be told. */
void body_problem_path(struct koine_body *body, json_t *path, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* One step of a path as people write it, "name" or "[2]", taken off its front with the '.' behind
 * it. The name is part of the path; none: an index. */
struct body_step {
    struct koine_text name;
    size_t index;
};
struct body_step body_path_step(const char **path);

/* Further problems are counted and not told. */
bool body_problems_full(const struct koine_body *body);

/* Each answers the request, after which `body` may be gone. */
void body_refuse(const struct koine_body *body, uint16_t status, const char *code,
                 const char *message, const char *issues);
void body_refuse_for_memory(const struct koine_body *body);

#endif
