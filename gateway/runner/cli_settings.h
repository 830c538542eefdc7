/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of the CLI's flag --settings when the gateway has a rule of its own to add to what a
 * profile says there. Knows nothing of the other flags.
 */
#ifndef RUNNER_CLI_SETTINGS_H
#define RUNNER_CLI_SETTINGS_H

/*
 * `settings` (JSON object text, the path of a file that holds one, or NULL) with the rule that the
 * CLI asks the host about every call of `tool`. malloc'd JSON text, or NULL with `*problem` a
 * static sentence (NULL: memory is short).
 */
char *cli_settings_ask(const char *settings, const char *tool, const char **problem);

#endif
