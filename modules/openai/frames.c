/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on their way into the stream of a request. */
#include "frames.h"
#include <koine-module/answer.h>

bool frames_open(struct frames *frames, const struct koine_self *self, koine_request request,
                 struct koine_text last_words) {
    const struct koine_stream_options options = {.size = sizeof(options)};
    *frames = (struct frames){self, request, last_words, false};
    frames->ended = self->http->stream_begin(self->host, request, &options) != KOINE_OK;
    if (frames->ended)
        koine_fail_for_memory(self, request); /* harmless when the request is gone */
    return !frames->ended;
}

static void write_bytes(struct frames *frames, struct koine_text bytes) {
    /* FULL needs no answer: the run is tied to the stream and waits. */
    const int32_t result =
        frames->self->http->stream_write(frames->self->host, frames->request, bytes);
    frames->ended |= result < KOINE_OK;
}

void frames_end(struct frames *frames) {
    if (!frames->ended)
        frames->self->http->stream_end(frames->self->host, frames->request);
    frames->ended = true;
}

void frames_give_up(struct frames *frames) {
    if (!frames->ended)
        write_bytes(frames, frames->last_words);
    frames_end(frames);
}

void frame_begin(struct frame *frame, struct frames *frames) {
    frame->frames = frames;
    koine_json_text_init(&frame->text, frame->own, sizeof(frame->own));
}

void frame_send(struct frame *frame) {
    struct frames *frames = frame->frames;
    koine_json_text_add(&frame->text, KOINE_TEXT("\n\n"));
    if (!frames->ended && !frame->text.no_memory)
        write_bytes(frames, (struct koine_text){frame->text.bytes, frame->text.size});
    else
        frames_give_up(frames);
    koine_json_text_finish(&frame->text);
}

void json_text_add_number(struct koine_json_text *text, uint64_t number) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    koine_json_text_add(text, (struct koine_text){digits + at, sizeof(digits) - at});
}
