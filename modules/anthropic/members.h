/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects deep in a body, checked by tables: each member must be known, and is read, left out
 * without effect, or refused by name. Problems are added to the body's, each at its place. What the
 * values mean is the caller's affair.
 */
#ifndef ANTHROPIC_MEMBERS_H
#define ANTHROPIC_MEMBERS_H

#include <jansson.h>
#include <koine-module/body.h>

/* The body being checked. */
struct checking {
    struct koine_body *body;
    size_t problems; /* found here; of very many not all are told */
    bool no_memory;  /* what was read is not whole: nobody's mistake */
};

enum member_kind { MEMBER_ANY, MEMBER_STRING, MEMBER_BOOLEAN, MEMBER_OBJECT, MEMBER_ARRAY };

enum { MEMBER_REQUIRED = 1, MEMBER_NOT_EMPTY = 2 };

struct member_rule {
    const char *name;
    uint32_t effect;     /* enum koine_body_effect */
    const char *allowed; /* of KOINE_BODY_REFUSED, and … */
    const char *why;     /* … this, as in struct koine_body_rule */
    enum member_kind kind;
    uint32_t flags;             /* MEMBER_REQUIRED … */
    const char *const *choices; /* of a string: what it may be, ended by NULL. NULL: anything */
};

/* The members of one kind of object. */
struct object_rules {
    const char *name; /* for the documentation: "image.source" */
    const struct member_rule *members;
    size_t count;
};

#define OBJECT_RULES(name, members)                                                                \
    { name, members, sizeof(members) / sizeof(*(members)) }

void place_problem(struct checking *checking, const struct koine_body_place *place,
                   const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Whether a string of the object is this. */
bool member_is(const json_t *object, const char *name, const char *text);

/*
 * Checks all members. Those without effect, and those that ask for nothing, are taken out of the
 * object: what remains is what the rules call honoured. False: something is wrong and has been
 * told.
 */
bool members_check(struct checking *checking, const struct koine_body_place *place, json_t *object,
                   const struct object_rules *rules);

/* The value of a field of the body, from its text. New reference; NULL with an empty text, or when
 * it cannot be read, which is told, or is for lack of memory. */
json_t *member_load(struct checking *checking, const char *field, struct koine_text text);

#endif
