/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of headers: what may be one, and which of a request's no module sees. Knows no values.
 */
#ifndef HTTP_HEADER_NAME_H
#define HTTP_HEADER_NAME_H

#include <koine/base.h>
#include <stdbool.h>

/* A token of RFC 9110, of at most 128 bytes. */
bool header_name_is_fine(struct koine_text name);

/* Whether the header carries credentials: authentication is the gateway's. */
bool header_name_is_withheld(const char *name);

/* Whether both are the same header, or both NULL. */
bool header_name_same(const char *a, const char *b);

#endif
