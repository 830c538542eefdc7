/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of a worker: which files are wanted, what becomes of those that are refused, and the
 * way of the others to the end. How one is loaded is module_load.c's affair.
 */
#include "config/config.h"
#include "modules/loader.h"
#include "modules/module.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- refusals */

static void refusal_finish(struct module_refusal *refusal) {
    free(refusal->path);
    free(refusal->name);
    free(refusal->version);
    free(refusal->sentence);
}

/* Takes over the refusal's texts. */
static void refuse(struct module_set *set, struct module_refusal refusal) {
    struct module_refusal *grown =
        realloc(set->refusals, (set->refusal_count + 1) * sizeof(*grown));
    if (!set->inspection)
        log_print(set->worker->log, KOINE_LOG_ERROR, "modules", "%s",
                  refusal.sentence ? refusal.sentence : "out of memory");
    if (grown) {
        set->refusals = grown;
        grown[set->refusal_count++] = refusal;
        return;
    }
    refusal_finish(&refusal);
}

static void refuse_file(struct module_set *set, const char *path, const char *sentence) {
    refuse(set, (struct module_refusal){.path = strdup(path), .sentence = strdup(sentence)});
}

static bool stops(const struct module_set *set) {
    return set->worker->config->modules.stop_on_error && !set->inspection;
}

/* ---- which files */

struct files {
    char **paths; /* an entry that was refused is NULL */
    size_t count;
};

static void files_finish(struct files *files) {
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
}

static int is_module_file(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return size > 3 && strcmp(entry->d_name + size - 3, ".so") == 0;
}

/* One that was asked for must be there; without any the host's own pages are served. */
static bool miss_directory(struct module_set *set, const char *directory) {
    char *sentence = NULL;
    if (asprintf(&sentence,
                 "the module directory %s cannot be read (%m): nothing but the host's own pages is "
                 "served; set modules.directory",
                 directory ? directory : "?") < 0)
        return false;
    if (set->worker->config->modules.directory || set->inspection) {
        refuse(set, (struct module_refusal){.sentence = sentence});
        return !stops(set);
    }
    log_print(set->worker->log, KOINE_LOG_WARNING, "modules", "%s", sentence);
    free(sentence);
    return true;
}

/* Without modules.load: every file of the directory, in the order of names. */
static bool find_in_directory(struct module_set *set, struct files *files) {
    char *directory = module_directory(set->worker->config);
    struct dirent **entries = NULL;
    int count = directory ? scandir(directory, &entries, is_module_file, alphasort) : -1;
    bool good = count >= 0 || miss_directory(set, directory);
    files->paths = calloc((size_t)(count > 0 ? count : 0) + 1, sizeof(char *));
    for (int i = 0; i < count; i++) {
        if (files->paths &&
            asprintf(&files->paths[files->count], "%s/%s", directory, entries[i]->d_name) >= 0)
            files->count++;
        free(entries[i]);
    }
    free(entries);
    free(directory);
    return good && files->paths;
}

static bool find_listed(struct module_set *set, struct files *files) {
    const struct config_list *list = &set->worker->config->modules.load;
    files->paths = calloc(list->count + 1, sizeof(char *));
    for (size_t i = 0; files->paths && i < list->count; i++) {
        files->paths[files->count] = module_path(set->worker->config, list->items[i]);
        if (!files->paths[files->count++])
            return false;
    }
    return files->paths;
}

/* ---- loading them */

/* Before any of them runs in this process: while it has one thread, and to tell of all that are
 * wrong at once. */
static bool try_out(struct module_set *set, struct files *files) {
    bool good = true;
    for (size_t i = 0; i < files->count; i++) {
        const char *path = files->paths[i], *known = NULL;
        struct loader_message message;
        if (set->inspection)
            known = set->inspection->known_to_fail(set->inspection->data, path);
        if (!known && loader_check_file(path, &message) &&
            loader_try(path, set->worker->config->modules.load_timeout_ms, &message))
            continue;
        refuse_file(set, path, known ? known : message.text);
        free(files->paths[i]);
        files->paths[i] = NULL;
        good = false;
    }
    return good || !stops(set);
}

static bool load(struct module_set *set, const char *path) {
    struct module_refusal refusal = {0};
    struct module **grown = realloc(set->items, (set->count + 1) * sizeof(struct module *));
    if (!grown)
        return false;
    set->items = grown;
    if (set->inspection)
        set->inspection->loading(set->inspection->data, path);
    struct module *module = module_load(set, path, &refusal);
    if (!module) {
        refuse(set, refusal);
        return !stops(set);
    }
    set->items[set->count++] = module;
    if (!set->inspection)
        log_print(set->worker->log, KOINE_LOG_INFO, "modules", "%s %s: %s",
                  module->descriptor->name, module->descriptor->version,
                  module->descriptor->summary);
    return true;
}

static bool load_all(struct module_set *set) {
    struct files files = {0};
    bool good = set->worker->config->modules.load.items ? find_listed(set, &files)
                                                        : find_in_directory(set, &files);
    good = good && try_out(set, &files);
    for (size_t i = 0; good && i < files.count; i++)
        good = !files.paths[i] || load(set, files.paths[i]);
    files_finish(&files);
    return good;
}

/* ---- entries of the config that belong to no module: most likely typing errors */

/* One that is refused has been spoken of. */
static bool is_known(const struct module_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (module_is(set->items[i], name))
            return true;
    for (size_t i = 0; i < set->refusal_count; i++) {
        const struct module_refusal *refusal = &set->refusals[i];
        const char *slash = refusal->path ? strrchr(refusal->path, '/') : NULL;
        size_t size = strlen(name);
        if ((refusal->name && strcmp(refusal->name, name) == 0) ||
            (refusal->path && strcmp(refusal->path, name) == 0) ||
            (!refusal->name && slash && strncmp(slash + 1, name, size) == 0 &&
             strcmp(slash + 1 + size, ".so") == 0))
            return true;
    }
    return false;
}

