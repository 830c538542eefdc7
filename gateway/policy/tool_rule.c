/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of one tool rule, and what it covers. Strict on purpose: a rule that the CLI might read
 * in another way than this file is refused, because it would then allow or deny something else.
 */
#include "policy/tool_rule.h"

#include "policy/tool_policy.h"

#include <string.h>

#define MCP "mcp__"
#define MCP_SIZE (sizeof(MCP) - 1)

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_name_character(char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}

/* Characters that no shell gives a meaning to, wherever they stand in a word. */
static bool is_plain(char c) {
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("_./:=@%+,-", c) != NULL);
}

static bool text_is(struct koine_text text, const char *expected) {
    return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

/* Plain words with one space between them. */
static bool are_plain_words(struct koine_text text) {
    bool in_word = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == ' ' ? !in_word : !is_plain(text.data[i]))
            return false;
        in_word = text.data[i] != ' ';
    }
    return in_word;
}

/* Only for Bash is it known how the CLI reads a specifier. */
static const char *parse_bash_specifier(struct tool_rule *rule, struct koine_text specifier) {
    bool prefix = specifier.size >= 2 && memcmp(specifier.data + specifier.size - 2, ":*", 2) == 0;
    if (prefix)
        specifier.size -= 2;
    if (specifier.size == 0)
        return "has no command before ':*'; write Bash for all commands";
    if (are_plain_words(specifier)) {
        rule->extent = prefix ? TOOL_RULE_PREFIX : TOOL_RULE_COMMAND;
        rule->words_size = specifier.size;
    }
    return NULL;
}

static const char *check_parentheses(struct koine_text rest) {
    const char *close = memchr(rest.data, ')', rest.size);
    if (close == NULL)
        return "has a '(' that is never closed";
    size_t inside = (size_t)(close - rest.data) - 1;
    if (memchr(rest.data + 1, '(', inside) != NULL)
        return "holds a '(' inside the parentheses; the CLI cannot read that";
    if (inside + 2 < rest.size)
        return "goes on behind the ')'; write one rule for each list entry";
    if (inside == 0)
        return "has nothing between the parentheses; write the tool's name alone for all of it";
    /* The CLI takes a backslash as an escape: the rule would not end where it seems to. */
    if (close[-1] == '\\')
        return "has a backslash before the ')', which escapes it";
    return NULL;
}

/* `rest` is what follows the name and begins with '('. */
static const char *parse_specifier(struct tool_rule *rule, struct koine_text rest) {
    const char *problem = check_parentheses(rest);
    if (problem != NULL)
        return problem;
    struct koine_text specifier = {rest.data + 1, rest.size - 2};
    if (text_is(specifier, "*"))
        return NULL;
    rule->size += rest.size;
    rule->extent = TOOL_RULE_OPAQUE;
    if (text_is((struct koine_text){rule->text, rule->name_size}, "Bash"))
        return parse_bash_specifier(rule, specifier);
    return NULL;
}

static const char *describe_stray(char c) {
    if (c == ',' || c == ' ')
        return "holds a comma or a space; write one rule for each list entry";
    if (c == ')')
        return "has a ')' without a '('";
    if (c == '*')
        return "has a '*' that stands neither alone, nor for a whole server or tool, nor in "
               "\"(…)\"";
    return "holds a character that no tool's name has; names are of A-Z a-z 0-9 _ and -";
}

static const char *parse_mcp_wildcard(struct tool_rule *rule, size_t server_size) {
    struct koine_text name = {rule->text, rule->name_size};
    if (name.size == MCP_SIZE) {
        rule->kind = TOOL_RULE_MCP_ALL;
        rule->size = rule->name_size = MCP_SIZE + 1;
        return NULL;
    }
    if (server_size + 2 != name.size)
        return describe_stray('*');
    rule->kind = TOOL_RULE_MCP_SERVER;
    rule->size = rule->name_size = rule->server_size = server_size;
    return NULL;
}

static const char *parse_mcp_name(struct tool_rule *rule, size_t server_size) {
    if (rule->name_size == MCP_SIZE)
        return "names no server; write mcp__server, mcp__server__tool or mcp__*";
    if (server_size + 2 == rule->name_size)
        return "names no tool behind the server; write mcp__server for all of its tools";
    rule->kind = server_size == rule->name_size ? TOOL_RULE_MCP_SERVER : TOOL_RULE_MCP_TOOL;
    rule->server_size = server_size;
    return NULL;
}

