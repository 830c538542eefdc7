/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON being written into a buffer that grows: bytes as they are, and text as the characters of a
 * JSON string. Builds no tree and checks nothing; large values are copied once.
 */
#ifndef KOINE_MODULE_JSON_TEXT_H
#define KOINE_MODULE_JSON_TEXT_H

#include <jansson.h>
#include <koine/base.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct koine_json_text {
    char *bytes;
    size_t size;
    size_t capacity;
    bool on_heap;
    bool no_memory; /* something is missing: do not use the text */
};

/* `own`: memory of the caller's to begin with, used while it is large enough; may be NULL. */
void koine_json_text_init(struct koine_json_text *text, char *own, size_t capacity);
void koine_json_text_finish(struct koine_json_text *text);

void koine_json_text_add(struct koine_json_text *text, struct koine_text json);

/* As koine_json_text_add; line breaks, which JSON allows between tokens, become spaces. */
void koine_json_text_add_line(struct koine_json_text *text, struct koine_text json);

/* Adds a number in decimal. */
void koine_json_text_add_number(struct koine_json_text *text, uint64_t number);

/* Adds a value, compact. Flags are jansson's: JSON_EMBED leaves the outer braces out,
 * JSON_REAL_PRECISION says how many digits numbers have (else 15; 17 keep every value). NULL counts
 * as memory being short. */
void koine_json_text_add_value(struct koine_json_text *text, const json_t *value, size_t flags);

/* Adds UTF-8 text as a JSON string. */
void koine_json_text_add_string(struct koine_json_text *text, struct koine_text characters);

/* Adds UTF-8 text as it stands within a JSON string, without the quotes around it. */
void koine_json_text_add_escaped(struct koine_json_text *text, struct koine_text characters);

#ifdef __cplusplus
}
#endif
#endif
