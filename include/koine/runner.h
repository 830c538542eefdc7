/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.runner/1": a run of the Claude Code CLI for one request.
 *
 * A run belongs to a request. start takes the slot of the request's route, checks the session,
 * applies the tool policy of the request (see tools.h) and gives the turn to a process of the CLI:
 * one that waits for work where there is one, else a new one. When the request ends, the turn is
 * ended with everything that it started; the slot is free when the answer is out and the turn is
 * over. A module can leak neither. Which process it was, and what becomes of it afterwards, is the
 * host's affair.
 *
 * Where the configuration says so a run waits: for the turn before it of its session, for a slot,
 * for a process. Then start answers KOINE_OK and the events come later.
 *
 * Events come on the loop thread, never from inside start, and the order is: SESSION first, then
 * any of the others, then exactly one of RESULT and FAILURE, then END, always last and always
 * exactly once, whatever happened. A run that is refused while it waits has no SESSION: FAILURE is
 * its first event, and a module that has not begun its stream yet can still answer with it as with
 * a refusal of start. When the client leaves there is neither RESULT nor FAILURE, only END. Ignore
 * types that you do not know.
 *
 * Every function is [loop], in the state "serving".
 */
#ifndef KOINE_RUNNER_H
#define KOINE_RUNNER_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_RUNNER "koine.runner/1"

/* Types of events; beside each, the members of koine_run_event that are set. */
enum {
    KOINE_RUN_SESSION = 1,      /* text: the session's id, real also for a new session */
    KOINE_RUN_TEXT = 2,         /* text: the next piece of the answer, whole characters */
    KOINE_RUN_OBJECT_BEGIN = 3, /* an object begins; a second one starts it anew */
    KOINE_RUN_OBJECT_DELTA = 4, /* text: the next piece of the object's JSON, whole characters */
    KOINE_RUN_THINKING = 5,     /* text: the next piece of thinking */
    KOINE_RUN_TOOL = 6,         /* tool: the model uses a tool, or the tool has ended */
    KOINE_RUN_TOOL_CALL = 7,    /* call: the run waits for tool_result */
    KOINE_RUN_MESSAGE = 8,      /* message: one message of the model is complete */
    KOINE_RUN_RETRY = 9,        /* retry: the API failed for now, the CLI tries again */
    KOINE_RUN_RESULT = 10,      /* result */
    KOINE_RUN_FAILURE = 11,     /* failure: as a client should be told; see also end of RESULT */
    KOINE_RUN_END = 12,         /* end */
    /* Since 1.1, with KOINE_RUN_WANT_BLOCKS. A message is MESSAGE_BEGIN, its blocks one after the
     * other, MESSAGE. A block is BLOCK_BEGIN, its pieces (TEXT and THINKING as ever, BLOCK_DELTA
     * for all others), BLOCK_END. Structured output is no block: it is told as OBJECT_… alone. A
     * message that the CLI hands over whole has blocks, but neither MESSAGE_BEGIN nor MESSAGE. */
    KOINE_RUN_MESSAGE_BEGIN = 13, /* message: its model, and its usage as far as it is known */
    KOINE_RUN_BLOCK_BEGIN = 14,   /* block */
    KOINE_RUN_BLOCK_DELTA = 15,   /* block; text: the next piece of a tool's input ("{\"ci"), or of
                                     a thinking block's signature */
    KOINE_RUN_BLOCK_END = 16      /* block */
};

struct koine_usage {
    uint64_t input_tokens;
    uint64_t output_tokens;
    uint64_t cache_read_input_tokens;
    uint64_t cache_creation_input_tokens;
};

struct koine_run_result {
    uint32_t size;
    uint32_t num_turns;
    struct koine_text text;   /* the whole answer */
    struct koine_text object; /* JSON that fits the schema, or none without a schema */
    struct koine_text session_id;
    struct koine_text model;       /* the model that answered, or none when the CLI did not say */
    struct koine_text stop_reason; /* of the last message: "end_turn", "max_tokens" …, or none */
    struct koine_text permission_denials; /* JSON array, as the CLI reports it */
    struct koine_usage usage;             /* of this run alone */
    double cost_usd;                      /* of this run alone */
    uint64_t duration_ms;                 /* from start to here, by the gateway's clock */
};

enum {
    KOINE_TOOL_STARTED = 0, /* name known, input still being written */
    KOINE_TOOL_INPUT = 1,   /* input complete */
    KOINE_TOOL_ENDED = 2    /* output known */
};

