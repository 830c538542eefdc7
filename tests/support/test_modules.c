/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration text for modules of tests, and what their metrics say. */
#include "support/test_modules.h"

#include "support/http_client.h"
#include "support/process_table.h"
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
    if (strchr(name, '/'))
        return scratch_text("%s", name);
    char *example = beside_gateway("examples/modules", name);
    if (access(example, F_OK) == 0)
        return example;
    free(example);
    return beside_gateway("tests/modules", name);
}

char *test_module_copy(const char *name, const char *directory, const char *as) {
    char *module = test_module(name), *path = scratch_text("%s/%s.so", directory, as);
    char *command = scratch_text("cp '%s' '%s'", module, path);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c) */
    free(command);
    free(module);
    return path;
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

struct awaited_metric {
    const struct gateway *gateway;
    char *line; /* between two line breaks */
};

static bool metric_is_there(const void *data) {
    const struct awaited_metric *awaited = data;
    struct http_response metrics = http_get(awaited->gateway, "/metrics");
    bool there = strstr(metrics.body, awaited->line) != NULL;
    http_response_finish(&metrics);
    return there;
}

void modules_await_metric(const struct gateway *gateway, const char *line) {
    struct awaited_metric awaited = {gateway, scratch_text("\n%s\n", line)};
    ck_assert_msg(await(metric_is_there, &awaited, 10000), "/metrics does not come to say %s",
                  line);
    free(awaited.line);
}
