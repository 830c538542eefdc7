/* SPDX-License-Identifier: Apache-2.0 */
/* A whole chat completion, and which way an answer goes. */
#include "chat_answer.h"
#include "usage.h"
#include <koine-module/answer.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHAT_ANSWER_MAGIC = 0x63686174 };

struct chat_answer *chat_answer_create(const struct openai *module, koine_request request) {
    const struct koine_self *self = &module->self;
    struct chat_answer *answer = self->http->alloc(self->host, request, sizeof(*answer));
    if (!answer) {
        koine_fail_for_memory(self, request);
        return NULL;
    }
    answer->magic = CHAT_ANSWER_MAGIC;
    answer->module = module;
    answer->request = request;
    answer->id = koine_chat_id_make("chatcmpl-");
    answer->created = (int64_t)time(NULL);
    return answer;
}

static struct chat_answer *answer_of(void *data) {
    struct chat_answer *answer = data;
    if (answer->magic != CHAT_ANSWER_MAGIC)
        abort();
    return answer;
}

const char *chat_finish_reason(struct koine_text stop_reason) {
    static const char *const reasons[][2] = {
        {"tool_use", "tool_calls"},
        {"max_tokens", "length"},
        {"model_context_window_exceeded", "length"},
        {"refusal", "content_filter"},
    };
    for (size_t i = 0; i < KOINE_COUNT(reasons); i++)
        if (stop_reason.size == strlen(reasons[i][0]) &&
            memcmp(stop_reason.data, reasons[i][0], stop_reason.size) == 0)
            return reasons[i][1];
    return "stop";
}

/* ---- the whole answer */

static void add_content(struct koine_json_text *json, const struct koine_chat_whole *whole) {
    bool some = false;
    for (size_t i = 0; i < whole->count; i++) {
        if (whole->blocks[i].kind != KOINE_CHAT_BLOCK_TEXT)
            continue;
        koine_json_text_add(json, some ? (struct koine_text){NULL, 0} : KOINE_TEXT("\""));
        koine_json_text_add_escaped(json, whole->blocks[i].text);
        some = true;
    }
    koine_json_text_add(json, some ? KOINE_TEXT("\"") : KOINE_TEXT("null"));
}

static void add_call(struct koine_json_text *json, const struct koine_chat_block *block) {
    koine_json_text_add(json, KOINE_TEXT("{\"id\":"));
    koine_json_text_add_string(json, block->id);
    koine_json_text_add(json, KOINE_TEXT(",\"type\":\"function\",\"function\":{\"name\":"));
    koine_json_text_add_string(json, block->name);
    koine_json_text_add(json, KOINE_TEXT(",\"arguments\":"));
    koine_json_text_add_string(json, block->input.size ? block->input : KOINE_TEXT("{}"));
    koine_json_text_add(json, KOINE_TEXT("}}"));
}

static void add_calls(struct koine_json_text *json, const struct koine_chat_whole *whole) {
    size_t calls = 0;
    for (size_t i = 0; i < whole->count; i++) {
        if (whole->blocks[i].kind != KOINE_CHAT_BLOCK_TOOL)
            continue;
        koine_json_text_add(json, calls++ ? KOINE_TEXT(",") : KOINE_TEXT(",\"tool_calls\":["));
        add_call(json, &whole->blocks[i]);
    }
    if (calls)
        koine_json_text_add(json, KOINE_TEXT("]"));
}

static void add_answer(struct koine_json_text *json, const struct chat_answer *answer,
                       const struct koine_chat_event *done) {
    koine_json_text_add(json, KOINE_TEXT("{\"id\":\""));
    koine_json_text_add(json, openai_text(answer->id.text));
    koine_json_text_add(json, KOINE_TEXT("\",\"object\":\"chat.completion\",\"created\":"));
    koine_json_text_add_number(json, (uint64_t)answer->created);
    koine_json_text_add(json, KOINE_TEXT(",\"model\":"));
    koine_json_text_add_string(json, done->model);
    koine_json_text_add(json, KOINE_TEXT(",\"choices\":[{\"index\":0,\"message\":{"
                                         "\"role\":\"assistant\",\"content\":"));
    add_content(json, &answer->whole);
    koine_json_text_add(json, KOINE_TEXT(",\"refusal\":null,\"annotations\":[]"));
    add_calls(json, &answer->whole);
    koine_json_text_add(json, KOINE_TEXT("},\"logprobs\":null,\"finish_reason\":\""));
    koine_json_text_add(json, openai_text(chat_finish_reason(done->stop_reason)));
    koine_json_text_add(json, KOINE_TEXT("\"}],\"usage\":"));
    usage_add_chat(json, &done->usage);
    koine_json_text_add(json, KOINE_TEXT("}"));
}

static void whole_event(struct chat_answer *answer, const struct koine_chat_event *event) {
    const struct koine_self *self = &answer->module->self;
    struct koine_json_text json;
    koine_chat_collect(&answer->whole, self, answer->request, event);
    if (event->type != KOINE_CHAT_DONE)
        return;
    koine_json_text_init(&json, NULL, 0);
    add_answer(&json, answer, event);
    json.no_memory |= answer->whole.no_memory;
    koine_answer_text(self, answer->request, &json);
}

void chat_answer_event(void *data, const struct koine_chat_event *event) {
    struct chat_answer *answer = answer_of(data);
    const struct koine_self *self = &answer->module->self;
    if (event->type == KOINE_CHAT_FAILURE && !answer->begun)
        self->http->fail(self->host, answer->request, event->failure);
    else if (answer->stream)
        chat_stream_event(answer, event);
    else
        whole_event(answer, event);
}
