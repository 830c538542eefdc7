/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the model can be given a tool: judged where a module hands it in, so that a wrong one
 * never comes as far as a run. Knows no module and logs nothing.
 */
#ifndef MODULES_TOOL_CHECK_H
#define MODULES_TOOL_CHECK_H

#include <koine/extension.h>
#include <stdbool.h>

/* What is wrong with a tool, for whoever wrote the module; NULL: nothing. `offered`: to every run,
 * as part of the extension. */
const char *tool_problem(const struct koine_tool *tool, bool offered);

/* The same of all tools of an extension: "tool 2 (sum): …". False: nothing is wrong. */
bool tool_set_problem(const struct koine_tool_set *set, char *problem, size_t size);

#endif
