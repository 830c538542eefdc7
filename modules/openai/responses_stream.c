/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a response, numbered from 0. An item's last events wait for what comes behind it: only
 * then is it known whether the answer was cut in it.
 */
#include "errors.h"
#include "responses_answer.h"
#include <string.h>

static const char last_words[] =
    "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":\"server_error\","
    "\"message\":\"The gateway is short of memory; try again later\",\"param\":null}\n\n";

/* ---- one event: begin, members, end */

static void begin_event(struct koine_frame *frame, struct response *response, const char *type) {
    struct koine_json_text *text = &frame->text;
    const struct koine_text name = openai_text(type);
    koine_frame_begin(frame, &response->frames, KOINE_TEXT("event: "));
    koine_json_text_add(text, name);
    koine_json_text_add(text, KOINE_TEXT("\ndata: {\"type\":\""));
    koine_json_text_add(text, name);
    koine_json_text_add(text, KOINE_TEXT("\",\"sequence_number\":"));
    koine_json_text_add_number(text, response->sequence_number++);
}

static void end_event(struct koine_frame *frame) {
    koine_json_text_add(&frame->text, KOINE_TEXT("}"));
    koine_frame_send(frame);
}

/* An event whose data is the whole response. */
static void send_response(struct response *response, const char *type,
                          const struct response_state *state) {
    struct koine_frame frame;
    begin_event(&frame, response, type);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"response\":"));
    response_add(&frame.text, response, state);
    frame.text.no_memory |= response->output.no_memory;
    end_event(&frame);
}

/* An event of the open item with its content: `open` is what stands behind its place up to the
 * string, which is escaped. */
static void send_content(struct response *response, const char *type, struct koine_text open,
                         struct koine_text content, struct koine_text close) {
    struct koine_frame frame;
    begin_event(&frame, response, type);
    koine_json_text_add(&frame.text, openai_text(response->item_place));
    koine_json_text_add(&frame.text, open);
    koine_json_text_add(&frame.text, content);
    koine_json_text_add(&frame.text, close);
    end_event(&frame);
}

/* A piece is escaped once, into the frame, and kept from there. `begin` is all up to the number. */
static void send_piece(struct response *response, struct koine_text begin, struct koine_text piece,
                       struct koine_text close) {
    struct koine_frame frame;
    struct koine_json_text *text = &frame.text;
    koine_frame_begin(&frame, &response->frames, begin);
    koine_json_text_add_number(text, response->sequence_number++);
    koine_json_text_add(text, openai_text(response->item_place));
    koine_json_text_add(text, KOINE_TEXT(",\"delta\":\""));
    const size_t from = text->size;
    koine_json_text_add_escaped(text, piece);
    if (!text->no_memory)
        output_add(&response->output, (struct koine_text){text->bytes + from, text->size - from});
    koine_json_text_add(text, close);
    koine_frame_send(&frame);
}

/* ---- an item begins and ends */

static void keep_place(struct response *response, size_t index) {
    struct koine_json_text text;
    char *out = response->item_place;
    koine_json_text_init(&text, out, ITEM_PLACE_BYTES - 1);
    koine_json_text_add(&text, KOINE_TEXT(",\"item_id\":\""));
    response_add_item_id(&text, response, index);
    koine_json_text_add(&text, KOINE_TEXT("\",\"output_index\":"));
    koine_json_text_add_number(&text, index);
    if (!response->output.items[index].is_call)
        koine_json_text_add(&text, KOINE_TEXT(",\"content_index\":0"));
    out[text.on_heap ? 0 : text.size] = '\0'; /* it fits: ids have a size */
    koine_json_text_finish(&text);
}

static void send_item(struct response *response, const char *type, const char *status) {
    struct koine_frame frame;
    const size_t index = response->output.count - 1;
    begin_event(&frame, response, type);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"output_index\":"));
    koine_json_text_add_number(&frame.text, index);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"item\":"));
    response_add_item(&frame.text, response, index, status);
    end_event(&frame);
}

/* As an item begins: without content, or with the name of what is called. */
static void send_item_added(struct response *response) {
    struct koine_frame frame;
    const size_t index = response->output.count - 1;
    const struct output_item *item = output_last(&response->output);
    struct koine_json_text *text = &frame.text;
    begin_event(&frame, response, "response.output_item.added");
    koine_json_text_add(text, KOINE_TEXT(",\"output_index\":"));
    koine_json_text_add_number(text, index);
    koine_json_text_add(text, KOINE_TEXT(",\"item\":{\"id\":\""));
    response_add_item_id(text, response, index);
    koine_json_text_add(text, KOINE_TEXT("\",\"status\":\"in_progress\",\"type\":"));
    if (item->is_call) {
        koine_json_text_add(text, KOINE_TEXT("\"function_call\",\"call_id\":"));
        koine_json_text_add_string(text, item->call_id);
        koine_json_text_add(text, KOINE_TEXT(",\"name\":"));
        koine_json_text_add_string(text, item->name);
        koine_json_text_add(text, KOINE_TEXT(",\"arguments\":\"\"}"));
    } else
        koine_json_text_add(text, KOINE_TEXT("\"message\",\"role\":\"assistant\",\"content\":[]}"));
    end_event(&frame);
}

