/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run with all that it tells, as text. POST /conversation {prompt, history, system, sessionId,
 * schema, model, profile, flags, maxTokens, tools, toolFlags, hold} answers with one line an event;
 * the uses of `tools` are answered when `hold` of them are open. POST /profile/{name} asks whether
 * a run could have it.
 */
#include <koine-module/answer.h>
#include <koine-module/body.h>
#include <koine-module/run.h>
#include <koine-module/tool.h>
#include <stdarg.h>
#include <stdio.h>

enum { MOST_CALLS = 8, LINE_BYTES = 4096 };

struct asked {
    struct koine_body_prompt prompt;
    struct koine_body_array history;
    struct koine_body_strings tools;
    struct koine_text system, session_id, schema, model, profile;
    uint32_t flags, max_tokens, tool_flags, hold;
};

/* Memory of the request, as is all that it points to but the text. */
struct conversation {
    struct koine_self *self;
    struct koine_json_text told;
    koine_call calls[MOST_CALLS]; /* that wait */
    uint32_t call_count, hold;
};

static void tell(struct conversation *conversation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct conversation *conversation, const char *format, ...) {
    char line[LINE_BYTES];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    size = size < (int)sizeof line ? size : (int)sizeof line - 1;
    koine_json_text_add(&conversation->told, (struct koine_text){line, (size_t)size});
}

#define SHOWN(koine) (int)(koine).size, (koine).data ? (koine).data : ""

static void on_call(struct conversation *conversation, const struct koine_tool_call *call) {
    tell(conversation, "call %.*s %.*s\n", SHOWN(call->name), SHOWN(call->input));
    conversation->calls[conversation->call_count++] = call->call;
    if (conversation->call_count < conversation->hold && conversation->call_count < MOST_CALLS)
        return;
    while (conversation->call_count)
        koine_tool_answer(conversation->self, conversation->calls[--conversation->call_count],
                          KOINE_TEXT("done"));
}

static void tell_event(struct conversation *conversation, const struct koine_run_event *event) {
    const struct koine_block *block = event->block;
    switch (event->type) {
    case KOINE_RUN_TEXT:
        tell(conversation, "text %.*s\n", SHOWN(event->text));
        break;
    case KOINE_RUN_THINKING:
        tell(conversation, "thinking %.*s\n", SHOWN(event->text));
        break;
    case KOINE_RUN_TOOL_CALL:
        on_call(conversation, event->call);
        break;
    case KOINE_RUN_MESSAGE_BEGIN:
        tell(conversation, "message begins\n");
        break;
    case KOINE_RUN_BLOCK_BEGIN:
        tell(conversation, "[%u %.*s %.*s\n", block->index, SHOWN(block->type), SHOWN(block->name));
        break;
    case KOINE_RUN_BLOCK_DELTA:
        tell(conversation, "+%u %.*s %.*s\n", block->index, SHOWN(block->type), SHOWN(event->text));
        break;
    case KOINE_RUN_BLOCK_END:
        tell(conversation, "]%u\n", block->index);
        break;
    case KOINE_RUN_MESSAGE:
        tell(conversation, "message %.*s\n", SHOWN(event->message->stop_reason));
        break;
    case KOINE_RUN_OBJECT_BEGIN:
        tell(conversation, "object\n");
        break;
    default:
        break;
    }
}

static void on_event(void *data, const struct koine_run_event *event) {
    struct conversation *conversation = data;
    const struct koine_run_result *result = event->result;
    const struct koine_failure *failure = event->failure;
    switch (event->type) {
    case KOINE_RUN_RESULT:
        tell(conversation, "result %.*s input_tokens=%llu %.*s\n", SHOWN(result->stop_reason),
             (unsigned long long)result->usage.input_tokens, SHOWN(result->text));
        break;
    case KOINE_RUN_FAILURE:
        tell(conversation, "failure %u %.*s upstream=%u retry_after=%u\n", failure->status,
             SHOWN(failure->code), failure->upstream_status, failure->retry_after_s);
        break;
    case KOINE_RUN_END:
        tell(conversation, "end %.*s\n", SHOWN(event->end->reason));
        conversation->self->http->respond(
            conversation->self->host, event->request, 200, KOINE_TEXT("text/plain; charset=utf-8"),
            (struct koine_text){conversation->told.bytes, conversation->told.size});
        koine_json_text_finish(&conversation->told);
        break;
    default:
        tell_event(conversation, event);
        break;
    }
}

