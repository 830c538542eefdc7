/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_load and what belongs to the struct as a whole: defaults, file, environment, checks, in
 * this order; config_set_listen; config_destroy.
 */
#include "config/check.h"
#include "config/demo.h"
#include "config/environment.h"
#include "config/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAXIMUM_FILE = 1024 * 1024 };

static void list_finish(struct config_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
}

static void key_finish(struct config_key *key) {
    free(key->name);
    list_finish(&key->allowed_tools);
    list_finish(&key->disallowed_tools);
    list_finish(&key->routes);
    list_finish(&key->profiles);
    free(key->working_directory);
}

static void route_finish(struct config_route *route) {
    free(route->module);
    free(route->method);
    free(route->path);
    free(route->moved_to);
    free(route->slot_class);
}

void config_forget_environment(struct config *config) {
    for (size_t i = 0; i < config->runner.environment_count; i++) {
        free(config->runner.environment[i].name);
        free(config->runner.environment[i].value);
    }
    free(config->runner.environment);
    config->runner.environment = NULL;
    config->runner.environment_count = 0;
}

static void arrays_finish(struct config *config) {
    for (size_t i = 0; i < config->key_count; i++) {
        key_finish(&config->keys[i]);
    }
    for (size_t i = 0; i < config->slots.class_count; i++) {
        free(config->slots.classes[i].name);
    }
    config_forget_environment(config);
    for (size_t i = 0; i < config->profile_count; i++) {
        free(config->profiles[i].name);
        list_finish(&config->profiles[i].flags);
    }
    for (size_t i = 0; i < config->modules.section_count; i++) {
        free(config->modules.sections[i].name);
        json_decref(config->modules.sections[i].settings);
        json_decref(config->modules.sections[i].lines);
    }
    for (size_t i = 0; i < config->modules.route_count; i++) {
        route_finish(&config->modules.routes[i]);
    }
    free(config->modules.routes);
    free(config->keys);
    free(config->slots.classes);
    free(config->profiles);
    free(config->modules.sections);
}

void config_destroy(struct config *config) {
    if (config == NULL) {
        return;
    }
    arrays_finish(config);
    list_finish(&config->tools.allowed);
    list_finish(&config->tools.disallowed);
    list_finish(&config->runner.pass);
    list_finish(&config->modules.load);
    free(config->file);
    free(config->listen_host);
    free(config->state_directory);
    free(config->runner.command);
    free(config->runner.working_directory);
    free(config->runner.user);
    free(config->modules.directory);
    free(config);
}

/* "full" is the CLI as it comes, "bare" is --bare. */
static int add_profiles(struct config *config) {
    config->profiles = calloc(2, sizeof *config->profiles);
    if (config->profiles == NULL) {
        return -1;
    }
    config->profile_count = 2;
    struct config_profile *full = &config->profiles[0];
    struct config_profile *bare = &config->profiles[1];
    full->name = strdup("full");
    full->flags.items = calloc(1, sizeof *full->flags.items);
    bare->name = strdup("bare");
    bare->flags.items = calloc(2, sizeof *bare->flags.items);
    if (full->name == NULL || full->flags.items == NULL || bare->name == NULL ||
        bare->flags.items == NULL) {
        return -1;
    }
    bare->flags.items[0] = strdup("--bare");
    bare->flags.count = bare->flags.items[0] != NULL ? 1 : 0;
    return bare->flags.count == 1 ? 0 : -1;
}

/* Everything at its default, without a key; NULL: out of memory. */
static struct config *create(const char *path) {
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL || key_set_defaults(&key_table_config, config) != 0 ||
        add_profiles(config) != 0) {
        goto error;
    }
    config->listen_host = strdup("127.0.0.1");
    config->listen_port = 3100;
    config->file = path != NULL ? strdup(path) : NULL;
    if (config->listen_host == NULL || (path != NULL && config->file == NULL)) {
        goto error;
    }
    return config;
error:
    config_destroy(config);
    return NULL;
}

