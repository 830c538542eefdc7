/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a chat, shared by the files chat*.c and by nobody else. */
#ifndef MODULE_CHAT_INTERNAL_H
#define MODULE_CHAT_INTERNAL_H

#include "chat_digest.h"
#include <koine-module/chat.h>
#include <koine-module/json_text.h>
#include <string.h>

static inline struct koine_text chat_text_of(const char *string) { /* takes NULL */
    return (struct koine_text){string, string ? strlen(string) : 0};
}

static inline bool chat_text_is(struct koine_text text, const char *want) {
    return text.size == strlen(want) && memcmp(text.data, want, text.size) == 0;
}

enum { CHAT_ID_SIZE = 40 }; /* a session's UUID */

struct chat_memory;
struct chat_turn;

struct koine_chat {
    const struct koine_self *self;
    struct koine_text
        prefix; /* "mcp__NAME__": what the CLI calls a tool of the client's begins so */
    struct koine_text profile; /* none: auto */
    const char **models;       /* the names that clients are told of */
    size_t model_count;
    json_t *settings;
    struct koine_text *tools; /* rules of the CLI's own; texts are those of `settings` */
    size_t tool_count;
    struct chat_memory *memory;
};

/* ---- chat_messages.c: messages as the API and the CLI take them */

/* New reference: messages of one role in a row made one, contents made blocks, without empty texts
 * and cache_control. NULL: memory is short. */
json_t *chat_messages_normal(const json_t *messages);
/* Both of normal messages; malloc'd JSON text, NULL: memory is short. Of the history (all but the
 * last message) with the names that tools have to the CLI; of the prompt (the last one). */
char *chat_messages_history(const struct koine_chat *chat, const json_t *messages);
char *chat_messages_prompt(const json_t *messages);
/* Whether a use of a tool stands in them. */
bool chat_messages_use_tools(const json_t *messages);
/* What the MCP answer to a use of a tool is; false: it has content that MCP does not carry as it
 * is.
 * `*text` points into the block, `*content` is malloc'd. */
bool chat_messages_result(const json_t *tool_result, struct koine_text *text, char **content);

/* ---- chat_memory.c: what has been said, by its digest */

struct chat_entry {
    struct chat_digest said; /* the whole conversation so far */
    struct chat_turn *turn;  /* that waits for the results of tools; NULL: a session */
    char session_id[CHAT_ID_SIZE];
    struct chat_entry *next; /* in its bucket */
    struct chat_entry *older, *newer;
};

struct chat_memory *chat_memory_create(size_t limit);
void chat_memory_destroy(struct chat_memory *memory); /* takes NULL */
struct chat_entry *chat_memory_find(const struct chat_memory *memory,
                                    const struct chat_digest *said);
/* Replaces one of the same conversation, and forgets the oldest when there are too many; a turn is
 * told by its `entry`. NULL: memory is short, or nothing is to be remembered. */
struct chat_entry *chat_memory_add(struct chat_memory *memory, const struct chat_digest *said,
                                   struct chat_turn *turn, const char *session_id);
void chat_memory_forget(struct chat_memory *memory, struct chat_entry *entry);

/* ---- chat_turn.c: one answer, and the run that gives it */

/* A use of a tool by the model. */
struct chat_call {
    char *id;
    char *name;
    koine_call call;        /* id 0: the CLI has not called yet, or has its result */
    bool answered;          /* its result has gone to the CLI */
    struct koine_text text; /* the result, when it came before the call; malloc'd */
    char *content;
    bool is_error;
};

struct chat_turn {
    uint32_t magic;
    struct koine_chat *chat;
    koine_request request;
    koine_run run;
    koine_chat_callback on_event;
    void *data;

    struct koine_chat_ask ask; /* its texts: only while the request is the one that asked */
    json_t *messages;          /* normal */
    json_t *offered;           /* names of the client's tools, an object */
    char *forced_tool;         /* NULL: none */
    struct chat_digest said;   /* until the last message of the request */
    struct chat_digest heard;  /* of all messages of the request */
    struct chat_digest wishes; /* of all else that was asked for */
    struct chat_message_digest answer;
    bool knows_key;           /* false: nobody is known, nothing is remembered */
    bool with_session;        /* it goes on with one that was remembered */
    bool again;               /* that one is gone: once more, from the history */
    bool counts;              /* no answer but a count */
    struct chat_entry *entry; /* while it is parked */

