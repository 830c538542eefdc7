/* SPDX-License-Identifier: Apache-2.0 */
/* The modules of a worker: which are loaded, and their way through the lifecycle. */
#include "http/server.h"
#include "modules/config_schema.h"
#include "modules/module.h"
#include "supervisor/crash_note.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct module_set *set, const char *message) {
    log_print(set->worker->log, KOINE_LOG_ERROR, "modules", "%s", message);
}

static void call_destroy(struct module *module) {
    MODULE_RUNS_IN(module, NOTES_DESTROY, NULL);
    module->descriptor->destroy(module->self);
}

static void free_module(struct module *module) {
    if (!module)
        return;
    bool made = module->state >= MODULE_CREATED && module->state < MODULE_GONE;
    module->state = MODULE_GONE; /* destroy may call nothing but the log */
    if (made && module->descriptor && module->descriptor->destroy)
        call_destroy(module);
    if (module->magic) /* it may have called something */
        module_complain_rest(module);
    json_decref(module->settings);
    free(module->settings_text);
    free(module->state_directory);
    free(module->path);
    module->magic = 0;
    free(module); /* the library stays: threads or handlers of its may still run */
}

static const void *extension(struct module *module, const char *id) {
    MODULE_RUNS_IN(module, NOTES_EXTENSION, NULL);
    return module->descriptor->extension ? module->descriptor->extension(module->self, id) : NULL;
}

/* The module's section: of its name, or of the path that it was loaded by. */
static const struct config_module *section_of(const struct module *module) {
    const struct config *config = module->worker->config;
    for (size_t i = 0; i < config->modules.section_count; i++) {
        const struct config_module *section = &config->modules.sections[i];
        if (strcmp(section->name, module->descriptor->name) == 0 ||
            strcmp(section->name, module->path) == 0)
            return section;
    }
    return NULL;
}

static bool check_settings(struct module *module, unsigned line, char *message, size_t size) {
    const struct koine_document *document = extension(module, KOINE_EXTENSION_CONFIG_SCHEMA);
    char problem[512];
    if (!document)
        return true;
    json_t *schema =
        json_loadb(document->text.data, document->text.size, JSON_REJECT_DUPLICATES, NULL);
    bool good = false;
    if (!schema || config_schema_check(schema, problem, sizeof(problem)))
        snprintf(message, size, "module %s: its config schema cannot be used: %s", module->path,
                 schema ? problem : "it is no JSON");
    else if (config_schema_validate(schema, module->settings, problem, sizeof(problem)))
        snprintf(message, size, "%s:%u: modules.settings.%s: %s",
                 module->worker->config->file ? module->worker->config->file : "defaults", line,
                 module->descriptor->name, problem);
    else
        good = true;
    json_decref(schema);
    return good;
}

static bool read_settings(struct module *module, char *message, size_t size) {
    const struct config_module *section = section_of(module);
    module->settings = section ? json_incref(section->settings) : json_object();
    module->settings_text = module->settings ? json_dumps(module->settings, JSON_COMPACT) : NULL;
    if (!module->settings_text) {
        snprintf(message, size, "module %s: out of memory", module->path);
        return false;
    }
    return check_settings(module, section ? section->line : 0, message, size);
}

static bool name_is_free(const struct module_set *set, const struct module *module, char *message,
                         size_t size) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i]->descriptor->name, module->descriptor->name) == 0) {
            snprintf(message, size, "module %s: %s is already named \"%s\"", module->path,
                     set->items[i]->path, module->descriptor->name);
            return false;
        }
    return true;
}

static void note_name(const struct module *module, const char *name) {
    struct worker_notes *notes = module->worker->supervised->notes;
    if (module->number)
        snprintf(notes->modules[module->number - 1], NOTES_NAME_SIZE, "%s", name);
}

