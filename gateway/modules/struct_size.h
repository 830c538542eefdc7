/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule by which structs of the ABI grow at their end: what an older module leaves out is zero,
 * what a newer one adds must be. Knows no module and logs nothing.
 */
#ifndef MODULES_STRUCT_SIZE_H
#define MODULES_STRUCT_SIZE_H

#include <koine/base.h>

/* The length of a struct up to and with a member: with the last one of ABI 1.0, how long it is in a
 * module of then, however much it has grown since. */
#define LENGTH_WITH(type, member)                                                                  \
    (offsetof(struct type, member) + sizeof(((struct type *)NULL)->member))

/* Copies a struct that begins with its size into `to` (of `known` bytes, which then is its size),
 * the missing rest zeroed. KOINE_OK; KOINE_UNSUPPORTED: longer than `known`, and the rest is not
 * zero; KOINE_INVALID: `from` is NULL or shorter than `minimum`. */
int32_t struct_size_read(void *to, size_t known, const void *from, size_t minimum);

#endif
