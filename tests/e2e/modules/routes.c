/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module named after its file, so that copies of it are several modules. Its setting `routes`
 * says which it registers: "GET /a, POST /b/{c}, GET /d?api-version", the last for requests that
 * carry this header; with `ignores: true` it does not care whether it gets them, with
 * `public: true` they need no key, with `keeps: true` it writes a file into its state directory,
 * with `renders: true` its refusals, also those below /v1/, are its name and the code; `openapi` is
 * its fragment. Each answers with the module, the path, and the parameters a and b.
 */
#include <dlfcn.h>
#include <koine/koine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 33 };

struct routes {
    const struct koine_host *host;
    const struct koine_http *http;
    char *text; /* the methods and paths */
    struct koine_document openapi;
};

static const char *own_name(void) {
    static char name[NAME_SIZE];
    Dl_info file;
    if (!dladdr((void *)(uintptr_t)own_name, &file) || !strrchr(file.dli_fname, '/'))
        return NULL;
    const char *base = strrchr(file.dli_fname, '/') + 1;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, "."), base);
    return name;
}

static void handler(void *data, koine_request request) {
    struct routes *self = data;
    struct koine_text path = {NULL, 0}, a = {NULL, 0}, b = {NULL, 0};
    char body[512];
    self->http->path(self->host, request, &path);
    self->http->param(self->host, request, "a", &a);
    self->http->param(self->host, request, "b", &b);
    int size = snprintf(body, sizeof(body),
                        "{\"module\":\"%s\",\"path\":\"%.*s\",\"a\":\"%.*s\",\"b\":\"%.*s\"}",
                        own_name(), (int)path.size, path.data, (int)a.size, a.size ? a.data : "",
                        (int)b.size, b.size ? b.data : "");
    self->http->respond(self->host, request, 200, (struct koine_text){NULL, 0},
                        (struct koine_text){body, (size_t)size});
}

static int32_t render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
                      size_t *length, const char **content_type) {
    (void)self;
    int size =
        snprintf(out, capacity, "%s %.*s", own_name(), (int)failure->code.size, failure->code.data);
    *content_type = "text/plain";
    *length = (size_t)size;
    return size > 0 && (size_t)size < capacity ? KOINE_OK : KOINE_INVALID;
}

/* Puts the header's name, "GET /d?api-version", off the path's end. */
static const char *take_header(char *path) {
    char *mark = path ? strchr(path, '?') : NULL;
    if (!mark)
        return NULL;
    *mark = '\0';
    return mark + 1;
}

static int32_t keep(const struct koine_host *host, const struct koine_config *config) {
    struct koine_text directory = {NULL, 0};
    char path[4200];
    if (config->state_directory(host, &directory) != KOINE_OK)
        return KOINE_INVALID;
    snprintf(path, sizeof(path), "%s/kept", directory.data);
    FILE *file = fopen(path, "w");
    return file && fclose(file) == 0 ? KOINE_OK : KOINE_INVALID;
}

static int32_t create(const struct koine_host *host, void **data) {
    struct routes *self = calloc(1, sizeof(*self));
    if (!self)
        return KOINE_NO_MEMORY;
    self->host = host;
    *data = self;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text settings, struct koine_error *error) {
    struct routes *self = data;
    const struct koine_config *config = self->host->service(self->host, KOINE_CONFIG);
    struct koine_text routes = {"", 0};
    int32_t ignores = 0, public = 0, keeps = 0, renders = 0;
    (void)settings;
    self->http = self->host->service(self->host, KOINE_HTTP);
    config->text(self->host, "routes", &routes);
    config->text(self->host, "openapi", &self->openapi.text);
    config->boolean(self->host, "ignores", &ignores);
    config->boolean(self->host, "public", &public);
    config->boolean(self->host, "keeps", &keeps);
    config->boolean(self->host, "renders", &renders);
    if (keeps && keep(self->host, config) != KOINE_OK) {
        snprintf(error->message, error->capacity, "its file cannot be written");
        return KOINE_INVALID;
    }
    self->text = strdup(routes.data);
    char *rest = self->text;
    for (char *method; self->text && (method = strtok_r(NULL, ", ", &rest));) {
        char *path = strtok_r(NULL, ", ", &rest);
        const struct koine_route route = {.size = sizeof(route),
                                          .authentication =
                                              public ? KOINE_AUTH_NONE : KOINE_AUTH_REQUIRED,
                                          .header = take_header(path),
                                          .method = method,
                                          .path = path,
                                          .handler = handler,
                                          .render_failure = renders ? render : NULL,
                                          .failure_prefix = renders ? "/v1/" : NULL};
        int32_t result = self->http->route(self->host, &route);
        if (result != KOINE_OK && !ignores) {
            snprintf(error->message, error->capacity, "%s %s cannot be had", method, path);
            return result;
        }
    }
    return self->text ? KOINE_OK : KOINE_NO_MEMORY;
}

static const void *extension(void *data, const char *id) {
    struct routes *self = data;
    self->openapi.size = sizeof(self->openapi);
    return self->openapi.text.data && strcmp(id, KOINE_EXTENSION_OPENAPI) == 0 ? &self->openapi
                                                                               : NULL;
}

static void destroy(void *data) {
    struct routes *self = data;
    free(self->text);
    free(self);
}

const struct koine_module *koine_module(void) {
    static struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(struct koine_module),
        .version = "1.0.0",
        .summary = "Has the routes that it is told",
        .create = create,
        .init = init,
        .destroy = destroy,
        .extension = extension,
    };
    module.name = own_name();
    return &module;
}
