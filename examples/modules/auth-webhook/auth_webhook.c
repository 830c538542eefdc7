/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /hooks/{name}: a message of another service, which has no key of the gateway. Its sender
 * proves by a signature who it is (X-Hub-Signature-256, as GitHub signs), and the request then acts
 * under a key that the operator has named: that key's tool rules, slots and sessions. Claude does
 * with the message what the hook's prompt says, without tools, and the answer is the sender's.
 */
#include "hooks.h"
#include <koine-module/embed.h>
#include <koine-module/run.h>
#include <string.h>
#include <time.h>

KOINE_EMBED(openapi, "openapi.yaml");
KOINE_EMBED(config_schema, "config-schema.json");

/* Anybody may send a body here, and it is hashed before it is known who sent it. */
enum { MAX_BODY_BYTES = 1024 * 1024 };

struct state {
    struct koine_self self;
    struct hooks hooks;
};

static struct state *state_of(void *data) {
    return (struct state *)koine_self_of(data);
}

/* ---- who is there */

static struct koine_text header(const struct koine_self *self, koine_request request,
                                const char *name) {
    struct koine_text value = {NULL, 0};
    self->http->header(self->host, request, name, &value);
    return value;
}

/* Whether the message comes from who it says; false: the request has been answered. A hook that
 * does not exist costs as much time as one that does, and a wrong signature says nothing of why. */
static bool verify(const struct state *state, koine_request request, const struct hook *hook,
                   struct koine_text body) {
    const struct koine_self *self = &state->self;
    const struct koine_text timestamp = header(self, request, "X-Hook-Timestamp");
    const struct koine_text signature = header(self, request, "X-Hub-Signature-256");
    char *joined = self->http->alloc(self->host, request, timestamp.size + 1 + body.size);
    const int32_t verdict =
        joined ? hook_verify(hook, timestamp, body, signature, joined) : KOINE_NO_MEMORY;
    if (verdict == KOINE_NO_MEMORY) {
        koine_fail_for_memory(self, request);
        return false;
    }
    const bool good =
        verdict == KOINE_OK && (!hook->max_age_s || hook_is_fresh(hook, timestamp, time(NULL)));
    if (hook == &state->hooks.nobody)
        koine_fail(self, request, 404, "NOT_FOUND", "There is no such hook");
    else if (!good)
        koine_fail(self, request, 401, "UNAUTHORIZED",
                   "The signature does not fit the message, or the message is too old: sign it "
                   "with the secret of this hook");
    return good && hook != &state->hooks.nobody;
}

/* From here on the request has the rights of the hook's key. False: it has been answered. */
static bool act_as(const struct koine_self *self, koine_request request, const struct hook *hook) {
    struct koine_failure failure = {.size = sizeof(failure)};
    const int32_t result = self->auth->act_as(self->host, request, hook->key, &failure);
    if (result == KOINE_OK)
        return true;
    if (result == KOINE_REFUSED) { /* the key may not use /hooks/…: see its routes */
        self->http->fail(self->host, request, &failure);
        return false;
    }
    koine_log_print(self, KOINE_LOG_ERROR, request,
                    "the hook %s acts as the key %s, which the configuration does not name",
                    hook->name, hook->key);
    koine_fail(self, request, 500, "INTERNAL_ERROR", "This hook is not set up");
    return false;
}

/* ---- POST /hooks/{name} */

static void handle(void *data, koine_request request) {
    const struct state *state = state_of(data);
    const struct koine_self *self = &state->self;
    struct koine_text name = {NULL, 0}, body = {NULL, 0};
    self->http->param(self->host, request, "name", &name);
    self->http->body(self->host, request, &body);
    const struct hook *hook = hooks_find(&state->hooks, name);
    if (!verify(state, request, hook, body) || !act_as(self, request, hook))
        return;
    /* The sender is known; what it passes on may come from anywhere. So it is the message, not the
     * instruction, and there is no tool that it could talk the model into using. */
    const struct koine_run_options options = {
        .size = sizeof(options), .system = {hook->prompt, strlen(hook->prompt)}, .prompt = body};
    if (koine_run_without_tools(self, request))
        koine_run_answer(self, request, &options);
}

/* ---- the module */

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    return hooks_init(&state_of(data)->hooks, config, error);
}

static void destroy(void *data) {
    hooks_finish(&state_of(data)->hooks);
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .authentication = KOINE_AUTH_NONE,
     .method = "POST",
     .path = "/hooks/{name}",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .max_body_bytes = MAX_BODY_BYTES,
     .handler = handle},
};

static const struct koine_plan plan = {
    .state_bytes = sizeof(struct state),
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
    .config_schema = &config_schema,
    .init = init,
    .destroy = destroy,
};

KOINE_MODULE_DEFINE("auth-webhook", "1.0.0", "POST /hooks/{name}: signed messages of others", plan);
