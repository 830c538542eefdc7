/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the text of a value inside JSON text that a parser has accepted, so that it can be handed
 * on byte by byte: numbers keep the digits that they were written with. Does not validate.
 */
#ifndef RUNNER_JSON_SLICE_H
#define RUNNER_JSON_SLICE_H

#include <koine/base.h>

/* The member `name` of an object; none when it is absent, or when a name of this object is written
 * with escapes, so that comparing bytes could be wrong. Of duplicates the last, as in jansson. */
struct koine_text json_slice_member(struct koine_text object, const char *name);

/* Takes the next element off the front of `*rest` (at first: the text of the whole array) and
 * returns it; none after the last. */
struct koine_text json_slice_next(struct koine_text *rest);

#endif
