/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in CLI's parts and the state they share. The stand-in speaks the Claude Code CLI's
 * two-way protocol without a model; standin_cli.c lists the scenario keys that steer it. Nothing
 * outside the stand-in uses this. */
#ifndef TESTS_SUPPORT_STANDIN_CLI_H
#define TESTS_SUPPORT_STANDIN_CLI_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STANDIN_VERSION "2.1.330"
#define STANDIN_UUID_CHARS 36

/* What the command line says. Strings point into argv; lists are JSON arrays of strings. */
struct options {
    const char *input_format, *output_format, *session_id, *resume, *resume_at, *model;
    const char *system_prompt, *system_prompt_file, *append_system_prompt;
    const char *append_system_prompt_file, *permission_prompt_tool, *permission_mode;
    const char *max_turns, *max_budget_usd, *json_schema, *settings, *mcp_config;
    const char *setting_sources, *effort;
    bool print, verbose, include_partial_messages, fork_session, strict_mcp_config, bare;
    bool no_session_persistence, disable_slash_commands, skip_permissions, resume_given,
        tools_given, version;
    json_t *tools, *allowed_tools, *disallowed_tools, *add_dirs;
};

/* Lines in on stdin, lines out on stdout. */
struct wire {
    char *in, *out;
    size_t in_bytes, in_capacity, out_bytes, out_capacity;
    bool in_closed, reading, writing, split_utf8;
};

struct standin {
    int argc;
    char **argv;
    char **environ;
    struct options options;
    struct wire wire;
    char cwd[PATH_MAX];
    char session_id[STANDIN_UUID_CHARS + 1];
    uint64_t uuid_head, uuid_count, request_count, started_ms;

    json_t *base_scenario; /* from the environment */
    json_t *scenario;      /* of this turn: the environment's keys, then the prompt's */

    json_t *inbox;     /* user messages not yet answered */
    json_t *answers;   /* request_id -> response of the host */
    json_t *servers;   /* host-provided MCP servers: name -> {tools: [...]} */
    json_t *handshake; /* request_id -> {server, step}: MCP handshakes under way */
    int connecting;    /* servers whose handshake is not done */

    char *model;
    char *system_prompt, *append_system_prompt;
    json_t *json_schema, *settings;
    json_t *flag_settings; /* a layer of its own, of apply_flag_settings */
    bool in_turn, interrupted, initialized, demo;
    uint64_t reads, initialized_at, prompted_at; /* reads of stdin; in which one these came */

    double total_cost_usd;
    json_t *model_usage;
    int turn_count;

    char *history_last_user, *history_last_uuid;
    int history_messages;
    size_t history_bytes; /* of all contents, as JSON */
};

/* One turn: what was said so far and what the result line will report. */
struct turn {
    const json_t *user_content;
    char *prompt;
    uint64_t started_ms;
    int message_count, num_turns;
    size_t prompt_tokens, output_tokens, output_before; /* before: when the message began */
    char message_id[40];
    json_t *denials, *structured_output;
    json_t *history;   /* what came before this turn */
    char *tool_output; /* what tools answered, for an answer that repeats it */
    char *answer;
    const char *subtype; /* NULL: success */
    const char *error;
    bool is_error;
    int api_error_status;
    const char *stop_reason;
};

/* standin_cli.c */
_Noreturn void standin_exit(struct standin *s, int code);
_Noreturn void standin_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *standin_must(void *pointer);
uint64_t standin_now_ms(void);
void standin_uuid(struct standin *s, char out[STANDIN_UUID_CHARS + 1]);

/* standin_cli_options.c */
void options_parse(struct options *o, int argc, char **argv);
void options_finish(struct options *o);

/* standin_cli_wire.c */
void wire_init(void);
void wire_append(struct standin *s, const char *data, size_t bytes);
void wire_flush(struct standin *s);
void wire_finish(struct wire *w);
bool input_wait(struct standin *s, int timeout_ms); /* false: stdin is closed */
bool standin_pause(struct standin *s, int64_t ms);  /* false: interrupted */

