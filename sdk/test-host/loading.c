/* SPDX-License-Identifier: Apache-2.0 */
/* A module's way through the lifecycle, judged as the gateway judges it. */
#include "modules/config_schema.h"
#include "modules/loader.h"
#include "modules/struct_size.h"
#include "modules/tool_check.h"
#include "test-host/call.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct koine_test_host *host_of(const struct koine_host *host) {
    const struct koine_test_host *test = (const struct koine_test_host *)(const void *)host;
    if (!test || test->magic != HOST_MAGIC) {
        fputs("koine-test-host: a module passed a pointer that is no host\n", stderr);
        abort();
    }
    return (struct koine_test_host *)(uintptr_t)test;
}

const char *host_module_name(const struct koine_test_host *host) {
    return host->descriptor ? host->descriptor->name : host->path;
}

void host_set_state(struct koine_test_host *host, enum host_state state) {
    pthread_mutex_lock(&host->lock);
    host->state = state;
    pthread_mutex_unlock(&host->lock);
}

static bool refuse(struct koine_test_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct koine_test_error *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return false;
}

/* ---- loaded, created */

bool host_load(struct koine_test_host *host, struct koine_test_error *error) {
    struct loader_message message;
    if (loader_check_file(host->path, &message)) {
        note_place(host, "its constructors or koine_module()");
        host->descriptor = loader_open(host->path, &host->library, NULL, &message);
        note_place(host, "");
    }
    return host->descriptor || refuse(error, "%s", message.text);
}

static bool create_module(struct koine_test_host *host, struct koine_test_error *error) {
    struct visit visit;
    host_set_state(host, HOST_CREATING);
    visit_begin(&visit, host, "koine_module.create");
    int32_t result = host->descriptor->create(&host->seen, &host->self);
    visit_end(&visit);
    host_set_state(host, HOST_CREATED);
    if (result == KOINE_OK)
        return true;
    if (!host->self)
        host_set_state(host, HOST_GONE); /* nothing to destroy */
    return refuse(error, "module %s: create failed (%d); what it has logged says why", host->path,
                  result);
}

static const void *extension(struct koine_test_host *host, const char *id) {
    struct visit visit;
    if (!host->descriptor->extension)
        return NULL;
    visit_begin(&visit, host, "koine_module.extension(%s)", id);
    const void *found = host->descriptor->extension(host->self, id);
    visit_end(&visit);
    return found;
}

/* False: what it offers is refused, as in the gateway. NULL in `*found`: it offers nothing. */
static bool offer(struct koine_test_host *host, const char *id, size_t length, const void **found,
                  struct koine_test_error *error) {
    uint32_t size = 0;
    *found = extension(host, id);
    if (!*found)
        return true;
    note_place(host, "what koine_module.extension has returned");
    memcpy(&size, *found, sizeof(size));
    return size >= length || refuse(error,
                                    "module %s: what it offers as %s says that it has %u bytes, "
                                    "expected %zu: set its size to sizeof the struct",
                                    host->path, id, size, length);
}

static bool read_document(struct koine_test_host *host, const char *id, char **text,
                          struct koine_test_error *error) {
    const void *found;
    if (!offer(host, id, LENGTH_WITH(koine_document, text), &found, error))
        return false;
    const struct koine_document *document = found;
    if (document && document->text.size && !document->text.data)
        return refuse(error, "module %s: what it offers as %s has a size and no data", host->path,
                      id);
    if (document)
        *text = memory_text(document->text);
    note_place(host, "");
    return true;
}

static bool read_tools(struct koine_test_host *host, struct koine_test_error *error) {
    const void *found;
    char problem[256];
    if (!offer(host, KOINE_EXTENSION_TOOLS, LENGTH_WITH(koine_tool_set, tools), &found, error))
        return false;
    if (found && tool_set_problem(found, problem, sizeof(problem)))
        return refuse(error, "module %s: what it offers as %s: %s", host->path,
                      KOINE_EXTENSION_TOOLS, problem);
    note_place(host, "");
    host->tools = found;
    return true;
}

static bool read_extensions(struct koine_test_host *host, struct koine_test_error *error) {
    if (!read_document(host, KOINE_EXTENSION_OPENAPI, &host->openapi, error) ||
        !read_tools(host, error))
        return false;
    if (extension(host, "koine.unknown-extension/1"))
        finding_add(host, "invalid-argument",
                    "koine_module.extension must answer NULL for an id that it does not know");
    return true;
}

