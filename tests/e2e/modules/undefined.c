/* SPDX-License-Identifier: Apache-2.0 */
/* A module that calls what nobody defines; linked without -z,defs, or it could not be built. */
#include <koine/koine.h>

extern const struct koine_module *a_function_of_nobody(void);

const struct koine_module *koine_module(void) {
    return a_function_of_nobody();
}
