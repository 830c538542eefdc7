/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of cli_output share: the state between lines, and one parsed line.
 * Nobody else includes this.
 */
#ifndef RUNNER_CLI_OUTPUT_INTERNAL_H
#define RUNNER_CLI_OUTPUT_INTERNAL_H

#include "runner/cli_output.h"
#include <jansson.h>

/* A tool that the model uses and whose output is not known yet. */
struct open_tool {
    char *id;
    bool input_told;
};

/* The message of the main conversation that is being written, afterwards the last one. */
struct last_message {
    char *streamed_id; /* of the message that was told piece by piece */
    char *model;       /* NULL: not said; likewise stop_reason */
    char *stop_reason;
    struct koine_usage usage;
    uint32_t tool_uses;
};

/* A message that came whole, in one line a block. */
struct whole_message {
    char *id;
    uint32_t count; /* of its blocks so far */
};

struct cli_output {
    const struct cli_output_callbacks *callbacks;
    void *data;
    json_int_t structured_index; /* the open block of StructuredOutput, -1: none */
    json_int_t open_block;       /* that was told to begin and not to end, -1: none */
    struct last_message last;
    struct whole_message whole;
    struct open_tool *tools;
    size_t tool_count;
    bool no_memory; /* while this line was read */
};

struct cli_line {
    json_t *root;
    struct koine_text text; /* what root was parsed from */
    char *repaired;         /* owns `text` when the line had to be repaired, else NULL */
};

/* ---- cli_output_parse.c */

/* 1: `line` is set, finish it; 0: no JSON object; -1: memory is short. */
int cli_line_parse(struct cli_line *line, struct koine_text text);
void cli_line_finish(struct cli_line *line);

/* A value as it is written. `owned` is freed by the caller. */
struct cli_json {
    struct koine_text text;
    char *owned;
};

/* The text of `value`, which is the member `name` of the object written as `object`; none for no
 * value (NULL). Sets no_memory of `output` when there is none. */
struct cli_json cli_json_member(struct cli_output *output, struct koine_text object,
                                const char *name, const json_t *value);

struct koine_text cli_text_of(const json_t *string);            /* none for anything else */
uint64_t cli_count_of(const json_t *object, const char *name);  /* 0 for what is no count */
void cli_usage_read(struct koine_usage *usage, const json_t *); /* only what is there */
const json_t *cli_parent_of(const json_t *line);                /* NULL: the main conversation */

/* ---- the kinds of lines */

/* True when the line was one of the frequent ones in exactly the layout that the CLI writes; it
 * has been told then. False: nothing has happened, the line is as it was. */
bool cli_output_fast(struct cli_output *output, char *line, size_t size);

void cli_output_stream_event(struct cli_output *output, const struct cli_line *line);
void cli_output_assistant(struct cli_output *output, const struct cli_line *line);
void cli_output_user(struct cli_output *output, const struct cli_line *line);
void cli_output_result(struct cli_output *output, const struct cli_line *line);

/* A tool use has begun; told once for each id. */
void cli_output_tool_started(struct cli_output *output, const json_t *block, const json_t *parent);
bool cli_is_structured_output(const json_t *block);

/* ---- cli_output_blocks.c: nothing is told, and nothing done, where nobody listens to blocks */

void cli_output_block_begin(struct cli_output *output, const json_t *event, json_int_t index,
                            const struct cli_line *line);
void cli_output_block_delta(struct cli_output *output, const json_t *event, json_int_t index,
                            const struct cli_line *line);
void cli_output_block_close(struct cli_output *output); /* the open one, if any */
/* The next block of a message that came whole, with its text and thinking: also to whoever listens
 * to these alone. */
void cli_output_whole_block(struct cli_output *output, const json_t *block,
                            struct koine_text written);

/* Keeps a copy of the string in `*kept`; anything but a string keeps what is there. */
void cli_output_keep(struct cli_output *output, char **kept, const json_t *string);

#endif
