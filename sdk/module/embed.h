/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the repository as bytes in the module, for the extension koine.openapi/1.
 * The path counts from the folder that the compiler is run in: the top of the repository.
 */
#ifndef KOINE_MODULE_EMBED_H
#define KOINE_MODULE_EMBED_H

#include <stdint.h>

/* Defines `extern const char name[]` and its length name_size, not seen outside the module. */
#define KOINE_EMBED(name, path)                                                                    \
    __asm__(".pushsection .rodata,\"a\"\n"                                                         \
            ".globl " #name "\n.hidden " #name "\n" #name ":\n"                                    \
            ".incbin \"" path "\"\n1:\n"                                                           \
            ".balign 8\n.globl " #name "_size\n.hidden " #name "_size\n" #name "_size:\n"          \
            ".8byte 1b - " #name "\n.popsection\n");                                               \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    extern const uint64_t name##_size __attribute__((visibility("hidden")))

#endif