/* The tools of the run; NULL: none, or no memory. */
static const struct koine_tool *const *
make_tools(const struct koine_self *self, koine_request request, const struct asked *asked) {
    const size_t count = asked->tools.count;
    struct koine_tool *tools = self->http->alloc(self->host, request, (count + 1) * sizeof *tools);
    const struct koine_tool **list =
        self->http->alloc(self->host, request, (count + 1) * sizeof *list);
    for (size_t i = 0; tools && list && i < count; i++) {
        tools[i] = (struct koine_tool){.size = sizeof *tools,
                                       .flags = asked->tool_flags,
                                       .name = asked->tools.items[i],
                                       .description = KOINE_TEXT("A function of the client"),
                                       .input_schema = KOINE_TEXT("{\"type\":\"object\"}")};
        list[i] = &tools[i];
    }
    return tools ? list : NULL;
}

#define FIELD(member, name, kind) KOINE_BODY_FIELD(struct asked, member, name, kind, 0)

static const struct koine_body_field fields[] = {
    FIELD(prompt, "prompt", KOINE_BODY_PROMPT),
    FIELD(history, "history", KOINE_BODY_ARRAY),
    FIELD(tools, "tools", KOINE_BODY_STRINGS),
    FIELD(system, "system", KOINE_BODY_STRING),
    FIELD(session_id, "sessionId", KOINE_BODY_STRING),
    FIELD(schema, "schema", KOINE_BODY_OBJECT),
    FIELD(model, "model", KOINE_BODY_STRING),
    FIELD(profile, "profile", KOINE_BODY_STRING),
    FIELD(flags, "flags", KOINE_BODY_POSITIVE_INTEGER),
    FIELD(max_tokens, "maxTokens", KOINE_BODY_POSITIVE_INTEGER),
    FIELD(hold, "hold", KOINE_BODY_POSITIVE_INTEGER),
    FIELD(tool_flags, "toolFlags", KOINE_BODY_POSITIVE_INTEGER),
};

static void converse(void *data, koine_request request) {
    struct koine_self *self = koine_self_of(data);
    struct asked asked = {.hold = 1};
    struct conversation *conversation =
        self->http->alloc(self->host, request, sizeof *conversation);
    if (!conversation ||
        !koine_body_parse(self->host, request, fields, KOINE_COUNT(fields), &asked))
        return;
    conversation->self = self;
    conversation->hold = asked.hold;
    koine_json_text_init(&conversation->told, NULL, 0);
    const struct koine_run_options options = {
        .size = sizeof(options),
        .flags = asked.flags,
        .prompt = asked.prompt.text,
        .prompt_blocks = asked.prompt.blocks,
        .history = asked.history.json,
        .system = asked.system,
        .session_id = asked.session_id,
        .schema = asked.schema,
        .model = asked.model,
        .profile = asked.profile,
        .max_tokens = asked.max_tokens,
        .tools = make_tools(self, request, &asked),
        .tool_count = (uint32_t)asked.tools.count,
    };
    koine_run_start(self, request, &options, on_event, conversation);
}

static void check_profile(void *data, koine_request request) {
    struct koine_self *self = koine_self_of(data);
    struct koine_failure failure = {.size = sizeof(failure)};
    struct koine_text name = {NULL, 0};
    self->http->param(self->host, request, "name", &name);
    if (self->runner->check_profile(self->host, request, name, &failure) == KOINE_OK)
        koine_answer(self, request, 200, json_object());
    else
        self->http->fail(self->host, request, &failure);
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/conversation",
     .slot_class = KOINE_SLOT_NONSTREAMING,
     .handler = converse},
    {.size = sizeof(struct koine_route),
     .method = "POST",
     .path = "/profile/{name}",
     .handler = check_profile},
};
static const struct koine_plan plan = {.routes = routes, .route_count = KOINE_COUNT(routes)};
KOINE_MODULE_DEFINE("conversation", "1.0.0", "Whole conversations", plan);
