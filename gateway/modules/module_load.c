/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One module's way from its file to `initialised`, and its end. Each step either leads on or notes
 * why the module is refused (module->refusal).
 */
#include "config/settings.h"
#include "http/server.h"
#include "modules/config_schema.h"
#include "modules/loader.h"
#include "modules/module.h"
#include "modules/tool_check.h"
#include "openapi/part.h"
#include "supervisor/crash_note.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool module_is(const struct module *module, const char *name) {
    return strcmp(name, module->descriptor->name) == 0 || strcmp(name, module->path) == 0;
}

static const void *extension(struct module *module, const char *id) {
    MODULE_RUNS_IN(module, NOTES_EXTENSION, NULL);
    return module->descriptor->extension ? module->descriptor->extension(module->self, id) : NULL;
}

/* ---- settings */

static const struct config_module *section_of(const struct module *module) {
    const struct config *config = module->worker->config;
    for (size_t i = 0; i < config->modules.section_count; i++)
        if (module_is(module, config->modules.sections[i].name))
            return &config->modules.sections[i];
    return NULL;
}

/* What a module offers under an id, if it is as long as in ABI 1.0. NULL: nothing, or refused. */
static const void *offer(struct module *module, const char *id, uint32_t length) {
    const void *offered = extension(module, id);
    uint32_t size = 0;
    if (!offered)
        return NULL;
    memcpy(&size, offered, sizeof(size));
    if (size >= length)
        return offered;
    module_refuse(module,
                  "module %s: what it offers as %s says that it has %u bytes, expected %u: "
                  "set its size to sizeof the struct",
                  module->path, id, size, length);
    return NULL;
}

/* The line that the sentence is about, which begins with its place: "limits.rows: found …". */
static unsigned line_of(const struct config_module *section, const char *problem) {
    char place[400];
    snprintf(place, sizeof(place), "%.*s", (int)strcspn(problem, ":"), problem);
    return section ? settings_line(section, place) : 0;
}

static void check_settings(struct module *module, const struct config_module *section) {
    const struct koine_document *document =
        offer(module, KOINE_EXTENSION_CONFIG_SCHEMA, LENGTH_WITH(koine_document, text));
    const char *file = module->worker->config->file;
    char problem[512];
    if (!document)
        return;
    json_t *schema =
        json_loadb(document->text.data, document->text.size, JSON_REJECT_DUPLICATES, NULL);
    if (!schema || config_schema_check(schema, problem, sizeof(problem)))
        module_refuse(module, "module %s: its config schema cannot be used: %s", module->path,
                      schema ? problem : "it is no JSON");
    else if (config_schema_validate(schema, module->settings, problem, sizeof(problem)))
        module_refuse(module, "%s:%u: modules.settings.%s: %s", file ? file : "defaults",
                      line_of(section, problem), module->descriptor->name, problem);
    json_decref(schema);
}

static bool read_settings(struct module *module) {
    const struct config_module *section = section_of(module);
    module->settings = section ? json_incref(section->settings) : json_object();
    module->settings_text = module->settings ? json_dumps(module->settings, JSON_COMPACT) : NULL;
    if (module->settings_text)
        check_settings(module, section);
    return module->settings_text && !module->refusal;
}

/* ---- the steps */

