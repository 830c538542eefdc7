/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Module "openai": clients of OpenAI's API as they are, answered by the Claude Code CLI. The table
 * of routes, and the module's state.
 */
#include "openai.h"
#include "errors.h"
#include <koine-module/embed.h>
#include <time.h>

KOINE_EMBED(openapi, "openapi.yaml");
KOINE_EMBED(config_schema, "config-schema.json");

const struct openai *openai_of(void *data) {
    return (const struct openai *)koine_self_of(data);
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct openai *module = (struct openai *)koine_self_of(data);
    (void)config;
    module->started_at = (int64_t)time(NULL);
    module->chat = koine_chat_create(&module->self, "openai", error);
    return module->chat ? KOINE_OK : KOINE_INVALID;
}

static void destroy(void *data) {
    koine_chat_destroy(((struct openai *)koine_self_of(data))->chat);
}

/* All speak the API's form of failures, also where nothing is served. One class of slots for
 * answers whole and streamed: the request says which it is, the route cannot. */
#define ROUTE(method_, path_, handler_, slot_class_)                                               \
    {                                                                                              \
        .size = sizeof(struct koine_route), .method = (method_), .path = (path_),                  \
        .slot_class = (slot_class_), .handler = (handler_), .render_failure = errors_render,       \
        .failure_prefix = "/v1/", .wrong_key_status = 401                                          \
    }

static const struct koine_route routes[] = {
    ROUTE("POST", "/v1/chat/completions", chat_completions_handle, KOINE_SLOT_NONSTREAMING),
    ROUTE("POST", "/v1/responses", responses_handle, KOINE_SLOT_NONSTREAMING),
    ROUTE("GET", "/v1/models", models_list_handle, NULL),
    ROUTE("GET", "/v1/models/{model}", models_get_handle, NULL),
    ROUTE("GET", "/v1/responses/{id}", not_stored_handle, NULL),
    ROUTE("DELETE", "/v1/responses/{id}", not_stored_handle, NULL),
    ROUTE("POST", "/v1/embeddings", unsupported_handle, NULL),
    ROUTE("POST", "/v1/completions", unsupported_handle, NULL),
    ROUTE("POST", "/v1/moderations", unsupported_handle, NULL),
    ROUTE("POST", "/v1/audio/{operation}", unsupported_handle, NULL),
    ROUTE("POST", "/v1/images/{operation}", unsupported_handle, NULL),
};

static const struct koine_plan plan = {
    .state_bytes = sizeof(struct openai),
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
    .config_schema = &config_schema,
    .init = init,
    .destroy = destroy,
};

KOINE_MODULE_DEFINE("openai", KOINE_VERSION,
                    "POST /v1/chat/completions, /v1/responses: OpenAI's API", plan);
