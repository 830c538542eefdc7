/* SPDX-License-Identifier: Apache-2.0 */
/* Walks along a dotted path: names of members, indexes of arrays. */
#include "test-host/json_path.h"
#include <stdlib.h>
#include <string.h>

json_t *json_path(json_t *value, const char *path) {
    while (value && *path) {
        size_t size = strcspn(path, ".");
        value = json_is_array(value) ? json_array_get(value, strtoul(path, NULL, 10))
                                     : json_object_getn(value, path, size);
        path += size + (path[size] == '.');
    }
    return value;
}
