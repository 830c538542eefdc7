/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the lines that the CLI writes and says what happened, as typed callbacks. Keeps just the
 * state that the protocol needs (open content blocks); knows nothing of processes or requests.
 * What it does not know it ignores; a line that is no JSON object is reported and skipped.
 */
#ifndef RUNNER_CLI_OUTPUT_H
#define RUNNER_CLI_OUTPUT_H

#include <koine/base.h>
#include <koine/runner.h>
#include <stdbool.h>
#include <stddef.h>

/* A `result` line. Texts live until the callback returns. */
struct cli_result {
    struct koine_text subtype; /* "success", "error_max_turns" … */
    bool is_error;
    uint32_t api_error_status; /* 0: not said */
    struct koine_text text;    /* `result` */
    struct koine_text object;  /* `structured_output` as compact JSON, none when absent */
    struct koine_text session_id;
    struct koine_text model; /* of the last message, else the most used of modelUsage, else none */
    struct koine_text stop_reason;
    struct koine_text permission_denials; /* compact JSON array, "[]" when absent */
    struct koine_text errors;             /* `errors` as compact JSON array, none when absent */
    struct koine_usage usage;
    double total_cost_usd; /* cumulative over the process */
    uint32_t num_turns;
};

/* A control_response to one of our requests, and what we want to know of any of them. */
struct cli_response {
    const char *request_id;
    struct koine_text error; /* none on success */
    bool has_total_tokens;   /* of get_context_usage */
    uint64_t total_tokens;
    uint32_t pending_servers; /* of mcp_status */
};

struct cli_output_callbacks {
    /* `takes_object`: the schema that the CLI was given is in force. One that it cannot compile it
     * drops without a word: then the tool StructuredOutput is not there, which is all that tells.
     */
    void (*init)(void *data, struct koine_text session_id, struct koine_text model,
                 bool takes_object);
    void (*text)(void *data, struct koine_text piece);
    void (*thinking)(void *data, struct koine_text piece);
    void (*object_begin)(void *data); /* a StructuredOutput block begins */
    void (*object_delta)(void *data, struct koine_text piece);
    void (*tool)(void *data,
                 const struct koine_tool_use *use); /* all three phases; not StructuredOutput */
    void (*message)(void *data, const struct koine_message *message); /* main conversation only */
    /* Blocks of the main conversation, but for StructuredOutput. A delta of text or thinking is
     * told as these alone; `piece` is the next of an input or a signature, else none. */
    void (*message_begin)(void *data, const struct koine_message *message);
    void (*block_begin)(void *data, const struct koine_block *block);
    void (*block_delta)(void *data, const struct koine_block *delta, struct koine_text piece);
    void (*block_end)(void *data, const struct koine_block *block);
    void (*retry)(void *data, const struct koine_retry *retry);
    /* Control requests of the CLI. `input` and `message` are compact JSON. */
    void (*can_use_tool)(void *data, const char *request_id, struct koine_text tool,
                         struct koine_text input, struct koine_text tool_use_id);
    void (*mcp_message)(void *data, const char *request_id, struct koine_text server,
                        struct koine_text message);
    void (*unknown_request)(void *data, const char *request_id, struct koine_text subtype);
    /* control_cancel_request: the CLI no longer wants an answer. */
    void (*request_cancelled)(void *data, const char *request_id);
    void (*response)(void *data, const struct cli_response *response);
    void (*result)(void *data, const struct cli_result *result);
    /* A line that is no JSON object with a type. */
    void (*stray)(void *data, struct koine_text line);
};

struct cli_output;
struct cli_output *cli_output_create(const struct cli_output_callbacks *callbacks, void *data);
void cli_output_destroy(struct cli_output *output); /* takes NULL; not from inside a callback */

/* Feeds one line (without newline, followed by a zero byte). 0, or -1 when memory is short. */
int cli_output_line(struct cli_output *output, char *line, size_t size);

/* Somebody else listens from now on; allowed inside a callback. */
void cli_output_listen(struct cli_output *output, const struct cli_output_callbacks *callbacks,
                       void *data);

/* Forgets open blocks and the last message: call before each turn. */
void cli_output_reset(struct cli_output *output);

#endif