    bool begun;                      /* BEGIN is told */
    bool message_open;               /* MESSAGE of a MESSAGE_BEGIN is still to come */
    bool done;                       /* DONE or FAILURE is told */
    bool cut;                        /* what was streamed of a use of a tool is not whole */
    enum koine_chat_block_kind open; /* the block that is being told; 0: none, or none to tell */
    uint32_t index;                  /* of the next block */
    bool object_told;                /* some of the object has been */
    struct koine_json_text input;    /* of the tool's block that is open */
    struct chat_call *calls;         /* told in this run, the last ones in this answer */
    size_t call_count;
    struct koine_usage usage;
    bool has_usage;
    char session_id[CHAT_ID_SIZE];
    char model[128];
    char stop_reason[64];
};

void chat_turn_on_event(void *data, const struct koine_run_event *event);
struct chat_turn *chat_turn_of(void *data);
void chat_turn_free(struct chat_turn *turn);
/* Ends its run; the turn is freed when that is over. */
void chat_turn_cancel(struct chat_turn *turn);
/* Makes it ready for an answer: the first one, or the next one of the same run. */
void chat_turn_begin(struct chat_turn *turn);

/* ---- chat_tell.c: what the client is told */

/* Nothing behind DONE and FAILURE. */
void chat_turn_tell(struct chat_turn *turn, struct koine_chat_event *event);
void chat_turn_fail(struct chat_turn *turn, const struct koine_failure *failure);
void chat_tell_short_of_memory(struct chat_turn *turn);
/* BEGIN, once; `usage` may be NULL. */
void chat_tell_begin(struct chat_turn *turn, const struct koine_usage *usage);
/* `event`: block, and what goes with its kind. */
void chat_tell_block(struct chat_turn *turn, struct koine_chat_event *event);
void chat_tell_piece(struct chat_turn *turn, enum koine_chat_type type, struct koine_text piece);
void chat_tell_block_end(struct chat_turn *turn); /* of the open block, if there is one */

/* ---- chat_object.c: the object of an answer with a schema */

bool chat_has_object(const struct chat_turn *turn);
void chat_object_begin(struct chat_turn *turn);
void chat_object_delta(struct chat_turn *turn, struct koine_text piece);
void chat_object_end(struct chat_turn *turn, struct koine_text object); /* all of it */

/* ---- chat_use.c: a use of a client's tool while the model writes it */

void chat_use_begin(struct chat_turn *turn, const struct koine_block *block);
void chat_use_piece(struct chat_turn *turn, struct koine_text piece); /* of its input */
void chat_use_end(struct chat_turn *turn); /* before chat_tell_block_end; sets `cut` */
/* After one that was cut: DONE where the model had no tokens left, else FAILURE. */
void chat_use_end_cut(struct chat_turn *turn, struct koine_text stop_reason);

/* ---- chat_tools.c: uses of the client's tools */

/* The name of a client's tool, from the one that the CLI has; none: it is not one that is offered.
 */
struct koine_text chat_tool_name(const struct chat_turn *turn, struct koine_text cli_name);
struct chat_call *chat_tool_add(struct chat_turn *turn, struct koine_text id,
                                struct koine_text name);
void chat_tool_forget_last(struct chat_turn *turn); /* it is not whole: nobody calls it */
void chat_tool_called(struct chat_turn *turn, const struct koine_tool_call *call);
/* Ends the answer when all of the message has come and the run waits. */
void chat_tools_conclude(struct chat_turn *turn);
/* Whether `results` (the last message, normal) answers all calls of the waiting turn, and nothing
 * else; then they are kept with the calls. */
bool chat_tools_take(struct chat_turn *turn, const json_t *results);
void chat_tools_drop(struct chat_turn *turn);       /* those that were kept and not handed on */
void chat_tools_answer(struct chat_turn *turn);     /* as far as the CLI has called */
bool chat_tools_open(const struct chat_turn *turn); /* whether a use that was told has no result */
void chat_tools_free(struct chat_turn *turn);

/* ---- chat_run.c */

/* Starts the run; from the history unless turn->with_session. KOINE_OK, or a refusal. */
int32_t chat_turn_run(struct chat_turn *turn, struct koine_failure *failure);

#endif
