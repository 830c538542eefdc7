/* SPDX-License-Identifier: Apache-2.0 */
/* One piece of text many times; the ids tell their order. */
#include "support/paused_stream.h"

#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { RECEIVE_BUFFER_BYTES = 8192, PAUSE_WITHIN_MS = 10000 };

json_t *paused_body(const char *keys, const char *fields) {
    char piece[PAUSED_PIECE_BYTES + 1];
    for (size_t i = 0; i < PAUSED_PIECE_BYTES; i++)
        piece[i] = (char)('a' + i % 26);
    piece[PAUSED_PIECE_BYTES] = '\0';
    char *scenario = scratch_text("{'text':'%s','repeat':%d,'short_result':true%s}", piece,
                                  (int)PAUSED_PIECES, keys);
    json_t *body = scenario_body(scenario, fields);
    free(scenario);
    return body;
}

struct sse_stream *paused_open(const struct gateway *gateway, json_t *body) {
    return sse_open_request(gateway,
                            &(struct sse_request){.path = "/stream",
                                                  .receive_buffer_bytes = RECEIVE_BUFFER_BYTES,
                                                  .body = body});
}

struct sse_stream *paused_begin(const struct gateway *gateway, const char *keys,
                                const char *fields) {
    struct sse_stream *stream = paused_open(gateway, paused_body(keys, fields));
    sse_expect(stream, "session");
    ck_assert_uint_eq(strlen(sse_string(sse_expect(stream, "text"), "text")), PAUSED_PIECE_BYTES);
    ck_assert_msg(await_reading_paused(gateway_pid(gateway), PAUSE_WITHIN_MS),
                  "the gateway reads on and on");
    return stream;
}

size_t paused_read_text(struct sse_stream *stream, const char *next) {
    const struct sse_event *event;
    size_t id = 2, size = PAUSED_PIECE_BYTES;
    while ((event = sse_next(stream)) && strcmp(event->name, "text") == 0) {
        ck_assert_uint_eq(strtoul(event->id, NULL, 10), ++id);
        size += strlen(sse_string(event, "text"));
    }
    ck_assert_msg(event && strcmp(event->name, next) == 0, "%s behind the text, expected %s",
                  event ? event->name : "nothing", next);
    ck_assert_uint_eq(strtoul(event->id, NULL, 10), ++id);
    return size;
}

void paused_read_rest(struct sse_stream *stream) {
    ck_assert_uint_eq(paused_read_text(stream, "result"), PAUSED_TEXT_BYTES);
    sse_expect(stream, "done");
    sse_expect_end(stream);
}
