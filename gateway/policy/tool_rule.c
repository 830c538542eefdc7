/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of one tool rule, and what it covers. Strict on purpose: a rule that the CLI could read
 * in another way than this file is refused, because it would then deny or allow something else.
 */
#include "policy/tool_rule.h"

#include "policy/tool_policy.h"
#include "policy/utf8.h"

#include <stdio.h>
#include <string.h>

static const char MCP[] = "mcp__";
static const size_t MCP_SIZE = sizeof(MCP) - 1;

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_name_character(char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}
