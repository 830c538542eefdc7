/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on their way into the stream of a request. */
#include <koine-module/answer.h>
#include <koine-module/frames.h>

bool koine_frames_open(struct koine_frames *frames, const struct koine_self *self,
                       koine_request request, struct koine_text keep_alive,
                       struct koine_text last_words) {
    const struct koine_stream_options options = {.size = sizeof(options), .keep_alive = keep_alive};
    *frames = (struct koine_frames){self, request, last_words, false};
    frames->ended = self->http->stream_begin(self->host, request, &options) != KOINE_OK;
    if (frames->ended)
        koine_fail_for_memory(self, request); /* harmless when the request is gone */
    return !frames->ended;
}

void koine_frames_write(struct koine_frames *frames, struct koine_text bytes) {
    const struct koine_self *self = frames->self;
    if (!frames->ended)
        frames->ended = self->http->stream_write(self->host, frames->request, bytes) < KOINE_OK;
}

void koine_frames_end(struct koine_frames *frames) {
    if (!frames->ended)
        frames->self->http->stream_end(frames->self->host, frames->request);
    frames->ended = true;
}

void koine_frames_give_up(struct koine_frames *frames) {
    koine_frames_write(frames, frames->last_words);
    koine_frames_end(frames);
}

void koine_frame_begin(struct koine_frame *frame, struct koine_frames *frames,
                       struct koine_text open) {
    frame->frames = frames;
    koine_json_text_init(&frame->text, frame->own, sizeof(frame->own));
    koine_json_text_add(&frame->text, open);
}

void koine_frame_send(struct koine_frame *frame) {
    struct koine_json_text *text = &frame->text;
    koine_json_text_add(text, KOINE_TEXT("\n\n"));
    if (text->no_memory)
        koine_frames_give_up(frame->frames);
    else
        koine_frames_write(frame->frames, (struct koine_text){text->bytes, text->size});
    koine_json_text_finish(text);
}
