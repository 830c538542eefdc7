/* SPDX-License-Identifier: Apache-2.0 */
/* A member of a JSON value by a dotted path: "user.names.0". */
#ifndef TEST_HOST_JSON_PATH_H
#define TEST_HOST_JSON_PATH_H

#include <jansson.h>

/* "" is the value itself. NULL: there is none. */
json_t *json_path(json_t *value, const char *path);

#endif