static bool name_is_free(const struct module_set *set, struct module *module) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i]->descriptor->name, module->descriptor->name) == 0) {
            module_refuse(module, "module %s: %s is already named \"%s\"", module->path,
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
static bool open_module(struct module *module) {
    struct loader_message message;
    const char *slash = strrchr(module->path, '/');
    note_name(module, slash ? slash + 1 : module->path);
    MODULE_RUNS_IN(module, NOTES_LOAD, NULL);
    module->descriptor = loader_open(module->path, &module->library, NULL, &message);
    if (!module->descriptor) {
        module_refuse(module, "%s", message.text);
        return false;
    }
    note_name(module, module->descriptor->name);
    if (module->number)
        crash_note_code(module->worker->supervised->notes, module->number, module->descriptor);
    return true;
}

/* What crashed the worker before this one is not tried again. */
static bool is_left_out(struct module *module) {
    const struct worker *worker = module->worker;
    for (size_t i = 0; i < worker->left_out_count; i++)
        if (strcmp(worker->left_out[i].name, module->descriptor->name) == 0)
            module_refuse(module, "module %s: left out: %s", module->path, worker->left_out[i].why);
    return module->refusal;
}

static bool create_module(struct module *module) {
    MODULE_RUNS_IN(module, NOTES_CREATE, NULL);
    int32_t result = module->descriptor->create(&module->host, &module->self);
    module->state = MODULE_CREATED;
    if (result == KOINE_OK)
        return true;
    module_refuse(module, "module %s: create failed (%d); what it has logged says why",
                  module->path, result);
    if (!module->self)
        module->state = MODULE_GONE; /* nothing to destroy */
    return false;
}

/* Before a run of any module can meet them. */
static void check_tools(struct module *module) {
    char problem[256];
    MODULE_RUNS_IN(module, NOTES_EXTENSION, NULL); /* its memory, which may be none */
    if (tool_set_problem(module->tools, problem, sizeof(problem)))
        module_refuse(module, "module %s: what it offers as %s: %s", module->path,
                      KOINE_EXTENSION_TOOLS, problem);
}

/* The fragment is read when somebody asks for the document: memory that is none shows now. */
static void take_fragment(struct module *module, struct koine_text text) {
    enum { PAGE_BYTES = 4096 };
    MODULE_RUNS_IN(module, NOTES_EXTENSION, NULL);
    const size_t read = text.size < OPENAPI_MAXIMUM_BYTES ? text.size : OPENAPI_MAXIMUM_BYTES;
    const volatile char *bytes = text.data;
    for (size_t i = 0; i < read; i += PAGE_BYTES)
        (void)bytes[i];
    if (read)
        (void)bytes[read - 1];
    module->openapi = text;
}

static bool read_extensions(struct module *module) {
    const struct koine_document *openapi =
        offer(module, KOINE_EXTENSION_OPENAPI, LENGTH_WITH(koine_document, text));
    if (openapi && openapi->text.size && !openapi->text.data)
        module_refuse(module, "module %s: what it offers as %s has a size and no data",
                      module->path, KOINE_EXTENSION_OPENAPI);
    else if (openapi)
        take_fragment(module, openapi->text);
    module->tools = offer(module, KOINE_EXTENSION_TOOLS, LENGTH_WITH(koine_tool_set, tools));
    if (module->tools)
        check_tools(module);
    return !module->refusal;
}

/* What the host has refused meanwhile counts, whatever init returns. */
static bool init_module(struct module *module) {
    MODULE_RUNS_IN(module, NOTES_INIT, NULL);
    char why[400] = "";
    struct koine_error error = {sizeof(error), sizeof(why), why};
    struct koine_text settings = {module->settings_text, strlen(module->settings_text)};
    module->state = MODULE_INITIALISING;
    int32_t result = module->descriptor->init(module->self, settings, &error);
    why[sizeof(why) - 1] = '\0';
    if (result != KOINE_OK)
        module_refuse(module, "module %s: init failed (%d): %s", module->path, result,
                      why[0] ? why : "it gave no reason");
    if (module->refusal || !module_routes_fit(module))
        return false;
    module->state = MODULE_INITIALISED;
    return true;
}

static bool bring_up(struct module_set *set, struct module *module) {
    if (!open_module(module) || is_left_out(module) || !name_is_free(set, module) ||
        !create_module(module) || !read_settings(module) || !init_module(module))
        return false;
    return read_extensions(module);
}

static void tell(const struct module *module, const char *path, struct module_refusal *refusal) {
    const struct koine_module *descriptor = module ? module->descriptor : NULL;
    *refusal = (struct module_refusal){.path = strdup(path)};
    if (descriptor) {
        refusal->name = strdup(descriptor->name);
        refusal->version = strdup(descriptor->version);
    }
    if (module && module->refusal)
        refusal->sentence = strdup(module->refusal);
    else if (asprintf(&refusal->sentence, "module %s: out of memory", path) < 0)
        refusal->sentence = NULL;
}

struct module *module_load(struct module_set *set, const char *path,
                           struct module_refusal *refusal) {
    struct module *module = calloc(1, sizeof(*module));
    if (module && (module->path = strdup(path))) {
        module->magic = MODULE_MAGIC;
        module->worker = set->worker;
        module->host = (struct koine_host){sizeof(struct koine_host), KOINE_ABI_MAJOR,
                                           KOINE_ABI_MINOR, module_service};
        module->ordinal = (unsigned)set->count + 1;
        module->number = set->count < NOTES_MODULES ? (unsigned)set->count + 1 : 0;
        if (bring_up(set, module))
            return module;
    }
    tell(module, path, refusal);
    module_free(module);
    return NULL;
}

/* ---- its end */

static void call_destroy(struct module *module) {
    MODULE_RUNS_IN(module, NOTES_DESTROY, NULL);
    module->descriptor->destroy(module->self);
}

void module_free(struct module *module) {
    if (!module)
        return;
    bool made = module->state >= MODULE_CREATED && module->state < MODULE_GONE;
    if (module->worker) {
        router_drop(module->worker->server->router, module);
        /* destroy may call nothing but the log */
        post_queue_set_state(module->worker->modules->posts, module, MODULE_GONE);
    }
    if (made && module->descriptor && module->descriptor->destroy)
        call_destroy(module);
    if (module->magic) /* it may have called something */
        module_complain_rest(module);
    json_decref(module->settings);
    free(module->settings_text);
    free(module->state_directory);
    free(module->routes);
    free(module->refusal);
    free(module->path);
    module->magic = 0;
    free(module); /* the library stays: threads or handlers of its may still run */
}
