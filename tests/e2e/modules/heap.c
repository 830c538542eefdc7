/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /heap: how many bytes of the gateway's heap are in use, once what is free has gone back to
 * the system. Growth shows in it at once, where resident pages also tell of peaks and fragments.
 */
#include <koine/koine.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

struct heap {
    const struct koine_host *host;
    const struct koine_http *http;
};

static void tell(void *data, koine_request request) {
    struct heap *self = data;
    char text[64];
    malloc_trim(0);
    const struct mallinfo2 info = mallinfo2();
    int size = snprintf(text, sizeof(text), "{\"bytes\":%zu}", info.uordblks + info.hblkhd);
    self->http->respond(self->host, request, 200, KOINE_TEXT("application/json; charset=utf-8"),
                        (struct koine_text){text, (size_t)size});
}

static int32_t create(const struct koine_host *host, void **self) {
    struct heap *module = calloc(1, sizeof(*module));
    if (!module)
        return KOINE_NO_MEMORY;
    module->host = host;
    *self = module;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct heap *self = data;
    (void)config;
    self->http = self->host->service(self->host, KOINE_HTTP);
    struct koine_route route = {
        .size = sizeof(route), .method = "GET", .path = "/heap", .handler = tell};
    int32_t result = self->http->route(self->host, &route);
    if (result != KOINE_OK)
        snprintf(error->message, error->capacity, "the route was refused");
    return result;
}

static void destroy(void *self) {
    free(self);
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(struct koine_module),
        .name = "heap",
        .version = "1.0.0",
        .summary = "What the gateway's heap holds",
        .create = create,
        .init = init,
        .destroy = destroy,
    };
    return &module;
}
