/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks over the members of a JSON object and gives each value as it is written.
 * For text that a parser has accepted; it validates nothing itself.
 */
#ifndef KOINE_MODULE_JSON_SPAN_H
#define KOINE_MODULE_JSON_SPAN_H

#include <koine/base.h>

/* Takes the next member off the front of `*rest` (at first: the text of the whole object) and
 * returns its value, without the space around it. None after the last. */
struct koine_text json_span_next_member(struct koine_text *rest);

#endif
