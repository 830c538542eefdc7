/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /hello: greets who asks, in words that the operator chooses. The smallest whole module: a
 * request body that is checked, a setting, an answer. Each part is explained where it stands.
 */
#include <koine-module/answer.h>
#include <koine-module/body.h>
#include <koine-module/embed.h>
#include <koine-module/module.h>

/* Two files become part of the module: what the route looks like to clients, which so travels with
 * it, and which settings there are, which the gateway checks before init. */
KOINE_EMBED(openapi, "openapi.yaml");
KOINE_EMBED(config_schema, "config-schema.json");

/* What the module keeps from its first to its last moment: one for each gateway, zeroed at first,
 * freed behind destroy. A struct koine_self comes first: the host and its services. */
struct state {
    struct koine_self self;
    struct koine_text greeting;
};

/* The host hands the state back as a `void *`. This is the one way to make it a struct state again:
 * koine_self_of ends the process rather than go on with something else. */
static struct state *state_of(void *data) {
    return (struct state *)koine_self_of(data);
}

/* ---- POST /hello */

/* The body of a request as a struct, and the table that fills it: name, type, limits. What does not
 * fit is answered 400 with all problems at once; this code does not see it. */
struct greet_body {
    struct koine_text name;
    bool excited;
};

static const struct koine_body_field fields[] = {
    KOINE_BODY_LIMITED(struct greet_body, name, "name", KOINE_BODY_STRING, KOINE_BODY_REQUIRED, 1,
                       100),
    KOINE_BODY_FIELD(struct greet_body, excited, "excited", KOINE_BODY_BOOLEAN, 0),
};

/* Called for each request, on the event loop: it has been authenticated and its body is here. It
 * must return within milliseconds; work that blocks goes to koine-module/workers.h. The answer may
 * come now or later, and a client that has left makes it harmless. */
static void greet(void *data, koine_request request) {
    const struct state *state = state_of(data);
    struct greet_body body = {.excited = false}; /* what is left out stays as it is here */
    if (!koine_body_parse(state->self.host, request, fields, KOINE_COUNT(fields), &body))
        return;
    json_t *greeting = json_sprintf("%.*s, %.*s%s", (int)state->greeting.size, state->greeting.data,
                                    (int)body.name.size, body.name.data, body.excited ? "!" : ".");
    koine_answer(&state->self, request, 200, json_pack("{s:o}", "greeting", greeting));
}

/* ---- the module */

/* Called once, before the first request. The settings have been checked against config-schema.json;
 * one that is not given leaves the default. A text of the host's lives as long as the module. */
static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct state *state = state_of(data);
    (void)config; /* the same settings as JSON */
    state->greeting = KOINE_TEXT("Hello");
    if (state->self.config->text(state->self.host, "greeting", &state->greeting) == KOINE_INVALID)
        return koine_error_set(error, KOINE_INVALID, "greeting must be text");
    return KOINE_OK;
}

/* Which requests come here. The key of a client is checked before the handler is called, unless
 * .authentication says KOINE_AUTH_NONE. */
static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route), .method = "POST", .path = "/hello", .handler = greet},
};

static const struct koine_plan plan = {
    .state_bytes = sizeof(struct state),
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .openapi = &openapi,
    .config_schema = &config_schema,
    .init = init,
};

/* The one symbol that a module exports. The name is what the configuration calls the module. */
KOINE_MODULE_DEFINE("hello", "1.0.0", "POST /hello: greets who asks", plan);