/* ---- settings */

static bool check_settings(struct koine_test_host *host, struct koine_test_error *error) {
    char problem[512] = "it is no JSON";
    bool good = true;
    if (!host->schema)
        return true;
    json_t *schema = json_loads(host->schema, JSON_REJECT_DUPLICATES, NULL);
    if (!schema || config_schema_check(schema, problem, sizeof(problem)))
        good =
            refuse(error, "module %s: its config schema cannot be used: %s", host->path, problem);
    else if (config_schema_validate(schema, host->settings, problem, sizeof(problem)))
        good = refuse(error, "settings of %s: %s", host->descriptor->name, problem);
    json_decref(schema);
    return good;
}

static bool read_settings(struct koine_test_host *host, const char *settings,
                          struct koine_test_error *error) {
    json_error_t problem;
    host->settings = json_loads(settings ? settings : "{}", JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(host->settings))
        return refuse(error, "settings: %s (line %d)",
                      host->settings ? "must be a JSON object" : problem.text,
                      host->settings ? 1 : problem.line);
    if (!read_document(host, KOINE_EXTENSION_CONFIG_SCHEMA, &host->schema, error))
        return false;
    host->settings_text = memory_need(json_dumps(host->settings, JSON_COMPACT));
    return check_settings(host, error);
}

/* ---- initialised, serving */

/* init and start: the same but for the argument. */
static bool began(struct koine_test_host *host, const char *what, int32_t result, const char *why,
                  struct koine_test_error *error) {
    if (result == KOINE_OK)
        return true;
    return refuse(error, "module %s: %s failed (%d): %s", host->path, what, result,
                  *why ? why : "it gave no reason");
}

static bool init_module(struct koine_test_host *host, struct koine_test_error *error) {
    char why[400] = "";
    struct koine_error given = {sizeof(given), sizeof(why), why};
    struct visit visit;
    host_set_state(host, HOST_INITIALISING);
    /* A copy: it is valid until init returns, and not longer. */
    char *settings = memory_text(text_of(host->settings_text));
    visit_begin(&visit, host, "koine_module.init");
    int32_t result = host->descriptor->init(host->self, text_of(settings), &given);
    visit_end(&visit);
    memset(settings, 0xDD, strlen(settings));
    free(settings);
    why[sizeof(why) - 1] = '\0';
    if (result == KOINE_OK)
        host_set_state(host, HOST_INITIALISED);
    return began(host, "init", result, why, error);
}

/* A failed start is followed by destroy only: what it has set going is not called. */
static void silence(struct koine_test_host *host) {
    host_set_state(host, HOST_INITIALISED);
    posts_close(host);
    posts_finish(host);
    loop_stop_all(host);
}

static bool start_module(struct koine_test_host *host, struct koine_test_error *error) {
    char why[400] = "";
    struct koine_error given = {sizeof(given), sizeof(why), why};
    struct visit visit;
    int32_t result = KOINE_OK;
    host_set_state(host, HOST_SERVING);
    if (host->descriptor->start) {
        visit_begin(&visit, host, "koine_module.start");
        result = host->descriptor->start(host->self, &given);
        visit_end(&visit);
    }
    why[sizeof(why) - 1] = '\0';
    if (result != KOINE_OK)
        silence(host);
    return began(host, "start", result, why, error);
}

bool host_initialise(struct koine_test_host *host, const char *settings,
                     struct koine_test_error *error) {
    if (!create_module(host, error) || !read_settings(host, settings, error) ||
        !init_module(host, error) || !read_extensions(host, error))
        return false;
    for (size_t i = 0; i < router_count(host->router); i++) {
        const struct route *route = router_at(host->router, i);
        struct route_name name;
        if (route->module)
            buffer_print(&host->route_names, "%s\n", route_name(&route->as, &name));
    }
    return start_module(host, error);
}

void host_destroy_module(struct koine_test_host *host) {
    struct visit visit;
    enum host_state before = host->state;
    host_set_state(host, HOST_DESTROYING);
    if (before > HOST_CREATING && before < HOST_DESTROYING && host->descriptor &&
        host->descriptor->destroy) {
        visit_begin(&visit, host, "koine_module.destroy");
        host->descriptor->destroy(host->self);
        visit_end(&visit);
    }
    host_set_state(host, HOST_GONE);
}
