/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks of a chat completion. What all chunks of an answer begin with is written once; each event
 * of the model is one frame.
 */
#include "chat_answer.h"
#include "errors.h"
#include "usage.h"
#include <string.h>

static const struct koine_text last_words = {
    "data: {\"error\":{\"message\":\"The gateway is short of memory; try again later\","
    "\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n",
    sizeof("data: {\"error\":{\"message\":\"The gateway is short of memory; try again later\","
           "\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n") -
        1};

/* Between the choices' bracket and the members of the delta. */
#define CHOICE "{\"index\":0,\"delta\":{"
#define CONTENT "\"content\":\""
/* Behind a delta that is not the last. */
#define GOES_ON "},\"logprobs\":null,\"finish_reason\":null"
#define END "}]}"
#define END_WITH_USAGE "}],\"usage\":null}"

/* data: {"id":…,"object":…,"created":…,"model":…,"choices":[ and CHOICE */
static void make_head(struct chat_answer *answer, struct koine_text model) {
    const struct koine_self *self = &answer->module->self;
    struct koine_json_text text;
    char own[KOINE_FRAME_BYTES];
    koine_json_text_init(&text, own, sizeof(own));
    koine_json_text_add(&text, KOINE_TEXT("data: {\"id\":\""));
    koine_json_text_add(&text, openai_text(answer->id.text));
    koine_json_text_add(&text, KOINE_TEXT("\",\"object\":\"chat.completion.chunk\",\"created\":"));
    koine_json_text_add_number(&text, (uint64_t)answer->created);
    koine_json_text_add(&text, KOINE_TEXT(",\"model\":"));
    koine_json_text_add_string(&text, model);
    koine_json_text_add(&text, KOINE_TEXT(",\"choices\":[" CHOICE CONTENT));
    char *head = text.no_memory ? NULL : self->http->alloc(self->host, answer->request, text.size);
    if (head) {
        memcpy(head, text.bytes, text.size);
        answer->text_head = (struct koine_text){head, text.size};
        answer->head = (struct koine_text){head, text.size - strlen(CONTENT)};
    }
    koine_json_text_finish(&text);
}

/* ---- one chunk: begin, the members of the delta, end */

static void begin_chunk(struct koine_frame *frame, struct chat_answer *answer) {
    koine_frame_begin(frame, &answer->frames, answer->head);
}

static void end_chunk(struct koine_frame *frame, const struct chat_answer *answer,
                      const char *reason) {
    struct koine_json_text *text = &frame->text;
    if (reason) {
        koine_json_text_add(text, KOINE_TEXT("},\"logprobs\":null,\"finish_reason\":\""));
        koine_json_text_add(text, openai_text(reason));
        koine_json_text_add(text, KOINE_TEXT("\""));
    } else {
        koine_json_text_add(text, KOINE_TEXT(GOES_ON));
    }
    koine_json_text_add(text, answer->include_usage ? KOINE_TEXT(END_WITH_USAGE) : KOINE_TEXT(END));
    koine_frame_send(frame);
}

/* `json` is the delta's members. */
static void send_chunk(struct chat_answer *answer, struct koine_text json, const char *reason) {
    struct koine_frame frame;
    begin_chunk(&frame, answer);
    koine_json_text_add(&frame.text, json);
    end_chunk(&frame, answer, reason);
}

/* Of these there are thousands: in as few pieces as can be. */
static void send_text(struct chat_answer *answer, struct koine_text text) {
    struct koine_frame frame;
    koine_frame_begin(&frame, &answer->frames, answer->text_head);
    koine_json_text_add_escaped(&frame.text, text);
    koine_json_text_add(&frame.text, answer->include_usage ? KOINE_TEXT("\"" GOES_ON END_WITH_USAGE)
                                                           : KOINE_TEXT("\"" GOES_ON END));
    koine_frame_send(&frame);
}

/* ---- calls */

static void begin_call(struct koine_frame *frame, struct chat_answer *answer) {
    begin_chunk(frame, answer);
    koine_json_text_add(&frame->text, KOINE_TEXT("\"tool_calls\":[{\"index\":"));
    koine_json_text_add_number(&frame->text, answer->tools - 1);
}

