/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events as the dialect of another API frames them: the module writes each frame's
 * lines itself ("event:", "data:"), without the numbers that koine-module/sse.h gives. A frame is
 * built on the stack and leaves as one write. Knows no event.
 *
 *     struct koine_frame frame;
 *     koine_frame_begin(&frame, &frames, KOINE_TEXT("data: {\"text\":"));
 *     koine_json_text_add_string(&frame.text, text);
 *     koine_json_text_add(&frame.text, KOINE_TEXT("}"));
 *     koine_frame_send(&frame);
 *
 * After the end, and after the client has left, what is sent is passed over: no result needs a
 * look. A stream that is full needs none either where the request's run is tied to it. All
 * functions are [loop].
 */
#ifndef KOINE_MODULE_FRAMES_H
#define KOINE_MODULE_FRAMES_H

#include <koine-module/json_text.h>
#include <koine-module/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The stream of one request; lives as long as the request is to be answered. */
struct koine_frames {
    const struct koine_self *self;
    koine_request request;
    struct koine_text last_words;
    bool ended; /* what is sent is passed over */
};

/*
 * Begins the answer, status 200, and the stream. `keep_alive`: what the host sends in silence, a
 * whole frame, or none for its own comment. `last_words`: a whole frame that is said when memory is
 * short; both are constant. False: the request has ended, or been answered 500; then nothing of
 * what follows has an effect.
 */
bool koine_frames_open(struct koine_frames *frames, const struct koine_self *self,
                       koine_request request, struct koine_text keep_alive,
                       struct koine_text last_words);

/* Sends bytes that are one or more whole frames. */
void koine_frames_write(struct koine_frames *frames, struct koine_text bytes);

/* Says the last words and ends the stream: memory is short, and a stream with a hole would be worse
 * than none. */
void koine_frames_give_up(struct koine_frames *frames);

/* Ends the stream and the request. */
void koine_frames_end(struct koine_frames *frames);

enum { KOINE_FRAME_BYTES = 1024 };

/* Between begin and send only; a long one moves to the heap meanwhile. */
struct koine_frame {
    struct koine_frames *frames;
    struct koine_json_text text; /* to be added to */
    char own[KOINE_FRAME_BYTES];
};

/* `open` is the frame's front. koine_frame_send must follow. */
void koine_frame_begin(struct koine_frame *frame, struct koine_frames *frames,
                       struct koine_text open);

/* Adds the empty line and sends the frame; one that lacks memory is koine_frames_give_up. */
void koine_frame_send(struct koine_frame *frame);

#ifdef __cplusplus
}
#endif
#endif
