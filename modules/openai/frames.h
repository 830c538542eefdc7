/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events as the API frames them: a line of data, before it a line with the event's name
 * where the endpoint has such. A frame is built on the stack and leaves as one write. Knows no
 * event.
 */
#ifndef OPENAI_FRAMES_H
#define OPENAI_FRAMES_H

#include <koine-module/json_text.h>
#include <koine-module/module.h>

struct frames {
    const struct koine_self *self;
    koine_request request;
    struct koine_text last_words; /* a whole frame: what is said when memory is short */
    bool ended;                   /* what is sent is passed over */
};

/* Begins the answer and the stream; false: the request has ended, or been answered for memory.
 * `last_words` is constant. */
bool frames_open(struct frames *frames, const struct koine_self *self, koine_request request,
                 struct koine_text last_words);
/* Says the last words and ends the stream: memory is short, and a stream with a hole would be worse
 * than none. */
void frames_give_up(struct frames *frames);
/* Ends the stream and the request. */
void frames_end(struct frames *frames);

enum { FRAME_BYTES = 1024 };

/* Between begin and send only; a long one moves to the heap meanwhile. */
struct frame {
    struct frames *frames;
    struct koine_json_text text;
    char own[FRAME_BYTES];
};

void frame_begin(struct frame *frame, struct frames *frames);
void frame_send(struct frame *frame); /* adds the empty line */

/* A number in decimal. */
void json_text_add_number(struct koine_json_text *text, uint64_t number);

#endif
