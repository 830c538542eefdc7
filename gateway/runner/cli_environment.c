/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CLI's environment, and where the CLI is. Variables pass by an allow list: what an operator's
 * shell happens to hold must not change how the CLI behaves, nor reach its tools.
 */
#include "runner/cli_command.h"
#include "runner/string_block.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GATEWAY_KEY "CLAUDE_CODE_GATEWAY_API_KEY"
#define OAUTH_TOKEN "CLAUDE_CODE_OAUTH_TOKEN"
/* Else the CLI reads files that a prompt names as @path, whatever its tools are. */
#define NO_ATTACHMENTS "CLAUDE_CODE_DISABLE_ATTACHMENTS"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A '*' at the end stands for any rest. */
static const char *const passed[] = {
    "ANTHROPIC_*",
    "CLAUDE_CODE_*",
    "CLAUDE_CONFIG_DIR",
    "DISABLE_*",
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_*",
    "TZ",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
};

/* What a CLI sets for its children: with these the one started here would take itself for one. */
static const char *const outer[] = {
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_CODE_SESSION_*",
    "CLAUDE_CODE_PARENT_*",
    "CLAUDE_CODE_CHILD_*",
    "CLAUDE_CODE_REMOTE*",
    "CLAUDE_CODE_AGENT_*",
    "CLAUDE_CODE_TASK_*",
    "CLAUDE_CODE_TEAM_*",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_CONTAINER_ID",
    "CLAUDE_CODE_WEBSOCKET_*",
};

static bool is_name(struct koine_text name, const char *text) {
    return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0;
}

static bool matches(struct koine_text name, const char *pattern) {
    size_t size = strlen(pattern);
    if (pattern[size - 1] == '*') {
        return name.size >= size - 1 && memcmp(name.data, pattern, size - 1) == 0;
    }
    return is_name(name, pattern);
}

static bool matches_any(struct koine_text name, const char *const *patterns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (matches(name, patterns[i])) {
            return true;
        }
    }
    return false;
}

static struct koine_text name_of(const char *variable) {
    return (struct koine_text){variable, strcspn(variable, "=")};
}

/* The value of `name`, or NULL. Of several the first counts, as for getenv. */
static const char *find(char *const *environment, const char *name) {
    for (size_t i = 0; environment[i] != NULL; i++) {
        struct koine_text its_name = name_of(environment[i]);
        if (is_name(its_name, name) && environment[i][its_name.size] == '=') {
            return environment[i] + its_name.size + 1;
        }
    }
    return NULL;
}

static const struct config_pair *find_pair(const struct config *config, struct koine_text name) {
    for (size_t i = config->runner.environment_count; i > 0; i--) {
        if (is_name(name, config->runner.environment[i - 1].name)) {
            return &config->runner.environment[i - 1];
        }
    }
    return NULL;
}

const char *cli_command_variable(const struct config *config, char *const *environment,
                                 const char *name) {
    const struct config_pair *pair = find_pair(config, (struct koine_text){name, strlen(name)});
    return pair != NULL ? pair->value : find(environment, name);
}

struct choice {
    const struct config *config;
    char *const *environment;
    bool has_api_key;
};

/* Withheld wherever it comes from. */
static bool is_withheld(const struct choice *choice, struct koine_text name) {
    return is_name(name, GATEWAY_KEY) || (choice->has_api_key && is_name(name, OAUTH_TOKEN));
}

static bool is_inherited(const struct choice *choice, struct koine_text name) {
    const struct config_list *more = &choice->config->runner.pass;
    if (find_pair(choice->config, name) != NULL) {
        return false; /* the config's value takes its place */
    }
    for (size_t i = 0; i < more->count; i++) {
        if (is_name(name, more->items[i])) {
            return true;
        }
    }
    return !matches_any(name, outer, COUNT(outer)) && matches_any(name, passed, COUNT(passed));
}