/* standin_cli_control.c */
void control_line(struct standin *s, const char *line, size_t bytes);
json_t *control_ask(struct standin *s, json_t *request); /* steals; returns the id */
json_t *control_take_answer(struct standin *s, const json_t *id);
json_t *control_wait_answer(struct standin *s, const json_t *id); /* NULL: interrupted, closed */
json_t *mcp_request(const char *server, const char *method, json_t *params, int id);

/* standin_cli_lines.c */
void line_emit(struct standin *s, json_t *line); /* steals; adds session_id and uuid */
void line_init(struct standin *s);
void line_event(struct standin *s, const char *parent, json_t *event);
/* Returns how often it was sent: less than asked when an interrupt came. */
int64_t line_delta(struct standin *s, const struct turn *t, int index, const char *type,
                   const char *field, const char *data, size_t bytes, int64_t repeat);
/* The line of one delta; `spelled` is its text as JSON. The caller frees. */
char *line_delta_text(struct standin *s, const struct turn *t, int index, const char *type,
                      const char *field, const char *spelled);
/* One delta of text, spelled as JSON by the caller. */
void line_delta_spelled(struct standin *s, const struct turn *t, int index, const char *spelled);
void line_message(struct standin *s, const char *type, json_t *message, const char *parent);
void line_result(struct standin *s, struct turn *t);
json_t *tools_offered(struct standin *s);
json_t *line_usage(const struct turn *t, bool final);
json_t *line_timestamp(void);
double turn_cost(const struct standin *s, const struct turn *t);

/* standin_cli_turn.c */
void turn_run(struct standin *s, json_t *user_message);
void turn_unasked(struct standin *s); /* when the turn before asks for it */

/* standin_cli_message.c */
void message_begin(struct standin *s, struct turn *t);
void message_end(struct standin *s, struct turn *t, const char *stop_reason);
void block_text(struct standin *s, struct turn *t, int index, const char *text, int64_t repeat);
void block_text_spelled(struct standin *s, struct turn *t, int index, const char *spelled);
void block_thinking(struct standin *s, struct turn *t, int index, const char *thinking);
void block_tool_use(struct standin *s, struct turn *t, int index, const char *id, const char *name,
                    const char *input_json);
/* `content` and `details` are stolen; details may be NULL. */
void tool_result(struct standin *s, const char *id, json_t *content, bool is_error,
                 json_t *details);

/* standin_cli_tools.c */
bool tools_run(struct standin *s, struct turn *t, json_t *specs); /* false: interrupted */

/* standin_cli_rules.c */
enum verdict { VERDICT_ALLOW, VERDICT_ASK, VERDICT_DENY, VERDICT_UNKNOWN_TOOL };
enum verdict rules_verdict(struct standin *s, const char *tool, const json_t *input);
json_t *rules_split(const char *text); /* "A,B(c d) E" -> ["A", "B(c d)", "E"] */

/* standin_cli_session.c */
void session_start(struct standin *s);
json_t *session_history(const struct standin *s);
void session_record(struct standin *s, const char *type, json_t *message); /* steals */

/* standin_cli_scenario.c */
json_t *scenario_load(const char *value);
int64_t scenario_int(const struct standin *s, const char *key, int64_t otherwise);
const char *scenario_string(const struct standin *s, const char *key, const char *otherwise);
bool scenario_true(const struct standin *s, const char *key);
void scenario_checkpoint(struct standin *s, const char *when);
void scenario_report(struct standin *s);
void scenario_stray_daemon(struct standin *s);
json_t *scenario_value(struct standin *s, const struct turn *t, const char *what);
char *scenario_echo(struct standin *s, const struct turn *t);

/* standin_cli_sample.c */
json_t *sample_of_schema(const json_t *root, const json_t *schema, int depth);
bool schema_is_taken(const json_t *schema);

#endif
