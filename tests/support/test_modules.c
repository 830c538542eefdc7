/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration text for modules of tests. Sends no request. */
#include "support/test_modules.h"

#include "support/scratch_directory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

char *example_module(const char *name) {
    return beside_gateway("examples/modules", name);
}

bool example_is_missing(const char *name) {
    char path[4096];
    const char *binary = getenv("KOINE_GATEWAY");
    if (!binary)
        binary = "build/koine-gateway";
    const char *slash = strrchr(binary, '/');
    snprintf(path, sizeof path, "%.*s/examples/modules/%s.so", slash ? (int)(slash - binary) : 1,
             slash ? binary : ".", name);
    if (access(path, R_OK) == 0)
        return false;
    printf("SKIPPED: %s was not built: its compiler is missing\n", path);
    return true;
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
