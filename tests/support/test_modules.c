/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration text for modules of tests. Sends no request. */
#include "support/test_modules.h"

#include "support/scratch_directory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *beside_gateway(const char *directory, const char *name) {
    char *binary = gateway_binary();
    *strrchr(binary, '/') = '\0';
    char *path = scratch_text("%s/%s/%s.so", binary, directory, name);
    free(binary);
    return path;
}

char *test_module(const char *name) {
    return strchr(name, '/') ? scratch_text("%s", name) : beside_gateway("tests/modules", name);
}

char *modules_config(const char *const *modules, const char *more, const char *rest) {
    char *text = beside_gateway("modules", "text");
    char *config = scratch_text("modules:\n  load:\n  - %s\n", text);
    free(text);
    for (; *modules; modules++) {
        char *path = test_module(*modules);
        char *longer = scratch_text("%s  - %s\n", config, path);
        free(path);
        free(config);
        config = longer;
    }
    char *whole = scratch_text("%s%s%s", config, more ? more : "", rest ? rest : "");
    free(config);
    return whole;
}

struct gateway *modules_start(const char *const *modules, const char *more, const char *rest,
                              const char *const *environment) {
    char *config = modules_config(modules, more, rest);
    struct gateway *gateway =
        gateway_start(&(struct gateway_options){.config = config, .environment = environment});
    free(config);
    return gateway;
}
