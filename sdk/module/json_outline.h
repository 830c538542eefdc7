/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON for those who look at kinds and short strings alone: an image in it need not be copied for
 * that. Shared by the module SDK and the gateway.
 */
#ifndef KOINE_MODULE_JSON_OUTLINE_H
#define KOINE_MODULE_JSON_OUTLINE_H

#include <jansson.h>
#include <koine/base.h>

/* As koine_json_load, except that a long string (4,096 bytes and more) may be another one: one that
 * is not empty, and that nobody can guess. */
json_t *json_load_outline(struct koine_text text, size_t flags, json_error_t *error);

#endif
