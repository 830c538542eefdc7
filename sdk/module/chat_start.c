/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an answer begins: with the run that waits for these results, with the session that has said
 * this conversation, or from its history.
 */
#include "chat_internal.h"
#include <koine-module/answer.h>
#include <stdlib.h>
#include <string.h>

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, string ? strlen(string) : 0};
}

/* ---- the run */

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
    texts->tool_list = calloc(count + 1, sizeof(*texts->tool_list));
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
            .name = text_of(json_string_value(json_object_get(tool, "name"))),
            .description = text_of(json_string_value(json_object_get(tool, "description"))),
            .input_schema = text_of(schema)};
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
    return asprintf(&texts->append_system,
                    "Your answer is the input of one call of the function %s. %s",
                    turn->forced_tool, description) >= 0;
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
            .prompt_blocks = text_of(texts.prompt),
            .history = text_of(texts.history),
            .system = ask->system.data ? ask->system : KOINE_TEXT(""),
            .append_system = text_of(texts.append_system),
            .schema = ask->schema,
            .session_id = turn->with_session ? text_of(turn->session_id) : text_of(NULL),
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

/* ---- what is known of the conversation */

/* The digests of what the client says, under its key: nothing of another key's is ever found. */
static bool make_digests(struct chat_turn *turn) {
    const struct koine_self *self = turn->chat->self;
    const size_t count = json_array_size(turn->messages);
    struct chat_digest whose;
    struct koine_text key = {NULL, 0};
    turn->knows_key = self->auth->key_name(self->host, turn->request, &key) == KOINE_OK;
    return count && chat_digest_texts(&whose, &key, 1) &&
           chat_digest_messages(&turn->said, &whose, turn->messages, 0, count - 1) &&
           chat_digest_messages(&turn->heard, &turn->said, turn->messages, count - 1, count);
}

/* All that a run which waits cannot be told any more. */
static bool make_wishes(struct chat_turn *turn) {
    const struct koine_chat_ask *ask = &turn->ask;
    struct chat_digest tools;
    const unsigned char small[] = {(unsigned char)ask->tool_choice, ask->one_tool_at_a_time,
                                   ask->wants_thinking};
    const struct koine_text texts[] = {
        ask->system,
        ask->model,
        ask->effort,
        ask->schema,
        ask->forced_tool,
        {(const char *)&ask->max_tokens, sizeof(ask->max_tokens)},
        {(const char *)small, sizeof(small)},
        {(const char *)tools.bytes, sizeof(tools.bytes)},
    };
    return chat_digest_json(&tools, ask->tools) &&
           chat_digest_texts(&turn->wishes, texts, KOINE_COUNT(texts));
}

static bool make_names(struct chat_turn *turn) {
    size_t at;
    json_t *tool;
    turn->offered = json_object();
    json_array_foreach(turn->ask.tools, at, tool) json_object_set_new(
        turn->offered, json_string_value(json_object_get(tool, "name")), json_true());
    if (turn->ask.tool_choice == KOINE_CHAT_TOOLS_FORCED)
        turn->forced_tool = strndup(turn->ask.forced_tool.data, turn->ask.forced_tool.size);
    return json_object_size(turn->offered) == json_array_size(turn->ask.tools) &&
           (turn->forced_tool || turn->ask.tool_choice != KOINE_CHAT_TOOLS_FORCED);
}

static struct chat_turn *make_turn(struct koine_chat *chat, koine_request request,
                                   const struct koine_chat_ask *ask, koine_chat_callback on_event,
                                   void *data) {
    struct chat_turn *turn = calloc(1, sizeof(*turn));
    if (!turn)
        return NULL;
    turn->chat = chat;
    turn->request = request;
    turn->ask = *ask;
    turn->on_event = on_event;
    turn->data = data;
    turn->messages = chat_messages_normal(ask->messages);
    if (turn->messages && make_digests(turn) && make_wishes(turn) && make_names(turn)) {
        chat_turn_begin(turn);
        return turn;
    }
    chat_turn_free(turn);
    return NULL;
}

/* The entry of what was said before the last message, NULL: nobody remembers it. */
static struct chat_entry *find_said(const struct chat_turn *turn) {
    if (!turn->knows_key || turn->counts || json_array_size(turn->messages) < 2)
        return NULL;
    return chat_memory_find(turn->chat->memory, &turn->said);
}

/* ---- the run that waits */

/* What the next answer needs moves to the turn that has the run. */
static void take_over(struct chat_turn *waiting, struct chat_turn *fresh) {
    waiting->request = fresh->request;
    waiting->ask = fresh->ask;
    waiting->on_event = fresh->on_event;
    waiting->data = fresh->data;
    waiting->heard = fresh->heard;
    chat_turn_begin(waiting);
}

