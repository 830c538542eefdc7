/* SPDX-License-Identifier: Apache-2.0 */
/* Compares by every byte; the hash only makes a difference quick to see. */
#include "runner/cli_kind.h"
#include <stdlib.h>
#include <string.h>

/* FNV-1a; nothing is stored under it. */
static uint64_t hash_more(uint64_t hash, const char *text) {
    do {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    } while (*text++);
    return hash;
}

static uint64_t hash_of(const struct cli_kind *kind) {
    uint64_t hash = UINT64_C(14695981039346656037);
    hash = hash_more(hash, kind->path);
    hash = hash_more(hash, kind->working_directory);
    hash = hash_more(hash, kind->owner);
    for (size_t i = 0; kind->arguments[i]; i++)
        hash = hash_more(hash, kind->arguments[i]);
    return hash;
}

/* Settings of a profile may hold variables, a limit of answers among them. */
static bool has_settings(const struct config_profile *profile) {
    for (size_t i = 0; profile && i < profile->flags.count; i++)
        if (strncmp(profile->flags.items[i], "--settings=", 11) == 0)
            return true;
    return false;
}

struct cli_kind *cli_kind_create(const struct cli_command_options *options, const char *owner,
                                 const char *working_directory, struct cli_problem *problem) {
    struct cli_kind *kind = calloc(1, sizeof(*kind));
    *problem = (struct cli_problem){0};
    if (!kind)
        return NULL;
    kind->references = 1;
    kind->path = strdup(options->path);
    kind->owner = strdup(owner);
    kind->working_directory = strdup(working_directory);
    kind->plain = !options->model.data && !options->effort.data && !options->max_turns &&
                  options->max_budget_usd == 0;
    kind->counts_budget = options->max_budget_usd > 0;
    kind->limits_answers = has_settings(options->profile);
    if (kind->path && kind->owner && kind->working_directory)
        kind->arguments = cli_command_arguments(options, problem);
    if (!kind->arguments) {
        cli_kind_unref(kind);
        return NULL;
    }
    kind->hash = hash_of(kind);
    return kind;
}

struct cli_kind *cli_kind_ref(struct cli_kind *kind) {
    kind->references++;
    return kind;
}

void cli_kind_unref(struct cli_kind *kind) {
    if (!kind || --kind->references > 0)
        return;
    free(kind->path);
    free(kind->owner);
    free(kind->working_directory);
    free(kind->arguments);
    free(kind);
}

static bool same_strings(char *const *a, char *const *b) {
    while (*a && *b && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return !*a && !*b;
}

bool cli_kind_same(const struct cli_kind *a, const struct cli_kind *b) {
    return a == b || (a->hash == b->hash && strcmp(a->path, b->path) == 0 &&
                      strcmp(a->owner, b->owner) == 0 &&
                      strcmp(a->working_directory, b->working_directory) == 0 &&
                      same_strings(a->arguments, b->arguments));
}
