/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a module may put into the head of an answer. Knows no request.
 */
#ifndef HTTP_ANSWER_HEADER_H
#define HTTP_ANSWER_HEADER_H

#include <koine/base.h>
#include <stdbool.h>

/* Whether a content type is one line, and short. */
bool answer_type_is_fine(struct koine_text type);

/* Whether a header may be added to others of so many bytes, as koine_http.set_header says. */
bool answer_header_is_fine(struct koine_text name, struct koine_text value, size_t others);

#endif