static void add_inherited(struct string_block *block, const struct choice *choice) {
    for (size_t i = 0; choice->environment[i] != NULL; i++) {
        const char *variable = choice->environment[i];
        struct koine_text name = name_of(variable);
        if (name.size > 0 && variable[name.size] == '=' && !is_withheld(choice, name) &&
            is_inherited(choice, name)) {
            string_block_add(block, (struct koine_text){variable, strlen(variable)},
                             KOINE_TEXT(""));
        }
    }
}

static void add_variable(struct string_block *block, const char *name, const char *value) {
    char *start = NULL;
    int size = asprintf(&start, "%s=", name);
    if (size < 0) {
        block->failed = true;
        return;
    }
    string_block_add(block, (struct koine_text){start, (size_t)size},
                     (struct koine_text){value, strlen(value)});
    free(start);
}

static void add_configured(struct string_block *block, const struct choice *choice) {
    const struct config *config = choice->config;
    for (size_t i = 0; i < config->runner.environment_count; i++) {
        const struct config_pair *pair = &config->runner.environment[i];
        struct koine_text name = {pair->name, strlen(pair->name)};
        if (!is_withheld(choice, name) && find_pair(config, name) == pair) {
            add_variable(block, pair->name, pair->value);
        }
    }
}

char **cli_command_environment(const struct config *config, char *const *environment) {
    struct string_block block = {0};
    const char *api_key = cli_command_variable(config, environment, "ANTHROPIC_API_KEY");
    struct choice choice = {
        .config = config,
        .environment = environment,
        .has_api_key = api_key != NULL && *api_key != '\0',
    };
    add_inherited(&block, &choice);
    add_configured(&block, &choice);
    if (cli_command_variable(config, environment, NO_ATTACHMENTS) == NULL) {
        add_variable(&block, NO_ATTACHMENTS, "1");
    }
    return string_block_take(&block);
}

/* 0, or an errno value. */
static int check_executable(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) {
        return errno;
    }
    if (!S_ISREG(status.st_mode) || access(path, X_OK) != 0) {
        return EACCES;
    }
    return 0;
}

/* `directory`/`name` as an absolute path, malloc'd; an empty directory is the current one. */
static char *join(struct koine_text directory, const char *name) {
    char *path = NULL;
    char *current = NULL;
    if (directory.size == 0 || directory.data[0] != '/') {
        current = getcwd(NULL, 0);
        if (current == NULL) {
            return NULL;
        }
    }
    int size = asprintf(&path, "%s%s%.*s%s%s", current != NULL ? current : "",
                        current != NULL && directory.size > 0 ? "/" : "", (int)directory.size,
                        directory.size > 0 ? directory.data : "", "/", name);
    free(current);
    return size < 0 ? NULL : path;
}

/* The path when it is executable, else NULL; `*error` keeps the most telling reason. */
static char *try_path(char *path, int *error) {
    int found = path != NULL ? check_executable(path) : errno;
    if (found == 0) {
        return path;
    }
    free(path);
    if (found == EACCES || found == ENOMEM) {
        *error = found;
    }
    return NULL;
}

static char *search(const char *name, const char *directories, int *error) {
    for (const char *at = directories;; at++) {
        struct koine_text directory = {at, strcspn(at, ":")};
        char *path = try_path(join(directory, name), error);
        at += directory.size;
        if (path != NULL || *at == '\0') {
            return path;
        }
    }
}

char *cli_command_find(const char *name, char *const *environment) {
    int error = ENOENT;
    char *path = NULL;
    if (*name == '/') {
        path = try_path(strdup(name), &error);
    } else if (strchr(name, '/') != NULL) {
        path = try_path(join(KOINE_TEXT(""), name), &error);
    } else if (*name != '\0') {
        const char *directories = find(environment, "PATH");
        path = search(name, directories != NULL ? directories : "/usr/local/bin:/usr/bin:/bin",
                      &error);
    }
    if (path == NULL) {
        errno = error;
    }
    return path;
}