/* What a part of text is up to its text, and behind it. */
#define PART ",\"part\":{\"type\":\"output_text\",\"text\":\""
#define PART_END "\",\"annotations\":[],\"logprobs\":[]}"

static void open_item(struct response *response) {
    response->item_open = true;
    keep_place(response, response->output.count - 1);
    send_item_added(response);
    if (!output_last(&response->output)->is_call)
        send_content(response, "response.content_part.added", KOINE_TEXT(PART), KOINE_TEXT(""),
                     KOINE_TEXT(PART_END));
}

static void close_text(struct response *response, const struct output_item *item) {
    const struct koine_text text = output_content(item);
    send_content(response, "response.output_text.done", KOINE_TEXT(",\"text\":\""), text,
                 KOINE_TEXT("\",\"logprobs\":[]"));
    send_content(response, "response.content_part.done", KOINE_TEXT(PART), text,
                 KOINE_TEXT(PART_END));
}

static void close_call(struct response *response, const struct output_item *item) {
    struct koine_frame frame;
    begin_event(&frame, response, "response.function_call_arguments.done");
    koine_json_text_add(&frame.text, openai_text(response->item_place));
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"name\":"));
    koine_json_text_add_string(&frame.text, item->name);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"arguments\":\""));
    koine_json_text_add(&frame.text, output_content(item));
    koine_json_text_add(&frame.text, KOINE_TEXT("\""));
    end_event(&frame);
}

static void close_item(struct response *response, const char *status) {
    if (!response->item_open || response->output.no_memory)
        return;
    const struct output_item *item = output_last(&response->output);
    response->item_open = false;
    if (item->is_call)
        close_call(response, item);
    else
        close_text(response, item);
    send_item(response, "response.output_item.done", status);
}

/* ---- beginning and end */

static void begin_stream(struct response *response, struct koine_text model) {
    const struct response_state state = {.status = "in_progress", .model = model};
    response->begun = koine_frames_open(&response->frames, &response->module->self,
                                        response->request, KOINE_TEXT(""), openai_text(last_words));
    send_response(response, "response.created", &state);
    send_response(response, "response.in_progress", &state);
}

static void end_stream(struct response *response, const struct koine_chat_event *done) {
    const struct response_state state = response_done(done);
    close_item(response, state.status);
    send_response(response, state.incomplete_reason ? "response.incomplete" : "response.completed",
                  &state);
    koine_frames_end(&response->frames);
}

static void add_string_or_null(struct koine_json_text *text, const char *string) {
    if (string)
        koine_json_text_add_string(text, openai_text(string));
    else
        koine_json_text_add(text, KOINE_TEXT("null"));
}

/* Clients look at the event's own members, or at an error object as every other failure has. */
static void send_error(struct response *response, const struct koine_failure *failure) {
    struct koine_frame frame;
    begin_event(&frame, response, "error");
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"code\":"));
    add_string_or_null(&frame.text, errors_code(failure));
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"message\":"));
    koine_json_text_add_string(&frame.text, failure->message);
    koine_json_text_add(&frame.text, KOINE_TEXT(",\"param\":null,\"error\":{"));
    errors_add(&frame.text, failure);
    koine_json_text_add(&frame.text, KOINE_TEXT("}"));
    end_event(&frame);
}

static void fail_stream(struct response *response, const struct koine_failure *failure) {
    const struct response_state state = {
        .status = "failed", .model = response->fields.model, .failure = failure};
    send_error(response, failure);
    send_response(response, "response.failed", &state);
    koine_frames_end(&response->frames);
}

static void begin_block(struct response *response, const struct koine_chat_event *event) {
    close_item(response, "completed");
    output_begin(&response->output, event);
    if (response->output.no_memory)
        koine_frames_give_up(&response->frames);
    else
        open_item(response);
}

#define BEGIN(name) "event: " name "\ndata: {\"type\":\"" name "\",\"sequence_number\":"

void response_stream_event(struct response *response, const struct koine_chat_event *event) {
    if (event->type == KOINE_CHAT_TEXT)
        send_piece(response, KOINE_TEXT(BEGIN("response.output_text.delta")), event->text,
                   KOINE_TEXT("\",\"logprobs\":[]}"));
    else if (event->type == KOINE_CHAT_INPUT && event->text.size)
        send_piece(response, KOINE_TEXT(BEGIN("response.function_call_arguments.delta")),
                   event->text, KOINE_TEXT("\"}"));
    else if (event->type == KOINE_CHAT_BEGIN)
        begin_stream(response, event->model);
    else if (event->type == KOINE_CHAT_BLOCK)
        begin_block(response, event);
    else if (event->type == KOINE_CHAT_DONE)
        end_stream(response, event);
    else if (event->type == KOINE_CHAT_FAILURE)
        fail_stream(response, event->failure);
}
