/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an answer as far as a module decides it. Knows no request.
 */
#ifndef HTTP_ANSWER_HEADER_H
#define HTTP_ANSWER_HEADER_H

#include <koine/http.h>
#include <stdbool.h>

/* Whether a content type is one line, and short. */
bool answer_type_is_fine(struct koine_text type);

/* How a stream begins: koine_stream_options with its defaults, but for the keep-alive interval. */
struct answer_stream_head {
    int status;
    struct koine_text content_type, keep_alive;
    const char *extra; /* further header lines; constant */
};

/* False: the options are KOINE_INVALID. */
bool answer_stream_begins(const struct koine_stream_options *options,
                          struct answer_stream_head *head);

/* Whether a header may be added to others of so many bytes, as koine_http.set_header says. */
bool answer_header_is_fine(struct koine_text name, struct koine_text value, size_t others);

#endif
