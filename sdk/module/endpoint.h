/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module with one route that asks Claude: what all such modules hold and how they begin a run.
 * The route's handler and the run's events are the module's own.
 *
 *     static int32_t create(const struct koine_host *host, void **out) {
 *         static const struct koine_route route = {…};
 *         return koine_endpoint_create(host, &route, openapi, openapi_size, out);
 *     }
 *     … .init = koine_endpoint_init, .destroy = koine_endpoint_destroy,
 *     .extension = koine_endpoint_extension
 */
#ifndef KOINE_MODULE_ENDPOINT_H
#define KOINE_MODULE_ENDPOINT_H

#include "module/generate.h"
#include <koine/koine.h>

struct koine_endpoint {
    uint32_t magic;
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_tools *tools;
    const struct koine_runner *runner;
    const struct koine_loop *loop;
    const struct koine_config *config;
    const struct koine_route *route;
    struct koine_document openapi;
    struct koine_document config_schema; /* of no size: the module takes no settings */
};

/* The module's `self` back from a void pointer; ends the process when it is something else. */
struct koine_endpoint *koine_endpoint_of(void *data);

/* `route` and `openapi` (see embed.h) must be constant. KOINE_OK or KOINE_NO_MEMORY. */
int32_t koine_endpoint_create(const struct koine_host *host, const struct koine_route *route,
                              const char *openapi, uint64_t openapi_size, void **out);
void koine_endpoint_destroy(void *self);

/* Finds the services, registers the route. Fills `error` unless KOINE_OK. */
int32_t koine_endpoint_init(void *self, struct koine_text config, struct koine_error *error);

/* Answers koine.openapi/1 and, where there is one, koine.config-schema/1. */
const void *koine_endpoint_extension(void *self, const char *id);

/* Narrows the tools to what `common` asks for and starts the run. False: the request has been
 * answered with the refusal; no event will come. */
bool koine_endpoint_start(const struct koine_endpoint *self, koine_request request,
                          const struct koine_generate *common,
                          const struct koine_run_options *options, koine_run_callback on_event,
                          void *data);

/* Answers 200 with JSON and finishes the text; one that lacks memory is answered 500. */
void koine_endpoint_answer(const struct koine_endpoint *self, koine_request request,
                           struct koine_json_text *json);

/* Answers 500: memory is short. */
void koine_endpoint_fail_for_memory(const struct koine_endpoint *self, koine_request request);

#endif
