/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text to jansson's values, at the speed of memory where strings are long: an image in base64
 * is a string of some millions of characters, and jansson looks at each. What is JSON is judged by
 * jansson all the same.
 */
#ifndef KOINE_MODULE_JSON_LOAD_H
#define KOINE_MODULE_JSON_LOAD_H

#include <jansson.h>
#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As json_loadb, with the same result for every text, and the same error (may be NULL). A new
 * reference, or NULL. */
json_t *koine_json_load(struct koine_text text, size_t flags, json_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
