/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an answer begins: with the run that waits for these results, with the session that has said
 * this conversation, or from its history.
 */
#include "chat_internal.h"
#include <koine-module/answer.h>
#include <stdlib.h>
#include <string.h>

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
                                   const struct koine_chat_ask *ask, bool counts,
                                   koine_chat_callback on_event, void *data) {
    struct chat_turn *turn = calloc(1, sizeof(*turn));
    if (!turn)
        return NULL;
    turn->chat = chat;
    turn->request = request;
    turn->ask = *ask;
    turn->on_event = on_event;
    turn->data = data;
    turn->counts = counts;
    turn->messages = chat_messages_normal(ask->messages);
    /* what is only counted is neither looked for nor remembered */
    if (turn->messages && (counts || (make_digests(turn) && make_wishes(turn))) &&
        make_names(turn)) {
        chat_turn_begin(turn);
        return turn;
    }
    chat_turn_free(turn);
    return NULL;
}

/* The entry of what was said before the last message, NULL: nobody remembers it. */
static struct chat_entry *find_said(const struct chat_turn *turn) {
    if (!turn->knows_key || json_array_size(turn->messages) < 2)
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
    struct chat_turn *turn = make_turn(chat, request, ask, counts, on_event, data);
    bool adopted = false;
    if (!turn) {
        koine_fail_for_memory(self, request);
        return false;
    }
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