static void send_call(struct chat_answer *answer, const struct koine_chat_event *event) {
    struct koine_frame frame;
    answer->tools++;
    answer->has_arguments = false;
    begin_call(&frame, answer);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"id\":"));
    koine_json_text_add_string(&frame.text, event->id);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"type\":\"function\",\"function\":{\"name\":"));
    koine_json_text_add_string(&frame.text, event->name);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"arguments\":\"\"}}]"));
    end_chunk(&frame, answer, NULL);
}

static void send_arguments(struct chat_answer *answer, struct koine_text piece) {
    struct koine_frame frame;
    if (!piece.size || !answer->tools)
        return;
    answer->has_arguments = true;
    begin_call(&frame, answer);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"function\":{\"arguments\":"));
    koine_json_text_add_string(&frame.text, piece);
    koine_json_text_add(&frame.text, KOINE_TEXT("}}]"));
    end_chunk(&frame, answer, NULL);
}

/* A function without arguments is called with none, and clients parse what they were told. */
static void end_call(struct chat_answer *answer) {
    if (!answer->has_arguments)
        send_arguments(answer, KOINE_TEXT("{}"));
}

/* ---- beginning and end */

static void begin_stream(struct chat_answer *answer, struct koine_text model) {
    make_head(answer, model);
    answer->begun = koine_frames_open(&answer->frames, &answer->module->self, answer->request,
                                      KOINE_TEXT(""), last_words);
    if (answer->head.data)
        send_chunk(answer, KOINE_TEXT("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"),
                   NULL);
    else
        koine_frames_give_up(&answer->frames);
}

static void send_usage(struct chat_answer *answer, const struct koine_usage *usage) {
    struct koine_frame frame;
    const struct koine_text head = {answer->head.data, answer->head.size - strlen(CHOICE)};
    koine_frame_begin(&frame, &answer->frames, head);
    koine_json_text_add(&frame.text, KOINE_TEXT("],\"usage\":"));
    usage_add_chat(&frame.text, usage);
    koine_json_text_add(&frame.text, KOINE_TEXT("}"));
    koine_frame_send(&frame);
}

static void end_stream(struct chat_answer *answer, const struct koine_chat_event *done) {
    send_chunk(answer, (struct koine_text){NULL, 0}, chat_finish_reason(done->stop_reason));
    if (answer->include_usage)
        send_usage(answer, &done->usage);
    koine_frames_write(&answer->frames, KOINE_TEXT("data: [DONE]\n\n"));
    koine_frames_end(&answer->frames);
}

/* As the API does: no [DONE] behind an error. */
static void fail_stream(struct chat_answer *answer, const struct koine_failure *failure) {
    struct koine_frame frame;
    koine_frame_begin(&frame, &answer->frames, KOINE_TEXT("data: {\"error\":{"));
    errors_add(&frame.text, failure);
    koine_json_text_add(&frame.text, KOINE_TEXT("}}"));
    koine_frame_send(&frame);
    koine_frames_end(&answer->frames);
}

void chat_stream_event(struct chat_answer *answer, const struct koine_chat_event *event) {
    if (event->type == KOINE_CHAT_TEXT)
        send_text(answer, event->text);
    else if (event->type == KOINE_CHAT_INPUT)
        send_arguments(answer, event->text);
    else if (event->type == KOINE_CHAT_BEGIN)
        begin_stream(answer, event->model);
    else if (event->type == KOINE_CHAT_BLOCK && event->block == KOINE_CHAT_BLOCK_TOOL)
        send_call(answer, event);
    else if (event->type == KOINE_CHAT_BLOCK_END && event->block == KOINE_CHAT_BLOCK_TOOL)
        end_call(answer);
    else if (event->type == KOINE_CHAT_DONE)
        end_stream(answer, event);
    else if (event->type == KOINE_CHAT_FAILURE)
        fail_stream(answer, event->failure);
}
