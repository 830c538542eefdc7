/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tool rule as the CLI writes them: `Bash`, `Bash(git:*)`, `mcp__srv__tool`, `*`.
 * Reads it and tells what it covers; knows neither lists nor who may narrow what.
 */
#ifndef POLICY_TOOL_RULE_H
#define POLICY_TOOL_RULE_H

#include <koine/base.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    TOOL_RULE_MAX_BYTES = 1024,
    TOOL_NAME_MAX_BYTES = 128, /* the Messages API takes no longer tool name */
    TOOL_RULE_QUOTE_BYTES = 64 /* how much of a bad rule an error repeats */
};

enum tool_rule_kind {
    TOOL_RULE_ALL,        /* `*` */
    TOOL_RULE_BUILT_IN,   /* `Read`, `Bash(git:*)` */
    TOOL_RULE_MCP_ALL,    /* `mcp__*` */
    TOOL_RULE_MCP_SERVER, /* `mcp__srv` */
    TOOL_RULE_MCP_TOOL    /* `mcp__srv__tool` */
};

/* How much of its tool a rule takes in. */
enum tool_rule_extent {
    TOOL_RULE_WHOLE,   /* no specifier */
    TOOL_RULE_PREFIX,  /* `Bash(git log:*)`: all commands that begin with these plain words */
    TOOL_RULE_COMMAND, /* `Bash(git log -p)`: one command of plain words */
    TOOL_RULE_OPAQUE   /* any other specifier: comparable with its equal only */
};

/*
 * A view: `text` is the caller's and must outlive the rule. The normalised form (`Read` for
 * `Read(*)`, `mcp__srv` for `mcp__srv__*`) is always the beginning of what was written.
 */
struct tool_rule {
    const char *text;
    size_t size;        /* of the normalised rule */
    size_t name_size;   /* `Bash`, `mcp__srv__tool` */
    size_t server_size; /* `mcp__srv`; 0 for what names no server */
    size_t words_size;  /* PREFIX, COMMAND: the words, which begin behind the '(' */
    enum tool_rule_kind kind;
    enum tool_rule_extent extent;
};

/* Reads one rule. KOINE_OK, or KOINE_INVALID with `*problem` set to what is wrong with it:
 * a static text that continues the sentence `rule "…" `. */
int tool_rule_parse(struct tool_rule *rule, struct koine_text text, const char **problem);

/* The characters alone: NULL when they are valid UTF-8 without control characters, else the
 * problem, as above. */
const char *tool_rule_check_characters(struct koine_text text);

/* Writes that sentence: quotes the rule's first bytes, made printable. Always terminates. */
void tool_rule_explain(char *buffer, size_t size, struct koine_text text, const char *problem);

/* True when it is certain that `outer` covers all that `inner` covers. Reflexive, transitive. */
bool tool_rule_includes(const struct tool_rule *outer, const struct tool_rule *inner);

bool tool_rule_same(const struct tool_rule *a, const struct tool_rule *b);
bool tool_rule_is_mcp(const struct tool_rule *rule);

#endif
