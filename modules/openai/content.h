/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of a message: a string, or parts (text, images, files) that become blocks of the
 * Messages API. Both endpoints have the same parts under other names.
 */
#ifndef OPENAI_CONTENT_H
#define OPENAI_CONTENT_H

#include "reading.h"

/* What a message may hold. */
enum {
    CONTENT_TEXT = 1,
    CONTENT_MEDIA = 2,   /* images and files */
    CONTENT_ANSWERS = 4, /* what the model has said: output_text, refusal */
};

struct part_type {
    const char *name;
    uint32_t kind;
    /* A new block; NULL: a problem has been noted. */
    json_t *(*read)(struct reading *reading, const struct koine_body_place *place, json_t *part);
};

/* Ended by a row without name. */
extern const struct part_type content_of_chat[];
extern const struct part_type content_of_responses[];

/*
 * The content as a string or an array of blocks, a new reference; strings are shared with
 * `content`. NULL: it is neither, which has been noted. `kinds`: CONTENT_… that may stand here.
 */
json_t *content_read(struct reading *reading, const struct koine_body_place *place, json_t *content,
                     const struct part_type *types, uint32_t kinds);

/* ---- content_media.c ---------------------------------------------------------------------- */

/* A block of an image at a URL, or in a data URL; `place` is the URL's. NULL: a problem. */
json_t *content_image(struct reading *reading, const struct koine_body_place *place,
                      const json_t *url);

/* A block of a file in a data URL (PDF, or text); `filename` may be NULL. NULL: a problem. */
json_t *content_file(struct reading *reading, const struct koine_body_place *place,
                     const json_t *data, json_t *filename);

#endif
