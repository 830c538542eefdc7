/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of a request head, and nothing else: pure functions on bytes, which read no socket
 * and know no connection. What they accept is deliberately less than what evhttp accepts.
 */
#ifndef HTTP_GATE_HEAD_H
#define HTTP_GATE_HEAD_H

#include "http/gate.h"

/* Why the gate itself refuses, in the words of the HTTP contract. */
struct gate_refusal {
    int status;
    const char *code;
    const char *message;
};

struct gate_parsed_head {
    struct gate_head head;
    bool keep_alive;       /* the client is willing to send another request */
    bool expects_continue; /* it waits for "100 Continue" before it sends the body */
};

enum gate_scan {
    GATE_SCAN_MORE,     /* no end yet */
    GATE_SCAN_COMPLETE, /* `*end` is the size of the head, with its empty line */
    GATE_SCAN_BAD       /* cannot become a head any more */
};

/* Looks for the end of a head that is still arriving. `*scanned` (0 at first) remembers how far
 * earlier calls came, so that a head sent byte by byte costs linear time. */
enum gate_scan gate_head_scan(struct koine_text bytes, size_t *scanned, size_t *end);

/* Judges a whole head, the empty line included. Returns 0 and fills `parsed`, whose texts point
 * into `bytes`; or -1 and fills `refusal` with static texts. */
int gate_head_parse(struct koine_text bytes, struct gate_parsed_head *parsed,
                    struct gate_refusal *refusal);

#endif
