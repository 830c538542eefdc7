/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the CLI is started: its argument list and its environment, from checked values. No value of a
 * request can become a flag: each is validated and stands behind "--flag=". The prompt is never
 * here.
 */
#ifndef RUNNER_CLI_COMMAND_H
#define RUNNER_CLI_COMMAND_H

#include "config/config.h"
#include "policy/tool_policy.h"
#include <koine/base.h>
#include <stdbool.h>

/* What a start fixes for the life of the process. The output limit, instructions, schema, host
 * tools and further denials are said through the protocol: cli_input.h. The model and the effort
 * could be said there too, but the CLI then writes that into the conversation. */
struct cli_command_options {
    const char *path; /* absolute path of the CLI: argv[0] */
    const struct config_profile *profile;
    const struct tool_policy *policy;
    const struct tool_policy *base; /* what `policy` was narrowed from: patterns that only `policy`
                                       denies are left to the turn's settings; NULL: none are */
    struct koine_text model;
    struct koine_text effort;
    uint32_t max_turns;    /* 0: none */
    double max_budget_usd; /* 0: none */
};

/* The conversation of a process. */
struct cli_session {
    struct koine_text id;        /* that the conversation will have */
    struct koine_text resume_id; /* continue this one; none: a new conversation */
    struct koine_text resume_at; /* … as far as this message of it alone, the last that counts */
    bool fork;                   /* resume_id is copied to id */
    bool passing;                /* nothing of it is written down */
};

/* What is wrong with a value that a client sent: the field as the contract names it, and a
 * sentence. */
struct cli_problem {
    const char *field; /* "sessionId", "model", "effort" … */
    char message[192];
};

/* Validation of single values; true when fine. A model is [A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,127};
 * an effort one of those that both known CLI versions take. */
bool cli_valid_model(struct koine_text model, struct cli_problem *problem);
bool cli_valid_effort(struct koine_text effort, struct cli_problem *problem);

/* Builds argv: one malloc'd block, NULL-terminated, free() it. NULL when memory is short or a value
 * is over the kernel's 128 KiB an argument (`problem` is then filled, else its field is NULL).
 * Where the policy lets only a part of Bash through, the CLI is told to ask about every Bash call
 * (can_use_tool): by itself it would run whatever it takes for reading only. */
char **cli_command_arguments(const struct cli_command_options *options,
                             struct cli_problem *problem);

/* The same with the flags of a session behind them; `arguments` is copied. free() it; NULL when
 * memory is short or an id is no UUID. */
char **cli_command_with_session(char *const *arguments, const struct cli_session *session);

/* True when the CLI is to ask about every Bash call: the policy lets a part of Bash through. */
bool cli_command_asks_about_bash(const struct tool_policy *policy);

/*
 * Builds the CLI's environment from the gateway's by the allow list (ANTHROPIC_*, CLAUDE_CODE_*,
 * DISABLE_*, proxies, certificates, PATH, HOME, USER, SHELL, LANG, LC_*, TZ, TMPDIR,
 * CLAUDE_CONFIG_DIR, and what the config adds), never the gateway's key; with ANTHROPIC_API_KEY
 * set, CLAUDE_CODE_OAUTH_TOKEN is withheld. Variables of an outer CLI session (CLAUDECODE,
 * CLAUDE_CODE_ENTRYPOINT, CLAUDE_CODE_SSE_PORT …) are withheld unless the config names them.
 * CLAUDE_CODE_DISABLE_ATTACHMENTS is set unless it is given. One malloc'd block,
 * NULL-terminated, free() it; NULL when memory is short.
 */
char **cli_command_environment(const struct config *config, char *const *environment);

/* What the CLI will find under this name, as far as it is one that passes: the config's value, else
 * that of `environment`; NULL: none. */
const char *cli_command_variable(const struct config *config, char *const *environment,
                                 const char *name);

/* Finds an executable: a name without '/' is looked up on PATH of `environment`. malloc'd absolute
 * path, or NULL with errno (ENOENT, EACCES, ENOMEM). */
char *cli_command_find(const char *name, char *const *environment);

#endif
