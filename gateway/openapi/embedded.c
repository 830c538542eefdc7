/* SPDX-License-Identifier: Apache-2.0 */
/* The host's part as it was when the gateway was built: make knows that this depends on it. */
#include "openapi/merge.h"

__asm__(".pushsection .rodata\n"
        ".globl koine_openapi_begin\n.hidden koine_openapi_begin\nkoine_openapi_begin:\n"
        ".incbin \"gateway/openapi.yaml\"\n"
        ".globl koine_openapi_end\n.hidden koine_openapi_end\nkoine_openapi_end:\n"
        ".popsection\n");

extern const char koine_openapi_begin[], koine_openapi_end[];

struct koine_text openapi_host_part(void) {
    return (struct koine_text){koine_openapi_begin,
                               (size_t)(koine_openapi_end - koine_openapi_begin)};
}