/* Its code runs from here on: by its file's name at first. */
static bool open_module(struct module *module, char *message, size_t size) {
    const char *slash = strrchr(module->path, '/');
    note_name(module, slash ? slash + 1 : module->path);
    MODULE_RUNS_IN(module, NOTES_LOAD, NULL);
    module->descriptor = module_open(module->path, &module->library, message, size);
    if (module->descriptor) {
        note_name(module, module->descriptor->name);
        if (module->number)
            crash_note_code(module->worker->supervised->notes, module->number, module->descriptor);
    }
    return module->descriptor;
}

static bool create_module(struct module *module, char *message, size_t size) {
    MODULE_RUNS_IN(module, NOTES_CREATE, NULL);
    int32_t result = module->descriptor->create(&module->host, &module->self);
    module->state = MODULE_CREATED;
    if (result == KOINE_OK)
        return true;
    snprintf(message, size, "module %s: create failed (%d)", module->path, result);
    if (!module->self)
        module->state = MODULE_GONE; /* nothing to destroy */
    return false;
}

static bool init_module(struct module *module, char *message, size_t size) {
    MODULE_RUNS_IN(module, NOTES_INIT, NULL);
    char why[400] = "";
    struct koine_error error = {sizeof(error), sizeof(why), why};
    struct koine_text settings = {module->settings_text, strlen(module->settings_text)};
    module->state = MODULE_INITIALISING;
    int32_t result = module->descriptor->init(module->self, settings, &error);
    why[sizeof(why) - 1] = '\0';
    if (result == KOINE_OK) {
        module->state = MODULE_INITIALISED;
        return true;
    }
    snprintf(message, size, "module %s: init failed (%d): %s", module->path, result,
             why[0] ? why : "it gave no reason");
    return false;
}

static void read_extensions(struct module *module) {
    const struct koine_document *openapi = extension(module, KOINE_EXTENSION_OPENAPI);
    if (openapi && openapi->size >= sizeof(*openapi))
        module->openapi = openapi->text;
    const struct koine_tool_set *tools = extension(module, KOINE_EXTENSION_TOOLS);
    if (tools && tools->size >= sizeof(*tools))
        module->tools = tools;
}

static bool keep(struct module_set *set, struct module *module) {
    struct module **grown = realloc(set->items, (set->count + 1) * sizeof(struct module *));
    if (!grown)
        return false;
    set->items = grown;
    set->items[set->count++] = module;
    return true;
}

/* Loads one file up to `initialised`. False: logged. */
static bool load(struct module_set *set, const char *path) {
    char message[1024] = "out of memory";
    struct module *module = calloc(1, sizeof(*module));
    if (!module || !(module->path = strdup(path)))
        goto error;
    module->magic = MODULE_MAGIC;
    module->worker = set->worker;
    module->host = (struct koine_host){sizeof(struct koine_host), KOINE_ABI_MAJOR, KOINE_ABI_MINOR,
                                       module_service};
    module->ordinal = (unsigned)set->count + 1;
    module->number = set->count < NOTES_MODULES ? (unsigned)set->count + 1 : 0;
    if (!open_module(module, message, sizeof(message)) ||
        !name_is_free(set, module, message, sizeof(message)) ||
        !create_module(module, message, sizeof(message)) ||
        !read_settings(module, message, sizeof(message)))
        goto error;
    read_extensions(module);
    if (!init_module(module, message, sizeof(message)) || !keep(set, module))
        goto error;
    log_print(set->worker->log, KOINE_LOG_INFO, "modules", "%s %s: %s", module->descriptor->name,
              module->descriptor->version, module->descriptor->summary);
    return true;
error:
    say(set, message);
    if (module)
        router_drop(set->worker->server->router, module);
    free_module(module);
    return false;
}

static int is_module_file(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return size > 3 && strcmp(entry->d_name + size - 3, ".so") == 0;
}

