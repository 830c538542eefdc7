/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON request body as a table of fields: read into a struct, all problems reported at once.
 * Answers what cannot be accepted (400, 415) by itself. Knows no endpoint; unknown fields are
 * ignored unless koine_body_rules is called. Compiled into the module that uses it, which then
 * links with jansson.
 *
 *     struct echo { struct koine_text text; uint32_t times; };
 *     static const struct koine_body_field fields[] = {
 *         KOINE_BODY_FIELD(struct echo, text, "text", KOINE_BODY_STRING, KOINE_BODY_REQUIRED),
 *         KOINE_BODY_LIMITED(struct echo, times, "times", KOINE_BODY_POSITIVE_INTEGER, 0, 1, 9),
 *     };
 *     struct echo echo = {.times = 1};
 *     if (!koine_body_parse(host, request, fields, KOINE_COUNT(fields), &echo))
 *         return;
 */
#ifndef KOINE_MODULE_BODY_H
#define KOINE_MODULE_BODY_H

#include <koine-module/module.h>
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a field may hold, and beside it the type of the struct's member. A JSON null is a value of
 * the wrong type, not a field left out, unless the field is KOINE_BODY_NULLABLE. */
enum koine_body_kind {
    KOINE_BODY_STRING,           /* struct koine_text */
    KOINE_BODY_POSITIVE_INTEGER, /* uint32_t */
    KOINE_BODY_POSITIVE_NUMBER,  /* double, finite */
    KOINE_BODY_BOOLEAN,          /* bool */
    KOINE_BODY_STRINGS,          /* struct koine_body_strings */
    KOINE_BODY_PROMPT,           /* struct koine_body_prompt: a string or an array of blocks */
    KOINE_BODY_ARRAY,            /* struct koine_body_array */
    KOINE_BODY_OBJECT,           /* struct koine_text: the JSON as the client wrote it */
    KOINE_BODY_INTEGER,          /* int64_t, -(2^53 - 1) … 2^53 - 1 (RFC 7493, section 2.2) */
    KOINE_BODY_NUMBER,           /* double, finite */
    KOINE_BODY_JSON              /* struct koine_text: any value as the client wrote it */
};

enum {
    KOINE_BODY_REQUIRED = 1,
    KOINE_BODY_NOT_EMPTY = 2, /* a string, array or object must hold something */
    KOINE_BODY_NULLABLE = 4   /* null counts as left out: with REQUIRED it "is required" */
};

/* items is NULL when the field was left out; an empty array is not NULL with a count of 0. */
struct koine_body_strings {
    const struct koine_text *items;
    size_t count;
};

struct koine_body_array {
    struct koine_text json; /* as the client wrote it; none when the field was left out */
    size_t count;
};

/* One of the two is set: runner.h's prompt and prompt_blocks. */
struct koine_body_prompt {
    struct koine_text text;
    struct koine_text blocks;
};

struct koine_body_field {
    const char *name; /* as in the JSON */
    enum koine_body_kind kind;
    uint32_t flags; /* KOINE_BODY_REQUIRED … */
    size_t offset;
    size_t bytes; /* of the member, checked against the kind */
    /* Of a number: its value. Of a string: its characters. Of an array: its items. Both 0: any. */
    double minimum;
    double maximum;
    const char *const *choices; /* of a string: what it may be, ended by NULL. NULL: anything */
};

#define KOINE_BODY_FIELD(type, member, name, kind, flags)                                          \
    KOINE_BODY_LIMITED(type, member, name, kind, flags, 0, 0)

#define KOINE_BODY_LIMITED(type, member, name, kind, flags, minimum, maximum)                      \
    {                                                                                              \
        name, kind, flags, offsetof(type, member), sizeof(((type *)NULL)->member), minimum,        \
            maximum, NULL                                                                          \
    }

#define KOINE_BODY_CHOICE(type, member, name, flags, choices)                                      \
    {                                                                                              \
        name, KOINE_BODY_STRING, flags, offsetof(type, member), sizeof(((type *)NULL)->member), 0, \
            0, choices                                                                             \
    }

struct koine_body;

/*
 * Reads the body into `out`, which holds the defaults: a field that is left out stays as it is.
 * Texts live as long as the request. NULL: the request has been answered (empty, not JSON, another
 * content type) or is gone. Otherwise koine_body_accept must follow.
 */
struct koine_body *koine_body_read(const struct koine_host *host, koine_request request,
                                   const struct koine_body_field *fields, size_t count, void *out);

/* Adds a problem that only the module can see, such as two fields that exclude each other. */
void koine_body_problem(struct koine_body *body, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * As koine_body_problem, deeper in the body. `path` is written as people do it: the issue of
 * "messages[2].content[0].type" has the path ["messages",2,"content",0,"type"]. A name that holds
 * a '.' or '[' is not for this.
 */
void koine_body_problem_at(struct koine_body *body, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A place in a body, as a list that ends at it: {&{&{NULL, "messages", 0}, NULL, 2}, "role", 0}. */
struct koine_body_place {
    const struct koine_body_place *up; /* NULL: a member of the body */
    const char *name;                  /* NULL: an index */
    size_t index;
};

/* As koine_body_problem_at, for any name; a long one is cut. */
void koine_body_problem_in(struct koine_body *body, const struct koine_body_place *place,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));
void koine_body_vproblem_in(struct koine_body *body, const struct koine_body_place *place,
                            const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/*
 * The name of the body's index-th member, in the order of the client; NULL past the end. Lives as
 * long as the request. One after the other they cost one walk over the body.
 */
const char *koine_body_member(const struct koine_body *body, size_t index);

/*
 * A member as jansson has read it, borrowed, so that large ones need not be read twice; NULL: it is
 * not there. Lives as long as the request. Integers are reals: what is to be handed on with its
 * numbers is better read from its text (KOINE_BODY_JSON).
 */
struct json_t *koine_body_json(const struct koine_body *body, const char *name);

/* Whether a value of the body is null, or one of the JSON texts between the spaces of `allowed`
 * (NULL: none); numbers are those of koine_body_json. A text that is no JSON is a mistake of the
 * module's; it is answered as if memory were short, which jansson cannot tell from it. */
bool koine_body_allows(struct koine_body *body, const struct json_t *value, const char *allowed);

/* What becomes of a member of the body. */
enum koine_body_effect {
    KOINE_BODY_HONOURED,       /* the module reads it */
    KOINE_BODY_WITHOUT_EFFECT, /* the client may send it, nothing comes of it */
    KOINE_BODY_REFUSED         /* a problem, but for values that ask for nothing */
};

struct koine_body_rule {
    const char *name;
    uint32_t effect;     /* enum koine_body_effect */
    const char *allowed; /* of REFUSED: values that are no problem, beside null: JSON texts without
                            spaces, one space between two ("false 0 {}"); NULL: null alone */
    const char *why;     /* of REFUSED, for people: "is not supported: WHY"; NULL: no more */
};

/*
 * For an endpoint that ignores nothing silently: each member of the body must be named by a rule,
 * else it "is not known here"; a refused one "is not supported". Values are compared, not their
 * spelling: 1.0 is 1. Members of members are the module's affair.
 */
void koine_body_rules(struct koine_body *body, const struct koine_body_rule *rules, size_t count);

/* True: no problem was found. False: the request has been answered 400 with all of them. */
bool koine_body_accept(struct koine_body *body);

/* Both at once, for a body whose table says everything. */
bool koine_body_parse(const struct koine_host *host, koine_request request,
                      const struct koine_body_field *fields, size_t count, void *out);

#ifdef __cplusplus
}
#endif
#endif
