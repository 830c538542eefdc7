/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags of the CLI that a profile may hold, and why others may not.
 * Only flags that all supported versions of the CLI know; values are checked, files are not read.
 */
#include "config/flags.h"

#include "config/forms.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The kernel limits one argument to 128 KiB. */
enum { MAXIMUM_FLAG = 100 * 1024, MAXIMUM_NAME = 64 };

enum flag_value {
    VALUE_NONE,
    VALUE_TEXT,
    VALUE_PATH,
    VALUE_JSON,         /* an object */
    VALUE_JSON_OR_PATH, /* an object, or the path of a file */
    VALUE_SETTINGS,     /* as above, without permissions */
    VALUE_WORD,         /* one of `words` */
    VALUE_WORDS         /* any of `words`, comma-joined, or nothing */
};

static const char *const mode_words[] = {"default", "plan", "dontAsk", NULL};
static const char *const effort_words[] = {"low", "medium", "high", "xhigh", "max", NULL};
static const char *const source_words[] = {"user", "project", "local", NULL};

static const struct allowed_flag {
    const char *name;
    enum flag_value value;
    const char *const *words;
} allowed_flags[] = {
    {"--bare", VALUE_NONE, NULL},
    {"--safe-mode", VALUE_NONE, NULL},
    {"--strict-mcp-config", VALUE_NONE, NULL},
    {"--disable-slash-commands", VALUE_NONE, NULL},
    {"--exclude-dynamic-system-prompt-sections", VALUE_NONE, NULL},
    {"--setting-sources", VALUE_WORDS, source_words},
    {"--settings", VALUE_SETTINGS, NULL},
    {"--mcp-config", VALUE_JSON_OR_PATH, NULL},
    {"--add-dir", VALUE_PATH, NULL},
    {"--plugin-dir", VALUE_PATH, NULL},
    {"--permission-mode", VALUE_WORD, mode_words},
    {"--agent", VALUE_TEXT, NULL},
    {"--agents", VALUE_JSON, NULL},
    {"--model", VALUE_TEXT, NULL},
    {"--fallback-model", VALUE_TEXT, NULL},
    {"--effort", VALUE_WORD, effort_words},
    {"--betas", VALUE_TEXT, NULL},
};

#define UNDOES_POLICY "it would let a run do what the tool policy denies"
#define GATEWAY_SETS "the gateway sets it itself, for each run"
#define POLICY_SETS "tools are governed by the tool policy; see the keys under \"tools\""
#define NEEDS_TERMINAL "it is for a person at a terminal"
#define SHOWS_RAW "it writes prompts and answers where they do not belong"

