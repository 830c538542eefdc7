/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that is refused: which way, the environment variable KOINE_TEST_REFUSE says ("magic",
 * "major", "minor", "size", "name", "create", "init", "route").
 */
#include <koine/koine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wants(const char *way) {
    const char *asked = getenv("KOINE_TEST_REFUSE");
    return asked && strcmp(asked, way) == 0;
}

static void handler(void *self, koine_request request) {
    (void)self;
    (void)request;
}

static int32_t create(const struct koine_host *host, void **self) {
    *self = (void *)(uintptr_t)host;
    return wants("create") ? KOINE_NO_MEMORY : KOINE_OK;
}

static int32_t init(void *self, struct koine_text config, struct koine_error *error) {
    const struct koine_host *host = self;
    const struct koine_http *http = host->service(host, KOINE_HTTP);
    (void)config;
    struct koine_route route = {.size = sizeof(route),
                                .method = "POST",
                                .path = wants("route") ? "/generate-text" : "/refused",
                                .handler = handler};
    int32_t result = http->route(host, &route);
    if (result != KOINE_OK) {
        snprintf(error->message, error->capacity, "the route is taken");
        return result;
    }
    if (wants("init")) {
        snprintf(error->message, error->capacity, "the answer is not 42");
        return KOINE_INVALID;
    }
    return KOINE_OK;
}

const struct koine_module *koine_module(void) {
    static struct koine_module module;
    module = (struct koine_module){
        .magic = wants("magic") ? 1 : KOINE_MODULE_MAGIC,
        .abi_major = wants("major") ? 9 : KOINE_ABI_MAJOR,
        .abi_minor = wants("minor") ? 99 : KOINE_ABI_MINOR,
        .size = wants("size") ? 40 : sizeof(struct koine_module),
        .name = wants("name") ? "Bad Name" : "refused",
        .version = "1.0.0",
        .summary = "Is refused when asked to be",
        .create = create,
        .init = init,
    };
    return &module;
}
