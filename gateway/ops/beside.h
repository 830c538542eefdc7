/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies beside the program, which may be in a build folder or installed anywhere. Looks at
 * nothing there.
 */
#ifndef OPS_BESIDE_H
#define OPS_BESIDE_H

/* The path of `place`, which is relative to the folder of the program: "modules", "../lib/x". The
 * caller frees; NULL: memory is short, or the folder is not known. */
char *beside_program(const char *place);

#endif
