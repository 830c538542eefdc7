/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file as a document in the module, for the extensions koine.openapi/1 and koine.config-schema/1.
 * The assembler looks for the file in the folder that the compiler is run in; a build that runs
 * elsewhere says -DKOINE_EMBED_FOLDER='"FOLDER/"'. (Not -Wa,-I,FOLDER: a file of the same name
 * where the compiler is run would win.) Make the object depend on the file: the compiler does not
 * tell make of it.
 *
 *     KOINE_EMBED(openapi, "openapi.yaml"); // outside of any function
 */
#ifndef KOINE_MODULE_EMBED_H
#define KOINE_MODULE_EMBED_H

#include <koine/extension.h>

#ifndef KOINE_EMBED_FOLDER
#define KOINE_EMBED_FOLDER ""
#endif

#if UINTPTR_MAX == UINT64_MAX
#define KOINE_EMBED_WORD ".8byte "
#else
#define KOINE_EMBED_WORD ".4byte "
#endif

/* Declares `const struct koine_document name`, not seen outside of the module: a struct of its
 * members written down, and the file's bytes. */
#define KOINE_EMBED(name, path)                                                                    \
    __asm__(".pushsection .rodata\n1: .incbin \"" KOINE_EMBED_FOLDER path "\"\n2:\n.popsection\n"  \
            ".pushsection .data.rel.ro,\"aw\"\n.balign 8\n"                                        \
            ".globl " #name "\n.hidden " #name "\n.type " #name ", %object\n" #name ":\n"          \
            ".4byte 3f - " #name ", 0\n" KOINE_EMBED_WORD "1b, 2b - 1b\n3:\n"                      \
            ".size " #name ", . - " #name "\n.popsection\n");                                      \
    extern const struct koine_document name __attribute__((visibility("hidden")))

#endif
