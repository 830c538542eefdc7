/* SPDX-License-Identifier: Apache-2.0 */
/* The rule by which structs grow: what an older module leaves out is zero, what a newer one adds
 * must be. */
#include "modules/struct_size.h"
#include <string.h>

int32_t module_read_struct(void *to, size_t known, const void *from, size_t minimum) {
    uint32_t size;
    if (!from)
        return KOINE_INVALID;
    memcpy(&size, from, sizeof(size));
    if (size < minimum)
        return KOINE_INVALID;
    const unsigned char *bytes = from;
    for (size_t i = known; i < size; i++)
        if (bytes[i])
            return KOINE_UNSUPPORTED;
    memset(to, 0, known);
    memcpy(to, from, size < known ? size : known);
    return KOINE_OK;
}
