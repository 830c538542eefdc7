/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of the API, each built on the stack and sent as one write:
 *
 *     message_start, ping, (content_block_start, content_block_delta …, content_block_stop) …,
 *     message_delta, message_stop
 */
#include "answer.h"
#include "errors.h"
#include <inttypes.h>
#include <stdio.h>

#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"
/* The front of an event's data: all of them say their name twice. */
#define OPEN(name) KOINE_TEXT("event: " name "\ndata: {\"type\":\"" name "\"")

static void add(struct koine_frame *frame, struct koine_text json) {
    koine_json_text_add(&frame->text, json);
}

static void add_index(struct koine_frame *frame, uint32_t index) {
    add(frame, KOINE_TEXT(",\"index\":"));
    koine_json_text_add_number(&frame->text, index);
}

static void send(struct koine_frame *frame) {
    add(frame, KOINE_TEXT("}"));
    koine_frame_send(frame);
}

/* ---- the message ------------------------------------------------------------------------- */

static const struct koine_text last_words = KOINE_TEXT(
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":"
    "\"The gateway is short of memory; try again later\"},\"request_id\":null}\n\n");

static void begin(struct answer *answer, const struct koine_chat_event *event) {
    struct koine_frame frame;
    answer->begun = koine_frames_open(&answer->frames, answer->self, answer->request,
                                      KOINE_TEXT(PING), last_words);
    koine_frame_begin(&frame, &answer->frames, OPEN("message_start"));
    add(&frame, KOINE_TEXT(",\"message\":"));
    answer_write_head(&frame.text, answer, event->model);
    add(&frame, KOINE_TEXT("[]"));
    answer_write_tail(&frame.text, (struct koine_text){NULL, 0}, &event->usage);
    send(&frame);
    koine_frames_write(&answer->frames, KOINE_TEXT(PING));
}

static void finish(struct answer *answer, const struct koine_chat_event *event) {
    const struct koine_text stop_reason =
        event->stop_reason.size ? event->stop_reason : KOINE_TEXT("end_turn");
    struct koine_frame frame;
    koine_frame_begin(&frame, &answer->frames, OPEN("message_delta"));
    add(&frame, KOINE_TEXT(",\"delta\":{"));
    answer_write_stop(&frame.text, stop_reason);
    add(&frame, KOINE_TEXT("},\"usage\":{"));
    answer_write_counts(&frame.text, &event->usage);
    add(&frame, KOINE_TEXT(",\"output_tokens_details\":null,\"server_tool_use\":null}"));
    send(&frame);
    koine_frame_begin(&frame, &answer->frames, OPEN("message_stop"));
    send(&frame);
    koine_frames_end(&answer->frames);
}

static void fail(struct answer *answer, const struct koine_failure *failure) {
    struct koine_text request_id = {NULL, 0};
    struct koine_frame frame;
    answer->self->http->request_id(answer->self->host, answer->request, &request_id);
    koine_frame_begin(&frame, &answer->frames, KOINE_TEXT("event: error\ndata: "));
    error_write(&frame.text, failure->status, failure->message, request_id);
    koine_frame_send(&frame);
    koine_frames_end(&answer->frames);
}

/* ---- its blocks -------------------------------------------------------------------------- */

static void begin_block(struct answer *answer, const struct koine_chat_event *event) {
    struct koine_frame frame;
    koine_frame_begin(&frame, &answer->frames, OPEN("content_block_start"));
    add_index(&frame, event->index);
    add(&frame, KOINE_TEXT(",\"content_block\":"));
    if (event->block == KOINE_CHAT_BLOCK_TEXT) {
        add(&frame, KOINE_TEXT("{\"type\":\"text\",\"text\":\"\"}"));
    } else if (event->block == KOINE_CHAT_BLOCK_THINKING) {
        add(&frame, KOINE_TEXT("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"));
    } else if (event->block == KOINE_CHAT_BLOCK_TOOL) {
        add(&frame, KOINE_TEXT("{\"type\":\"tool_use\",\"id\":"));
        koine_json_text_add_string(&frame.text, event->id);
        add(&frame, KOINE_TEXT(",\"name\":"));
        koine_json_text_add_string(&frame.text, event->name);
        add(&frame, KOINE_TEXT(",\"caller\":{\"type\":\"direct\"},\"input\":{}}"));
    } else {
        koine_json_text_add_line(&frame.text, event->text);
    }
    send(&frame);
}

static void end_block(struct answer *answer, const struct koine_chat_event *event) {
    struct koine_frame frame;
    koine_frame_begin(&frame, &answer->frames, OPEN("content_block_stop"));
    add_index(&frame, event->index);
    send(&frame);
}

#define DELTA(type, member) "{\"type\":\"" type "\",\"" member "\":\""

static void make_head(struct delta_head *head, const struct koine_chat_event *event) {
    const char *delta = event->type == KOINE_CHAT_TEXT       ? DELTA("text_delta", "text")
                        : event->type == KOINE_CHAT_THINKING ? DELTA("thinking_delta", "thinking")
                        : event->type == KOINE_CHAT_INPUT
                            ? DELTA("input_json_delta", "partial_json")
                            : DELTA("signature_delta", "signature");
    const int size =
        snprintf(head->bytes, sizeof(head->bytes),
                 "event: content_block_delta\n"
                 "data: {\"type\":\"content_block_delta\",\"index\":%" PRIu32 ",\"delta\":%s",
                 event->index, delta);
    head->type = event->type;
    head->index = event->index;
    head->size = (size_t)size; /* every one of them fits */
}

static void send_delta(struct answer *answer, const struct koine_chat_event *event) {
    struct delta_head *head = &answer->head;
    struct koine_frame frame;
    if (head->type != event->type || head->index != event->index)
        make_head(head, event);
    koine_frame_begin(&frame, &answer->frames, (struct koine_text){head->bytes, head->size});
    koine_json_text_add_escaped(&frame.text, event->text);
    add(&frame, KOINE_TEXT("\"}}"));
    koine_frame_send(&frame);
}

void stream_on_event(struct answer *answer, const struct koine_chat_event *event) {
    switch (event->type) {
    case KOINE_CHAT_BEGIN:
        begin(answer, event);
        break;
    case KOINE_CHAT_BLOCK:
        begin_block(answer, event);
        break;
    case KOINE_CHAT_THINKING:
        if (!answer->question->hides_thinking)
            send_delta(answer, event);
        break;
    case KOINE_CHAT_TEXT:
    case KOINE_CHAT_SIGNATURE:
    case KOINE_CHAT_INPUT:
        send_delta(answer, event);
        break;
    case KOINE_CHAT_BLOCK_END:
        end_block(answer, event);
        break;
    case KOINE_CHAT_DONE:
        finish(answer, event);
        break;
    case KOINE_CHAT_FAILURE:
        fail(answer, event->failure);
        break;
    }
}
