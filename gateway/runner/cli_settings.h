/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the CLI that the gateway makes: the value of the flag --settings, when it has a rule
 * of its own to add to what a profile says there, and those of one turn of a running process.
 */
#ifndef RUNNER_CLI_SETTINGS_H
#define RUNNER_CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * `settings` (JSON object text, the path of a file that holds one, or NULL) with the rule that the
 * CLI asks the host about every call of `tool`. malloc'd JSON text, or NULL with `*problem` a
 * static sentence (NULL: memory is short).
 */
char *cli_settings_ask(const char *settings, const char *tool, const char **problem);

/* Whether `settings` (as above) name a program that gives the API key, or set one of these
 * variables. */
bool cli_settings_have_credential(const char *settings, const char *const *variables, size_t count);

/* What one turn allows and denies beyond the start of its process. */
struct cli_turn_settings {
    const char *allow; /* JSON arrays of rules */
    const char *deny;
    bool
        asks_about_bash; /* as at the start: said again, for the CLI takes permissions as a whole */
    uint32_t max_tokens; /* 0: no limit is set */
};

/* The JSON object for apply_flag_settings, malloc'd; "" when there is nothing to set, NULL when
 * memory is short. The same settings give the same text. */
char *cli_settings_of_turn(const struct cli_turn_settings *settings);

#endif
