/* SPDX-License-Identifier: Apache-2.0 */
/* One message of the model as the stand-in CLI streams it: its blocks in small deltas, and after
 * each block the assistant line that repeats it whole, in the real CLI's order. */
#include "standin_cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static json_t *message_usage(struct standin *s, const struct turn *t, bool final) {
    json_t *usage = standin_must(line_usage(t, final));
    json_object_update(usage, json_object_get(s->scenario, "message_usage"));
    return usage;
}

void message_begin(struct standin *s, struct turn *t) {
    snprintf(t->message_id, sizeof t->message_id, "msg_%d_%d", s->turn_count, t->message_count++);
    t->output_before = t->output_tokens;
    line_event(s, NULL,
               json_pack("{ss s{ss ss ss ss s[] sn sn so}}", "type", "message_start", "message",
                         "id", t->message_id, "type", "message", "role", "assistant", "model",
                         s->model, "content", "stop_reason", "stop_sequence", "usage",
                         message_usage(s, t, false)));
}

void message_end(struct standin *s, struct turn *t, const char *stop_reason) {
    t->stop_reason = stop_reason;
    line_event(s, NULL,
               json_pack("{ss s{ss sn} so}", "type", "message_delta", "delta", "stop_reason",
                         stop_reason, "stop_sequence", "usage", message_usage(s, t, true)));
    line_event(s, NULL, json_pack("{ss}", "type", "message_stop"));
}

static void block_begin(struct standin *s, int index, json_t *block) {
    line_event(s, NULL,
               json_pack("{ss si so}", "type", "content_block_start", "index", index,
                         "content_block", standin_must(block)));
}

static void block_end(struct standin *s, struct turn *t, int index, json_t *block) {
    line_message(s, "assistant",
                 json_pack("{ss ss ss ss s[o] sn sn so sn}", "id", t->message_id, "type", "message",
                           "role", "assistant", "model", s->model, "content", standin_must(block),
                           "stop_reason", "stop_sequence", "usage", line_usage(t, false),
                           "context_management"),
                 NULL);
    line_event(s, NULL, json_pack("{ss si}", "type", "content_block_stop", "index", index));
}

/* Bytes of the next delta: about delta_bytes, and whole characters. */
static size_t delta_length(const char *text, size_t left, size_t wanted) {
    size_t bytes = wanted < left ? wanted : left;
    while (bytes < left && ((unsigned char)text[bytes] & 0xc0) == 0x80)
        bytes++;
    return bytes;
}

struct delta {
    int index;
    const char *type, *field;
    bool has_middle; /* faults may strike halfway */
};

/* … and the rest of the word that it would end in. */
static size_t word_length(const char *text, size_t left, size_t bytes) {
    while (bytes < left && text[bytes] != ' ' && text[bytes] != '\n')
        bytes++;
    return bytes;
}

/* Returns the bytes sent: all of them unless interrupted. */
static size_t stream_deltas(struct standin *s, struct turn *t, const struct delta *d,
                            const char *text) {
    size_t bytes = strlen(text), done = 0;
    int64_t wanted = scenario_int(s, "delta_bytes", 24), delay = scenario_int(s, "delay_ms", 0);
    int64_t at_once = scenario_int(s, "delay_after", 0);
    bool middle = d->has_middle, words = scenario_true(s, "delta_words");
    while (done < bytes && !s->interrupted) {
        size_t length = delta_length(text + done, bytes - done, wanted > 0 ? (size_t)wanted : 1);
        if (words)
            length = word_length(text + done, bytes - done, length);
        line_delta(s, t, d->index, d->type, d->field, text + done, length, 1);
        done += length;
        if (delay > 0 && (int64_t)done >= at_once)
            standin_pause(s, delay);
        if (middle && done * 2 >= bytes) {
            scenario_checkpoint(s, "mid_text");
            middle = false;
        }
    }
    t->output_tokens += done / 4 + 1;
    return done;
}

