/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a configuration although each key is right by itself: duplicates, names that
 * lead nowhere, tool rules, directories. Nothing is changed or made here.
 */
#include "config/check.h"

#include "config/environment.h"
#include "config/forms.h"
#include "policy/tool_policy.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_BYTES = 96 };

struct check {
    const struct config *config;
    const struct node *root;
    char *const *environment;
    struct problems *problems;
};

static unsigned line_of(const struct node *node) {
    return node != NULL ? node->line : 0;
}

/* The key's entry in the file; NULL when it came from the environment. */
static const struct node *key_node(const struct check *check, size_t index) {
    return node_item(node_child(check->root, "keys"), index);
}

static void check_any_key(const struct check *check) {
    if (check->config->key_count > 0) {
        return;
    }
    problems_add(check->problems, 0, NULL,
                 "no API key is configured, and without one nobody could use the gateway. "
                 "Make one and start again:\n"
                 "    export " FORM_KEY_VARIABLE "=$(openssl rand -hex 32)\n"
                 "or put its hash (printf %%s \"$KEY\" | sha256sum) into the configuration file:\n"
                 "    keys:\n"
                 "      - name: default\n"
                 "        sha256: HASH\n"
                 "or try it with made-up answers first: koine-gateway --demo");
}

/* The later of two keys says that it is the same as the earlier one. */
static void check_pair(const struct check *check, size_t earlier, size_t later) {
    const struct config_key *a = &check->config->keys[earlier];
    const struct config_key *b = &check->config->keys[later];
    const struct node *node = key_node(check, later);
    char shown[SHOWN_BYTES];
    if (strcmp(a->name, b->name) == 0) {
        snprintf(shown, sizeof shown, "keys[%zu].name", later);
        problems_add(check->problems, line_of(node_child(node, "name")), shown,
                     "\"%s\" is the name of keys[%zu] already", b->name, earlier);
    }
    if (memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0) {
        snprintf(shown, sizeof shown, "keys[%zu].sha256", later);
        problems_add(check->problems, line_of(node_child(node, "sha256")),
                     node != NULL ? shown : FORM_KEY_VARIABLE,
                     "the same key as keys[%zu] (\"%s\"); each key needs a secret of its own",
                     earlier, a->name);
    }
}