enum adoption { ADOPTED, REFUSED, NOT_POSSIBLE };

static enum adoption adopt(struct chat_turn *waiting, struct chat_turn *fresh,
                           struct koine_failure *failure) {
    const struct koine_self *self = fresh->chat->self;
    const json_t *last = json_array_get(fresh->messages, json_array_size(fresh->messages) - 1);
    if (!chat_digest_same(&waiting->wishes, &fresh->wishes) || !chat_tools_take(waiting, last))
        return NOT_POSSIBLE;
    int32_t result = self->runner->adopt(self->host, waiting->run, fresh->request,
                                         chat_turn_on_event, waiting, failure);
    if (result == KOINE_REFUSED) {
        chat_tools_drop(waiting);
        return REFUSED;
    }
    if (result != KOINE_OK)
        return NOT_POSSIBLE;
    chat_memory_forget(fresh->chat->memory, waiting->entry);
    take_over(waiting, fresh);
    chat_tools_answer(waiting);
    return ADOPTED;
}

/* ---- the start */

static bool narrow(const struct chat_turn *turn, struct koine_failure *failure) {
    static const struct koine_text all = {"*", 1};
    const struct koine_chat *chat = turn->chat;
    const struct koine_self *self = chat->self;
    int32_t result = KOINE_REFUSED;
    if (chat->tool_count)
        result = self->tools->narrow(self->host, turn->request, chat->tools, chat->tool_count, NULL,
                                     0, failure);
    if (result == KOINE_REFUSED) /* nothing of the operator's list is this key's */
        result = self->tools->narrow(self->host, turn->request, NULL, 0, &all, 1, failure);
    return result == KOINE_OK;
}

/* A session that cannot go on is no reason to refuse: its history can. */
static int32_t run_session(struct chat_turn *turn, struct chat_entry *entry,
                           struct koine_failure *failure) {
    memcpy(turn->session_id, entry->session_id, sizeof(turn->session_id));
    turn->with_session = true;
    int32_t result = chat_turn_run(turn, failure);
    const bool gone = result == KOINE_REFUSED && (failure->status == 404 || failure->status == 409);
    if (result == KOINE_OK || gone)
        chat_memory_forget(turn->chat->memory, entry);
    turn->with_session = !gone;
    return gone ? chat_turn_run(turn, failure) : result;
}

/* True: the turn has a run. False: refused, or `fresh` is not needed any more (`*adopted`). */
static bool begin(struct chat_turn *fresh, bool *adopted, struct koine_failure *failure) {
    struct chat_entry *entry = find_said(fresh);
    if (!narrow(fresh, failure))
        return false;
    if (entry && entry->turn) {
        struct chat_turn *waiting = entry->turn;
        const enum adoption outcome = adopt(waiting, fresh, failure);
        *adopted = outcome == ADOPTED;
        if (outcome != NOT_POSSIBLE)
            return false;
        chat_turn_cancel(waiting);
        if (waiting->entry)
            chat_memory_forget(fresh->chat->memory, waiting->entry);
        entry = NULL;
    }
    return (entry ? run_session(fresh, entry, failure) : chat_turn_run(fresh, failure)) == KOINE_OK;
}

static bool start(struct koine_chat *chat, koine_request request, const struct koine_chat_ask *ask,
                  bool counts, koine_chat_callback on_event, void *data) {
    const struct koine_self *self = chat->self;
    struct koine_failure failure = {.size = sizeof(failure)};
    struct chat_turn *turn = make_turn(chat, request, ask, on_event, data);
    bool adopted = false;
    if (!turn) {
        koine_fail_for_memory(self, request);
        return false;
    }
    turn->counts = counts;
    if (begin(turn, &adopted, &failure))
        return true;
    chat_turn_free(turn);
    if (!adopted)
        self->http->fail(self->host, request, &failure);
    return adopted;
}

bool koine_chat_start(struct koine_chat *chat, koine_request request,
                      const struct koine_chat_ask *ask, koine_chat_callback on_event, void *data) {
    return start(chat, request, ask, false, on_event, data);
}

bool koine_chat_count(struct koine_chat *chat, koine_request request,
                      const struct koine_chat_ask *ask, koine_chat_callback on_event, void *data) {
    return start(chat, request, ask, true, on_event, data);
}

uint16_t koine_chat_status(const struct koine_failure *failure) {
    static const uint32_t passed_on[] = {400, 413, 429, 529};
    for (size_t i = 0; i < KOINE_COUNT(passed_on); i++)
        if (failure->upstream_status == passed_on[i])
            return (uint16_t)passed_on[i];
    return failure->status;
}
