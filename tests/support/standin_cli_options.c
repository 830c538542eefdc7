/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in CLI's command line, parsed by the real one's rules: `--flag value` and
 * `--flag=value`, variadic lists that swallow what follows, an optional value of --resume. It
 * checks what the real one checks at once. */
#include "standin_cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { SWITCH, VALUE, OPTIONAL, LIST };

struct flag {
    const char *name, *alias;
    enum kind kind;
    size_t offset;
};

#define FLAG(name, alias, kind, field)                                                             \
    { name, alias, kind, offsetof(struct options, field) }

static const struct flag flags[] = {
    FLAG("--print", "-p", SWITCH, print),
    FLAG("--verbose", NULL, SWITCH, verbose),
    FLAG("--input-format", NULL, VALUE, input_format),
    FLAG("--output-format", NULL, VALUE, output_format),
    FLAG("--include-partial-messages", NULL, SWITCH, include_partial_messages),
    FLAG("--session-id", NULL, VALUE, session_id),
    FLAG("--resume", "-r", OPTIONAL, resume),
    FLAG("--resume-session-at", NULL, VALUE, resume_at),
    FLAG("--fork-session", NULL, SWITCH, fork_session),
    FLAG("--no-session-persistence", NULL, SWITCH, no_session_persistence),
    FLAG("--model", NULL, VALUE, model),
    FLAG("--system-prompt", NULL, VALUE, system_prompt),
    FLAG("--system-prompt-file", NULL, VALUE, system_prompt_file),
    FLAG("--append-system-prompt", NULL, VALUE, append_system_prompt),
    FLAG("--append-system-prompt-file", NULL, VALUE, append_system_prompt_file),
    FLAG("--tools", NULL, LIST, tools),
    FLAG("--allowedTools", "--allowed-tools", LIST, allowed_tools),
    FLAG("--disallowedTools", "--disallowed-tools", LIST, disallowed_tools),
    FLAG("--add-dir", NULL, LIST, add_dirs),
    FLAG("--permission-prompt-tool", NULL, VALUE, permission_prompt_tool),
    FLAG("--permission-mode", NULL, VALUE, permission_mode),
    FLAG("--max-turns", NULL, VALUE, max_turns),
    FLAG("--max-budget-usd", NULL, VALUE, max_budget_usd),
    FLAG("--json-schema", NULL, VALUE, json_schema),
    FLAG("--settings", NULL, VALUE, settings),
    FLAG("--setting-sources", NULL, VALUE, setting_sources),
    FLAG("--mcp-config", NULL, VALUE, mcp_config),
    FLAG("--strict-mcp-config", NULL, SWITCH, strict_mcp_config),
    FLAG("--bare", NULL, SWITCH, bare),
    FLAG("--effort", NULL, VALUE, effort),
    FLAG("--disable-slash-commands", NULL, SWITCH, disable_slash_commands),
    FLAG("--dangerously-skip-permissions", NULL, SWITCH, skip_permissions),
    FLAG("--version", "-v", SWITCH, version),
};

static const struct flag *flag_find(const char *name, size_t bytes) {
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        const struct flag *flag = &flags[i];
        if (strlen(flag->name) == bytes && memcmp(flag->name, name, bytes) == 0)
            return flag;
        if (flag->alias && strlen(flag->alias) == bytes && memcmp(flag->alias, name, bytes) == 0)
            return flag;
    }
    return NULL;
}

static void *field_of(struct options *o, const struct flag *flag) {
    return (char *)o + flag->offset;
}

static void list_add(struct options *o, const struct flag *flag, const char *value) {
    json_t **list = field_of(o, flag);
    if (!*list)
        *list = standin_must(json_array());
    json_t *items = rules_split(value);
    json_array_extend(*list, items);
    json_decref(items);
    if (flag->offset == offsetof(struct options, tools))
        o->tools_given = true;
}

/* Returns the index of the last argument that belongs to the flag. */
static int flag_take(struct options *o, const struct flag *flag, const char *value, int i, int argc,
                     char **argv) {
    switch (flag->kind) {
    case SWITCH:
        *(bool *)field_of(o, flag) = true;
        return i;
    case OPTIONAL:
        o->resume_given = true;
        if (!value && i + 1 < argc && argv[i + 1][0] != '-')
            value = argv[++i];
        *(const char **)field_of(o, flag) = value;
        return i;
    case VALUE:
        if (!value && i + 1 >= argc)
            standin_fail("error: option '%s <value>' argument missing", flag->name);
        *(const char **)field_of(o, flag) = value ? value : argv[++i];
        return i;
    case LIST:
        if (value) {
            list_add(o, flag, value);
            return i;
        }
        if (i + 1 >= argc)
            standin_fail("error: option '%s <value...>' argument missing", flag->name);
        list_add(o, flag, argv[++i]);
        while (i + 1 < argc && argv[i + 1][0] != '-')
            list_add(o, flag, argv[++i]);
        return i;
    }
    return i;
}

static bool is_uuid(const char *text) {
    if (strlen(text) != STANDIN_UUID_CHARS)
        return false;
    for (int i = 0; i < STANDIN_UUID_CHARS; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static void require_mode(const char *mode) {
    static const char *const modes[] = {
        "acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "manual", "plan"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i], mode) == 0)
            return;
    standin_fail("error: option '--permission-mode <mode>' argument '%s' is invalid. Allowed "
                 "choices are acceptEdits, auto, bypassPermissions, default, dontAsk, plan.",
                 mode);
}

static void options_check(const struct options *o) {
    bool streams_in = o->input_format && strcmp(o->input_format, "stream-json") == 0;
    bool streams_out = o->output_format && strcmp(o->output_format, "stream-json") == 0;
    if (o->permission_mode)
        require_mode(o->permission_mode);
    if (streams_in && !streams_out)
        standin_fail("Error: --input-format=stream-json requires output-format=stream-json.");
    if (o->print && streams_out && !o->verbose)
        standin_fail("Error: When using --print, --output-format=stream-json requires --verbose");
    if (o->session_id && !is_uuid(o->session_id))
        standin_fail("Error: Invalid session ID. Must be a valid UUID.");
    if (o->session_id && o->resume_given && !o->fork_session)
        standin_fail("Error: --session-id with --continue or --resume also needs --fork-session.");
    if (o->resume_at && !o->resume_given)
        standin_fail("Error: --resume-session-at requires --resume");
    if (o->resume_given && (!o->resume || !is_uuid(o->resume)))
        standin_fail("Error: --resume requires a valid session ID or session title when used with "
                     "--print.");
    if (!o->print || !streams_in)
        standin_fail("Error: Input must be provided either through stdin or as a prompt argument "
                     "when using --print (the stand-in speaks stream-json only: give --print "
                     "--verbose --input-format stream-json --output-format stream-json)");
}

void options_parse(struct options *o, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i], *equals = strchr(argument, '=');
        if (argument[0] != '-')
            standin_fail("Error: unexpected argument '%.40s': a prompt belongs on stdin", argument);
        size_t bytes = equals ? (size_t)(equals - argument) : strlen(argument);
        const struct flag *flag = flag_find(argument, bytes);
        if (!flag)
            standin_fail("error: unknown option '%s'", argument);
        else
            i = flag_take(o, flag, equals ? equals + 1 : NULL, i, argc, argv);
    }
    if (!o->version)
        options_check(o);
}

void options_finish(struct options *o) {
    json_decref(o->tools);
    json_decref(o->allowed_tools);
    json_decref(o->disallowed_tools);
    json_decref(o->add_dirs);
}
