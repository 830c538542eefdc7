/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a run can be asked for so, as far as the options alone tell. Session, profile and tools
 * are judged where the request and its key are known.
 */
#ifndef RUNNER_RUN_OPTIONS_H
#define RUNNER_RUN_OPTIONS_H

#include <jansson.h>
#include <koine/runner.h>
#include <stdbool.h>

/* As an issue of a 400: the field, by the name that clients know, and what is wrong with it. */
struct run_options_problem {
    char field[128];
    char message[256];
};

/* False: `problem` is filled with the first one. True: `*messages` are those of the history (see
 * transcript.h), which the caller lets go of; NULL where there is none. */
bool run_options_check(const struct koine_run_options *options, json_t **messages,
                       struct run_options_problem *problem);

#endif