/* Returns how often the text was sent. At full speed in two halves, with the middle in between. */
static int64_t stream_repeated(struct standin *s, struct turn *t, int index, const char *text,
                               int64_t repeat) {
    int64_t delay = scenario_int(s, "delay_ms", 0), done = 0;
    int64_t at_once = delay > 0 ? 1 : (repeat + 1) / 2;
    size_t bytes = strlen(text);
    bool middle = true;
    while (done < repeat && !s->interrupted) {
        int64_t count = at_once < repeat - done ? at_once : repeat - done;
        done += line_delta(s, t, index, "text_delta", "text", text, bytes, count);
        if (delay > 0)
            standin_pause(s, delay);
        if (middle && done * 2 >= repeat) {
            scenario_checkpoint(s, "mid_text");
            middle = false;
        }
    }
    t->output_tokens += bytes * (size_t)done / 4 + 1;
    return done;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * Deltas that hold the time at which they are written, in ns. Their pauses end at fixed times, so
 * that the rate holds whatever the writing costs. The line is made once: fifty of these run at a
 * time in a benchmark.
 */
static int64_t stream_stamps(struct standin *s, struct turn *t, int index, int64_t repeat) {
    static const char zeros[] = "\"00000000000000000000\"";
    uint64_t delay_ns = (uint64_t)scenario_int(s, "delay_ms", 0) * 1000000, due_ns = now_ns();
    char *line = line_delta_text(s, t, index, "text_delta", "text", zeros);
    char *stamp = strstr(line, zeros) + 1, digits[24];
    int64_t done = 0;
    for (; done < repeat && !s->interrupted; done++) {
        snprintf(digits, sizeof digits, "%020llu", (unsigned long long)now_ns());
        memcpy(stamp, digits, 20);
        wire_append(s, line, strlen(line));
        wire_flush(s);
        due_ns += delay_ns;
        if (due_ns < now_ns())
            due_ns = now_ns(); /* what was late is not made up for by a burst */
        struct timespec due = {(time_t)(due_ns / 1000000000), (long)(due_ns % 1000000000)};
        if (delay_ns > 0)
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
    free(line);
    return done;
}

static char *text_times(const char *text, int64_t repeat) {
    size_t bytes = strlen(text);
    char *whole = standin_must(malloc(bytes * (size_t)repeat + 1));
    for (int64_t i = 0; i < repeat; i++)
        memcpy(whole + (size_t)i * bytes, text, bytes);
    whole[bytes * (size_t)repeat] = '\0';
    return whole;
}

void block_text(struct standin *s, struct turn *t, int index, const char *text, int64_t repeat) {
    const struct delta delta = {index, "text_delta", "text", true};
    free(t->answer);
    block_begin(s, index, json_pack("{ss ss}", "type", "text", "text", ""));
    if (repeat > 0) {
        int64_t sent = scenario_true(s, "stamp") ? stream_stamps(s, t, index, repeat)
                                                 : stream_repeated(s, t, index, text, repeat);
        t->answer = text_times(text, scenario_true(s, "short_result") ? 1 : sent);
    } else {
        t->answer = standin_must(strndup(text, stream_deltas(s, t, &delta, text)));
    }
    block_end(s, t, index, json_pack("{ss ss}", "type", "text", "text", t->answer));
}

/* The text as JSON that no encoder would write so: escapes of the caller's choice, NULs. */
void block_text_spelled(struct standin *s, struct turn *t, int index, const char *spelled) {
    json_t *text = json_loads(spelled, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!json_is_string(text))
        standin_fail("standin-cli: text_json is no JSON string: %s", spelled);
    free(t->answer);
    t->answer = standin_must(strdup(json_string_value(text)));
    block_begin(s, index, json_pack("{ss ss}", "type", "text", "text", ""));
    line_delta_spelled(s, t, index, spelled);
    t->output_tokens += json_string_length(text) / 4 + 1;
    block_end(s, t, index, json_pack("{ss so}", "type", "text", "text", text));
}

void block_thinking(struct standin *s, struct turn *t, int index, const char *thinking) {
    const struct delta delta = {index, "thinking_delta", "thinking", false};
    block_begin(s, index,
                json_pack("{ss ss ss}", "type", "thinking", "thinking", "", "signature", ""));
    stream_deltas(s, t, &delta, thinking);
    line_delta(s, t, index, "signature_delta", "signature", "c3RhbmQtaW4=", 12, 1);
    block_end(s, t, index,
              json_pack("{ss ss ss}", "type", "thinking", "thinking", thinking, "signature",
                        "c3RhbmQtaW4="));
}

void block_tool_use(struct standin *s, struct turn *t, int index, const char *id, const char *name,
                    const char *input_json) {
    bool is_answer = strcmp(name, "StructuredOutput") == 0;
    const struct delta delta = {index, "input_json_delta", "partial_json", is_answer};
    block_begin(s, index,
                json_pack("{ss ss ss s{}}", "type", "tool_use", "id", id, "name", name, "input"));
    stream_deltas(s, t, &delta, input_json);
    json_t *input = json_loads(input_json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    block_end(s, t, index,
              json_pack("{ss ss ss so}", "type", "tool_use", "id", id, "name", name, "input",
                        input ? input : json_object()));
}

void tool_result(struct standin *s, const char *id, json_t *content, bool is_error,
                 json_t *details) {
    json_t *message =
        json_pack("{ss s[{ss ss so sb}]}", "role", "user", "content", "tool_use_id", id, "type",
                  "tool_result", "content", standin_must(content), "is_error", is_error);
    line_emit(s, json_pack("{ss so sn so so}", "type", "user", "message", standin_must(message),
                           "parent_tool_use_id", "timestamp", line_timestamp(), "tool_use_result",
                           details ? details : json_incref(content)));
}