/* The first "__" behind the server's first character ends its name, as in the CLI. */
static const char *parse_mcp(struct tool_rule *rule, struct koine_text rest) {
    size_t server_size = rule->name_size;
    if (rule->name_size > MCP_SIZE) {
        const char *server = rule->text + MCP_SIZE;
        if (!is_letter(*server) && !is_digit(*server))
            return "names a server that begins with neither a letter nor a digit";
        const char *end = memmem(server, rule->name_size - MCP_SIZE, "__", 2);
        if (end != NULL)
            server_size = (size_t)(end - rule->text);
    }
    if (rest.size == 0)
        return parse_mcp_name(rule, server_size);
    if (text_is(rest, "*"))
        return parse_mcp_wildcard(rule, server_size);
    if (rest.data[0] == '(')
        return "has a specifier, which MCP tools do not take; write mcp__server__tool alone";
    return describe_stray(rest.data[0]);
}

static const char *parse_from_name(struct tool_rule *rule, struct koine_text text) {
    while (rule->name_size < text.size && is_name_character(text.data[rule->name_size]))
        rule->name_size++;
    if (rule->name_size > TOOL_NAME_MAX_BYTES)
        return "has a name of more than 128 bytes";
    rule->size = rule->name_size;
    struct koine_text rest = {text.data + rule->name_size, text.size - rule->name_size};
    if (rule->name_size >= MCP_SIZE && memcmp(text.data, MCP, MCP_SIZE) == 0)
        return parse_mcp(rule, rest);
    if (rest.size == 0)
        return NULL;
    return rest.data[0] == '(' ? parse_specifier(rule, rest) : describe_stray(rest.data[0]);
}

static const char *parse(struct tool_rule *rule, struct koine_text text) {
    if (text.size == 0)
        return "is empty; write a tool's name such as Read, or Bash(git:*)";
    if (text.size > TOOL_RULE_MAX_BYTES)
        return "has more than 1024 bytes";
    const char *problem = tool_rule_check_characters(text);
    if (problem != NULL)
        return problem;
    if (text_is(text, "*")) {
        rule->kind = TOOL_RULE_ALL;
        rule->size = rule->name_size = 1;
        return NULL;
    }
    /* Such a text could become a flag of the CLI. */
    if (text.data[0] == '-')
        return "begins with '-'; a tool's name begins with a letter";
    if (is_name_character(text.data[0]) && !is_letter(text.data[0]))
        return "does not begin with a letter, as a tool's name does";
    if (text.data[0] == '(')
        return "has no tool's name before the '('";
    return parse_from_name(rule, text);
}

int tool_rule_parse(struct tool_rule *rule, struct koine_text text, const char **problem) {
    *rule = (struct tool_rule){.text = text.data, .kind = TOOL_RULE_BUILT_IN};
    *problem = parse(rule, text);
    return *problem == NULL ? KOINE_OK : KOINE_INVALID;
}

bool tool_rule_is_mcp(const struct tool_rule *rule) {
    return rule->kind >= TOOL_RULE_MCP_ALL;
}

bool tool_rule_same(const struct tool_rule *a, const struct tool_rule *b) {
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static bool same_name(const struct tool_rule *a, const struct tool_rule *b) {
    return a->name_size == b->name_size && memcmp(a->text, b->text, a->name_size) == 0;
}

static bool same_server(const struct tool_rule *a, const struct tool_rule *b) {
    return a->server_size == b->server_size && memcmp(a->text, b->text, a->server_size) == 0;
}

/* Whether `inner` begins with the words of `outer`, as words: `git` does not begin `gitk`. A rule
 * that is WHOLE or OPAQUE has no words, so nothing begins it. */
static bool words_begin(const struct tool_rule *outer, const struct tool_rule *inner) {
    size_t end = outer->words_size;
    if (inner->words_size < end)
        return false;
    const char *outer_words = outer->text + outer->name_size + 1;
    const char *inner_words = inner->text + inner->name_size + 1;
    return memcmp(outer_words, inner_words, end) == 0 &&
           (inner->words_size == end || inner_words[end] == ' ');
}

static bool specifier_includes(const struct tool_rule *outer, const struct tool_rule *inner) {
    if (outer->extent == TOOL_RULE_WHOLE || tool_rule_same(outer, inner))
        return true;
    return outer->extent == TOOL_RULE_PREFIX && words_begin(outer, inner);
}

bool tool_rule_includes(const struct tool_rule *outer, const struct tool_rule *inner) {
    if (outer->kind == TOOL_RULE_ALL)
        return true;
    if (outer->kind == TOOL_RULE_MCP_ALL)
        return tool_rule_is_mcp(inner);
    if (outer->kind == TOOL_RULE_MCP_SERVER)
        return inner->server_size > 0 && same_server(outer, inner);
    return outer->kind == inner->kind && same_name(outer, inner) &&
           specifier_includes(outer, inner);
}

bool tool_rule_covers(struct koine_text outer, struct koine_text inner) {
    struct tool_rule outer_rule, inner_rule;
    const char *problem;
    return tool_rule_parse(&outer_rule, outer, &problem) == KOINE_OK &&
           tool_rule_parse(&inner_rule, inner, &problem) == KOINE_OK &&
           tool_rule_includes(&outer_rule, &inner_rule);
}
