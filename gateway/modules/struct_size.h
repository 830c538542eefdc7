/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a struct of the ABI that a module of another minor version may have filled. */
#ifndef MODULES_STRUCT_SIZE_H
#define MODULES_STRUCT_SIZE_H

#include <koine/base.h>

/* Checks the size of a struct that a module filled: KOINE_OK, or KOINE_UNSUPPORTED when it is
 * longer than `known` and the rest is not zero; KOINE_INVALID below `minimum`. Copies it into
 * `to` (of `known` bytes), the missing rest zeroed. */
int32_t module_read_struct(void *to, size_t known, const void *from, size_t minimum);

#endif
