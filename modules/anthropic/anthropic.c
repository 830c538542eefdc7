/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anthropic's Messages API for clients that exist: messages, whole and streamed, the counting of
 * their tokens, and the list of models. What a conversation is, and which run answers it, is the
 * module SDK's (chat.h); here is the dialect alone.
 */
#include "anthropic.h"
#include "errors.h"
#include <koine-module/embed.h>

KOINE_EMBED(openapi, "openapi.yaml");
KOINE_EMBED(config_schema, "config-schema.json");

#define VERSION_HEADER "anthropic-version" /* that every client of this API sends */

/* koine_self_of checks; the struct koine_self is the first member of ours. */
struct anthropic *anthropic_of(void *self) {
    return (struct anthropic *)koine_self_of(self);
}

void anthropic_name_request(const struct koine_self *self, koine_request request) {
    struct koine_text id = {NULL, 0};
    if (self->http->request_id(self->host, request, &id) == KOINE_OK)
        self->http->set_header(self->host, request, KOINE_TEXT("request-id"), id);
}

#define COMMON                                                                                     \
    .size = sizeof(struct koine_route), .key_places = KOINE_KEY_X_API_KEY | KOINE_KEY_BEARER,      \
    .render_failure = error_render, .wrong_key_status = 401

static const struct koine_route routes[] = {
    {COMMON, .method = "POST", .path = "/v1/messages", .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = create_message, .failure_prefix = "/v1/messages"},
    {COMMON, .method = "POST", .path = "/v1/messages/count_tokens",
     .slot_class = KOINE_SLOT_NONSTREAMING, .handler = count_tokens},
    {COMMON, .method = "GET", .path = "/v1/models", .handler = list_models,
     .failure_prefix = "/v1/", .header = VERSION_HEADER},
    {COMMON, .method = "GET", .path = "/v1/models/{model}", .handler = retrieve_model,
     .header = VERSION_HEADER},
};

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct anthropic *self = anthropic_of(data);
    (void)config;
    self->chat = koine_chat_create(&self->self, "anthropic", error);
    return self->chat ? KOINE_OK : KOINE_NO_MEMORY;
}

static void destroy(void *data) {
    koine_chat_destroy(anthropic_of(data)->chat);
}

static const struct koine_plan plan = {
    .state_bytes = sizeof(struct anthropic),
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
    .config_schema = &config_schema,
    .init = init,
    .destroy = destroy,
};

KOINE_MODULE_DEFINE("anthropic", KOINE_VERSION,
                    "POST /v1/messages: Anthropic's Messages API, for its clients", plan);
