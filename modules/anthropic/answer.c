/* SPDX-License-Identifier: Apache-2.0 */
/* The message of the API: the parts that a stream has, too, and the whole of it. */
#include "answer.h"
#include <koine-module/answer.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAGIC = 0x6d736720 };

static struct answer *answer_of(void *data) {
    struct answer *answer = data;
    if (!answer || answer->magic != ANSWER_MAGIC)
        abort();
    return answer;
}

struct answer *answer_create(const struct koine_self *self, koine_request request,
                             const struct question *question) {
    struct answer *answer = self->http->alloc(self->host, request, sizeof(*answer));
    if (!answer) {
        koine_fail_for_memory(self, request);
        return NULL;
    }
    answer->magic = ANSWER_MAGIC;
    answer->self = self;
    answer->request = request;
    answer->question = question;
    answer->id = koine_chat_id_make("msg_");
    return answer;
}

/* ---- parts of a message ------------------------------------------------------------------ */

void answer_write_counts(struct koine_json_text *out, const struct koine_usage *usage) {
    koine_json_text_add(out, KOINE_TEXT("\"input_tokens\":"));
    koine_json_text_add_number(out, usage->input_tokens);
    koine_json_text_add(out, KOINE_TEXT(",\"cache_creation_input_tokens\":"));
    koine_json_text_add_number(out, usage->cache_creation_input_tokens);
    koine_json_text_add(out, KOINE_TEXT(",\"cache_read_input_tokens\":"));
    koine_json_text_add_number(out, usage->cache_read_input_tokens);
    koine_json_text_add(out, KOINE_TEXT(",\"output_tokens\":"));
    koine_json_text_add_number(out, usage->output_tokens);
}

static bool is(struct koine_text text, const char *other) {
    return text.data && text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

void answer_write_stop(struct koine_json_text *out, struct koine_text stop_reason) {
    koine_json_text_add(out, KOINE_TEXT("\"stop_reason\":"));
    if (stop_reason.data)
        koine_json_text_add_string(out, stop_reason);
    else
        koine_json_text_add(out, KOINE_TEXT("null"));
    koine_json_text_add(out, KOINE_TEXT(",\"stop_sequence\":null,\"stop_details\":"));
    koine_json_text_add(out, is(stop_reason, "refusal")
                                 ? KOINE_TEXT("{\"type\":\"refusal\",\"category\":null,"
                                              "\"explanation\":null}")
                                 : KOINE_TEXT("null"));
    koine_json_text_add(out, KOINE_TEXT(",\"container\":null"));
}

void answer_write_head(struct koine_json_text *out, const struct answer *answer,
                       struct koine_text model) {
    koine_json_text_add(out, KOINE_TEXT("{\"id\":\""));
    koine_json_text_add(out, (struct koine_text){answer->id.text, strlen(answer->id.text)});
    koine_json_text_add(out,
                        KOINE_TEXT("\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"));
    koine_json_text_add_string(out, model.size ? model : answer->question->model);
    koine_json_text_add(out, KOINE_TEXT(",\"content\":"));
}

void answer_write_tail(struct koine_json_text *out, struct koine_text stop_reason,
                       const struct koine_usage *usage) {
    koine_json_text_add(out, KOINE_TEXT(","));
    answer_write_stop(out, stop_reason);
    koine_json_text_add(out, KOINE_TEXT(",\"usage\":{"));
    answer_write_counts(out, usage);
    koine_json_text_add(out, KOINE_TEXT(",\"cache_creation\":null,\"server_tool_use\":null,"
                                        "\"output_tokens_details\":null,\"service_tier\":null,"
                                        "\"inference_geo\":null}}"));
}

/* ---- a whole message --------------------------------------------------------------------- */

static void write_string_member(struct koine_json_text *out, struct koine_text open,
                                struct koine_text value) {
    koine_json_text_add(out, open);
    koine_json_text_add_string(out, value);
}

static void write_block(struct koine_json_text *out, const struct answer *answer,
                        const struct koine_chat_block *block) {
    const struct koine_text none = KOINE_TEXT("");
    switch (block->kind) {
    case KOINE_CHAT_BLOCK_TEXT:
        write_string_member(out, KOINE_TEXT("{\"type\":\"text\",\"text\":"), block->text);
        break;
    case KOINE_CHAT_BLOCK_THINKING:
        write_string_member(out, KOINE_TEXT("{\"type\":\"thinking\",\"thinking\":"),
                            answer->question->hides_thinking ? none : block->text);
        write_string_member(out, KOINE_TEXT(",\"signature\":"), block->signature);
        break;
    case KOINE_CHAT_BLOCK_TOOL:
        write_string_member(out, KOINE_TEXT("{\"type\":\"tool_use\",\"id\":"), block->id);
        write_string_member(out, KOINE_TEXT(",\"name\":"), block->name);
        koine_json_text_add(out, KOINE_TEXT(",\"caller\":{\"type\":\"direct\"},\"input\":"));
        koine_json_text_add(out, block->input);
        break;
    default:
        koine_json_text_add(out, block->text);
        return;
    }
    koine_json_text_add(out, KOINE_TEXT("}"));
}

static void respond(struct answer *answer, const struct koine_chat_event *done) {
    const struct koine_text stop_reason =
        done->stop_reason.size ? done->stop_reason : KOINE_TEXT("end_turn");
    struct koine_json_text out;
    koine_json_text_init(&out, NULL, 0);
    answer_write_head(&out, answer, done->model);
    for (size_t i = 0; i < answer->whole.count; i++) {
        koine_json_text_add(&out, i ? KOINE_TEXT(",") : KOINE_TEXT("["));
        write_block(&out, answer, &answer->whole.blocks[i]);
    }
    koine_json_text_add(&out, answer->whole.count ? KOINE_TEXT("]") : KOINE_TEXT("[]"));
    answer_write_tail(&out, stop_reason, &done->usage);
    out.no_memory |= answer->whole.no_memory;
    koine_answer_text(answer->self, answer->request, &out);
}

/* ---- both -------------------------------------------------------------------------------- */

void answer_on_event(void *data, const struct koine_chat_event *event) {
    struct answer *answer = answer_of(data);
    if (answer->frames.ended)
        return; /* what still comes within the callback that has ended it */
    if (event->type == KOINE_CHAT_FAILURE && !answer->begun) {
        answer->self->http->fail(answer->self->host, answer->request, event->failure);
    } else if (answer->question->ask.streams) {
        stream_on_event(answer, event);
    } else {
        koine_chat_collect(&answer->whole, answer->self, answer->request, event);
        if (event->type == KOINE_CHAT_DONE)
            respond(answer, event);
    }
}
