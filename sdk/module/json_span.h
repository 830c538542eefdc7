/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks over a JSON text and gives each value as it is written.
 * For text that a parser has accepted; it validates nothing itself.
 */
#ifndef KOINE_MODULE_JSON_SPAN_H
#define KOINE_MODULE_JSON_SPAN_H

#include <koine/base.h>

/* Takes the next member off the front of `*rest` (at first: the text of the whole object) and
 * returns its value, without the space around it. None after the last. */
struct koine_text json_span_next_member(struct koine_text *rest);

/* The same text walked over once, into nested values too, by a caller who knows from its parser
 * what comes next: to a member's value (past its name), to an element, over a value as it is
 * written, and past the bracket that closes what has been walked through. */
void json_span_to_member(struct koine_text *rest);
void json_span_to_element(struct koine_text *rest);
struct koine_text json_span_take_value(struct koine_text *rest);
void json_span_leave(struct koine_text *rest, const char *bracket);

#endif
