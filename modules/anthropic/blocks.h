/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content blocks of the Messages API: which types stand where, and what each holds. The CLI passes
 * on what is accepted here.
 */
#ifndef ANTHROPIC_BLOCKS_H
#define ANTHROPIC_BLOCKS_H

#include "members.h"

/* Where a block stands (flags). */
enum {
    BLOCK_OF_USER = 1,
    BLOCK_OF_ASSISTANT = 2,
    BLOCK_OF_SYSTEM = 4,
    BLOCK_OF_RESULT = 8,   /* in a tool_result */
    BLOCK_OF_DOCUMENT = 16 /* in a document's content */
};

/* A string, or an array of blocks that may stand there. */
void blocks_check_content(struct checking *checking, const struct koine_body_place *place,
                          json_t *content, uint32_t where);

/* The tables, for the documentation: NULL past the end. */
const struct object_rules *blocks_rules_at(size_t index);

#endif