struct koine_tool_use {
    uint32_t size;
    uint32_t phase;           /* KOINE_TOOL_… */
    struct koine_text id;     /* "toolu_…": the same in every phase */
    struct koine_text name;   /* "Bash", "mcp__server__tool"; none with KOINE_TOOL_ENDED */
    struct koine_text input;  /* JSON object with KOINE_TOOL_INPUT */
    struct koine_text output; /* JSON (string or content blocks) with KOINE_TOOL_ENDED */
    uint32_t is_error;        /* with KOINE_TOOL_ENDED */
    uint32_t reserved;
    struct koine_text parent; /* tool use id of the sub-agent that this belongs to, or none */
};

struct koine_tool_call {
    uint32_t size;
    uint32_t reserved;
    koine_call call;               /* answer it with tool_result */
    struct koine_text name;        /* as the module listed it, without prefix */
    struct koine_text input;       /* JSON object */
    struct koine_text tool_use_id; /* "toolu_…", or none when the CLI did not say */
};

struct koine_message {
    uint32_t size;
    uint32_t tool_uses;            /* how many tools this message uses */
    struct koine_text stop_reason; /* "end_turn", "tool_use", "max_tokens" … */
    struct koine_text model;
    struct koine_usage usage; /* of this message */
};

/* Since 1.1. A content block of a message, as the Messages API has it. */
struct koine_block {
    uint32_t size;
    uint32_t index; /* in its message, from 0; it tells a BLOCK_DELTA's and BLOCK_END's block */
    struct koine_text type; /* BLOCK_BEGIN: "text", "thinking", "redacted_thinking", "tool_use" …;
                               BLOCK_DELTA: of the delta, "input_json_delta", "signature_delta" … */
    struct koine_text id;   /* BLOCK_BEGIN of a tool_use: "toolu_…" */
    struct koine_text name; /* BLOCK_BEGIN of a tool_use: "Bash", "mcp__server__tool" */
    struct koine_text json; /* BLOCK_BEGIN: the block as it began; BLOCK_DELTA: the delta; a JSON
                               object */
};

struct koine_retry {
    uint32_t size;
    uint32_t attempt;
    uint32_t max_retries;
    uint32_t error_status; /* HTTP status of the API, 0: not known */
    uint32_t delay_ms;     /* 0: not known */
    uint32_t reserved;
};

struct koine_run_end {
    uint32_t size;
    int32_t exit_code; /* 0 after success, also when the process lives on; -1: no exit status */
    uint32_t signal;   /* that ended the process, 0: none */
    uint32_t reserved;
    struct koine_text reason; /* "": ended by itself; "timeout", "spawn_error", "refused" (while it
                                 waited), "cancelled", "client_left", "shutdown", "protocol_error",
                                 "line_too_long", "out_of_memory" */
};

/* What every pointer refers to lives until the callback returns. */
struct koine_run_event {
    uint32_t size;
    uint32_t type; /* KOINE_RUN_… */
    koine_run run;
    koine_request request; /* the request that the run belongs to now; id 0 while parked */
    struct koine_text text;
    const struct koine_run_result *result;
    const struct koine_failure *failure;
    const struct koine_run_end *end;
    const struct koine_tool_use *tool;
    const struct koine_tool_call *call;
    const struct koine_message *message;
    const struct koine_retry *retry;
    const struct koine_block *block; /* since 1.1 */
};

/*
 * Receives the events of a run. It may call any function, cancel included. `data` must live until
 * END: memory of http->alloc does.
 */
typedef void (*koine_run_callback)(void *data, const struct koine_run_event *event);

/*
 * A tool that the host gives the model. As part of koine_run_options the model's use of it is a
 * TOOL_CALL event; as part of the extension koine.tools/1 `call` is called.
 * The model sees it as mcp__MODULE__NAME, MODULE being the name of the module.
 */
struct koine_tool {
    uint32_t size;
    uint32_t flags;                 /* KOINE_TOOL_ALONE; 0 in 1.0 */
    struct koine_text name;         /* [A-Za-z0-9_-]{1,64} */
    struct koine_text description;  /* for the model */
    struct koine_text input_schema; /* JSON Schema of the input, an object schema */
    /*
     * For the extension only: the model has used the tool. Answer with tool_result, now or later.
     * `self` is the module's. Texts live until it returns.
     */
    void (*call)(void *self, const struct koine_tool_call *call);
};

/* Flags of a tool. */
enum {
    KOINE_TOOL_ALONE = 1 /* since 1.1: while a use of it waits for its result, the CLI tells of no
                            other; without it several of one message may be open at a time */
};

