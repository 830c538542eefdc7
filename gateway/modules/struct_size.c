/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of older and newer modules, made into those of this gateway. */
#include "modules/struct_size.h"
#include <string.h>

/* No struct of any version is longer: what says so is no struct. */
enum { LONGEST_STRUCT_BYTES = 4096 };

int32_t struct_size_read(void *to, size_t known, const void *from, size_t minimum) {
    uint32_t size;
    if (!from)
        return KOINE_INVALID;
    memcpy(&size, from, sizeof(size));
    if (size < minimum)
        return KOINE_INVALID;
    if (size > LONGEST_STRUCT_BYTES)
        return KOINE_UNSUPPORTED;
    const unsigned char *bytes = from;
    for (size_t i = known; i < size; i++)
        if (bytes[i])
            return KOINE_UNSUPPORTED;
    memset(to, 0, known);
    memcpy(to, from, size < known ? size : known);
    size = (uint32_t)known;
    memcpy(to, &size, sizeof(size));
    return KOINE_OK;
}
