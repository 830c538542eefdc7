/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens a module's file and judges its descriptor. Every refusal is a sentence that names the path,
 * what was found, and what to do.
 */
#include "modules/module.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct koine_module *refuse(char *message, size_t size, const char *path,
                                         const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static const struct koine_module *refuse(char *message, size_t size, const char *path,
                                         const char *format, ...) {
    int n = snprintf(message, size, "module %s: ", path);
    va_list args;
    va_start(args, format);
    if (n > 0 && (size_t)n < size)
        vsnprintf(message + n, size - (size_t)n, format, args);
    va_end(args);
    return NULL;
}

static bool valid_name(const char *name) {
    size_t size = name ? strlen(name) : 0;
    if (size < 1 || size > 32 || name[0] < 'a' || name[0] > 'z' || strstr(name, "--"))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

/* NULL when the descriptor can be used, else why not. */
static const char *judge(const struct koine_module *module) {
    if (!module)
        return "koine_module() returned NULL";
    if (module->magic != KOINE_MODULE_MAGIC)
        return "koine_module() returned something that is no module descriptor (wrong magic)";
    if (module->size < LENGTH_WITH(koine_module, extension))
        return "its descriptor is shorter than that of version 1.0: set size to "
               "sizeof(struct koine_module)";
    if (!valid_name(module->name))
        return "its name must be [a-z][a-z0-9-]{0,31} without \"--\"";
    if (!module->version || !module->summary)
        return "its descriptor lacks version or summary";
    if (!module->create || !module->init)
        return "its descriptor lacks create or init";
    return NULL;
}

const struct koine_module *module_open(const char *path, void **library, char *message,
                                       size_t size) {
    struct stat file;
    if (stat(path, &file))
        return refuse(message, size, path, "%s", strerror(errno));
    if (!S_ISREG(file.st_mode))
        return refuse(message, size, path, "is not a regular file");
    if (file.st_mode & S_IWOTH)
        return refuse(message, size, path,
                      "anybody may write this file, so it is not loaded; run: chmod o-w %s", path);
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*library)
        return refuse(message, size, path, "cannot be loaded: %s", dlerror());
    const struct koine_module *(*entry)(void);
    *(void **)&entry = dlsym(*library, "koine_module");
    if (!entry)
        return refuse(message, size, path,
                      "does not export koine_module(): it is no module, or was built without "
                      "KOINE_EXPORT");
    const struct koine_module *module = entry();
    if (module && module->magic == KOINE_MODULE_MAGIC &&
        (module->abi_major != KOINE_ABI_MAJOR || module->abi_minor > KOINE_ABI_MINOR))
        return refuse(message, size, path, "needs module ABI %u.%u, this gateway has %d.%d: %s",
                      module->abi_major, module->abi_minor, KOINE_ABI_MAJOR, KOINE_ABI_MINOR,
                      module->abi_major == KOINE_ABI_MAJOR ? "install a newer gateway"
                                                           : "rebuild the module");
    const char *problem = judge(module);
    return problem ? refuse(message, size, path, "%s", problem) : module;
}

static bool is_directory(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

char *module_directory(const struct config *config) {
    if (config->modules.directory)
        return strdup(config->modules.directory);
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - sizeof("modules"));
    if (size > 0) {
        path[size] = '\0';
        char *slash = strrchr(path, '/');
        if (slash) {
            memcpy(slash + 1, "modules", sizeof("modules"));
            if (is_directory(path))
                return strdup(path);
        }
    }
    return strdup(KOINE_MODULE_DIRECTORY);
}

char *module_path(const struct config *config, const char *entry) {
    char *path = NULL;
    if (strchr(entry, '/'))
        return strdup(entry);
    char *directory = module_directory(config);
    if (directory && asprintf(&path, "%s/%s.so", directory, entry) < 0)
        path = NULL;
    free(directory);
    return path;
}
