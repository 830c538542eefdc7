/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of the document as its author wrote it: the host's, or a module's fragment. What is
 * read is known to have the form that merging relies on; whether it tells the truth is not judged.
 */
#ifndef OPENAPI_PART_H
#define OPENAPI_PART_H

#include "config/tree.h"
#include <koine/base.h>

enum { OPENAPI_MAXIMUM_BYTES = 1024 * 1024 };

struct openapi_part {
    struct node *root; /* owns the others, which are members of it */
    struct node *paths, *components, *tags, *security; /* NULL: not there */
};

/*
 * Reads YAML or JSON of at most OPENAPI_MAXIMUM_BYTES. References lead to its own components or to
 * those of `host` (NULL: there are no others). False with a problem added. openapi_part_finish in
 * any case.
 */
bool openapi_part_read(struct openapi_part *part, struct koine_text text, struct node *host,
                       struct problems *problems);
void openapi_part_finish(struct openapi_part *part);

/* "get", …: whether a member of a path item is an operation. */
bool openapi_is_method(const char *member);

#endif