enum {
    KOINE_RUN_FORK = 1,          /* continue a copy of session_id under a new id */
    KOINE_RUN_TIE_STREAM = 2,    /* pause the run while the request's stream is full */
    KOINE_RUN_WANT_THINKING = 4, /* send THINKING events */
    KOINE_RUN_WANT_TOOLS = 8,    /* send TOOL and MESSAGE events */
    KOINE_RUN_WANT_BLOCKS = 16,  /* since 1.1: send MESSAGE_BEGIN, BLOCK_… and MESSAGE events */
    KOINE_RUN_COUNT_TOKENS = 32  /* since 1.1: the model is not asked; RESULT's usage.input_tokens
                                    says how many the conversation is, prompt included, and its text
                                    is empty. Without session_id and schema. FAILURE 501
                                    NOT_SUPPORTED where the CLI cannot tell */
};

/* All texts are copied by start. Zero is always "not given". */
struct koine_run_options {
    uint32_t size;                   /* sizeof(struct koine_run_options) */
    uint32_t flags;                  /* KOINE_RUN_FORK … */
    struct koine_text prompt;        /* text; or */
    struct koine_text prompt_blocks; /* JSON array of content blocks of the Messages API */
    struct koine_text history;       /* JSON array of earlier {role, content}; no session_id then.
                                        Where it ends with uses of tools, prompt_blocks begins with
                                        the tool_result of each (since 1.1) */
    struct koine_text system;        /* replaces the CLI's system prompt */
    struct koine_text append_system; /* added to it */
    struct koine_text schema;        /* JSON Schema: the answer is an object */
    struct koine_text session_id;    /* continue this session */
    struct koine_text model;
    struct koine_text effort;  /* "low" … "max" */
    struct koine_text profile; /* none: the key's first, else "full" */
    uint32_t max_tokens;
    uint32_t max_turns;
    uint32_t timeout_ms; /* never above the configured limit */
    uint32_t tool_count;
    double max_budget_usd;
    const struct koine_tool *const *tools; /* tools of this run */
};

struct koine_tool_result {
    uint32_t size;
    uint32_t is_error;         /* the model is told that the tool failed */
    struct koine_text text;    /* plain text; or */
    struct koine_text content; /* JSON array of MCP content blocks */
};

struct koine_runner {
    uint32_t size;
    uint32_t reserved;

    /*
     * Starts a run. KOINE_OK with `*run` set; KOINE_REFUSED with `failure` filled (validation, no
     * slot, SESSION_NOT_FOUND, SESSION_BUSY, SPAWN_ERROR, a profile that the key may not use); hand
     * it to http->fail. Otherwise KOINE_GONE, KOINE_INVALID, KOINE_UNSUPPORTED, KOINE_WRONG_STATE
     * (the request has a run that has not told END), KOINE_NO_MEMORY; `failure` is filled for these
     * too. `failure` and `run` must not be NULL. After KOINE_OK, END will come.
     */
    int32_t (*start)(const struct koine_host *host, koine_request request,
                     const struct koine_run_options *options, koine_run_callback on_event,
                     void *data, koine_run *run, struct koine_failure *failure);

    /* Ends the run: SIGTERM, then SIGKILL, the whole process tree; the session goes on with a new
     * process. END follows, with neither RESULT nor FAILURE before it. Harmless twice.
     * KOINE_OK, KOINE_GONE. */
    int32_t (*cancel)(const struct koine_host *host, koine_run run);

    /* Stops and goes on reading what the CLI writes. While paused no event comes but a FAILURE
     * (a timeout, say) and END. Independent of the pause of a tied stream; does not nest.
     * KOINE_OK, KOINE_GONE. */
    int32_t (*pause)(const struct koine_host *host, koine_run run);
    int32_t (*resume)(const struct koine_host *host, koine_run run);

    /*
     * Answers a TOOL_CALL. Texts are copied. KOINE_OK; KOINE_GONE: answered before, or the run has
     * ended; KOINE_INVALID: content is no JSON array.
     */
    int32_t (*tool_result)(const struct koine_host *host, koine_call call,
                           const struct koine_tool_result *result);

    /*
     * Lets a run that waits for tool results outlive its request, so that the next request can
     * bring them: afterwards the request can be answered, its slot is returned, and the run is
     * cancelled unless adopt comes within `timeout_ms` (0: runner.parked_timeout_ms), or sooner,
     * where pool.max_processes leaves no other room for a run. No event comes meanwhile. `data` of
     * the callback must then not be memory of the request. KOINE_OK, KOINE_GONE, KOINE_WRONG_STATE
     * (no call is open), KOINE_REFUSED (runner.parked_runs are waiting already).
     */
    int32_t (*park)(const struct koine_host *host, koine_run run, uint32_t timeout_ms);

    /*
     * Gives a parked run to a request of the same key and module: takes its slot, ties its stream
     * when the run was tied, and sends events to the new callback. KOINE_OK, KOINE_GONE,
     * KOINE_REFUSED with `failure` (no slot, another key), KOINE_WRONG_STATE (not parked).
     */
    int32_t (*adopt)(const struct koine_host *host, koine_run run, koine_request request,
                     koine_run_callback on_event, void *data, struct koine_failure *failure);

