/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For modules that speak the dialect of another API (Anthropic's Messages, OpenAI's chat), whose
 * clients keep the conversation and send all of it with each request. What those have in common:
 *
 *   - The conversation is found again. When the messages continue what a session of this key has
 *     said, told by a hash over roles and contents, that session goes on; else the CLI is given
 *     the history message by message.
 *   - Tools of the client are tools of the run. When the model uses some the answer ends, the run
 *     waits, and the request that brings the results goes on with it. A run that is gone meanwhile
 *     is replaced by its history.
 *   - The CLI's own tools are off, but for those that the operator allows.
 *   - Names of models: the operator's aliases and the CLI's own.
 *
 * The module turns its request into a koine_chat_ask, in the terms of the Messages API, and writes
 * the events of the answer in its own frames. A module that uses this links with libcrypto
 * (PACKAGES := libcrypto in its Makefile).
 *
 *     koine_chat_start(self->chat, request, &ask, on_event, state)    in the handler
 *     on_event BEGIN → head of the stream   TEXT → a frame            DONE → last frame, the end
 *              FAILURE → http->fail, or an error event when the stream has begun
 *
 * All functions are [loop].
 */
#ifndef KOINE_MODULE_CHAT_H
#define KOINE_MODULE_CHAT_H

#include <jansson.h>
#include <koine-module/body.h>
#include <koine-module/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a module has once ---------------------------------------------------------------- */

struct koine_chat;

/*
 * Reads the module's settings `models` (object: a client's name → the CLI's), `profile` ("auto", or
 * one of the config; auto is "bare" where credentials and key allow it), `tools` (array of rules:
 * the CLI's own tools that runs may use) and `max_conversations`; chat-settings.json is their JSON
 * Schema, installed in PREFIX/share/koine-gateway: bring it as config-schema.json. `module` is the
 * module's name. In init. NULL: `error` is filled.
 */
struct koine_chat *koine_chat_create(const struct koine_self *self, const char *module,
                                     struct koine_error *error);
void koine_chat_destroy(struct koine_chat *chat); /* takes NULL */

/* The CLI's name for a client's; none: nobody knows such a model. An alias of the operator's, or
 * what begins with "claude", or a short name of the CLI's ("opus", "sonnet", "haiku", also with
 * "[1m]"). Lives as long as the chat or as `name`. */
struct koine_text koine_chat_model(const struct koine_chat *chat, struct koine_text name);

/* The names of models that clients can be told of: aliases first, then the CLI's short names. NULL
 * past the end. */
const char *koine_chat_model_at(const struct koine_chat *chat, size_t index);

/* ---- what a client asks -------------------------------------------------------------------- */

/* How the model may use the client's tools. */
enum koine_chat_choice {
    KOINE_CHAT_TOOLS_AUTO = 0,
    KOINE_CHAT_TOOLS_NONE = 1,  /* not at all, although they are there */
    KOINE_CHAT_TOOLS_FORCED = 2 /* the answer is one use of `forced_tool` and nothing else */
};

/* What it points to lives until the request ends. Zero is always "not given". */
struct koine_chat_ask {
    /*
     * [{"role": "user" | "assistant", "content": a string or blocks}] with the blocks of the
     * Messages API: text, image, document, tool_use {id, name, input}, tool_result {tool_use_id,
     * content, is_error}, thinking, redacted_thinking. Names of tools are the client's. Messages of
     * one role in a row are one; empty texts and cache_control are left out.
     */
    const json_t *messages;
    struct koine_text system; /* none: the model gets no system prompt */
    const json_t *tools;      /* array of {name, description?, input_schema} or NULL */
    enum koine_chat_choice tool_choice;
    struct koine_text forced_tool;
    bool one_tool_at_a_time;  /* the client takes no parallel uses */
    struct koine_text schema; /* of koine_schema_prepare: the answer is JSON text that fits it; with
                                 KOINE_CHAT_TOOLS_FORCED the input schema of `forced_tool` */
    struct koine_text model;  /* of koine_chat_model */
    struct koine_text effort;
    uint32_t max_tokens;
    bool wants_thinking;
    bool streams; /* events are sent on as they come; else an object is told once it is whole */
};

/*
 * Why the messages are no conversation that can be gone on with, a sentence that begins with a verb
 * ("must …"), and `*index` of the message; NULL: they are one. Beginning and end, roles, and that
 * each use of a tool is followed by its result; what blocks of each type hold is the module's
 * affair.
 */
