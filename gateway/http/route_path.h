/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The paths of routes: segments behind slashes, a name in braces standing for any one segment.
 * Knows the grammar alone; which routes there are is the router's.
 */
#ifndef HTTP_ROUTE_PATH_H
#define HTTP_ROUTE_PATH_H

#include <koine/base.h>
#include <stdbool.h>

#define ROUTE_MAX_PARAMS 8

/* Why a route cannot have this method or path, completing a sentence; NULL: it can. */
const char *route_method_problem(const char *method);
const char *route_path_problem(const char *path);

/* Cuts the next segment, without its slash, off a path that begins with one. */
struct koine_text route_path_next(struct koine_text *path);
bool route_path_is_param(struct koine_text segment); /* "{name}" */

/* Whether two paths match the same requests: they differ at most in the names of parameters. */
bool route_path_same(const char *a, const char *b);

/* Whether `a` comes before `b` when both match: at the first segment that is fixed in one of them
 * and a parameter in the other, the fixed one wins. */
bool route_path_precedes(const char *a, const char *b);

/* Whether both hold the same parameters, in whatever order. */
bool route_path_same_params(const char *a, const char *b);

/* The index of a parameter among those of the path, or -1. */
int route_path_param_index(const char *path, struct koine_text name);

/* Percent-decodes `in` into `out` (capacity at least in.size). False on a bad escape or %00. */
bool path_decode(struct koine_text in, char *out, size_t *size);

#endif
