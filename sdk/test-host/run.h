/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of the CLI as the module sees it, played from a script. Order of events, ends and refusals
 * are those of koine/runner.h.
 */
#ifndef TEST_HOST_RUN_H
#define TEST_HOST_RUN_H

#include "policy/session_id.h"
#include "test-host/answer.h"

struct call;

/* A tool that the model may use: one of the run, or one that the module offers to every run. */
struct run_tool {
    char *name;
    const struct koine_tool *offered; /* NULL: a tool of the run */
    bool is_alone;
};

/* A use of one that waits for its result. */
struct run_call {
    struct run_call *next;
    struct run *run;
    uint64_t handle;
    char *tool;
    json_t *expected; /* NULL: any */
};

/* The message that is being told to who wants blocks. */
struct run_message {
    bool open;       /* told to begin and not to end */
    int open_block;  /* likewise, by its index; -1: none */
    uint32_t blocks; /* told to begin */
    uint32_t tool_uses;
    bool object;   /* it holds one, which is a use of a tool to the CLI */
    char type[32]; /* of the last block */
};

enum { RUN_LENT = 16 };

/* Of runs whose script names none. */
#define KOINE_TEST_MODEL "test-model"

struct run {
    struct run *next;
    struct koine_test_host *host;
    uint64_t handle;
    struct koine_test_answer *request; /* NULL: parked, or released */
    const struct host_key *key;
    struct tool_policy *policy;
    koine_run_callback on_event;
    void *data;
    uint32_t flags; /* KOINE_RUN_… */
    bool wants_object;
    char session_id[SESSION_ID_SIZE], continued[SESSION_ID_SIZE];
    bool forks;

    json_t *steps;
    size_t at;
    uint32_t pause_ms; /* before the next step */
    struct timed turn, deadline;
    uint64_t started_ms;
    unsigned tool_uses;

    bool announced; /* SESSION has been delivered */
    bool concluded; /* RESULT or FAILURE has been, or nobody wants one */
    bool finished;  /* only END is left */
    bool over;      /* END is told */
    bool hangs;     /* the CLI says nothing more */
    bool user_paused, stream_full, parked;
    const char *reason; /* of END; constant */
    int exit_code;
    uint32_t signal;

    struct buffer text, object; /* what the steps have said */
    bool object_begun;
    struct run_message message;
    json_t *told_uses; /* ids of the uses of tools that were told as blocks */
    json_t *record;    /* what the module asked for; of the host */
    struct run_tool *tools;
    size_t tool_count;
    struct run_call *calls;
    json_t *called; /* by the step, or NULL; those from next_call on wait for the ones before */
    size_t next_call;
    char *lent[RUN_LENT]; /* texts of the event that is being delivered */
    size_t lent_sizes[RUN_LENT], lent_count;
};

/* run_start.c */
int32_t run_start(struct koine_test_answer *request, const struct koine_run_options *options,
                  koine_run_callback on_event, void *data, koine_run *handle,
                  struct koine_failure *failure);

/* Whether a run of the request could have the profile; none: the key's default. */
int32_t run_check_credentials(struct koine_test_answer *request, struct koine_text profile,
                              struct koine_failure *failure);

/* run.c */
/* A copy that is overwritten when the event has been delivered. */
struct koine_text run_lend(struct run *run, const char *data, size_t size);
void run_take_back(struct run *run); /* all copies: the event is over */
void run_emit(struct run *run, struct koine_run_event *event, const char *name);
void run_emit_text(struct run *run, uint32_t type, const char *name, const char *text, size_t size);
void run_fail(struct run *run, const struct koine_failure *failure);
void run_go_on(struct run *run); /* with the next step, in the next turn of the loop */
void run_end(struct run *run, const char *reason);
void run_timed_out(struct run *run, const char *what);
void run_release(struct run *run, const char *reason); /* its request has ended */
void run_shut_down(struct run *run, const struct koine_failure *failure);
void run_cancel(struct run *run, const char *reason);
void run_pause(struct run *run, bool paused);
void run_stream_full(struct run *run, bool full);
int32_t run_park(struct run *run, uint32_t timeout_ms);
int32_t run_adopt(struct run *run, struct koine_test_answer *request, koine_run_callback on_event,
                  void *data, struct koine_failure *failure);
void runs_drain(struct koine_test_host *host); /* ends the parked ones */
void run_free(struct run *run);

/* run_tools.c */
int32_t run_tools_prepare(struct run *run, const struct koine_run_options *options,
                          struct koine_failure *failure);
/* The model uses these, an array of steps; the CLI lets several be open only where all say so. */
void run_tools_call(struct run *run, json_t *calls);
bool run_tools_call_next(struct run *run); /* false: none is left */
/* Tells them as blocks of the message, unless they have been. */
void run_tools_tell(struct run *run, const json_t *calls);
int32_t run_tools_answer(const struct call *call, koine_call handle,
                         const struct koine_tool_result *result);
void run_tools_finish(struct run *run);

/* script.c */
json_t *script_next(struct koine_test_host *host); /* the steps of the next run; a reference */
/* Whether the script has start refuse; fills `failure`. */
bool script_refuses(const json_t *steps, struct koine_test_answer *request,
                    struct koine_failure *failure);
void script_step(struct run *run);

/* script_blocks.c: messages and blocks. What the script leaves out is begun and ended by itself. */
void blocks_begin_message(struct run *run, const json_t *value);
void blocks_end_message(struct run *run, const json_t *value); /* NULL: the open one, if any */
void blocks_text(struct run *run, const char *text, size_t size);
void blocks_thinking(struct run *run, const char *text, size_t size);
void blocks_object(struct run *run); /* an object is told otherwise */
void blocks_step(struct run *run, const json_t *value);
void blocks_whole_message(struct run *run, const json_t *value);
/* A use of a tool by its whole name. False: its block has been told before, or nobody wants it. */
bool blocks_use_begin(struct run *run, const char *id, const char *full_name);
void blocks_use_input(struct run *run, const json_t *use);
void blocks_use_end(struct run *run);

/* script_result.c: the steps that end a run. */
void script_result(struct run *run, const json_t *value); /* NULL: what the steps have said */
void script_failure(struct run *run, const json_t *value);
void script_crash(struct run *run, const json_t *value);
void script_read_usage(const json_t *value, struct koine_usage *usage);
/* Fills a failure from {"status":…,"code":…}; texts live as long as `value`. */
void script_read_failure(const json_t *value, struct koine_failure *failure, char **issues);
/* A member as text that lives as long as the event: a string as it is, all else as JSON. */
struct koine_text script_lend(struct run *run, const json_t *value, const char *name);

#endif