/* Without modules.load: every file of the directory, in the order of names. */
static bool load_directory(struct module_set *set, bool stop) {
    char *directory = module_directory(set->worker->config);
    struct dirent **entries = NULL;
    int count = directory ? scandir(directory, &entries, is_module_file, alphasort) : -1;
    bool good = true;
    if (count < 0) {
        /* One that was asked for must be there; without any the host's own pages are served. */
        good = !set->worker->config->modules.directory || !stop;
        log_print(set->worker->log, good ? KOINE_LOG_WARNING : KOINE_LOG_ERROR, "modules",
                  "the module directory %s cannot be read (%m): nothing but the host's own pages "
                  "is served; set modules.directory",
                  directory ? directory : "?");
    }
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        if (good && asprintf(&path, "%s/%s", directory, entries[i]->d_name) >= 0) {
            good = load(set, path) || !stop;
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    free(directory);
    return good;
}

static bool load_listed(struct module_set *set, bool stop) {
    const struct config_list *list = &set->worker->config->modules.load;
    for (size_t i = 0; i < list->count; i++) {
        char *path = module_path(set->worker->config, list->items[i]);
        bool good = path && load(set, path);
        free(path);
        if (!good && stop)
            return false;
    }
    return true;
}

/* A section that belongs to no module is most likely a typing error. */
static bool sections_are_used(struct module_set *set) {
    const struct config *config = set->worker->config;
    for (size_t i = 0; i < config->modules.section_count; i++) {
        const struct config_module *section = &config->modules.sections[i];
        bool used = false;
        for (size_t j = 0; j < set->count; j++)
            used = used || section_of(set->items[j]) == section;
        if (!used) {
            log_print(set->worker->log, KOINE_LOG_ERROR, "modules",
                      "%s:%u: modules.settings.%s: no module of this name is loaded",
                      config->file ? config->file : "defaults", section->line, section->name);
            return false;
        }
    }
    return true;
}

struct module_set *module_set_create(struct worker *worker) {
    struct module_set *set = calloc(1, sizeof(*set));
    if (!set)
        return NULL;
    set->worker = worker;
    worker->modules = set; /* modules ask for services while they initialise */
    bool stop = worker->config->modules.stop_on_error;
    set->timers = handles_create(4);
    set->watches = handles_create(5);
    set->posts = post_queue_create(worker->base);
    set->complaints = complaint_book_create(set);
    bool good = set->timers && set->watches && set->posts && set->complaints;
    if (good)
        good =
            worker->config->modules.load.items ? load_listed(set, stop) : load_directory(set, stop);
    if (good && !sections_are_used(set))
        good = !stop;
    if (good)
        return set;
    module_set_destroy(set);
    worker->modules = NULL;
    return NULL;
}

int module_set_start(struct module_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        struct module *module = set->items[i];
        char why[400] = "";
        struct koine_error error = {sizeof(error), sizeof(why), why};
        module_count_begin(module);
        MODULE_RUNS_IN(module, NOTES_START, NULL);
        post_queue_set_state(set->posts, module, MODULE_SERVING);
        int32_t result =
            module->descriptor->start ? module->descriptor->start(module->self, &error) : KOINE_OK;
        why[sizeof(why) - 1] = '\0';
        if (result != KOINE_OK) {
            log_print(set->worker->log, KOINE_LOG_ERROR, "modules",
                      "module %s: start failed (%d): %s", module->path, result, why);
            return -1;
        }
    }
    return 0;
}

void module_set_quiesce(struct module_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        struct module *module = set->items[i];
        if (module->state != MODULE_SERVING)
            continue;
        MODULE_RUNS_IN(module, NOTES_QUIESCE, NULL);
        if (module->descriptor->quiesce)
            module->descriptor->quiesce(module->self);
        post_queue_set_state(set->posts, module, MODULE_DRAINING);
    }
}

void module_set_destroy(struct module_set *set) {
    if (!set)
        return;
    module_set_quiesce(set);
    if (set->posts)
        post_queue_run(set->posts);
    module_stop_timers(set, NULL);
    for (size_t i = set->count; i > 0; i--)
        free_module(set->items[i - 1]);
    post_queue_destroy(set->posts);
    complaint_book_destroy(set->complaints);
    handles_destroy(set->timers);
    handles_destroy(set->watches);
    free(set->items);
    free(set);
}