/* The whole file, for the caller to free; NULL with a problem added. */
static char *read_file(const char *path, size_t *size, struct problems *problems) {
    char *text = malloc(MAXIMUM_FILE + 1);
    FILE *file = fopen(path, "re");
    if (text == NULL || file == NULL) {
        problems_add(
            problems, 0, path,
            "cannot be opened: %s; --config takes the path of a YAML file that the gateway's user "
            "may read, and without it the defaults hold",
            strerror(errno));
        goto error;
    }
    *size = fread(text, 1, MAXIMUM_FILE + 1, file);
    if (ferror(file)) {
        problems_add(problems, 0, path, "cannot be read: %s", strerror(errno));
        goto error;
    }
    if (*size > MAXIMUM_FILE) {
        problems_add(problems, 0, path, "larger than %d bytes, which no configuration needs",
                     MAXIMUM_FILE);
        goto error;
    }
    fclose(file);
    return text;
error:
    if (file != NULL) {
        fclose(file);
    }
    free(text);
    return NULL;
}

/* Lays the file over the defaults. Returns its tree (NULL when there is none) for line numbers. */
static struct node *lay_file(struct config *config, const char *path, struct problems *problems) {
    struct reader reader = {.config = config, .problems = problems};
    size_t size = 0;
    char *text = path != NULL ? read_file(path, &size, problems) : NULL;
    struct node *root = text != NULL ? tree_read(text, size, problems) : NULL;
    if (root != NULL) {
        reader_lay(&reader, &key_table_config, config, root, "");
    }
    free(text);
    return root;
}

static void set_working_directory(struct config *config, struct problems *problems) {
    if (config->runner.working_directory != NULL) {
        return;
    }
    config->runner.working_directory = getcwd(NULL, 0);
    if (config->runner.working_directory == NULL) {
        problems_add(problems, 0, "runner.working_directory",
                     "not given, and the current directory cannot be told: %s", strerror(errno));
    }
}

/* What load lacks of a configuration in a file. */
struct purpose {
    bool needs_key;
    const char *demo_cli; /* NULL: no demo */
};

static struct config *load(const char *path, char *const *environment,
                           const struct purpose *purpose, struct config_error *error) {
    struct problems problems;
    struct node *root = NULL;
    problems_init(&problems, path, error);
    struct config *config = create(path);
    if (config == NULL) {
        problems_add_no_memory(&problems);
        return NULL;
    }
    config->demo = purpose->demo_cli != NULL;
    root = lay_file(config, path, &problems);
    environment_lay(config, environment, &problems);
    if (config->demo) {
        demo_lay(config, environment, purpose->demo_cli, &problems);
    }
    environment_set_state_directory(config, environment, &problems);
    set_working_directory(config, &problems);
    if (problems.count == 0) { /* else entries of lists may be missing */
        check_config(config, root, environment, purpose->needs_key, &problems);
    }
    if (problems.count > 0) {
        problems_finish(&problems);
        config_destroy(config);
        config = NULL;
    }
    tree_destroy(root);
    return config;
}

struct config *config_load(const char *path, char *const *environment, struct config_error *error) {
    return load(path, environment, &(struct purpose){.needs_key = true}, error);
}

struct config *config_load_without_keys(const char *path, char *const *environment,
                                        struct config_error *error) {
    return load(path, environment, &(struct purpose){0}, error);
}

struct config *config_load_demo(const char *path, char *const *environment, const char *cli,
                                struct config_error *error) {
    return load(path, environment, &(struct purpose){.demo_cli = cli}, error);
}

int config_set_listen(struct config *config, const char *text, struct config_error *error) {
    char host[64];
    uint16_t port = 0;
    const char *expected = form_listen(text, host, sizeof host, &port);
    if (expected != NULL) {
        snprintf(error->message, sizeof error->message, "listen: found %s, expected %s",
                 problems_quote(text).text, expected);
        return -1;
    }
    if (host[0] != '\0') {
        char *copy = strdup(host);
        if (copy == NULL) {
            snprintf(error->message, sizeof error->message, "listen: out of memory");
            return -1;
        }
        free(config->listen_host);
        config->listen_host = copy;
    }
    config->listen_port = port;
    return 0;
}