static bool has_profile(const struct config *config, const char *name) {
    for (size_t i = 0; i < config->profile_count; i++) {
        if (strcmp(config->profiles[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_profiles_of(const struct check *check, size_t index) {
    const struct config_list *profiles = &check->config->keys[index].profiles;
    const struct node *list = node_child(key_node(check, index), "profiles");
    for (size_t i = 0; i < profiles->count; i++) {
        if (!has_profile(check->config, profiles->items[i])) {
            char shown[SHOWN_BYTES];
            snprintf(shown, sizeof shown, "keys[%zu].profiles[%zu]", index, i);
            problems_add(check->problems, line_of(node_item(list, i)), shown,
                         "there is no profile \"%s\"; define it under \"profiles\"",
                         profiles->items[i]);
        }
    }
}

static void check_directory(const struct check *check, const char *path, unsigned line,
                            const char *shown) {
    struct stat status;
    if (path == NULL) {
        return;
    }
    if (stat(path, &status) != 0) {
        problems_add(check->problems, line, shown, "%s: %s; make it, or name another directory",
                     problems_quote(path).text, strerror(errno));
    } else if (!S_ISDIR(status.st_mode)) {
        problems_add(check->problems, line, shown, "%s is not a directory; name one",
                     problems_quote(path).text);
    }
}

/* Two lists of tool rules and where they come from, for messages. */
struct rules {
    const struct config_list *allowed;
    const struct config_list *disallowed;
    const struct node *allowed_node; /* NULL: from the environment, or not given */
    const struct node *disallowed_node;
    const char *allowed_shown;
    const char *disallowed_shown;
};

/* The texts as the tool policy takes them, never NULL for an empty list; free it. */
static struct koine_text *as_texts(const struct config_list *list) {
    struct koine_text *texts = calloc(list->count + 1, sizeof *texts);
    for (size_t i = 0; texts != NULL && i < list->count; i++) {
        texts[i] = (struct koine_text){list->items[i], strlen(list->items[i])};
    }
    return texts;
}

static void add_rule_problem(const struct check *check, const struct rules *rules,
                             const struct tool_policy_error *error) {
    bool disallowed = error->in_disallowed;
    const struct node *node = disallowed ? rules->disallowed_node : rules->allowed_node;
    char shown[SHOWN_BYTES];
    if (error->problem != TOOL_POLICY_BAD_RULE) {
        problems_add_no_memory(check->problems);
        return;
    }
    snprintf(shown, sizeof shown, "%.64s[%zu]",
             disallowed ? rules->disallowed_shown : rules->allowed_shown, error->index);
    problems_add(check->problems, line_of(node_item(node, error->index)), shown, "%s",
                 error->reason);
}

static void check_rules(const struct check *check, const struct rules *rules) {
    struct tool_policy_error error = {.problem = TOOL_POLICY_NO_MEMORY};
    struct koine_text *allowed = as_texts(rules->allowed);
    struct koine_text *disallowed = as_texts(rules->disallowed);
    struct tool_policy *everything = tool_policy_create();
    struct tool_policy *narrowed = NULL;
    if (allowed != NULL && disallowed != NULL && everything != NULL) {
        narrowed = tool_policy_narrow(everything, rules->allowed->items != NULL ? allowed : NULL,
                                      rules->allowed->count, disallowed, rules->disallowed->count,
                                      true, &error);
    }
    if (narrowed == NULL) {
        add_rule_problem(check, rules, &error);
    }
    tool_policy_unref(narrowed);
    tool_policy_unref(everything);
    free(disallowed);
    free(allowed);
}

static void check_gateway_rules(const struct check *check) {
    const struct node *tools = node_child(check->root, "tools");
    struct rules rules = {.allowed = &check->config->tools.allowed,
                          .disallowed = &check->config->tools.disallowed,
                          .allowed_node = node_child(tools, "allowed"),
                          .disallowed_node = node_child(tools, "disallowed"),
                          .allowed_shown = "tools.allowed",
                          .disallowed_shown = "tools.disallowed"};
    if (environment_value(check->environment, "KOINE_ALLOWED_TOOLS") != NULL) {
        rules.allowed_node = NULL;
        rules.allowed_shown = "KOINE_ALLOWED_TOOLS";
    }
    if (environment_value(check->environment, "KOINE_DISALLOWED_TOOLS") != NULL) {
        rules.disallowed_node = NULL;
        rules.disallowed_shown = "KOINE_DISALLOWED_TOOLS";
    }
    check_rules(check, &rules);
}

static void check_key_rules(const struct check *check, size_t index) {
    const struct config_key *key = &check->config->keys[index];
    const struct node *node = key_node(check, index);
    char allowed_shown[SHOWN_BYTES];
    char disallowed_shown[SHOWN_BYTES];
    snprintf(allowed_shown, sizeof allowed_shown, "keys[%zu].allowed_tools", index);
    snprintf(disallowed_shown, sizeof disallowed_shown, "keys[%zu].disallowed_tools", index);
    struct rules rules = {.allowed = &key->allowed_tools,
                          .disallowed = &key->disallowed_tools,
                          .allowed_node = node_child(node, "allowed_tools"),
                          .disallowed_node = node_child(node, "disallowed_tools"),
                          .allowed_shown = allowed_shown,
                          .disallowed_shown = disallowed_shown};
    check_rules(check, &rules);
}

static void check_key(const struct check *check, size_t index) {
    char shown[SHOWN_BYTES];
    for (size_t earlier = 0; earlier < index; earlier++) {
        check_pair(check, earlier, index);
    }
    check_profiles_of(check, index);
    check_key_rules(check, index);
    snprintf(shown, sizeof shown, "keys[%zu].working_directory", index);
    check_directory(check, check->config->keys[index].working_directory,
                    line_of(node_child(key_node(check, index), "working_directory")), shown);
}

/* The CLI cannot run as another user, unless the gateway may become that user. */
static void check_user(const struct check *check) {
    const char *name = check->config->runner.user;
    unsigned line = line_of(node_child(node_child(check->root, "runner"), "user"));
    const struct passwd *user = name != NULL ? getpwnam(name) : NULL;
    if (name == NULL) {
        return;
    }
    if (user == NULL) {
        problems_add(check->problems, line, "runner.user",
                     "this system has no user %s; make it (useradd --system), or leave the key out",
                     problems_quote(name).text);
    } else if (geteuid() != 0 && geteuid() != user->pw_uid) {
        problems_add(check->problems, line, "runner.user",
                     "the gateway does not run as root, so it cannot start the CLI as %s; leave "
                     "the key out, or start the gateway as root",
                     problems_quote(name).text);
    }
}

void check_config(const struct config *config, const struct node *root, char *const *environment,
                  bool needs_key, struct problems *problems) {
    struct check check = {config, root, environment, problems};
    if (needs_key) {
        check_any_key(&check);
    }
    check_gateway_rules(&check);
    for (size_t i = 0; i < config->key_count; i++) {
        check_key(&check, i);
    }
    check_directory(&check, config->runner.working_directory,
                    line_of(node_child(node_child(root, "runner"), "working_directory")),
                    "runner.working_directory");
    check_user(&check);
}
