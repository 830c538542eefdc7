/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a tool that a module gives the model can be given. Knows neither runs nor policy.
 */
#ifndef RUNNER_TOOL_PROBLEM_H
#define RUNNER_TOOL_PROBLEM_H

#include <koine/extension.h>
#include <stdbool.h>

/* What is wrong, completing "the tool …"; NULL: nothing. `offered`: to every run, by koine.tools/1.
 */
const char *tool_problem(const struct koine_tool *tool, bool offered);

/* Likewise of the first wrong tool of a set, whose place is `*index`, from 0. */
const char *tool_set_problem(const struct koine_tool_set *set, uint32_t *index);

#endif