static const struct refused_flag {
    const char *name;
    const char *reason;
} refused_flags[] = {
    {"--dangerously-skip-permissions", UNDOES_POLICY},
    {"--allow-dangerously-skip-permissions", UNDOES_POLICY},
    {"--allowedTools", POLICY_SETS},
    {"--allowed-tools", POLICY_SETS},
    {"--disallowedTools", POLICY_SETS},
    {"--disallowed-tools", POLICY_SETS},
    {"--tools", POLICY_SETS},
    {"--permission-prompt-tool", GATEWAY_SETS},
    {"--permission-prompts", GATEWAY_SETS},
    {"--print", GATEWAY_SETS},
    {"-p", GATEWAY_SETS},
    {"--verbose", GATEWAY_SETS},
    {"--input-format", GATEWAY_SETS},
    {"--output-format", GATEWAY_SETS},
    {"--include-partial-messages", GATEWAY_SETS},
    {"--replay-user-messages", GATEWAY_SETS},
    {"--json-schema", GATEWAY_SETS},
    {"--system-prompt", GATEWAY_SETS},
    {"--system-prompt-file", GATEWAY_SETS},
    {"--append-system-prompt", GATEWAY_SETS},
    {"--append-system-prompt-file", GATEWAY_SETS},
    {"--max-turns", GATEWAY_SETS},
    {"--max-budget-usd", GATEWAY_SETS},
    {"--session-id", GATEWAY_SETS},
    {"--resume", GATEWAY_SETS},
    {"-r", GATEWAY_SETS},
    {"--continue", GATEWAY_SETS},
    {"-c", GATEWAY_SETS},
    {"--fork-session", GATEWAY_SETS},
    {"--no-session-persistence", "answers carry a sessionId that clients may come back with"},
    {"--debug", SHOWS_RAW},
    {"-d", SHOWS_RAW},
    {"--debug-file", SHOWS_RAW},
    {"--bg", NEEDS_TERMINAL},
    {"--background", NEEDS_TERMINAL},
    {"--chrome", NEEDS_TERMINAL},
    {"--ide", NEEDS_TERMINAL},
    {"--remote-control", NEEDS_TERMINAL},
    {"--tmux", NEEDS_TERMINAL},
    {"--worktree", NEEDS_TERMINAL},
    {"-w", NEEDS_TERMINAL},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct allowed_flag *find_allowed(const char *name) {
    for (size_t i = 0; i < COUNT(allowed_flags); i++) {
        if (strcmp(allowed_flags[i].name, name) == 0) {
            return &allowed_flags[i];
        }
    }
    return NULL;
}

static const char *find_refusal(const char *name) {
    for (size_t i = 0; i < COUNT(refused_flags); i++) {
        if (strcmp(refused_flags[i].name, name) == 0) {
            return refused_flags[i].reason;
        }
    }
    return NULL;
}

static bool is_word(const char *const *words, const char *text, size_t size) {
    for (; *words != NULL; words++) {
        if (strlen(*words) == size && memcmp(*words, text, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool are_words(const char *const *words, const char *text) {
    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        if (!is_word(words, text, size)) {
            return false;
        }
        text += size;
        if (*text == ',' && *++text == '\0') {
            return false;
        }
    }
    return true;
}

static bool is_object(const char *text, const char *without) {
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool result =
        json_is_object(value) && (without == NULL || json_object_get(value, without) == NULL);
    json_decref(value);
    return result;
}

/* NULL when the value is fine, else the words after "expected". */
static const char *check_value(const struct allowed_flag *flag, const char *value) {
    switch (flag->value) {
    case VALUE_NONE:
        return "no value";
    case VALUE_TEXT:
        return *value != '\0' && *value != '-' ? NULL : "a value that does not begin with \"-\"";
    case VALUE_PATH:
        return form_path.matches(value) ? NULL : form_path.expected;
    case VALUE_JSON:
        return is_object(value, NULL) ? NULL : "a JSON object";
    case VALUE_JSON_OR_PATH:
        return form_path.matches(value) || is_object(value, NULL)
                   ? NULL
                   : "a JSON object or the absolute path of a file";
    case VALUE_SETTINGS:
        return form_path.matches(value) || is_object(value, "permissions")
                   ? NULL
                   : "a JSON object without \"permissions\" (tools are governed by the tool "
                     "policy), or the absolute path of a file";
    case VALUE_WORD:
    case VALUE_WORDS:
        break;
    }
    if (flag->value == VALUE_WORD && is_word(flag->words, value, strlen(value))) {
        return NULL;
    }
    if (flag->value == VALUE_WORDS && are_words(flag->words, value)) {
        return NULL;
    }
    return flag->words == mode_words     ? "default, plan or dontAsk"
           : flag->words == effort_words ? "low, medium, high, xhigh or max"
                                         : "a comma-joined choice of user, project, local";
}

static int refuse(const char *name, char *reason, size_t size) {
    const char *why = find_refusal(name);
    if (why != NULL) {
        snprintf(reason, size, "%s may not stand in a profile: %s", name, why);
        return -1;
    }
    int used = snprintf(reason, size, "%s may not stand in a profile; what may is", name);
    for (size_t i = 0; i < COUNT(allowed_flags) && used > 0 && (size_t)used < size; i++) {
        used += snprintf(reason + used, size - (size_t)used, "%s %s%s", i > 0 ? "," : "",
                         allowed_flags[i].name, allowed_flags[i].value != VALUE_NONE ? "=" : "");
    }
    return -1;
}

int flag_check(const char *flag, char *reason, size_t size) {
    char name[MAXIMUM_NAME];
    size_t name_size = strcspn(flag, "=");
    const char *value = flag[name_size] == '=' ? flag + name_size + 1 : NULL;
    if (*flag != '-' || name_size >= sizeof name || strcspn(flag, " \t\r\n") < name_size) {
        snprintf(reason, size,
                 "not a flag; expected one argument an entry, such as \"--bare\" or "
                 "\"--model=opus\"");
        return -1;
    }
    memcpy(name, flag, name_size);
    name[name_size] = '\0';
    const struct allowed_flag *allowed = find_allowed(name);
    if (allowed == NULL) {
        return refuse(name, reason, size);
    }
    if (strlen(flag) > MAXIMUM_FLAG) {
        snprintf(reason, size, "%s is longer than %d bytes; put the value into a file", name,
                 MAXIMUM_FLAG);
        return -1;
    }
    if (value == NULL && allowed->value != VALUE_NONE) {
        snprintf(reason, size, "%s needs its value in the same entry: \"%s=VALUE\"", name, name);
        return -1;
    }
    const char *expected = value != NULL ? check_value(allowed, value) : NULL;
    if (expected != NULL) {
        snprintf(reason, size, "the value of %s is wrong, expected %s", name, expected);
        return -1;
    }
    return 0;
}

bool flag_has_inline_json(const char *flag, size_t *name_size) {
    size_t size = strcspn(flag, "=");
    if (flag[size] != '=') {
        return false;
    }
    *name_size = size + 1;
    return flag[size + 1 + strspn(flag + size + 1, " \t\r\n")] == '{';
}

bool flag_has_masked_json(const char *flag, size_t *name_size) {
    size_t size = strcspn(flag, "=");
    *name_size = size;
    return flag[size] == '=' && strcmp(flag + size + 1, FORM_MASK) == 0;
}
