/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which model has answered where a short name was asked for ("sonnet", or none), as far as that has
 * been seen: a transcript names the model itself, or the CLI takes thinking out of it.
 */
#ifndef RUNNER_MODEL_NAMES_H
#define RUNNER_MODEL_NAMES_H

#include <koine/base.h>

enum { MODEL_NAMES = 16, MODEL_NAME_BYTES = 128 };

/* Zeroed before. The oldest make room for new ones. */
struct model_names {
    struct model_name {
        char asked[MODEL_NAME_BYTES];
        char answered[MODEL_NAME_BYTES]; /* "": not in use */
    } names[MODEL_NAMES];
    size_t next;
};

/* Names that are too long are not kept. `asked` may be none. */
void model_names_note(struct model_names *names, struct koine_text asked,
                      struct koine_text answered);

/* None: it has not been seen. Lives until the next note. */
struct koine_text model_names_find(const struct model_names *names, struct koine_text asked);

#endif
