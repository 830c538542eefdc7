/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chat part of the module SDK with nothing of a dialect around it: POST /chat takes the members
 * of a koine_chat_ask as JSON and answers {"blocks":[…],"stop_reason","model","input_tokens",
 * "output_tokens","events":"BEGIN BLOCK …"}; POST /chat/count answers the same of a count.
 */
#include <koine-module/answer.h>
#include <koine-module/chat.h>
#include <stdlib.h>
#include <string.h>

enum { CHAT_TEST_MAGIC = 0x74657374 };

struct chat_module {
    struct koine_self self;
    struct koine_chat *chat;
};

/* One request. */
struct asking {
    uint32_t magic;
    const struct koine_self *self;
    koine_request request;
    json_t *body;
    char *schema; /* as text, NULL: none */
    struct koine_chat_whole whole;
    char events[4096];
};

static struct asking *asking_of(void *data) {
    struct asking *asking = data;
    if (asking->magic != CHAT_TEST_MAGIC)
        abort();
    return asking;
}

static struct koine_text text_at(const json_t *body, const char *name) {
    const json_t *value = json_object_get(body, name);
    return (struct koine_text){json_string_value(value), json_string_length(value)};
}

static json_t *string_of(struct koine_text text) {
    return json_stringn(text.data ? text.data : "", text.size);
}

static json_t *block_json(const struct koine_chat_block *block) {
    static const char *const kinds[] = {"", "text", "thinking", "redacted_thinking", "tool_use"};
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "type", kinds[block->kind], "text",
                     string_of(block->text), "signature", string_of(block->signature), "id",
                     string_of(block->id), "name", string_of(block->name), "input",
                     string_of(block->input));
}

static void answer(struct asking *asking, const struct koine_chat_event *event) {
    json_t *blocks = json_array();
    for (size_t i = 0; i < asking->whole.count; i++)
        json_array_append_new(blocks, block_json(&asking->whole.blocks[i]));
    koine_answer(asking->self, asking->request, 200,
                 json_pack("{s:o,s:o,s:o,s:I,s:I,s:s}", "blocks", blocks, "stop_reason",
                           string_of(event->stop_reason), "model", string_of(event->model),
                           "input_tokens", (json_int_t)event->usage.input_tokens, "output_tokens",
                           (json_int_t)event->usage.output_tokens, "events", asking->events));
}

static void note(struct asking *asking, enum koine_chat_type type) {
    static const char *const names[] = {"",           "BEGIN ", "BLOCK ", "TEXT ", "THINKING ",
                                        "SIGNATURE ", "INPUT ", "END ",   "DONE",  "FAILURE"};
    size_t used = strlen(asking->events);
    size_t size = strlen(names[type]);
    /* pieces of one kind in a row are one */
    if (used >= size && strcmp(asking->events + used - size, names[type]) == 0)
        return;
    if (used + size < sizeof(asking->events))
        memcpy(asking->events + used, names[type], size + 1);
}

static void on_event(void *data, const struct koine_chat_event *event) {
    struct asking *asking = asking_of(data);
    note(asking, event->type);
    koine_chat_collect(&asking->whole, asking->self, asking->request, event);
    if (event->type == KOINE_CHAT_DONE)
        answer(asking, event);
    else if (event->type == KOINE_CHAT_FAILURE)
        asking->self->http->fail(asking->self->host, asking->request, event->failure);
}

static void release(void *data, koine_request request, int32_t how) {
    (void)request;
    (void)how;
    struct asking *asking = asking_of(data);
    json_decref(asking->body);
    free(asking->schema);
}

static struct asking *read_body(const struct koine_self *self, koine_request request) {
    struct koine_text text = {NULL, 0};
    struct asking *asking = self->http->alloc(self->host, request, sizeof(*asking));
    if (!asking)
        return NULL;
    *asking = (struct asking){.magic = CHAT_TEST_MAGIC, .self = self, .request = request};
    self->http->body(self->host, request, &text);
    asking->body = json_loadb(text.data, text.size, 0, NULL);
    self->http->on_end(self->host, request, release, asking);
    return asking;
}

static bool check(struct asking *asking) {
    size_t index = 0;
    const char *problem = koine_chat_problem(json_object_get(asking->body, "messages"), &index);
    const char *where = "messages";
    if (!problem) {
        problem = koine_chat_tools_problem(json_object_get(asking->body, "tools"), &index);
        where = "tools";
    }
    if (problem)
        koine_fail(asking->self, asking->request, 400, "VALIDATION_ERROR", "%s[%zu] %s", where,
                   index, problem);
    return !problem;
}

static void handle(void *data, koine_request request, bool counts) {
    struct chat_module *module = data;
    const struct koine_self *self = koine_self_of(data);
    struct asking *asking = read_body(self, request);
    if (!asking || !check(asking))
        return;
    const json_t *body = asking->body;
    const struct koine_text forced = text_at(body, "forced_tool");
    json_t *schema = json_object_get(body, "schema");
    asking->schema = schema ? json_dumps(schema, JSON_COMPACT) : NULL; /* as long as the request */
    const struct koine_chat_ask ask = {
        .messages = json_object_get(body, "messages"),
        .system = text_at(body, "system"),
        .tools = json_object_get(body, "tools"),
        .tool_choice = forced.data                                     ? KOINE_CHAT_TOOLS_FORCED
                       : json_is_true(json_object_get(body, "no_use")) ? KOINE_CHAT_TOOLS_NONE
                                                                       : KOINE_CHAT_TOOLS_AUTO,
        .forced_tool = forced,
        .one_tool_at_a_time = json_is_true(json_object_get(body, "one")),
        .schema = {asking->schema, asking->schema ? strlen(asking->schema) : 0},
        .model = koine_chat_model(module->chat, text_at(body, "model")),
        .max_tokens = (uint32_t)json_integer_value(json_object_get(body, "max_tokens")),
        .wants_thinking = json_is_true(json_object_get(body, "thinking")),
        .streams = json_is_true(json_object_get(body, "streams")),
    };
    if (counts)
        koine_chat_count(module->chat, request, &ask, on_event, asking);
    else
        koine_chat_start(module->chat, request, &ask, on_event, asking);
}

static void chat(void *data, koine_request request) {
    handle(data, request, false);
}

static void count(void *data, koine_request request) {
    handle(data, request, true);
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct chat_module *module = data;
    (void)config;
    module->chat = koine_chat_create(&module->self, "chat", error);
    return module->chat ? KOINE_OK : KOINE_NO_MEMORY;
}

static void destroy(void *data) {
    struct chat_module *module = data;
    koine_chat_destroy(module->chat);
}

static const char settings[] = "{\"type\":\"object\"}";
static const struct koine_document config_schema = {.size = sizeof(config_schema),
                                                    .text = {settings, sizeof(settings) - 1}};

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/chat",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = chat},
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/chat/count",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = count},
};

static const struct koine_plan plan = {
    .state_bytes = sizeof(struct chat_module),
    .routes = routes,
    .route_count = KOINE_COUNT(routes),
    .config_schema = &config_schema,
    .init = init,
    .destroy = destroy,
};

KOINE_MODULE_DEFINE("chat", KOINE_VERSION, "The chat part of the SDK, bare", plan);
