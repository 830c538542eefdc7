/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of the modules that a worker has loaded, made when somebody asks for it first and
 * kept from then on: what is served does not change in a worker's life.
 */
#ifndef OPENAPI_SERVED_H
#define OPENAPI_SERVED_H

#include "http/page.h"
#include "worker.h"
#include <koine/base.h>

enum openapi_form { OPENAPI_YAML, OPENAPI_JSON };

struct openapi_text {
    char *data;
    size_t size;
    char etag[PAGE_ETAG_SIZE];
};

/* A zeroed one is empty. */
struct openapi_served {
    struct openapi_text texts[2];
    bool warned; /* of fragments that cannot be used */
};

/* NULL: memory is short. Lives as long as `served`. */
const struct openapi_text *openapi_served_text(struct openapi_served *served, struct worker *worker,
                                               enum openapi_form form);
void openapi_served_finish(struct openapi_served *served);

/* The same as YAML for a file, whose readers are somewhere else; malloc'd, NULL as above. */
char *openapi_file_text(struct worker *worker);

/* Logs what is wrong with fragments. */
void openapi_warn_of_fragments(struct worker *worker);

#endif
