/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the repository as bytes in the module, for the extension koine.openapi/1.
 * The path counts from the folder that the compiler is run in: the top of the repository.
 */
#ifndef KOINE_MODULE_EMBED_H
#define KOINE_MODULE_EMBED_H

/* Defines `extern const char name[], name_end[]`, not seen outside the module. */
#define KOINE_EMBED(name, path)                                                                    \
    __asm__(".pushsection .rodata,\"a\"\n"                                                         \
            ".globl " #name "\n.hidden " #name "\n" #name ":\n"                                    \
            ".incbin \"" path "\"\n"                                                               \
            ".globl " #name "_end\n.hidden " #name "_end\n" #name "_end:\n"                        \
            ".byte 0\n.popsection\n");                                                             \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    extern const char name##_end[] __attribute__((visibility("hidden")))

#endif
