/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for the CLI's stdin in the two-way protocol. Pure: values in, a malloc'd line out (ended by
 * a newline, its length in *size; free it), NULL when memory is short or the JSON given is none.
 */
#ifndef RUNNER_CLI_INPUT_H
#define RUNNER_CLI_INPUT_H

#include <koine/base.h>
#include <stdbool.h>
#include <stddef.h>

/* control_request initialize. `system`, `append_system` and `schema` (JSON object text) may each be
 * none; `servers` are the names of the host's MCP servers. */
char *cli_input_initialize(const char *request_id, struct koine_text system,
                           struct koine_text append_system, struct koine_text schema,
                           const struct koine_text *servers, size_t server_count, size_t *size);

/* A user turn. Exactly one of `text` and `blocks` (JSON array of content blocks, not empty: that
 * has been checked, see run_options.h, and an image is not looked at twice). With `slash_commands`
 * false a text that the CLI would take for a command, and an @path that it would read, reach the
 * model as text. */
char *cli_input_user(struct koine_text text, struct koine_text blocks, bool slash_commands,
                     size_t *size);

/* Answers of can_use_tool: allow gives the unchanged input (JSON) back, deny says why. */
char *cli_input_permit(const char *request_id, struct koine_text input, size_t *size);
char *cli_input_deny(const char *request_id, struct koine_text why, size_t *size);

/* Answer of mcp_message: `response` is a JSON-RPC response; none for a notification, which the CLI
 * wants answered too. */
char *cli_input_mcp(const char *request_id, struct koine_text response, size_t *size);

/* Any control request that this host does not know is answered with an error. */
char *cli_input_error(const char *request_id, struct koine_text message, size_t *size);

/* A control request that is no more than its name: interrupt, get_binary_version. */
char *cli_input_request(const char *request_id, const char *subtype, size_t *size);

/* control_request mcp_set_servers: the host's own MCP servers of these names. */
char *cli_input_servers(const char *request_id, const struct koine_text *servers, size_t count,
                        size_t *size);

/* control_request apply_flag_settings; `settings` is a JSON object as text. */
char *cli_input_settings(const char *request_id, struct koine_text settings, size_t *size);

#endif
