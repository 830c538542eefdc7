/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a module's file and judges its descriptor; knows where modules are looked for. */
#include "modules/loader.h"
#include "modules/struct_size.h"
#include "ops/beside.h"
#include "ops/utf8.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_DESCRIPTOR = 4096, LONGEST_LINE = 1000 };

bool loader_refuse(struct loader_message *message, const char *path, const char *format, ...) {
    int n = snprintf(message->text, sizeof(message->text), "module %.400s: ", path);
    va_list args;
    va_start(args, format);
    vsnprintf(message->text + n, sizeof(message->text) - (size_t)n, format, args);
    va_end(args);
    return false;
}

/* ---- the library */

/* What dlerror says is for programmers; the two usual cases are put in other words. */
static bool refuse_library(struct loader_message *message, const char *path, const char *error) {
    static const char undefined[] = "undefined symbol: ", missing[] = ": cannot open shared object";
    const char *symbol = strstr(error, undefined), *file = strstr(error, missing);
    if (symbol) {
        symbol += sizeof(undefined) - 1;
        return loader_refuse(message, path,
                             "it uses the symbol %.*s, which nothing defines: link it with what "
                             "defines it; -Wl,-z,defs shows this when the module is built",
                             (int)strcspn(symbol, ", ("), symbol);
    }
    if (file)
        return loader_refuse(message, path,
                             "it needs the library %.*s, which is not found here: install it, or "
                             "link the module with the library's static form",
                             (int)(file - error), error);
    return loader_refuse(message, path, "cannot be loaded: %s", error);
}

/* ---- the descriptor */

static bool valid_name(const char *name) {
    size_t size = name ? strlen(name) : 0;
    if (size < 1 || size > 32 || name[0] < 'a' || name[0] > 'z' || strstr(name, "--"))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

/* They stand in lists and in the log, where a second line would pass for another's. */
static bool is_line(const char *text) {
    size_t size = strnlen(text, LONGEST_LINE + 1), bytes = 0;
    for (size_t at = 0; at < size; at += bytes)
        if ((unsigned char)text[at] < ' ' || text[at] == 0x7f ||
            !(bytes = utf8_sequence_bytes(text + at, size - at)))
            return false;
    return size <= LONGEST_LINE;
}

/* A module that was built with headers newer than it asks for may have a longer one, if what is
 * unknown here is not used. */
static bool judge_size(const struct koine_module *module, const char *path,
                       struct loader_message *message) {
    const unsigned char *bytes = (const unsigned char *)module;
    bool fits =
        module->size >= LENGTH_WITH(koine_module, extension) && module->size <= LONGEST_DESCRIPTOR;
    for (size_t i = sizeof(*module); fits && i < module->size; i++)
        fits = !bytes[i];
    return fits || loader_refuse(message, path,
                                 "its descriptor says that it has %u bytes, that of ABI %d.%d has "
                                 "%zu: set size to sizeof(struct koine_module), and build it with "
                                 "the headers of the ABI that it asks for",
                                 module->size, KOINE_ABI_MAJOR, KOINE_ABI_MINOR, sizeof(*module));
}

static bool judge_version(const struct koine_module *module, const char *path,
                          struct loader_message *message) {
    if (module->abi_major != KOINE_ABI_MAJOR)
        return loader_refuse(message, path,
                             "needs module ABI %u.%u, this gateway has %d.%d: rebuild the module "
                             "with this gateway's headers",
                             module->abi_major, module->abi_minor, KOINE_ABI_MAJOR,
                             KOINE_ABI_MINOR);
    if (module->abi_minor > KOINE_ABI_MINOR)
        return loader_refuse(message, path,
                             "needs module ABI %u.%u, this gateway has %d.%d: install a newer "
                             "gateway",
                             module->abi_major, module->abi_minor, KOINE_ABI_MAJOR,
                             KOINE_ABI_MINOR);
    return true;
}

static bool judge(const struct koine_module *module, const char *path,
                  struct loader_message *message) {
    const char *problem = NULL;
    if (!module)
        problem = "koine_module() returned NULL";
    else if (module->magic != KOINE_MODULE_MAGIC)
        problem = "koine_module() returned something that is no module descriptor (wrong magic): "
                  "set magic to KOINE_MODULE_MAGIC";
    if (problem)
        return loader_refuse(message, path, "%s", problem);
    if (!judge_version(module, path, message) || !judge_size(module, path, message))
        return false;
    if (!valid_name(module->name))
        problem = "its name must be [a-z][a-z0-9-]{0,31} without \"--\"";
    else if (!module->version || !module->summary)
        problem = "its descriptor lacks version or summary";
    else if (!is_line(module->version) || !is_line(module->summary))
        problem = "its version and summary must be one line of UTF-8, of at most 1,000 bytes each";
    else if (!module->create || !module->init)
        problem = "its descriptor lacks create or init";
    return problem ? loader_refuse(message, path, "%s", problem) : true;
}

static void note(_Atomic int *stage, enum loader_stage reached) {
    if (stage)
        atomic_store(stage, reached);
}

const struct koine_module *loader_open(const char *path, void **library, _Atomic int *stage,
                                       struct loader_message *message) {
    const struct koine_module *(*entry)(void);
    note(stage, LOADER_LOADS);
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*library) {
        refuse_library(message, path, dlerror());
        return NULL;
    }
    *(void **)&entry = dlsym(*library, "koine_module");
    if (!entry) {
        loader_refuse(message, path,
                      "does not export koine_module(): it is no module, or was built without "
                      "KOINE_EXPORT (in C++: without extern \"C\")");
        return NULL;
    }
    note(stage, LOADER_ASKS);
    const struct koine_module *module = entry();
    bool good = judge(module, path, message);
    note(stage, LOADER_JUDGES);
    return good ? module : NULL;
}

/* ---- where modules are */

static bool is_directory(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

char *module_directory(const struct config *config) {
    static const char *const places[] = {"modules", "../lib/koine-gateway/modules"};
    if (config->modules.directory)
        return strdup(config->modules.directory);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char *path = beside_program(places[i]);
        if (path && is_directory(path)) {
            char *plain = realpath(path, NULL); /* without "bin/.." in every message */
            free(path);
            return plain;
        }
        free(path);
    }
    return strdup(KOINE_MODULE_DIRECTORY);
}

char *module_path(const struct config *config, const char *entry) {
    char *path = NULL;
    const char *slash = config->file && *entry == '.' ? strrchr(config->file, '/') : NULL;
    if (slash) /* "./hello.so": beside the configuration */
        return asprintf(&path, "%.*s/%s", (int)(slash - config->file), config->file, entry) < 0
                   ? NULL
                   : path;
    if (strchr(entry, '/'))
        return strdup(entry);
    char *directory = module_directory(config);
    if (directory && asprintf(&path, "%s/%s.so", directory, entry) < 0)
        path = NULL;
    free(directory);
    return path;
}