static void refuse_entry(struct module_set *set, unsigned line, const char *key) {
    const char *file = set->worker->config->file;
    struct module_refusal refusal = {0};
    if (asprintf(&refusal.sentence, "%s:%u: modules.%s: no module of this name is loaded",
                 file ? file : "defaults", line, key) < 0)
        refusal.sentence = NULL;
    refuse(set, refusal);
}

static bool sections_are_used(struct module_set *set) {
    const struct config *config = set->worker->config;
    bool good = true;
    for (size_t i = 0; i < config->modules.section_count; i++) {
        const struct config_module *section = &config->modules.sections[i];
        char key[160];
        if (is_known(set, section->name))
            continue;
        snprintf(key, sizeof(key), "settings.%s", section->name);
        refuse_entry(set, section->line, key);
        good = false;
    }
    return good || !stops(set);
}

static bool routes_are_used(struct module_set *set) {
    const struct config *config = set->worker->config;
    bool good = true;
    for (size_t i = 0; i < config->modules.route_count; i++) {
        const struct config_route *route = &config->modules.routes[i];
        char key[800];
        if (is_known(set, route->module))
            continue;
        snprintf(key, sizeof(key), "routes.%.160s.%s %s", route->module, route->method,
                 route->path);
        refuse_entry(set, route->line, key);
        good = false;
    }
    return good || !stops(set);
}

/* ---- the set */

/* The kernel empties the page in a child. NULL: this kernel does not, and nothing is noticed. */
static const unsigned char *mark_origin(void) {
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *page =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, size, MADV_WIPEONFORK)) {
        munmap(page, size);
        return NULL;
    }
    page[0] = 1;
    return page;
}

static void forget_origin(const unsigned char *page) {
    if (page)
        munmap((void *)(uintptr_t)page, (size_t)sysconf(_SC_PAGESIZE));
}

struct module_set *module_set_create(struct worker *worker,
                                     const struct module_inspection *inspection) {
    struct module_set *set = calloc(1, sizeof(*set));
    if (!set)
        return NULL;
    set->worker = worker;
    set->inspection = inspection;
    set->origin = mark_origin();
    worker->modules = set; /* modules ask for services while they initialise */
    set->timers = handles_create(4);
    set->watches = handles_create(5);
    set->posts = post_queue_create(worker->base);
    set->complaints = complaint_book_create(set);
    if (set->timers && set->watches && set->posts && set->complaints && load_all(set) &&
        sections_are_used(set) && routes_are_used(set))
        return set;
    module_set_destroy(set);
    worker->modules = NULL;
    return NULL;
}

static bool start(struct module_set *set, struct module *module, struct module_refusal *refusal) {
    char why[400] = "";
    struct koine_error error = {sizeof(error), sizeof(why), why};
    module_count_begin(module);
    MODULE_RUNS_IN(module, NOTES_START, NULL);
    post_queue_set_state(set->posts, module, MODULE_SERVING);
    int32_t result =
        module->descriptor->start ? module->descriptor->start(module->self, &error) : KOINE_OK;
    why[sizeof(why) - 1] = '\0';
    if (result == KOINE_OK)
        return true;
    /* Nothing of it is called afterwards but its destroy, whether the others go on or not. */
    post_queue_set_state(set->posts, module, MODULE_INITIALISED);
    post_queue_forget(set->posts, module);
    module_stop_timers(set, module);
    *refusal = (struct module_refusal){.path = strdup(module->path)};
    if (asprintf(&refusal->sentence, "module %s: start failed (%d): %s", module->path, result,
                 why[0] ? why : "it gave no reason") < 0)
        refusal->sentence = NULL;
    return false;
}

static void take_out(struct module_set *set, size_t index) {
    struct module *module = set->items[index];
    set->count--;
    memmove(&set->items[index], &set->items[index + 1],
            (set->count - index) * sizeof(struct module *));
    module_free(module);
}

int module_set_start(struct module_set *set) {
    for (size_t i = 0; i < set->count;) {
        struct module_refusal refusal = {0};
        if (start(set, set->items[i], &refusal)) {
            i++;
            continue;
        }
        refuse(set, refusal);
        if (stops(set))
            return -1;
        take_out(set, i);
    }
    return 0;
}

void module_set_quiesce(struct module_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        struct module *module = set->items[i];
        if (module->state != MODULE_SERVING)
            continue;
        MODULE_RUNS_IN(module, NOTES_QUIESCE, NULL);
        post_queue_set_state(set->posts, module, MODULE_DRAINING);
        if (module->descriptor->quiesce)
            module->descriptor->quiesce(module->self);
    }
}

void module_set_destroy(struct module_set *set) {
    if (!set)
        return;
    module_set_quiesce(set);
    for (size_t i = 0; i < set->count; i++)
        post_queue_set_state(set->posts, set->items[i], MODULE_ENDING);
    if (set->posts)
        post_queue_run(set->posts);
    module_stop_timers(set, NULL);
    for (size_t i = set->count; i > 0; i--)
        module_free(set->items[i - 1]);
    for (size_t i = 0; i < set->refusal_count; i++)
        refusal_finish(&set->refusals[i]);
    free(set->refusals);
    post_queue_destroy(set->posts);
    complaint_book_destroy(set->complaints);
    handles_destroy(set->timers);
    handles_destroy(set->watches);
    forget_origin(set->origin);
    free(set->items);
    free(set);
}
