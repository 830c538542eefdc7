/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a JSON text (RFC 8259) that is still being written and tells, after any byte, the value
 * that it already determines: open strings, arrays and objects are closed; a literal, number, name
 * or escape that is not complete is left out.
 *
 *     [1,2,{"a":"x\u00      gives      [1,2,{"a":"x"}]
 *
 * Every byte is looked at once: the value is a prefix of the text (without the white space between
 * its tokens) and the quotation mark and brackets that close it, so asking for it costs nothing.
 * Nothing is parsed anew, no tree is built. Memory grows with the text and is not limited here.
 */
#ifndef KOINE_MODULE_PARTIAL_JSON_H
#define KOINE_MODULE_PARTIAL_JSON_H

#include <koine/base.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct koine_partial_json;

/* NULL when memory is short. destroy takes NULL. */
struct koine_partial_json *koine_partial_json_create(void);
void koine_partial_json_destroy(struct koine_partial_json *reader);

/* Forgets everything: a new text begins. Keeps the memory. */
void koine_partial_json_reset(struct koine_partial_json *reader);

/*
 * The next bytes of the text, cut anywhere, also within a character. KOINE_OK; KOINE_INVALID: the
 * text is no JSON (also not UTF-8, a control character in a string, more than one value); the value
 * stays what it was before the offending byte; KOINE_NO_MEMORY: the value is that of some of the
 * piece, or of none. After either nothing more is taken, and the same is answered until reset.
 */
int32_t koine_partial_json_feed(struct koine_partial_json *reader, struct koine_text piece);

/*
 * The value so far as two texts that belong behind each other: `head`, a prefix of the compact
 * text, and `tail`, what closes it. Both none while nothing is determined. They live until the next
 * call that changes the reader, and hold no line break. A surrogate pair is left out until its
 * second half is there; a lone surrogate, which RFC 8259 allows, stays as it was written.
 */
struct koine_partial_value {
    struct koine_text head;
    struct koine_text tail;
};
struct koine_partial_value koine_partial_json_value(const struct koine_partial_json *reader);

/* Whether the text so far is a whole value, which white space alone may follow. A number on its own
 * is one once white space has followed, for more digits may come. Never so after a refusal. */
bool koine_partial_json_complete(const struct koine_partial_json *reader);

#ifdef __cplusplus
}
#endif
#endif
