/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kind of process of the CLI: what its start fixes for good. Requests of one kind can take each
 * other's processes; everything else is said through the protocol. Immutable, reference-counted.
 */
#ifndef RUNNER_CLI_KIND_H
#define RUNNER_CLI_KIND_H

#include "runner/cli_command.h"

struct cli_kind {
    unsigned references;
    uint64_t hash;
    char *path;
    char **arguments; /* without those of a session */
    char *working_directory;
    char *owner;         /* the key whose sessions the processes can have */
    bool plain;          /* nothing that a client has chosen can keep it from starting */
    bool counts_budget;  /* it ends by what it has cost in all: good for one turn only */
    bool limits_answers; /* its start limits answers already: no other limit can be taken back */
};

/* NULL when memory is short, or with `problem` filled as by cli_command_arguments. */
struct cli_kind *cli_kind_create(const struct cli_command_options *options, const char *owner,
                                 const char *working_directory, struct cli_problem *problem);
struct cli_kind *cli_kind_ref(struct cli_kind *kind);
void cli_kind_unref(struct cli_kind *kind); /* takes NULL */
bool cli_kind_same(const struct cli_kind *a, const struct cli_kind *b);

#endif
