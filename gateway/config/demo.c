/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A demo's configuration: one key that everybody knows, the stand-in CLI, and nothing that stays.
 * What else the file says (modules, limits, where to listen) holds, so that it can be tried.
 */
#include "config/demo.h"

#include "config/api_key.h"
#include "config/environment.h"

#include <stdlib.h>
#include <string.h>

static bool has_hash(const struct config *config, const unsigned char sha256[32]) {
    for (size_t i = 0; i < config->key_count; i++) {
        if (memcmp(config->keys[i].sha256, sha256, sizeof config->keys[i].sha256) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_name(const struct config *config, const char *name) {
    for (size_t i = 0; i < config->key_count; i++) {
        if (config->keys[i].name != NULL && strcmp(config->keys[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_key(struct config *config, struct problems *problems) {
    unsigned char sha256[32];
    if (api_key_hash(CONFIG_DEMO_KEY, sha256, problems) != 0 || has_hash(config, sha256)) {
        return;
    }
    struct config_key *key =
        api_key_open(config, has_name(config, "demo") ? "koine-demo" : "demo", problems);
    if (key != NULL) {
        memcpy(key->sha256, sha256, sizeof sha256);
    }
}

/* What the operator has set for the real CLI is nothing for this one: it holds secrets at times. */
static void forget_environment(struct config *config) {
    config_forget_environment(config);
    for (size_t i = 0; i < config->runner.pass.count; i++) {
        free(config->runner.pass.items[i]);
        config->runner.pass.items[i] = NULL;
    }
    config->runner.pass.count = 0;
}

/* Takes `value`. There is room for it. */
static bool set_variable(struct config *config, const char *name, char *value) {
    struct config_pair *pair = &config->runner.environment[config->runner.environment_count++];
    *pair = (struct config_pair){.name = strdup(name), .value = value};
    return pair->name != NULL && value != NULL;
}

static bool set_environment(struct config *config) {
    char *directory = NULL;
    forget_environment(config);
    config->runner.environment = calloc(2, sizeof *config->runner.environment);
    if (config->runner.environment == NULL ||
        asprintf(&directory, "%s/claude", config->state_directory) < 0) {
        return false;
    }
    return set_variable(config, "CLAUDE_CONFIG_DIR", directory) &&
           set_variable(config, "CLAUDE_CODE_STANDIN_DEMO", strdup("1"));
}

void demo_lay(struct config *config, char *const *environment, const char *cli,
              struct problems *problems) {
    const char *temporary = environment_value(environment, "TMPDIR");
    char *directory = NULL;
    char *command = strdup(cli);
    add_key(config, problems);
    if (asprintf(&directory, "%s/" CONFIG_TEMPORARY,
                 temporary != NULL && *temporary == '/' ? temporary : "/tmp") < 0) {
        directory = NULL;
    }
    free(config->state_directory);
    free(config->runner.command);
    config->state_directory = directory;
    config->runner.command = command;
    if (command == NULL || directory == NULL || !set_environment(config)) {
        problems_add_no_memory(problems);
    }
}
