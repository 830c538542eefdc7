/* SPDX-License-Identifier: Apache-2.0 */
/* From what was asked to the options of a run: the conversation as prompt and history, the client's
 * tools as those of the run. */
#include "chat_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts that are needed until the run has been started. */
struct run_texts {
    char *prompt;
    char *history;
    char *append_system;
    struct koine_tool *tools;
    const struct koine_tool **tool_list;
    char **schemas;
    uint32_t tool_count;
};

static void texts_free(struct run_texts *texts) {
    for (uint32_t i = 0; texts->schemas && i < texts->tool_count; i++)
        free(texts->schemas[i]);
    free(texts->schemas);
    free((void *)texts->tool_list);
    free(texts->tools);
    free(texts->append_system);
    free(texts->history);
    free(texts->prompt);
}

/* Which tools the run offers. Where the model may use none they are there nevertheless when the
 * conversation has used some: the API takes no such conversation without them. */
static const json_t *tools_of(const struct chat_turn *turn) {
    const struct koine_chat_ask *ask = &turn->ask;
    if (ask->tool_choice == KOINE_CHAT_TOOLS_FORCED ||
        (ask->tool_choice == KOINE_CHAT_TOOLS_NONE && !chat_messages_use_tools(turn->messages)))
        return NULL;
    return ask->tools;
}

static bool make_tools(const struct chat_turn *turn, struct run_texts *texts) {
    const json_t *tools = tools_of(turn);
    const size_t count = json_array_size(tools);
    texts->tools = calloc(count + 1, sizeof(*texts->tools));
    texts->tool_list = calloc(count + 1, sizeof(const struct koine_tool *));
    texts->schemas = calloc(count + 1, sizeof(*texts->schemas));
    if (!texts->tools || !texts->tool_list || !texts->schemas)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *tool = json_array_get(tools, i);
        char *schema = json_dumps(json_object_get(tool, "input_schema"), JSON_COMPACT);
        if (!schema)
            return false;
        texts->schemas[texts->tool_count++] = schema;
        texts->tools[i] = (struct koine_tool){
            .size = sizeof(struct koine_tool),
            .flags = turn->ask.one_tool_at_a_time ? KOINE_TOOL_ALONE : 0,
            .name = chat_text_of(json_string_value(json_object_get(tool, "name"))),
            .description = chat_text_of(json_string_value(json_object_get(tool, "description"))),
            .input_schema = chat_text_of(schema)};
        texts->tool_list[i] = &texts->tools[i];
    }
    return true;
}

static bool make_append_system(const struct chat_turn *turn, struct run_texts *texts) {
    json_t *tool;
    size_t at;
    if (!turn->forced_tool)
        return true;
    const char *description = "";
    json_array_foreach(turn->ask.tools, at, tool) {
        const char *name = json_string_value(json_object_get(tool, "name"));
        const char *says = json_string_value(json_object_get(tool, "description"));
        if (name && strcmp(name, turn->forced_tool) == 0 && says)
            description = says;
    }
    if (asprintf(&texts->append_system,
                 "Your answer is the input of one call of the function %s. %s", turn->forced_tool,
                 description) >= 0)
        return true;
    texts->append_system = NULL; /* anything may be in it now */
    return false;
}

static bool make_texts(const struct chat_turn *turn, struct run_texts *texts) {
    texts->prompt = chat_messages_prompt(turn->messages);
    if (!turn->with_session && json_array_size(turn->messages) > 1 &&
        !(texts->history = chat_messages_history(turn->chat, turn->messages)))
        return false;
    return texts->prompt && make_append_system(turn, texts) && make_tools(turn, texts);
}

static struct koine_text profile_of(const struct chat_turn *turn) {
    const struct koine_chat *chat = turn->chat;
    struct koine_failure failure = {.size = sizeof(failure)};
    const struct koine_text bare = KOINE_TEXT("bare");
    if (chat->profile.size)
        return chat->profile;
    return chat->self->runner->check_profile(chat->self->host, turn->request, bare, &failure) ==
                   KOINE_OK
               ? bare
               : (struct koine_text){NULL, 0};
}

static uint32_t flags_of(const struct chat_turn *turn) {
    return KOINE_RUN_TIE_STREAM | KOINE_RUN_WANT_BLOCKS |
           (turn->ask.wants_thinking ? KOINE_RUN_WANT_THINKING : 0u) |
           (turn->counts ? KOINE_RUN_COUNT_TOKENS : 0u);
}

static int32_t out_of_memory(struct koine_failure *failure) {
    failure->status = 500;
    failure->code = KOINE_TEXT("INTERNAL_ERROR");
    failure->message = KOINE_TEXT("The gateway is short of memory; try again later");
    return KOINE_NO_MEMORY;
}

int32_t chat_turn_run(struct chat_turn *turn, struct koine_failure *failure) {
    const struct koine_self *self = turn->chat->self;
    const struct koine_chat_ask *ask = &turn->ask;
    struct run_texts texts = {0};
    int32_t result = KOINE_NO_MEMORY;
    if (make_texts(turn, &texts)) {
        const struct koine_run_options options = {
            .size = sizeof(options),
            .flags = flags_of(turn),
            .prompt_blocks = chat_text_of(texts.prompt),
            .history = chat_text_of(texts.history),
            .system = ask->system.data ? ask->system : KOINE_TEXT(""),
            .append_system = chat_text_of(texts.append_system),
            .schema = ask->schema,
            .session_id = turn->with_session ? chat_text_of(turn->session_id) : chat_text_of(NULL),
            .model = ask->model,
            .effort = ask->effort,
            .profile = profile_of(turn),
            .max_tokens = ask->max_tokens,
            .tool_count = texts.tool_count,
            .tools = texts.tool_list,
        };
        result = self->runner->start(self->host, turn->request, &options, chat_turn_on_event, turn,
                                     &turn->run, failure);
    } else {
        out_of_memory(failure);
    }
    texts_free(&texts);
    return result;
}
