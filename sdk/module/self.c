/* SPDX-License-Identifier: Apache-2.0 */
/* A module's way through the lifecycle as its plan says it. */
#include <koine-module/module.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SELF_MAGIC = 0x6b73656c };

struct koine_self *koine_self_of(void *data) {
    struct koine_self *self = data;
    if (!self || self->magic != SELF_MAGIC)
        abort();
    return self;
}

int32_t koine_error_set(struct koine_error *error, int32_t code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, error->capacity, format, arguments);
    va_end(arguments);
    return code;
}

int32_t koine_self_create(const struct koine_plan *plan, const struct koine_host *host,
                          void **out) {
    const bool own = plan->state_bytes >= sizeof(struct koine_self);
    struct koine_self *self = calloc(1, own ? plan->state_bytes : sizeof(struct koine_self));
    if (!self)
        return KOINE_NO_MEMORY;
    self->magic = SELF_MAGIC;
    self->plan = plan;
    self->host = host;
    *out = self;
    return KOINE_OK;
}

static const void *find(const struct koine_host *host, const char *id, const char **missing) {
    const void *service = host->service(host, id);
    if (!service)
        *missing = id;
    return service;
}

static const char *find_services(struct koine_self *self) {
    const char *missing = NULL;
    self->http = find(self->host, KOINE_HTTP, &missing);
    self->runner = find(self->host, KOINE_RUNNER, &missing);
    self->slots = find(self->host, KOINE_SLOTS, &missing);
    self->tools = find(self->host, KOINE_TOOLS, &missing);
    self->auth = find(self->host, KOINE_AUTH, &missing);
    self->log = find(self->host, KOINE_LOG, &missing);
    self->config = find(self->host, KOINE_CONFIG, &missing);
    self->loop = find(self->host, KOINE_LOOP, &missing);
    self->metrics = find(self->host, KOINE_METRICS, &missing);
    return missing;
}

static int32_t register_routes(const struct koine_self *self, struct koine_error *error) {
    for (size_t i = 0; i < self->plan->route_count; i++) {
        const struct koine_route *route = &self->plan->routes[i];
        const int32_t result = self->http->route(self->host, route);
        if (result != KOINE_OK)
            return koine_error_set(error, result, "%s %s cannot be registered (%d)", route->method,
                                   route->path, (int)result);
    }
    return KOINE_OK;
}

int32_t koine_self_init(void *data, struct koine_text config, struct koine_error *error) {
    struct koine_self *self = koine_self_of(data);
    const char *missing = find_services(self);
    if (missing)
        return koine_error_set(error, KOINE_UNSUPPORTED, "this gateway lacks %s", missing);
    const int32_t result = self->plan->init ? self->plan->init(data, config, error) : KOINE_OK;
    return result == KOINE_OK ? register_routes(self, error) : result;
}

int32_t koine_self_start(void *data, struct koine_error *error) {
    const struct koine_plan *plan = koine_self_of(data)->plan;
    return plan->start ? plan->start(data, error) : KOINE_OK;
}

void koine_self_quiesce(void *data) {
    const struct koine_plan *plan = koine_self_of(data)->plan;
    if (plan->quiesce)
        plan->quiesce(data);
}

void koine_self_destroy(void *data) {
    struct koine_self *self = koine_self_of(data);
    if (self->plan->destroy)
        self->plan->destroy(data);
    self->magic = 0;
    free(self);
}

const void *koine_self_extension(void *data, const char *id) {
    const struct koine_plan *plan = koine_self_of(data)->plan;
    if (strcmp(id, KOINE_EXTENSION_OPENAPI) == 0)
        return plan->openapi;
    if (strcmp(id, KOINE_EXTENSION_CONFIG_SCHEMA) == 0)
        return plan->config_schema;
    return strcmp(id, KOINE_EXTENSION_TOOLS) == 0 ? plan->tools : NULL;
}