const char *koine_chat_problem(const json_t *messages, size_t *index);

/* Why the tools cannot be given to the model, as koine_chat_problem: names ([A-Za-z0-9_-]{1,64},
 * each once), input schemas (JSON objects of type "object"), at most 512. */
const char *koine_chat_tools_problem(const json_t *tools, size_t *index);

/* ---- what is answered ---------------------------------------------------------------------- */

enum koine_chat_type {
    KOINE_CHAT_BEGIN = 1,     /* model, usage so far: the model has begun; always before the rest */
    KOINE_CHAT_BLOCK = 2,     /* block, index, id, name, text: a block begins */
    KOINE_CHAT_TEXT = 3,      /* index, text: the next piece of a text block */
    KOINE_CHAT_THINKING = 4,  /* index, text: of a thinking block */
    KOINE_CHAT_SIGNATURE = 5, /* index, text: of a thinking block, behind its text */
    KOINE_CHAT_INPUT = 6,     /* index, text: the next piece of a tool's input, JSON */
    KOINE_CHAT_BLOCK_END = 7, /* block, index */
    KOINE_CHAT_DONE = 8,      /* model, usage, stop_reason; the last event */
    KOINE_CHAT_FAILURE = 9    /* failure; the last event, also before BEGIN */
};

enum koine_chat_block_kind {
    KOINE_CHAT_BLOCK_TEXT = 1,
    KOINE_CHAT_BLOCK_THINKING = 2,
    KOINE_CHAT_BLOCK_REDACTED = 3, /* text of BLOCK: the block's JSON, which is all of it */
    KOINE_CHAT_BLOCK_TOOL = 4      /* id "toolu_…", name as the client calls it */
};

/* Texts live until the callback returns. */
struct koine_chat_event {
    enum koine_chat_type type;
    enum koine_chat_block_kind block;
    uint32_t index; /* of the block in the answer, from 0 without gaps */
    struct koine_text text;
    struct koine_text id;
    struct koine_text name;
    struct koine_text model;       /* that answers */
    struct koine_text stop_reason; /* "end_turn", "tool_use", "max_tokens", "refusal" … */
    struct koine_usage usage;      /* of this answer alone */
    const struct koine_failure *failure;
};

/*
 * Receives the events of one answer. In DONE and FAILURE the module ends the request; after them,
 * or when the request has ended in another way, none comes. It must not start another chat of the
 * same request.
 */
typedef void (*koine_chat_callback)(void *data, const struct koine_chat_event *event);

/*
 * Answers what was asked: goes on with the run that waits, with the session that is known, or from
 * the history. Messages and tools must be without problem (see above). `data` lives until the
 * request ends. False: the request has been answered with a refusal, as http->fail does; no event
 * comes. Begins no stream: whoever streams does so at BEGIN, so that what fails before it can be
 * answered with its status. A stream of the request slows the CLI down where its client is slow.
 */
bool koine_chat_start(struct koine_chat *chat, koine_request request,
                      const struct koine_chat_ask *ask, koine_chat_callback on_event, void *data);

/* Counts what was asked without asking the model: one DONE with usage.input_tokens, or FAILURE.
 * Otherwise as koine_chat_start. */
bool koine_chat_count(struct koine_chat *chat, koine_request request,
                      const struct koine_chat_ask *ask, koine_chat_callback on_event, void *data);

/* The HTTP status that speaks for a failure as if the model's API had been asked without a gateway:
 * that of the API where it is the client's affair (400, 413, 429, 529), else the failure's own. */
uint16_t koine_chat_status(const struct koine_failure *failure);

/* ---- a whole answer ------------------------------------------------------------------------ */

/* A block of an answer that is not streamed. */
struct koine_chat_block {
    enum koine_chat_block_kind kind;
    struct koine_text text; /* of a text or thinking block; the JSON of a redacted one */
    struct koine_text signature;
    struct koine_text id;
    struct koine_text name;
    struct koine_text input; /* JSON object */
};

/* Collects the blocks of an answer in the memory of its request. Zeroed before. */
struct koine_chat_whole {
    struct koine_chat_block *blocks;
    size_t count;
    bool no_memory;
    struct koine_chat_pieces *pieces; /* not the module's */
};

void koine_chat_collect(struct koine_chat_whole *whole, const struct koine_self *self,
                        koine_request request, const struct koine_chat_event *event);

#ifdef __cplusplus
}
#endif
#endif