    /*
     * Since 1.1. Whether a run of the request could have this profile: the config has it, the key
     * may use it, and the credentials that it needs are there (`bare` takes ANTHROPIC_API_KEY or
     * ANTHROPIC_AUTH_TOKEN, or what the profile's settings name, but no login). KOINE_OK;
     * KOINE_REFUSED with `failure`; KOINE_GONE, KOINE_UNSUPPORTED, KOINE_INVALID.
     */
    int32_t (*check_profile)(const struct koine_host *host, koine_request request,
                             struct koine_text profile, struct koine_failure *failure);
};

KOINE_PIN(koine_run_result, text, 8);
KOINE_PIN(koine_run_result, object, 24);
KOINE_PIN(koine_run_result, session_id, 40);
KOINE_PIN(koine_run_result, model, 56);
KOINE_PIN(koine_run_result, stop_reason, 72);
KOINE_PIN(koine_run_result, permission_denials, 88);
KOINE_PIN(koine_run_result, usage, 104);
KOINE_PIN(koine_run_result, cost_usd, 136);
KOINE_PIN(koine_run_result, duration_ms, 144);
KOINE_PIN(koine_tool_use, id, 8);
KOINE_PIN(koine_tool_use, name, 24);
KOINE_PIN(koine_tool_use, input, 40);
KOINE_PIN(koine_tool_use, output, 56);
KOINE_PIN(koine_tool_use, is_error, 72);
KOINE_PIN(koine_tool_use, parent, 80);
KOINE_PIN(koine_tool_call, call, 8);
KOINE_PIN(koine_tool_call, name, 16);
KOINE_PIN(koine_tool_call, input, 32);
KOINE_PIN(koine_tool_call, tool_use_id, 48);
KOINE_PIN(koine_message, stop_reason, 8);
KOINE_PIN(koine_message, model, 24);
KOINE_PIN(koine_message, usage, 40);
KOINE_PIN(koine_block, type, 8);
KOINE_PIN(koine_block, id, 24);
KOINE_PIN(koine_block, name, 40);
KOINE_PIN(koine_block, json, 56);
KOINE_PIN(koine_retry, delay_ms, 16);
KOINE_PIN(koine_run_end, reason, 16);
KOINE_PIN(koine_run_event, run, 8);
KOINE_PIN(koine_run_event, request, 16);
KOINE_PIN(koine_run_event, text, 24);
KOINE_PIN(koine_run_event, result, 40);
KOINE_PIN(koine_run_event, failure, 48);
KOINE_PIN(koine_run_event, end, 56);
KOINE_PIN(koine_run_event, tool, 64);
KOINE_PIN(koine_run_event, call, 72);
KOINE_PIN(koine_run_event, message, 80);
KOINE_PIN(koine_run_event, retry, 88);
KOINE_PIN(koine_run_event, block, 96);
KOINE_PIN(koine_tool, name, 8);
KOINE_PIN(koine_tool, description, 24);
KOINE_PIN(koine_tool, input_schema, 40);
KOINE_PIN(koine_tool, call, 56);
KOINE_PIN(koine_run_options, prompt, 8);
KOINE_PIN(koine_run_options, prompt_blocks, 24);
KOINE_PIN(koine_run_options, history, 40);
KOINE_PIN(koine_run_options, system, 56);
KOINE_PIN(koine_run_options, append_system, 72);
KOINE_PIN(koine_run_options, schema, 88);
KOINE_PIN(koine_run_options, session_id, 104);
KOINE_PIN(koine_run_options, model, 120);
KOINE_PIN(koine_run_options, effort, 136);
KOINE_PIN(koine_run_options, profile, 152);
KOINE_PIN(koine_run_options, max_tokens, 168);
KOINE_PIN(koine_run_options, max_turns, 172);
KOINE_PIN(koine_run_options, timeout_ms, 176);
KOINE_PIN(koine_run_options, tool_count, 180);
KOINE_PIN(koine_run_options, max_budget_usd, 184);
KOINE_PIN(koine_run_options, tools, 192);
KOINE_PIN(koine_tool_result, text, 8);
KOINE_PIN(koine_tool_result, content, 24);
KOINE_PIN(koine_runner, start, 8);
KOINE_PIN(koine_runner, cancel, 16);
KOINE_PIN(koine_runner, pause, 24);
KOINE_PIN(koine_runner, resume, 32);
KOINE_PIN(koine_runner, tool_result, 40);
KOINE_PIN(koine_runner, park, 48);
KOINE_PIN(koine_runner, adopt, 56);
KOINE_PIN(koine_runner, check_profile, 64);

#ifdef __cplusplus
}
#endif
#endif
