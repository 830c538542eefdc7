/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what stands below the members of a body: where a value is, what is wrong with it, and
 * JSON that lives as long as the request. Knows no field of the API.
 */
#ifndef OPENAI_READING_H
#define OPENAI_READING_H

#include "openai.h"
#include <jansson.h>

/* One request while its body is being read. */
struct reading {
    const struct openai *module;
    koine_request request;
    struct koine_body *body;
    size_t problems; /* found here; of very many not all are told */
    bool no_memory;  /* what was read is not whole: reading_accept answers so */
};

/* True: go on. False: the request has been answered, with all problems or for memory. */
bool reading_accept(struct reading *reading);

/* Memory of the request; NULL: reading->no_memory. */
void *reading_alloc(struct reading *reading, size_t bytes);
/* A copy in the request's memory. */
struct koine_text reading_copy(struct reading *reading, struct koine_text text);

/* Has the value freed when the request ends; returns it. NULL counts as memory being short. */
json_t *reading_keep(struct reading *reading, json_t *value);

/* ---- places ------------------------------------------------------------------------------ */

struct koine_body_place place_member(const struct koine_body_place *up, const char *name);
struct koine_body_place place_item(const struct koine_body_place *up, size_t index);

void problem(struct reading *reading, const struct koine_body_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How many bytes of a client's text to show in a problem ("%.*s"): whole characters, not many. */
int shown_size(const char *text);

/* "must be WHAT, got an array" */
void problem_expected(struct reading *reading, const struct koine_body_place *place,
                      const char *what, const json_t *got);

/* ---- values ------------------------------------------------------------------------------ */

/* The text of a member of the body as JSON, to be json_decref'd; NULL: none, or no memory. */
json_t *read_json(struct reading *reading, struct koine_text text);
/* Any text as JSON; NULL: it is none, or memory is short. `flags`: of jansson. */
json_t *json_of_text(struct koine_text text, size_t flags);

/* Each member of `object` must be named in `names` (ended by NULL), or be null. */
void read_known(struct reading *reading, const struct koine_body_place *place, json_t *object,
                const char *const *names);

/* A member that may be left out or null: NULL then. Another type is a problem and NULL. */
json_t *read_string(struct reading *reading, const struct koine_body_place *place,
                    const json_t *object, const char *name);
json_t *read_object(struct reading *reading, const struct koine_body_place *place,
                    const json_t *object, const char *name);

/* A string that must be there and not be empty; NULL: a problem. */
json_t *read_needed(struct reading *reading, const struct koine_body_place *place,
                    const json_t *object, const char *name);

/* ---- building ---------------------------------------------------------------------------- */

/* As jansson's, except that failures, NULL as `value` among them, are noted in `reading`. */
void build_append(struct reading *reading, json_t *array, json_t *value);
void build_set(struct reading *reading, json_t *object, const char *name, json_t *value);

/* `value`; NULL counts as memory being short. */
json_t *build(struct reading *reading, json_t *value);

/* {"type": "text", "text": the string, which is shared} */
json_t *build_text(struct reading *reading, json_t *string);

/* False also for what is no string, and NULL. */
bool text_is(const json_t *string, const char *wanted);

#endif
